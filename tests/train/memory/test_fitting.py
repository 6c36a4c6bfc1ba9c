import numpy as np
import pytest

from model.memory.backoff import DEFAULT_BACKOFFS, Backoff
from model.memory.memory import Memory
from tests.tiny_pack import PITCH_WORDS
from train.memory.fitting import fit_backoff
from train.memory.forecasts import LineEvidence, LineForecast, bits_with_memory, collect_evidence
from train.memory.refit import corpus_weights

DEFAULT = DEFAULT_BACKOFFS["pitch"]
SIZE = PITCH_WORDS.size


def uniform_forecast(tokens: list[int]) -> LineForecast:
    return LineForecast(np.array([0, *tokens]), len(tokens), np.full((len(tokens), SIZE), 1 / SIZE, np.float32))


def noise(length: int, random_seed: int = 0) -> list[int]:
    tokens: list[int] = np.random.default_rng(random_seed).integers(1, SIZE, length).tolist()
    return tokens


LOOP = uniform_forecast([5, 9, 12, 10, 7, 3] * 30)
NOISE = uniform_forecast(noise(300))


def evidence(*lines: LineForecast) -> list[LineEvidence]:
    memory = Memory(PITCH_WORDS, DEFAULT)
    return [collect_evidence(memory, line) for line in lines]


def bits(backoff: Backoff, line: LineForecast) -> float:
    return float(bits_with_memory(Memory(PITCH_WORDS, backoff), line).mean())


class TestFit:
    def test_for_repetitive_lines_the_memory_is_trusted_more(self) -> None:
        fitted = fit_backoff([evidence(LOOP)], DEFAULT)
        assert bits(fitted, LOOP) < bits(DEFAULT, LOOP)
        assert sum(fitted.notes.concentrations) < sum(DEFAULT.notes.concentrations)

    def test_for_random_lines_the_memory_is_trusted_less(self) -> None:
        fitted = fit_backoff([evidence(NOISE)], DEFAULT)
        assert bits(fitted, uniform_forecast(noise(300, 1))) < bits(DEFAULT, uniform_forecast(noise(300, 1)))

    def test_each_corpus_has_the_same_weight(self) -> None:
        one = fit_backoff([evidence(LOOP), evidence(NOISE)], DEFAULT)
        other = fit_backoff([evidence(LOOP), evidence(NOISE, NOISE, NOISE)], DEFAULT)
        # They differ only by the prior, which is weaker when there are more lines.
        assert bits(one, LOOP) == pytest.approx(bits(other, LOOP), rel=0.05)
        assert bits(one, NOISE) == pytest.approx(bits(other, NOISE), rel=0.05)

    def test_a_corpus_of_more_weight_is_predicted_better(self) -> None:
        corpora = [evidence(LOOP), evidence(NOISE)]
        loop_first, noise_first = (fit_backoff(corpora, DEFAULT, weights) for weights in ([9.0, 1.0], [1.0, 9.0]))
        assert bits(loop_first, LOOP) < bits(noise_first, LOOP)
        assert bits(loop_first, NOISE) > bits(noise_first, NOISE)

    def test_a_line_of_a_few_notes_changes_little(self) -> None:
        fitted = fit_backoff([evidence(uniform_forecast([5, 9, 5, 9, 5]))], DEFAULT)
        assert fitted.notes.concentrations == pytest.approx(DEFAULT.notes.concentrations, rel=2.0)
        assert fitted != DEFAULT

    @pytest.mark.parametrize("nothing", [[], [[]], [[], []]])
    def test_with_nothing_held_out_it_is_the_default(self, nothing: list[list[LineEvidence]]) -> None:
        assert fit_backoff(nothing, DEFAULT) == DEFAULT

    def test_the_same_lines_give_the_same_figures(self) -> None:
        assert fit_backoff([evidence(LOOP)], DEFAULT) == fit_backoff([evidence(LOOP)], DEFAULT)


def test_the_corpora_of_a_pack_weigh_as_much_as_those_of_the_pack_that_it_went_on_from() -> None:
    assert corpus_weights(["rock", "folk", "songs"], {"rock"}) == [1.0, 0.5, 0.5]
    assert corpus_weights(["folk", "songs"], {"folk", "songs"}) == corpus_weights(["folk", "songs"], ()) == [1.0, 1.0]
