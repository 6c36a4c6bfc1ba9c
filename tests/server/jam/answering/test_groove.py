from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.notes import SHORTEST_NOTE_BEATS, Note
from server.controls.choices import MAX_GATE, MAX_SWING, MIN_GATE, STRAIGHT_SWING, Quantize
from server.jam.answering.groove import GRID_BEATS, PAIR_BEATS, Groove

FOUR = Timeline.start(120.0)
SEVEN_EIGHTHS = Timeline.start(120.0, meter=Meter(7, 8))
TRIPLET = 2 / 3

beats = st.floats(-100, 100)
swings = st.floats(STRAIGHT_SWING, MAX_SWING)
grids = st.sampled_from(tuple(GRID_BEATS))
grooves = st.builds(
    Groove, st.sampled_from(get_args(Quantize)), swings, st.floats(MIN_GATE, MAX_GATE, exclude_min=True)
)
timelines = st.builds(
    Timeline.with_downbeat,
    st.builds(
        lambda numerator, denominator: Timeline.start(120.0, meter=Meter(numerator, denominator)),
        st.integers(1, 13),
        st.sampled_from((2, 4, 8, 16)),
    ),
    st.floats(-10, 10),
)


def placed(groove: Groove, timeline: Timeline, *onsets: float) -> list[float]:
    return [round(groove.onset(onset, timeline), 4) for onset in onsets]


class TestQuantised:
    def test_a_note_goes_to_the_nearest_eighth(self) -> None:
        assert placed(Groove("1/8"), FOUR, 0.0, 0.2, 0.3, 0.7, 0.8, 3.9) == [0.0, 0.0, 0.5, 0.5, 1.0, 4.0]

    def test_a_note_halfway_between_two_points_goes_to_the_earlier(self) -> None:
        assert placed(Groove("1/4"), FOUR, 0.5, 1.5) == [0.0, 1.0]

    @pytest.mark.parametrize(
        ("quantize", "points"),
        [
            ("1/4", [0.0, 1.0, 2.0]),
            ("1/8", [0.0, 0.5, 1.0]),
            ("1/16", [0.0, 0.25, 0.5]),
            ("1/32", [0.0, 0.125, 0.25]),
            ("1/4t", [0.0, 0.6667, 1.3333]),
            ("1/8t", [0.0, 0.3333, 0.6667]),
            ("1/16t", [0.0, 0.1667, 0.3333]),
        ],
    )
    def test_each_grid_is_a_note_value(self, quantize: Quantize, points: list[float]) -> None:
        assert placed(Groove(quantize), FOUR, *(point + 0.02 for point in points)) == points

    def test_the_grid_restarts_with_each_bar_of_seven_eighths(self) -> None:
        assert placed(Groove("1/4"), SEVEN_EIGHTHS, 3.0, 3.2, 3.3, 3.6, 4.4, 7.1) == [3.0, 3.0, 3.5, 3.5, 4.5, 7.0]

    def test_quarter_triplets_restart_with_each_bar_of_three(self) -> None:
        three = Timeline.start(120.0, meter=Meter(3, 4))
        assert placed(Groove("1/4t"), three, 2.6, 2.9, 3.6) == [2.6667, 3.0, 3.6667]

    def test_the_grid_begins_at_the_downbeat(self) -> None:
        assert placed(Groove("1/4"), FOUR.with_downbeat(0.25), 0.3, 1.0, -0.7) == [0.25, 1.25, -0.75]

    def test_a_note_that_would_come_too_early_goes_to_the_next_point(self) -> None:
        groove = Groove("1/8")
        assert groove.onset(4.1, FOUR, 4.05) == 4.5
        assert groove.onset(4.1, FOUR, 4.0) == 4.0
        assert groove.onset(4.1, FOUR, 7.9) == 8.0

    def test_a_note_reaches_the_next_point_at_least(self) -> None:
        assert Groove("1/4").place(Note(60, 0.0, 0.25, 80), FOUR) == Note(60, 0.0, 1.0, 80)
        assert Groove("1/4").place(Note(60, 0.9, 2.0, 80), FOUR) == Note(60, 1.0, 2.0, 80)

    def test_the_last_of_seven_eighths_reaches_the_bar_line(self) -> None:
        assert Groove("1/4").place(Note(60, 3.0, 0.1, 80), SEVEN_EIGHTHS) == Note(60, 3.0, 0.5, 80)


class TestSwung:
    def test_the_second_of_two_eighths_moves_to_the_last_of_a_triplet(self) -> None:
        assert placed(Groove(swing=TRIPLET), FOUR, 0.0, 0.5, 1.0, 1.5) == [0.0, 0.6667, 1.0, 1.6667]

    def test_notes_between_two_eighths_move_in_proportion(self) -> None:
        assert placed(Groove(swing=0.75), FOUR, 0.25, 0.75) == [0.375, 0.875]

    def test_on_a_grid_of_sixteenths_the_second_of_two_sixteenths_moves(self) -> None:
        assert placed(Groove("1/16", TRIPLET), FOUR, 0.0, 0.25, 0.5, 0.75) == [0.0, 0.3333, 0.5, 0.8333]

    @pytest.mark.parametrize("quantize", ["1/4t", "1/8t", "1/16t"])
    def test_triplets_are_not_swung(self, quantize: Quantize) -> None:
        step = GRID_BEATS[quantize]
        assert Groove(quantize, MAX_SWING).onset(2 * step, FOUR) == 2 * step

    def test_an_eighth_that_is_swung_already_stays(self) -> None:
        assert placed(Groove("1/8", TRIPLET), FOUR, 0.5, 0.6667) == [0.6667, 0.6667]

    def test_the_eighth_that_seven_eighths_end_with_has_no_partner(self) -> None:
        assert placed(Groove(swing=TRIPLET), SEVEN_EIGHTHS, 2.5, 3.0, 3.25, 4.0) == [2.6667, 3.0, 3.25, 4.1667]

    def test_straight_and_unquantised_the_onset_is_exactly_as_planned(self) -> None:
        assert Groove().onset(1 / 3 + 1e-13, FOUR) == 1 / 3 + 1e-13


class TestGate:
    def test_a_note_is_shortened_and_lengthened(self) -> None:
        note = Note(60, 1.0, 1.0, 80)
        assert Groove(gate=0.25).place(note, FOUR) == Note(60, 1.0, 0.25, 80)
        assert Groove(gate=1.5).place(note, FOUR) == Note(60, 1.0, 1.5, 80)

    def test_a_note_never_becomes_shorter_than_the_shortest(self) -> None:
        assert Groove(gate=0.05).place(Note(60, 0.0, 0.1, 80), FOUR).duration_beats == SHORTEST_NOTE_BEATS

    def test_notes_that_touch_still_touch_when_swung(self) -> None:
        first, second = (Groove(swing=TRIPLET).place(Note(60, onset, 0.5, 80), FOUR) for onset in (0.0, 0.5))
        assert first.end_beats == second.onset_beats


@given(grooves, timelines, st.lists(beats, min_size=2), beats)
def test_the_order_of_notes_never_changes(
    groove: Groove, timeline: Timeline, onsets: list[float], earliest: float
) -> None:
    found = [groove.onset(onset, timeline, earliest) for onset in sorted(onsets)]
    assert all(later - earlier >= -1e-9 for earlier, later in pairwise(found))


@given(grooves, timelines, beats, beats)
def test_nothing_comes_before_the_earliest_beat(
    groove: Groove, timeline: Timeline, onset: float, earliest: float
) -> None:
    assert groove.onset(onset, timeline, earliest) >= earliest - 1e-6


@given(grids, swings, timelines, beats)
def test_an_onset_on_the_grid_stays(quantize: Quantize, swing: float, timeline: Timeline, onset: float) -> None:
    groove = Groove(quantize, swing)
    once = groove.onset(onset, timeline)
    assert groove.onset(once, timeline) == pytest.approx(once, abs=1e-9)


@given(grids, timelines, beats)
def test_every_quantised_onset_is_a_bar_line_or_whole_steps_from_the_one_before(
    quantize: Quantize, timeline: Timeline, onset: float
) -> None:
    found = Groove(quantize).onset(onset, timeline)
    _, within = timeline.bar_at(found)
    steps = within / GRID_BEATS[quantize]
    assert steps == pytest.approx(round(steps), abs=1e-6)


@given(grids, swings, timelines, beats)
def test_no_note_moves_by_more_than_a_step_and_its_swing(
    quantize: Quantize, swing: float, timeline: Timeline, onset: float
) -> None:
    swung_by_beats = (swing - STRAIGHT_SWING) * PAIR_BEATS.get(quantize, 0.0)
    moved_by_beats = abs(Groove(quantize, swing).onset(onset, timeline) - onset)
    assert moved_by_beats <= GRID_BEATS[quantize] + swung_by_beats + 1e-6


@given(swings, timelines, beats, beats)
def test_swing_never_brings_two_notes_together(swing: float, timeline: Timeline, earlier: float, later: float) -> None:
    a, b = (Groove(swing=swing).onset(onset, timeline) for onset in sorted((earlier, later)))
    assert b - a >= abs(later - earlier) * 2 * (1 - MAX_SWING) - 1e-9


@given(grooves, timelines, beats, st.floats(0, 8), beats)
def test_every_note_lasts(groove: Groove, timeline: Timeline, onset: float, duration: float, earliest: float) -> None:
    note = groove.place(Note(60, onset, duration, 80), timeline, earliest)
    assert note.duration_beats >= SHORTEST_NOTE_BEATS


@pytest.mark.parametrize("swing", [0.49, 0.76, float("nan")])
def test_a_swing_beyond_a_dotted_note_is_refused(swing: float) -> None:
    with pytest.raises(ValueError, match=r"swing is 0\.5 to 0\.75"):
        Groove(swing=swing)


@pytest.mark.parametrize("gate", [0.0, 1.6, float("nan")])
def test_a_gate_out_of_range_is_refused(gate: float) -> None:
    with pytest.raises(ValueError, match=r"gate is 0\.05 to 1\.5"):
        Groove(gate=gate)
