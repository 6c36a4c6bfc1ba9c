import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.key import _PROFILES, key_of
from model.scale import TONICS, Key

MAJOR_SCALE, HARMONIC_MINOR_SCALE = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11)
WEIGHTS = st.lists(st.integers(0, 400), min_size=12, max_size=12).filter(lambda weights: len(set(weights)) > 1)


def sounding(scale: tuple[int, ...], tonic: int) -> list[float]:
    """Each note of a scale for a beat, the tonic and its fifth for two."""
    weights = [0.0] * 12
    for step in scale:
        weights[(tonic + step) % 12] = 2.0 if step in {0, 7} else 1.0
    return weights


@pytest.mark.parametrize("tonic", range(12), ids=TONICS)
def test_a_scale_with_its_tonic_and_fifth_longest_is_in_its_key(tonic: int) -> None:
    assert key_of(sounding(MAJOR_SCALE, tonic)) == Key(tonic, "major")
    assert key_of(sounding(HARMONIC_MINOR_SCALE, tonic)) == Key(tonic, "minor")


@pytest.mark.parametrize("weight", [0.0, 1.0, 1 / 3, 1234567.1])
def test_music_of_all_notes_alike_is_in_no_key(weight: float) -> None:
    assert key_of([weight] * 12) is None
    assert key_of(np.full(12, weight, np.float32)) is None


@given(WEIGHTS, st.integers(0, 11))
def test_a_transposed_copy_is_in_the_transposed_key(weights: list[int], semitones: int) -> None:
    home, away = key_of(weights), key_of(np.roll(weights, semitones))
    assert home is not None
    assert away is not None
    if not _is_a_tie(weights):
        assert away == Key((home.tonic + semitones) % 12, home.mode)


@given(WEIGHTS, st.integers(1, 50))
def test_neither_length_nor_silence_changes_the_key(weights: list[int], times: int) -> None:
    if not _is_a_tie(weights):
        assert key_of(weights) == key_of(np.array(weights) * times) == key_of(np.array(weights) + times)


def _is_a_tie(weights: list[int]) -> bool:
    """Whether the music is, say, a tritone, which two keys have alike."""
    second, first = np.sort(_PROFILES @ (np.array(weights) - np.mean(weights)))[-2:]
    return bool(first - second < 1e-6)
