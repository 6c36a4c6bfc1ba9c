import pytest

from bridge.timing.timeline import Segment, Timeline
from bridge.timing.timeline_follower import TimelineFollower

OURS = Timeline.start(120.0)
"""Beat 20 at second 10."""


def test_at_first_sight_two_counts_of_beats_are_laid_on_each_other_as_they_are() -> None:
    follower = TimelineFollower()
    timeline = follower.steer(OURS, Segment(10.0, 1000.25, 97.0), 10.0)
    assert follower.zero_beat == -980.25
    assert timeline.beat_at(10.0) == 20.0
    assert timeline.tempo_bpm == 97.0


def test_a_little_off_is_glided_to() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    timeline = follower.steer(OURS, Segment(10.0, 0.01, 120.0), 10.0)
    assert timeline.beat_at(10.0) == 20.0
    assert timeline.beat_at(11.0) == pytest.approx(22.01)
    assert follower.zero_beat == 20.0


def test_more_than_a_beat_off_it_is_the_others_zero_that_moves() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    timeline = follower.steer(OURS, Segment(10.0, 8.0, 120.0), 10.0)
    assert follower.zero_beat == 12.0
    assert timeline is OURS


def test_what_nobody_can_hear_changes_nothing() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    assert follower.steer(OURS, Segment(10.0, 0.00005, 120.0), 10.0) is OURS
    assert follower.steer(OURS, Segment(10.0, 0.0, 120.01), 10.0) is OURS
    assert follower.steer(OURS, Segment(10.0, 0.0, 120.1), 10.0) is not OURS


def test_during_a_glide_it_is_the_end_of_it_that_counts() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    gliding = follower.steer(OURS, Segment(10.0, 0.01, 120.0), 10.0)
    assert follower.steer(gliding, Segment(10.01, 0.03, 120.0), 10.01) is gliding


def test_let_go_the_next_one_has_a_zero_of_its_own() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    follower.reset()
    follower.steer(OURS, Segment(10.0, 19.5, 120.0), 10.0)
    assert follower.zero_beat == 0.5


def test_what_lags_is_expected_later_in_the_same_tempo() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    timeline = follower.steer(OURS, Segment(10.0, 0.0, 120.0), 10.0, lag_s=0.002)
    assert timeline.seconds_at(22.0) == pytest.approx(11.002)
    assert timeline.tempo_bpm == 120.0


def test_with_a_lag_too_what_is_behind_catches_up_at_once() -> None:
    follower = TimelineFollower()
    follower.align(20.0, 0.0)
    timeline = follower.steer(OURS, Segment(10.0, 0.01, 120.0), 10.0, lag_s=0.002)
    assert timeline.beat_at(10.0) == 20.0
    # At double tempo the 5 ms that it is behind take 5 ms.
    assert timeline.seconds_at(20.02) == pytest.approx(10.005)
    assert timeline.seconds_at(22.01) == pytest.approx(11.002)
