from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.memory.backoff import DEFAULT_BACKOFFS, Backoff
from model.tokens.vocabulary import EventVocabulary, Vocabulary
from tests.music import exercise, tune
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS
from tests.train.memory.test_forecasts import BOTH_VOCABULARIES, network
from train.corpus.corpora import Line
from train.corpus.dataset import pieces_in_memory
from train.learning.loss import sum_bits
from train.memory.forecasts import bits_with_memory_by_token, forecast_lines
from train.memory.remembered import remember_lines

LINES = [Line.of(Path("tune.mid"), tune(3, 90)), *(Line.of(Path(f"{n}.mid"), exercise(n)) for n in (70, 64, 65))]


def backoff_of(vocabulary: Vocabulary) -> Backoff:
    return DEFAULT_BACKOFFS["event" if isinstance(vocabulary, EventVocabulary) else "pitch"]


@BOTH_VOCABULARIES
def test_the_loss_beside_a_memory_is_that_of_the_mixed_forecast(vocabulary: EventVocabulary) -> None:
    trained, backoff = network(vocabulary), backoff_of(vocabulary)
    mixed = bits_with_memory_by_token(vocabulary, backoff, forecast_lines(trained, vocabulary, LINES))
    remembered = remember_lines(vocabulary, backoff, LINES)
    bits = sum_bits(trained, pieces_in_memory(vocabulary, LINES), remembered=remembered)
    assert bits == pytest.approx(mixed, rel=1e-4)
    assert bits.sum() < 0.9 * sum_bits(trained, pieces_in_memory(vocabulary, LINES)).sum()


def test_a_memory_forecasts_the_same_in_any_key() -> None:
    low, high = (
        remember_lines(
            EVENT_WORDS,
            backoff_of(EVENT_WORDS),
            [Line.of(Path("tune.mid"), [replace(note, pitch=note.pitch + semitones) for note in exercise(63)])],
        )[0]
        for semitones in (0, 3)
    )
    assert np.array_equal(low.left, high.left)
    assert np.array_equal(low.expected, high.expected)


def test_nothing_is_remembered_before_the_first_note() -> None:
    (line,) = remember_lines(PITCH_WORDS, backoff_of(PITCH_WORDS), LINES[:1])
    assert line.left[0] == 1.0
    assert line.expected[0] == 0.0


def test_no_lines_have_nothing_remembered() -> None:
    assert remember_lines(PITCH_WORDS, backoff_of(PITCH_WORDS), []) == []
