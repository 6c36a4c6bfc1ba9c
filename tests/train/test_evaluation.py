from pathlib import Path

import pytest
import torch

from model.network import MusicLSTM
from model.numpy_engine import NumpyEngine
from model.vocabulary import Vocabulary
from tests.music import exercise
from tests.tiny_pack import SHAPE, VOCABULARIES
from train.baselines import Ppm
from train.corpus import Corpus, Line
from train.dataset import tokens_as_written, tokens_in_all_keys
from train.evaluation import PPM_ORDER, engine_bits, held_out, with_ppm
from train.trainer import sum_bits

TUNES = [Line(Path("one.mid"), tuple(exercise())), Line(Path("other.mid"), tuple(exercise(70, key=65)))]
PITCHES, EVENTS = VOCABULARIES["pitch"], VOCABULARIES["event"]


def network(size: int) -> MusicLSTM:
    torch.manual_seed(1)
    return MusicLSTM(size, SHAPE).eval()


class TestHeldOut:
    def test_a_pitch_model_has_pitch_bits_alone(self) -> None:
        trained = network(PITCHES.size)
        figures = held_out(trained, PITCHES, TUNES)
        assert (figures.notes, figures.time_bits) == (134, None)
        assert figures.pitch_bits == pytest.approx(sum_bits(trained, tokens_as_written(PITCHES, TUNES)).sum() / 134)

    def test_an_event_model_has_pitch_and_time_bits_apart(self) -> None:
        trained = network(EVENTS.size)
        figures = held_out(trained, EVENTS, TUNES)
        assert figures.time_bits is not None
        together = sum_bits(trained, tokens_as_written(EVENTS, TUNES)).sum() / 134
        assert figures.pitch_bits + figures.time_bits == pytest.approx(together)
        # An untrained network gives every token about the same; 134 notes have 132 times between them.
        assert figures.time_bits / figures.pitch_bits == pytest.approx(132 / 134, rel=0.05)


@pytest.mark.parametrize("words", [PITCHES, EVENTS])
def test_stepping_as_a_jam_does_costs_what_the_network_costs(words: Vocabulary) -> None:
    trained = network(words.size)
    engine = NumpyEngine({name: value.numpy() for name, value in trained.state_dict().items()})
    figures = held_out(trained, words, TUNES)
    assert engine_bits(engine, words, TUNES) == pytest.approx(figures.pitch_bits + (figures.time_bits or 0.0), rel=1e-5)


def test_the_baselines_learn_from_the_same_transposed_copies() -> None:
    tunes, empty = Corpus("tunes"), Corpus("empty")
    tunes.lines["test"].append(TUNES[1])
    figures = with_ppm(PITCHES, TUNES[:1], [tunes, empty])
    model = Ppm(PPM_ORDER, PITCHES.size)
    for key in tokens_in_all_keys(PITCHES, TUNES[:1])[0]:
        model.learn(key.tolist())
    by_order = model.bits(tokens_as_written(PITCHES, TUNES[1:])[0].tolist())
    assert figures == {
        "tunes": {f"order {order}": pytest.approx(sum(costs) / 70) for order, costs in enumerate(by_order)}
    }
    # The line goes on as it did in training, a fourth away: what follows two notes is nearly certain.
    assert figures["tunes"]["order 2"] < 1.0 < figures["tunes"]["order 0"]
