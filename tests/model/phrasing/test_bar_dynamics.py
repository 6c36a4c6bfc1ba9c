import pytest

from model.analysis.bars import COMMON_BARS
from model.notes import Note
from model.phrasing.bar_dynamics import BarDynamics
from model.phrasing.touch import HeardPhrase, NotePlace, learn_touch

# One bar with a loud first beat, then one with a loud third.
TWO_BARS = [Note(60, float(beat), 1.0, 100 if beat in {0, 6} else 60) for beat in range(8)]
CHANCES = [index / 20 for index in range(20)]


def heard_at(dynamics: BarDynamics, onset_beats: float, pitch: int = 60) -> float | None:
    return dynamics.above_mean(COMMON_BARS, onset_beats, COMMON_BARS.place(onset_beats), pitch)


def above_mean(onset_beats: float, pitch: int = 60) -> float | None:
    return heard_at(BarDynamics.of(TWO_BARS, COMMON_BARS, 70.0), onset_beats, pitch)


class TestBarDynamics:
    @pytest.mark.parametrize(
        ("onset_beats", "above"), [(8.0, 30.0), (10.0, -10.0), (12.0, -10.0), (14.0, 30.0), (16.0, 30.0)]
    )
    def test_the_bars_of_a_phrase_come_back_in_turn(self, onset_beats: float, above: float) -> None:
        assert above_mean(onset_beats) == above

    def test_where_the_bar_has_no_note_nothing_is_known(self) -> None:
        assert above_mean(8.5) is None

    @pytest.mark.parametrize("late_beats", [-0.08, 0.08])
    def test_a_note_a_little_off_its_place_is_at_that_place(self, late_beats: float) -> None:
        assert above_mean(14.0 + late_beats) == 30.0

    def test_a_note_before_the_bar_line_belongs_to_the_bar_after_it(self) -> None:
        assert above_mean(15.95) == 30.0

    def test_of_a_chord_the_note_that_is_nearest_in_pitch_counts(self) -> None:
        chord = [Note(48, 0.0, 1.0, 50), Note(72, 0.0, 1.0, 90)]
        dynamics = BarDynamics.of(chord, COMMON_BARS, 70.0)
        assert heard_at(dynamics, 4.0, 50) == -20.0
        assert heard_at(dynamics, 4.0, 70) == 20.0

    def test_accents_on_thirty_seconds_are_told_apart(self) -> None:
        notes = [Note(60, index / 8, 0.125, 61 if index % 2 else 104) for index in range(32)]
        dynamics = BarDynamics.of(notes, COMMON_BARS, 80.0)
        assert [heard_at(dynamics, 4.0 + index / 8, 60) for index in range(4)] == [
            24.0,
            -19.0,
            24.0,
            -19.0,
        ]

    def test_without_bars_there_are_no_dynamics(self) -> None:
        assert heard_at(BarDynamics.of(TWO_BARS, None, 70.0), 0.0) is None

    def test_bars_before_the_phrase_are_counted_too(self) -> None:
        assert above_mean(-4.0) == -10.0
        assert above_mean(-2.0) == 30.0


class TestTouchWithBars:
    def test_an_answer_has_the_accents_of_the_phrase_bar_by_bar(self) -> None:
        touch = learn_touch([HeardPhrase(TWO_BARS, COMMON_BARS)], None)
        for chance in CHANCES:
            heard = [
                touch.feel(NotePlace(beat, 1.0, 60, 0.5, COMMON_BARS), chance).velocity
                for beat in (8.0, 10.0, 12.0, 14.0)
            ]
            assert heard == [100, 60, 60, 100]

    def test_a_player_of_one_velocity_gets_one_velocity(self) -> None:
        even = [Note(60, float(beat), 1.0, 70) for beat in range(8)]
        touch = learn_touch([HeardPhrase(even, COMMON_BARS)], None)
        assert {touch.feel(NotePlace(8.5, 0.5, 60, 0.5, COMMON_BARS), chance).velocity for chance in CHANCES} == {70}
