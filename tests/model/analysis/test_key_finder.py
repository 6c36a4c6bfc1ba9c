import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.analysis.key_finder import TEMPERLEY, KeyFinder, _centred_profiles, key_from_weights
from model.analysis.scale import TONICS, Key
from model.notes import Note
from tests.music import line

C_SCALE = (60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62, 60, 60)
MAJOR_SCALE, HARMONIC_MINOR_SCALE = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11)
WEIGHTS = st.lists(st.integers(0, 400), min_size=12, max_size=12).filter(lambda weights: len(set(weights)) > 1)


def weights_of_scale(scale: tuple[int, ...], tonic: int) -> list[float]:
    """Pitch-class weights where each note of a scale lasts a beat, and the tonic and the fifth last two."""
    weights = [0.0] * 12
    for step in scale:
        weights[(tonic + step) % 12] = 2.0 if step in {0, 7} else 1.0
    return weights


@pytest.mark.parametrize("tonic", range(12), ids=TONICS)
def test_a_scale_with_its_tonic_and_fifth_longest_is_in_its_key(tonic: int) -> None:
    assert key_from_weights(weights_of_scale(MAJOR_SCALE, tonic)) == Key(tonic, "major")
    assert key_from_weights(weights_of_scale(HARMONIC_MINOR_SCALE, tonic)) == Key(tonic, "minor")


@pytest.mark.parametrize("weight", [0.0, 1.0, 1 / 3, 1234567.1])
def test_equal_weights_have_no_key(weight: float) -> None:
    assert key_from_weights([weight] * 12) is None
    assert key_from_weights(np.full(12, weight, np.float32)) is None


@given(WEIGHTS, st.integers(0, 11))
def test_a_transposed_copy_is_in_the_transposed_key(weights: list[int], semitones: int) -> None:
    home, away = key_from_weights(weights), key_from_weights(np.roll(weights, semitones))
    assert home is not None
    assert away is not None
    if not _is_a_tie(weights):
        assert away == Key((home.tonic + semitones) % 12, home.mode)


@given(WEIGHTS, st.integers(1, 50))
def test_scaling_the_weights_does_not_change_the_key(weights: list[int], times: int) -> None:
    if not _is_a_tie(weights):
        assert (
            key_from_weights(weights)
            == key_from_weights(np.array(weights) * times)
            == key_from_weights(np.array(weights) + times)
        )


def _is_a_tie(weights: list[int]) -> bool:
    """Whether two keys fit equally well, as with a tritone."""
    second, first = np.sort(_centred_profiles(TEMPERLEY) @ (np.array(weights) - np.mean(weights)))[-2:]
    return bool(first - second < 1e-6)


def keys_after_each_note(finder: KeyFinder, notes: list[Note]) -> list[Key | None]:
    """The key after each note."""
    keys = []
    for note in notes:
        finder.hear(note.pitch, note.duration_beats, note.onset_beats)
        keys.append(finder.key)
    return keys


def transposed(pitches: tuple[int, ...], semitones: int) -> tuple[int, ...]:
    return tuple(pitch + semitones for pitch in pitches)


class TestKeyFinder:
    def test_before_anything_is_heard_there_is_no_key(self) -> None:
        assert KeyFinder().key is None

    def test_after_a_few_notes_that_many_keys_share_there_is_no_key(self) -> None:
        assert keys_after_each_note(KeyFinder(), line(67, 69, 67, 69))[-1] is None

    @pytest.mark.parametrize("semitones", range(12), ids=TONICS)
    def test_a_scale_up_and_down_is_in_its_key(self, semitones: int) -> None:
        assert keys_after_each_note(KeyFinder(), line(*transposed(C_SCALE, semitones)))[-1] == Key(semitones, "major")

    def test_a_minor_tune_is_in_minor(self) -> None:
        tune = line(69, 71, 72, 71, 69, 68, 69, 76, 74, 72, 71, 72, 69, 68, 71, 69)
        assert keys_after_each_note(KeyFinder(), tune)[-1] == Key(9, "minor")

    def test_a_single_note_does_not_change_the_key(self) -> None:
        for foreign in range(12):
            finder = KeyFinder()
            keys_after_each_note(finder, line(*C_SCALE * 2))
            keys = keys_after_each_note(finder, line(60 + foreign, 64, 67, 72, start_beats=16.0))
            assert set(keys) == {Key(0, "major")}

    def test_a_single_note_held_for_eight_bars_does_not_change_the_key(self) -> None:
        finder = KeyFinder()
        keys_after_each_note(finder, line(*C_SCALE * 2))
        finder.hear(66, 32.0, 16.0)
        assert finder.key == Key(0, "major")

    def test_chromatic_passing_notes_do_not_change_the_key(self) -> None:
        finder = KeyFinder()
        keys_after_each_note(finder, line(*C_SCALE * 2))
        keys = keys_after_each_note(finder, line(60, 61, 62, 63, 64, 65, 66, 67, 67, 64, 60, 60, start_beats=16.0))
        assert set(keys) == {Key(0, "major")}

    @pytest.mark.parametrize(("semitones", "bars"), [(1, 2), (6, 2), (4, 3), (3, 3), (2, 4), (5, 6), (7, 8)])
    def test_the_more_notes_a_new_key_has_of_its_own_the_sooner_it_is_followed(self, semitones: int, bars: int) -> None:
        finder = KeyFinder()
        keys_after_each_note(finder, line(*C_SCALE * 8))
        keys = keys_after_each_note(finder, line(*transposed(C_SCALE, semitones) * 4, start_beats=64.0))
        assert keys.index(Key(semitones, "major")) < 8 * bars
        assert keys[-1] == Key(semitones, "major")

    def test_silence_does_not_change_the_key(self) -> None:
        finder = KeyFinder()
        keys_after_each_note(finder, line(*C_SCALE * 2))
        assert keys_after_each_note(finder, line(66, 67, start_beats=10_000.0)) == [Key(0, "major")] * 2

    def test_beats_that_run_backwards_count_as_no_time(self) -> None:
        finder = KeyFinder()
        keys_after_each_note(finder, line(*C_SCALE * 2, start_beats=100.0))
        assert keys_after_each_note(finder, line(62, 64)) == [Key(0, "major")] * 2

    def test_a_note_without_duration_is_no_evidence(self) -> None:
        finder = KeyFinder()
        keys_after_each_note(finder, line(*C_SCALE))
        for _ in range(200):
            finder.hear(66, 0.0, 8.0)
        assert finder.key == Key(0, "major")

    def test_forget_removes_the_key(self) -> None:
        finder = KeyFinder()
        keys_after_each_note(finder, line(*C_SCALE))
        finder.forget()
        assert finder.key is None
        assert keys_after_each_note(finder, line(*transposed(C_SCALE, 6)))[-1] == Key(6, "major")

    @given(
        st.lists(st.tuples(st.integers(0, 115), st.floats(0, 8), st.floats(-10, 1e6)), max_size=60), st.integers(0, 11)
    )
    def test_a_transposed_line_gives_the_transposed_probabilities(
        self, notes: list[tuple[int, float, float]], semitones: int
    ) -> None:
        home, away = KeyFinder(), KeyFinder()
        for pitch, duration_beats, at_beat in notes:
            home.hear(pitch, duration_beats, at_beat)
            away.hear(pitch + semitones, duration_beats, at_beat)
        moved = np.roll(home._probabilities.reshape(2, 12), semitones, axis=1).reshape(24)
        assert away._probabilities == pytest.approx(moved)

    @given(st.lists(st.tuples(st.integers(0, 127), st.floats(0, 1e6), st.floats(-10, 1e6)), min_size=60, max_size=60))
    def test_the_probabilities_stay_valid_for_any_line(self, notes: list[tuple[int, float, float]]) -> None:
        finder = KeyFinder()
        for note in notes:
            finder.hear(*note)
        assert np.isfinite(finder._probabilities).all()
        assert finder._probabilities.sum() == pytest.approx(1.0)
