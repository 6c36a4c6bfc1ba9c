from pathlib import Path

import pytest
import torch

from model.engines.network import MusicLSTM
from model.engines.numpy_engine import NumpyEngine
from model.memory.backoff import DEFAULT_BACKOFFS
from model.tokens.vocabulary import Vocabulary
from tests.music import exercise
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS, SHAPE
from train.corpus.corpora import Corpus, Line
from train.corpus.dataset import pieces_in_memory, transposing
from train.evaluation.baselines import Ppm, pieces_within
from train.evaluation.bits_per_note import PPM_ORDERS, engine_bits, held_out, held_out_figures, lines_within
from train.learning.loss import sum_bits

TUNES = [Line.of(Path("one.mid"), exercise()), Line.of(Path("other.mid"), exercise(70, key=65))]
NAMES = ["order 0", "order 1", "order 2", "order 3", "order 4", "unbounded"]


def network(words: Vocabulary) -> MusicLSTM:
    torch.manual_seed(1)
    return MusicLSTM(words.size, SHAPE).eval()


def corpus(name: str = "tunes", **sides: list[Line]) -> Corpus:
    made = Corpus(name, Path(name))
    for split in made.lines:
        made.lines[split] += sides.get(split, [])
    return made


def bits_of(trained: MusicLSTM, words: Vocabulary) -> float:
    return float(sum_bits(trained, pieces_in_memory(words, TUNES)).sum())


class TestHeldOut:
    def test_a_pitch_model_has_only_pitch_bits(self) -> None:
        trained = network(PITCH_WORDS)
        figures = held_out(trained, PITCH_WORDS, TUNES)
        assert (figures.notes, figures.time_bits) == (134, None)
        assert figures.pitch_bits == pytest.approx(bits_of(trained, PITCH_WORDS) / 134)

    def test_an_event_model_has_pitch_and_time_bits_apart(self) -> None:
        trained = network(EVENT_WORDS)
        figures = held_out(trained, EVENT_WORDS, TUNES)
        assert figures.time_bits is not None
        assert figures.pitch_bits + figures.time_bits == pytest.approx(bits_of(trained, EVENT_WORDS) / 134)
        # An untrained network gives all tokens about the same probability; 134 notes have 132 times between them.
        assert figures.time_bits / figures.pitch_bits == pytest.approx(132 / 134, rel=0.05)


@pytest.mark.parametrize("words", [PITCH_WORDS, EVENT_WORDS])
def test_stepping_as_a_jam_does_costs_what_the_network_costs(words: Vocabulary) -> None:
    trained = network(words)
    engine = NumpyEngine({name: value.numpy() for name, value in trained.state_dict().items()})
    figures = held_out(trained, words, TUNES)
    assert engine_bits(engine, words, TUNES) == pytest.approx(figures.pitch_bits + (figures.time_bits or 0.0), rel=1e-5)


class TestFiguresOfCorpora:
    @pytest.mark.parametrize("words", [PITCH_WORDS, EVENT_WORDS])
    def test_the_baselines_learn_from_the_same_transposed_copies(self, words: Vocabulary) -> None:
        tunes = corpus(train=TUNES[:1], test=TUNES[1:])
        (figures,) = held_out_figures(network(words), words, [tunes]).values()
        training_piece, test_piece = (pieces_in_memory(words, TUNES).piece(index) for index in range(2))
        model = Ppm(list(transposing(words)[:, training_piece]), words.size)
        costs = model.bits([test_piece], PPM_ORDERS)
        assert figures.ppm == {
            name: pytest.approx(sum(bits) / 70) for name, bits in zip(NAMES, costs.tolist(), strict=True)
        }
        # The test line is the training line a fourth away, so the token after two notes is nearly certain.
        assert figures.ppm["order 2"] < figures.ppm["order 0"]

    def test_a_baselines_bits_for_times_are_separate(self) -> None:
        tunes = corpus(train=TUNES[:1], test=TUNES[1:])
        (figures,) = held_out_figures(network(EVENT_WORDS), EVENT_WORDS, [tunes]).values()
        training_piece, test_piece = (pieces_in_memory(EVENT_WORDS, TUNES).piece(index) for index in range(2))
        model = Ppm(list(transposing(EVENT_WORDS)[:, training_piece]), EVENT_WORDS.size)
        by_token = model.bits_by_token([test_piece], PPM_ORDERS)
        times = by_token[:, EVENT_WORDS.first_time_token :].sum(axis=1) / 70
        assert figures.ppm_time == {name: pytest.approx(bits) for name, bits in zip(NAMES, times.tolist(), strict=True)}

    def test_a_pitch_model_has_no_ppm_bits_for_times(self) -> None:
        tunes = corpus(train=TUNES[:1], test=TUNES[1:])
        assert held_out_figures(network(PITCH_WORDS), PITCH_WORDS, [tunes])["tunes"].ppm_time == {}

    def test_baselines_learn_from_all_corpora_and_are_measured_on_each(self) -> None:
        one = corpus("one", train=TUNES[:1], test=TUNES[:1])
        other = corpus("other", train=TUNES[1:], test=TUNES[1:])
        trained = network(PITCH_WORDS)
        together = held_out_figures(trained, PITCH_WORDS, [one, other])
        assert list(together) == ["one", "other"]
        assert (together["one"].notes, together["other"].notes) == (64, 70)
        alone = held_out_figures(trained, PITCH_WORDS, [other])["other"]
        assert together["other"].pitch_bits == pytest.approx(alone.pitch_bits)
        assert together["other"].ppm != alone.ppm

    def test_a_corpus_with_nothing_on_that_side_is_left_out(self) -> None:
        tunes, empty = corpus(train=TUNES[:1], test=TUNES[1:]), corpus("empty", train=TUNES)
        trained = network(PITCH_WORDS)
        assert list(held_out_figures(trained, PITCH_WORDS, [tunes, empty])) == ["tunes"]
        assert held_out_figures(trained, PITCH_WORDS, [empty]) == {}

    @pytest.mark.parametrize("words", [PITCH_WORDS, EVENT_WORDS])
    def test_a_memory_predicts_a_repetitive_line_better(self, words: Vocabulary) -> None:
        tunes, trained = corpus(train=TUNES[:1], test=TUNES[1:]), network(words)
        (figures,) = held_out_figures(trained, words, [tunes], backoff=DEFAULT_BACKOFFS["event"]).values()
        assert figures.pitch_bits_with_memory is not None
        assert figures.pitch_bits_with_memory < figures.pitch_bits / 2
        assert (figures.time_bits_with_memory is None) == (words is PITCH_WORDS)
        assert (figures.time_bits_with_memory or 0.0) <= (figures.time_bits or 0.0) / 2

    def test_without_a_backoff_there_are_no_figures_with_memory(self) -> None:
        tunes = corpus(train=TUNES[:1], test=TUNES[1:])
        assert held_out_figures(network(PITCH_WORDS), PITCH_WORDS, [tunes])["tunes"].pitch_bits_with_memory is None

    def test_another_side_can_be_measured(self) -> None:
        tunes = corpus(train=TUNES[:1], valid=TUNES[1:])
        figures = held_out_figures(network(PITCH_WORDS), PITCH_WORDS, [tunes], "valid")
        assert figures["tunes"].notes == 70

    def test_the_baselines_learn_from_some_lines_where_all_are_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        trained = network(PITCH_WORDS)
        few = held_out_figures(trained, PITCH_WORDS, [corpus(train=TUNES[:1], test=TUNES[1:])])
        # Room for one of these lines in twelve keys, at two tokens per note.
        monkeypatch.setattr(
            "train.evaluation.bits_per_note.pieces_within", lambda lengths: pieces_within(lengths, 2 * 12 * 65)
        )
        assert held_out_figures(trained, PITCH_WORDS, [corpus(train=TUNES[:1] * 3, test=TUNES[1:])]) == few


def test_lines_within_a_number_of_notes_are_the_first_ones_and_at_least_one() -> None:
    lines = [Line.of(Path(f"{number}.mid"), exercise(64 + number)) for number in range(5)]
    assert lines_within(lines, sum(len(line) for line in lines[:3])) == lines[:3]
    assert lines_within(lines, 1) == lines[:1]
    assert not lines_within([], 1)
