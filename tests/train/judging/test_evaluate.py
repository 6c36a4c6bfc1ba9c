from pathlib import Path

import pytest

from model.approach import APPROACHES
from model.improvising.sampling_settings import SamplingSettings
from model.pack.pack import Pack, open_pack
from tests.music import exercise, tune
from train.corpus.corpora import Corpus, Line
from train.errors import CorpusError
from train.judging.evaluate import ANSWER_BARS, ANSWERS, Evaluation, evaluate

TASTE = SamplingSettings()


@pytest.fixture(scope="module")
def pack(tiny_pack: Path) -> Pack:
    return open_pack(str(tiny_pack))


@pytest.fixture(scope="module")
def corpora() -> list[Corpus]:
    tunes, songs = Corpus("tunes", Path("tunes")), Corpus("songs", Path("songs"))
    tunes.lines["train"] += [Line.of(Path(f"{number}.mid"), tune(number)) for number in range(4)]
    tunes.lines["test"].append(Line.of(Path("test.mid"), tune(9)))
    songs.lines["train"].append(Line.of(Path("song.mid"), exercise(100)))
    return [tunes, songs]


@pytest.fixture(scope="module")
def found(pack: Pack, corpora: list[Corpus]) -> Evaluation:
    return evaluate(pack, corpora, "test", TASTE)


def test_each_approach_is_measured_on_every_corpus_that_has_something_on_the_side(found: Evaluation) -> None:
    assert (found.pack, found.split) == ("tiny", "test")
    for approach in APPROACHES:
        assert list(found.held_out[approach]) == ["tunes"]
        figures = found.held_out[approach]["tunes"]
        assert (figures.time_bits is None) == (approach == "pitch")
        assert {"order 0", "order 1", "order 2", "unbounded"} <= set(figures.ppm)


def test_ppm_learns_from_the_training_side_of_all_corpora(pack: Pack, corpora: list[Corpus], found: Evaluation) -> None:
    without_songs = evaluate(pack, corpora[:1], "test", TASTE)
    assert without_songs.held_out["pitch"]["tunes"].pitch_bits == found.held_out["pitch"]["tunes"].pitch_bits
    assert without_songs.held_out["pitch"]["tunes"].ppm != found.held_out["pitch"]["tunes"].ppm


def test_what_it_plays_stands_beside_excerpts_as_long_as_its_answers(found: Evaluation) -> None:
    assert found.real.excerpt_beats == 4 * ANSWER_BARS
    for approach in APPROACHES:
        assert set(found.real.quartiles) <= set(found.played[approach].measures)
        assert found.played[approach].copying.ngrams[8] > 0


def test_it_answers_lines_from_all_over_the_side(pack: Pack) -> None:
    many = Corpus("many", Path("many"))
    many.lines["train"].append(Line.of(Path("one.mid"), tune(0)))
    many.lines["test"] += [Line.of(Path(f"{number}.mid"), tune(number)) for number in range(ANSWERS + 8)]
    few = Corpus("few", Path("few"))
    few.lines["train"], few.lines["test"] = many.lines["train"], many.lines["test"][:1]
    played = [evaluate(pack, [corpus], "test", TASTE).played["pitch"].copying.ngrams[8] for corpus in (few, many)]
    assert played[1] == ANSWERS * played[0]


def test_the_same_arguments_give_the_same_figures(pack: Pack, corpora: list[Corpus], found: Evaluation) -> None:
    again = evaluate(pack, corpora, "test", TASTE)
    for approach in APPROACHES:
        assert again.played[approach].measures == found.played[approach].measures
        assert again.played[approach].copying == found.played[approach].copying
    assert again.held_out == found.held_out


def test_another_random_seed_plays_something_else(pack: Pack, corpora: list[Corpus], found: Evaluation) -> None:
    other = evaluate(pack, corpora, "test", TASTE, random_seed=1)
    assert other.held_out == found.held_out
    assert other.played["event"].measures != found.played["event"].measures


def test_a_side_with_nothing_on_it_is_told(pack: Pack, corpora: list[Corpus]) -> None:
    with pytest.raises(CorpusError) as raised:
        evaluate(pack, corpora, "valid", TASTE)
    assert str(raised.value) == (
        "no file falls to the valid side of the split; choose another --split, or give it more files"
    )
