from pathlib import Path

import pytest

from model.analysis.scale import Key
from tests.music import exercise, tune, write_part
from train.corpus.corpora import Corpus, Line
from train.errors import CorpusError
from train.judge.exchanges import MAX_OF_A_PIECE, held_out_exchanges


def corpus_of(folder: Path, name: str = "tunes", pieces: int = 2, length: int = 128, side: str = "test") -> Corpus:
    corpus = Corpus(name, folder)
    for number in range(pieces):
        file = write_part(folder / f"{name}{number}.mid", exercise(length, key=60 + number))
        corpus.lines[side].append(Line.of(file, exercise(length)))  # type: ignore[index]  # a side's name
    return corpus


class TestExchanges:
    def test_an_exchange_is_some_bars_and_the_bars_that_follow(self, tmp_path: Path) -> None:
        first, *_ = held_out_exchanges([corpus_of(tmp_path)], "test", bars=4, count=1)
        assert (first.start_beats, first.until_beats) == (16.0, 32.0)
        assert first.seed.notes[0].onset_beats == 0.0
        assert max(note.onset_beats for note in first.seed.notes) < 16.0 <= first.continuation[0].onset_beats
        assert max(note.onset_beats for note in first.continuation) < 32.0

    def test_seed_and_continuation_are_the_pieces_own_notes(self, tmp_path: Path) -> None:
        corpus = corpus_of(tmp_path, pieces=1, length=48)
        (only,) = held_out_exchanges([corpus], "test", bars=4, count=9)
        both = [note.pitch for note in (*only.seed.notes, *only.continuation)]
        assert both == [note.pitch for note in exercise(48)]
        assert only.key == Key(0, "major")

    def test_notes_that_sound_past_a_half_are_cut_off_there(self, tmp_path: Path) -> None:
        for exchange in held_out_exchanges([corpus_of(tmp_path)], "test", bars=3, count=9):
            assert exchange.seed.end_beats <= exchange.start_beats
            assert max(note.end_beats for note in exchange.continuation) <= exchange.until_beats

    def test_one_of_each_piece_comes_before_a_second_of_any(self, tmp_path: Path) -> None:
        exchanges = held_out_exchanges([corpus_of(tmp_path, pieces=3, length=400)], "test", bars=4, count=5)
        assert {exchange.piece for exchange in exchanges[:3]} == {"tunes0", "tunes1", "tunes2"}

    def test_no_piece_gives_more_than_a_few(self, tmp_path: Path) -> None:
        corpus = corpus_of(tmp_path, pieces=1, length=900)
        assert len(held_out_exchanges([corpus], "test", bars=2, count=99)) == MAX_OF_A_PIECE

    def test_each_corpus_gives_as_many_as_the_others_while_it_can(self, tmp_path: Path) -> None:
        large, small = corpus_of(tmp_path, "large", 4, 400), corpus_of(tmp_path, "small", 1, 96)
        exchanges = held_out_exchanges([large, small], "test", bars=4, count=4)
        assert [exchange.corpus for exchange in exchanges[:4:2]] == ["large", "large"]
        assert [exchange.corpus for exchange in exchanges].count("small") == 2

    def test_the_training_side_counts_only_where_the_pack_never_saw_the_corpus(self, tmp_path: Path) -> None:
        corpus = corpus_of(tmp_path, side="train")
        assert held_out_exchanges([corpus], "test", bars=4, count=9, trained_on={"other"})
        with pytest.raises(CorpusError, match=r"^no test file has 8 bars in one meter with 8 notes in either half"):
            held_out_exchanges([corpus], "test", bars=4, count=9, trained_on={"tunes"})

    def test_the_same_arguments_give_the_same_exchanges(self, tmp_path: Path) -> None:
        corpus = Corpus("tunes", tmp_path)
        for number in range(4):
            file = write_part(tmp_path / f"{number}.mid", tune(number, 120))
            corpus.lines["test"].append(Line.of(file, tune(number, 120)))
        assert held_out_exchanges([corpus], "test", 4, 6) == held_out_exchanges([corpus], "test", 4, 6)
