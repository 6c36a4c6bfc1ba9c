import numpy as np
import pytest

from model.memory.backoff import DEFAULT_BACKOFFS, Backoff
from model.memory.memory import Memory
from tests.tiny_pack import PITCH_WORDS
from train.memory.fitting import fitted_backoff
from train.memory.foretelling import Evidence, Foretold, evidence_of, remembered_bits

USUAL = DEFAULT_BACKOFFS["pitch"]
SIZE = PITCH_WORDS.size


def blind(tokens: list[int]) -> Foretold:
    return Foretold(np.array([0, *tokens]), len(tokens), np.full((len(tokens), SIZE), 1 / SIZE, np.float32))


def noise(length: int, random_seed: int = 0) -> list[int]:
    tokens: list[int] = np.random.default_rng(random_seed).integers(1, SIZE, length).tolist()
    return tokens


LOOP = blind([5, 9, 12, 10, 7, 3] * 30)
NOISE = blind(noise(300))


def evidence(*lines: Foretold) -> list[Evidence]:
    memory = Memory(PITCH_WORDS, USUAL)
    return [evidence_of(memory, line) for line in lines]


def bits(backoff: Backoff, line: Foretold) -> float:
    return float(remembered_bits(Memory(PITCH_WORDS, backoff), line).mean())


class TestFit:
    def test_lines_that_repeat_themselves_are_trusted_more(self) -> None:
        fitted = fitted_backoff([evidence(LOOP)], USUAL)
        assert bits(fitted, LOOP) < bits(USUAL, LOOP)
        assert sum(fitted.concentrations) < sum(USUAL.concentrations)

    def test_lines_without_any_order_are_trusted_less(self) -> None:
        fitted = fitted_backoff([evidence(NOISE)], USUAL)
        assert bits(fitted, blind(noise(300, 1))) < bits(USUAL, blind(noise(300, 1)))

    def test_each_corpus_counts_alike(self) -> None:
        one = fitted_backoff([evidence(LOOP), evidence(NOISE)], USUAL)
        other = fitted_backoff([evidence(LOOP), evidence(NOISE, NOISE, NOISE)], USUAL)
        # All but the draw to the usual, which is weaker beside more lines.
        assert bits(one, LOOP) == pytest.approx(bits(other, LOOP), rel=0.05)
        assert bits(one, NOISE) == pytest.approx(bits(other, NOISE), rel=0.05)

    def test_a_line_of_a_few_notes_moves_little(self) -> None:
        fitted = fitted_backoff([evidence(blind([5, 9, 5, 9, 5]))], USUAL)
        assert fitted.concentrations == pytest.approx(USUAL.concentrations, rel=2.0)
        assert fitted != USUAL

    @pytest.mark.parametrize("nothing", [[], [[]], [[], []]])
    def test_where_nothing_is_held_out_it_is_the_usual(self, nothing: list[list[Evidence]]) -> None:
        assert fitted_backoff(nothing, USUAL) == USUAL

    def test_the_same_lines_give_the_same_figures(self) -> None:
        assert fitted_backoff([evidence(LOOP)], USUAL) == fitted_backoff([evidence(LOOP)], USUAL)
