import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timing.meter import Meter
from bridge.timing.timeline import GLIDE_S, MAX_SEGMENTS, Segment, Timeline

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


def test_a_change_does_not_alter_the_original_timeline() -> None:
    before = Timeline.start(120.0)
    before.with_tempo(60.0, at_s=1.0)
    assert before.beat_at(2.0) == 4.0


def test_a_change_drops_later_changes() -> None:
    timeline = Timeline.start(120.0).with_tempo(60.0, at_s=8.0).with_tempo(240.0, at_s=4.0)
    assert timeline.beat_at(8.0) == 24.0
    assert len(timeline.segments) == 2


def test_of_two_changes_at_one_time_the_last_holds() -> None:
    timeline = Timeline.start(120.0).with_tempo(60.0, at_s=1.0).with_tempo(180.0, at_s=1.0)
    assert timeline.beat_at(2.0) == 5.0
    assert len(timeline.segments) == 2


def test_after_hours_of_changes_the_segments_are_bounded_and_the_beat_is_right() -> None:
    timeline = Timeline.start(60.0)
    for at_s in range(1, 7201):
        timeline = timeline.with_tempo(60.0 if at_s % 2 else 120.0, float(at_s))
    assert len(timeline.segments) == MAX_SEGMENTS
    # One beat in each of 7200 seconds, and one more in each even second except the first.
    assert timeline.beat_at(7200.0) == 10799.0
    assert timeline.seconds_at(timeline.beat_at(1.0)) == pytest.approx(1.0)


def test_the_default_bar_has_four_beats() -> None:
    assert Timeline.start(120.0).meter == Meter(4, 4)
    assert Timeline.start(120.0, meter=Meter(3, 4)).with_tempo(90.0, at_s=1.0).meter == Meter(3, 4)


def test_bars_are_counted_from_the_downbeat_and_before_it_they_are_negative() -> None:
    timeline = Timeline.start(120.0).with_downbeat(17.25)
    assert [timeline.bar_at(beat) for beat in (17.25, 20.25, 21.25, 17.0, 13.25, 13.0)] == [
        (0, 0.0),
        (0, 3.0),
        (1, 0.0),
        (-1, 3.75),
        (-1, 0.0),
        (-2, 3.75),
    ]
    assert timeline.position(20.0) == 2.75
    assert timeline.bar_line(2) == 25.25


def test_on_a_bar_line_the_next_bar_line_is_that_one() -> None:
    timeline = Timeline.start(120.0, meter=Meter(6, 8)).with_downbeat(1.0)
    assert [timeline.bar_line_at_or_after(beat) for beat in (1.0, 1.1, 4.0, -0.5)] == [1.0, 4.0, 4.0, 1.0]


def test_a_bar_of_seven_eighths_has_beats_at_0_1_2_3_and_then_the_next_bar() -> None:
    timeline = Timeline.start(120.0, meter=Meter(7, 8))
    assert [timeline.beat_line_at_or_after(beat) for beat in (0.0, 0.5, 2.5, 3.0, 3.1, 3.5, 3.6)] == [
        0.0,
        1.0,
        3.0,
        3.0,
        3.5,
        3.5,
        4.5,
    ]


def test_a_new_meter_counts_from_the_same_downbeat() -> None:
    timeline = Timeline.start(120.0).with_downbeat(2.0).with_meter(Meter(3, 4))
    assert timeline.bar_at(9.0) == (2, 1.0)


def test_a_downbeat_moves_bars_and_not_beats() -> None:
    before = Timeline.start(97.0)
    after = before.with_downbeat(5.5)
    assert after.beat_at(3.0) == before.beat_at(3.0)
    assert after.seconds_at(8.0) == before.seconds_at(8.0)


@pytest.mark.parametrize(("ahead_beats", "glide_bpm"), [(0.0125, 150.0), (-0.0125, 90.0), (0.0, 120.0)])
def test_a_steered_timeline_meets_the_line_after_a_glide(ahead_beats: float, glide_bpm: float) -> None:
    line = Segment(1.0, 2.0 + ahead_beats, 120.0)
    timeline = Timeline.start(120.0).steered(line, at_s=1.0)
    assert timeline.beat_at(1.0) == 2.0
    assert timeline.tempo_at(1.0) == pytest.approx(glide_bpm)
    assert timeline.tempo_bpm == 120.0
    assert timeline.beat_at(1.0 + GLIDE_S) == pytest.approx(line.beat_at(1.0 + GLIDE_S))
    assert timeline.beat_at(5.0) == pytest.approx(line.beat_at(5.0))


def test_a_glide_has_at_least_half_and_at_most_double_the_tempo() -> None:
    behind = Timeline.start(120.0).steered(Segment(1.0, 3.0, 120.0), at_s=1.0)
    assert [behind.beat_at(at_s) for at_s in (1.0, 1.25, 1.5, 2.0)] == [2.0, 3.0, 4.0, 5.0]
    ahead = Timeline.start(120.0).steered(Segment(1.0, 1.5, 120.0), at_s=1.0)
    assert [ahead.beat_at(at_s) for at_s in (1.0, 1.25, 1.5, 2.0)] == [2.0, 2.25, 2.5, 3.5]


def test_steering_again_replaces_a_glide() -> None:
    timeline = Timeline.start(120.0).steered(Segment(1.0, 2.1, 120.0), at_s=1.0)
    halfway = timeline.steered(Segment(1.01, timeline.beat_at(1.01), 60.0), at_s=1.01)
    assert halfway.beat_at(2.01) == pytest.approx(timeline.beat_at(1.01) + 1.0)
    assert len(halfway.segments) == 3


@pytest.mark.parametrize("tempo_bpm", [0.0, -1.0, float("inf"), float("nan")])
def test_an_impossible_tempo_is_an_error(tempo_bpm: float) -> None:
    with pytest.raises(ValueError, match="a tempo is a positive number"):
        Timeline.start(tempo_bpm)
    with pytest.raises(ValueError, match="a tempo is a positive number"):
        Timeline.start(120.0).with_tempo(tempo_bpm, at_s=1.0)


@given(timelines(), moments_s)
def test_seconds_to_beats_and_back_are_equal(timeline: Timeline, at_s: float) -> None:
    assert timeline.seconds_at(timeline.beat_at(at_s)) == pytest.approx(at_s, abs=1e-6)


@given(timelines(), st.floats(-5, 5), tempos_bpm, moments_s, st.lists(st.floats(0, 20), min_size=2))
def test_after_any_steering_beats_rise_and_the_line_is_met(
    timeline: Timeline, off_beats: float, tempo_bpm: float, at_s: float, later_s: list[float]
) -> None:
    line = Segment(at_s, timeline.beat_at(at_s) + off_beats, tempo_bpm)
    steered = timeline.steered(line, at_s)
    moments = sorted({at_s + round(by_s, 6) for by_s in later_s})
    beats = [steered.beat_at(moment_s) for moment_s in moments]
    assert all(earlier < later for earlier, later in itertools.pairwise(beats))
    assert [steered.seconds_at(beat) for beat in beats] == pytest.approx(moments, abs=1e-6)
    # At half the tempo it loses half a beat per beat.
    assert steered.beat_at(at_s + 1000.0) == pytest.approx(line.beat_at(at_s + 1000.0), abs=1e-6)


@given(timelines(), st.floats(-1000, 1000), st.integers(1, 9), st.sampled_from([2, 4, 8]), st.floats(-1000, 10_000))
def test_bar_and_beat_lines_agree_with_bar_at(
    timeline: Timeline, downbeat: float, numerator: int, denominator: int, beat: float
) -> None:
    timeline = timeline.with_downbeat(downbeat).with_meter(Meter(numerator, denominator))
    bar, into_bar = timeline.bar_at(beat)
    assert timeline.bar_line(bar) + into_bar == pytest.approx(beat, abs=2e-6)
    assert 0.0 <= into_bar < timeline.meter.beats_per_bar
    line, next_beat = timeline.bar_line_at_or_after(beat), timeline.beat_line_at_or_after(beat)
    assert beat - 2e-6 <= next_beat <= line + 1e-6 < beat + timeline.meter.beats_per_bar + 2e-6
    assert timeline.bar_at(line)[1] == pytest.approx(0.0, abs=2e-6)
    assert timeline.bar_line_at_or_after(line) == line
    assert timeline.beat_line_at_or_after(next_beat) == pytest.approx(next_beat, abs=1e-9)


@given(timelines(), st.floats(-1000, 10_000))
def test_beats_to_seconds_and_back_are_equal(timeline: Timeline, beat: float) -> None:
    assert timeline.beat_at(timeline.seconds_at(beat)) == pytest.approx(beat, abs=1e-6)


@given(timelines(), st.lists(moments_s, min_size=2))
def test_later_seconds_are_later_beats(timeline: Timeline, moments: list[float]) -> None:
    beats = [timeline.beat_at(at_s) for at_s in sorted(moments)]
    assert all(earlier <= later for earlier, later in itertools.pairwise(beats))


@given(timelines(), moments_s, tempos_bpm, moments_s)
def test_a_change_moves_no_earlier_beat(timeline: Timeline, turn_s: float, tempo_bpm: float, at_s: float) -> None:
    changed = timeline.with_tempo(tempo_bpm, turn_s)
    if at_s <= turn_s and at_s >= timeline.segments[0].at_s:
        assert changed.beat_at(at_s) == pytest.approx(timeline.beat_at(at_s), abs=1e-6)
    assert changed.tempo_at(turn_s) == tempo_bpm
