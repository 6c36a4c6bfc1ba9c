import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timeline import SEGMENTS_KEPT, Timeline

tempos_bpm = st.floats(20, 400)
moments_s = st.floats(0, 10_000)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    timeline = Timeline.start(draw(tempos_bpm), at_s=draw(moments_s), beat=draw(st.floats(-100, 100)))
    for at_s, tempo_bpm in draw(st.lists(st.tuples(moments_s, tempos_bpm), max_size=12)):
        timeline = timeline.with_tempo(tempo_bpm, at_s)
    return timeline


def test_at_120_a_beat_takes_half_a_second() -> None:
    timeline = Timeline.start(120.0, at_s=10.0)
    assert [timeline.beat_at(at_s) for at_s in (9.0, 10.0, 10.5, 12.0)] == [-2.0, 0.0, 1.0, 4.0]
    assert [timeline.seconds_at(beat) for beat in (-2.0, 0.0, 1.0, 4.0)] == [9.0, 10.0, 10.5, 12.0]


def test_a_change_of_tempo_keeps_the_beat_it_falls_on() -> None:
    timeline = Timeline.start(120.0).with_tempo(60.0, at_s=2.0)
    assert [timeline.beat_at(at_s) for at_s in (1.0, 2.0, 3.0)] == [2.0, 4.0, 5.0]
    assert [timeline.seconds_at(beat) for beat in (2.0, 4.0, 5.0)] == [1.0, 2.0, 3.0]
    assert [timeline.tempo_at(at_s) for at_s in (1.0, 2.0, 3.0)] == [120.0, 60.0, 60.0]


def test_a_change_leaves_the_timeline_it_was_made_from_alone() -> None:
    before = Timeline.start(120.0)
    before.with_tempo(60.0, at_s=1.0)
    assert before.beat_at(2.0) == 4.0


def test_a_change_replaces_those_that_were_to_come_after_it() -> None:
    timeline = Timeline.start(120.0).with_tempo(60.0, at_s=8.0).with_tempo(240.0, at_s=4.0)
    assert timeline.beat_at(8.0) == 24.0
    assert len(timeline.segments) == 2


def test_two_changes_at_once_leave_the_last() -> None:
    timeline = Timeline.start(120.0).with_tempo(60.0, at_s=1.0).with_tempo(180.0, at_s=1.0)
    assert timeline.beat_at(2.0) == 5.0
    assert len(timeline.segments) == 2


def test_hours_of_changes_keep_a_bounded_past_and_the_right_beat() -> None:
    timeline = Timeline.start(60.0)
    for at_s in range(1, 7201):
        timeline = timeline.with_tempo(60.0 if at_s % 2 else 120.0, float(at_s))
    assert len(timeline.segments) == SEGMENTS_KEPT
    # A beat in each of 7200 seconds, and one more in each that is even, but for the first.
    assert timeline.beat_at(7200.0) == 10799.0
    assert timeline.seconds_at(timeline.beat_at(1.0)) == pytest.approx(1.0)


def test_a_bar_has_four_beats_unless_told() -> None:
    assert Timeline.start(120.0).beats_per_bar == 4
    assert Timeline.start(120.0, beats_per_bar=3).with_tempo(90.0, at_s=1.0).beats_per_bar == 3


@pytest.mark.parametrize("tempo_bpm", [0.0, -1.0, float("inf"), float("nan")])
def test_a_tempo_that_is_none_is_refused(tempo_bpm: float) -> None:
    with pytest.raises(ValueError, match="a tempo is a positive number"):
        Timeline.start(tempo_bpm)
    with pytest.raises(ValueError, match="a tempo is a positive number"):
        Timeline.start(120.0).with_tempo(tempo_bpm, at_s=1.0)


@given(timelines(), moments_s)
def test_seconds_survive_the_way_to_beats_and_back(timeline: Timeline, at_s: float) -> None:
    assert timeline.seconds_at(timeline.beat_at(at_s)) == pytest.approx(at_s, abs=1e-6)


@given(timelines(), st.floats(-1000, 10_000))
def test_beats_survive_the_way_to_seconds_and_back(timeline: Timeline, beat: float) -> None:
    assert timeline.beat_at(timeline.seconds_at(beat)) == pytest.approx(beat, abs=1e-6)


@given(timelines(), st.lists(moments_s, min_size=2))
def test_later_seconds_are_later_beats(timeline: Timeline, moments: list[float]) -> None:
    beats = [timeline.beat_at(at_s) for at_s in sorted(moments)]
    assert all(earlier <= later for earlier, later in itertools.pairwise(beats))


@given(timelines(), moments_s, tempos_bpm, moments_s)
def test_a_change_moves_nothing_before_it(timeline: Timeline, turn_s: float, tempo_bpm: float, at_s: float) -> None:
    changed = timeline.with_tempo(tempo_bpm, turn_s)
    if at_s <= turn_s and at_s >= timeline.segments[0].at_s:
        assert changed.beat_at(at_s) == pytest.approx(timeline.beat_at(at_s), abs=1e-6)
    assert changed.tempo_at(turn_s) == tempo_bpm
