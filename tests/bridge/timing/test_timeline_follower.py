import pytest

from bridge.timing.timeline import Segment, Timeline
from bridge.timing.timeline_follower import TimelineFollower

TIMELINE = Timeline.start(120.0)
"""Beat 20 at second 10."""


def test_at_first_the_source_is_aligned_without_moving_the_timeline() -> None:
    follower = TimelineFollower()
    timeline = follower.steer(TIMELINE, Segment(10.0, 1000.25, 97.0), 10.0)
    assert follower.zero_beat == -980.25
    assert timeline.beat_at(10.0) == 20.0
    assert timeline.tempo_bpm == 97.0


def test_a_small_difference_is_glided_over() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    timeline = follower.steer(TIMELINE, Segment(10.0, 0.01, 120.0), 10.0)
    assert timeline.beat_at(10.0) == 20.0
    assert timeline.beat_at(11.0) == pytest.approx(22.01)
    assert follower.zero_beat == 20.0


@pytest.mark.parametrize("off_beats", [-1.5, -1.0, -0.99, -0.86, -0.84, -0.5, 0.5, 0.84, 0.86, 0.99, 1.5])
def test_whatever_the_difference_two_beats_later_the_beat_is_right(off_beats: float) -> None:
    # The first tick after a standstill is heard, and notes are sent, up to a quarter of a beat from when they count.
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    source = Segment(10.0, off_beats, 120.0)
    timeline = follower.steer(TIMELINE, source, 10.0)
    assert follower.zero_beat is not None
    later_s = 10.0 + 1.75 * 0.5
    assert timeline.beat_at(later_s) == pytest.approx(follower.zero_beat + source.beat_at(later_s))


def test_a_difference_of_more_than_a_beat_moves_the_zero_beat() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    timeline = follower.steer(TIMELINE, Segment(10.0, 8.0, 120.0), 10.0)
    assert follower.zero_beat == 12.0
    assert timeline is TIMELINE


def test_an_inaudible_difference_changes_nothing() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    assert follower.steer(TIMELINE, Segment(10.0, 0.00005, 120.0), 10.0) is TIMELINE
    assert follower.steer(TIMELINE, Segment(10.0, 0.0, 120.01), 10.0) is TIMELINE
    assert follower.steer(TIMELINE, Segment(10.0, 0.0, 120.1), 10.0) is not TIMELINE


def test_during_a_glide_its_end_is_compared() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    gliding = follower.steer(TIMELINE, Segment(10.0, 0.01, 120.0), 10.0)
    assert follower.steer(gliding, Segment(10.01, 0.03, 120.0), 10.01) is gliding


def test_after_a_reset_the_next_source_has_its_own_zero() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    follower.reset()
    follower.steer(TIMELINE, Segment(10.0, 19.5, 120.0), 10.0)
    assert follower.zero_beat == 0.5


def test_with_a_lag_beats_come_later_at_the_same_tempo() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    timeline = follower.steer(TIMELINE, Segment(10.0, 0.0, 120.0), 10.0, lag_s=0.002)
    assert timeline.seconds_at(22.0) == pytest.approx(11.002)
    assert timeline.tempo_bpm == 120.0


def test_with_a_lag_a_late_timeline_catches_up_at_once() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    timeline = follower.steer(TIMELINE, Segment(10.0, 0.01, 120.0), 10.0, lag_s=0.002)
    assert timeline.beat_at(10.0) == 20.0
    # At double tempo it makes up 5 ms within 5 ms.
    assert timeline.seconds_at(20.02) == pytest.approx(10.005)
    assert timeline.seconds_at(22.01) == pytest.approx(11.002)
