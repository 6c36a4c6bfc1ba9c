import pytest

from bench.clocks.buffered_clock import Clock
from bench.clocks.known_from_dates import (
    do_dates_allow_better,
    do_dates_show_a_lost_tick,
    do_dates_show_a_pause,
    do_dates_show_a_step,
    last_tick_bounds_s,
)


def clock(tempo_bpm: float, frames: int, side: str = "start") -> Clock:
    return Clock(tempo_bpm, frames, 48_000, 0.3, 0.0005, side, 0.5)


def test_the_last_of_ticks_with_equal_bounds_may_be_anywhere_in_its_own() -> None:
    meant_s = [1.0 + 0.02 * tick for tick in range(50)]
    bounds_s = last_tick_bounds_s([at_s - 0.001 for at_s in meant_s], [at_s + 0.001 for at_s in meant_s])
    assert bounds_s == pytest.approx((meant_s[-1] - 0.001, meant_s[-1] + 0.001))


def test_two_exact_ticks_leave_one_steady_clock() -> None:
    earliest_s, latest_s = [0.0, 0.5, 0.5, 0.5, 0.5], [1.0, 1.02, 1.04, 9.0, 9.0]
    earliest_s[1], latest_s[1] = 1.0, 1.0
    earliest_s[2], latest_s[2] = 1.02, 1.02
    assert last_tick_bounds_s(earliest_s, latest_s) == pytest.approx((1.06, 1.06))


def test_bounds_that_no_steady_clock_meets_have_no_last_tick() -> None:
    assert last_tick_bounds_s([1.0, 1.1, 1.11], [1.0, 1.1, 1.12]) is None


@pytest.mark.parametrize(
    ("tempo_bpm", "frames", "is_allowed"), [(117.1875, 1_024, False), (97.0, 1_024, True), (117.1875, 64, True)]
)
@pytest.mark.parametrize("side", ["start", "end"])
def test_nobody_knows_where_in_its_buffer_a_clock_is_whose_ticks_are_whole_buffers(
    tempo_bpm: float,
    frames: int,
    is_allowed: bool,  # noqa: FBT001  a column of the table
    side: str,
) -> None:
    assert do_dates_allow_better(clock(tempo_bpm, frames, side)) == is_allowed


# A tick of 117.1875 bpm is four buffers of 256 frames long.
@pytest.mark.parametrize(
    ("tempo_bpm", "share", "frames", "is_shown"),
    [(117.1875, 0.5, 256, False), (117.1875, 0.5, 64, True), (117.1875, 0.49, 256, True)],
)
def test_nobody_knows_where_in_its_buffer_a_clock_is_after_a_step_from_whole_buffers_to_whole_buffers(
    tempo_bpm: float,
    share: float,
    frames: int,
    is_shown: bool,  # noqa: FBT001  a column of the table
) -> None:
    assert do_dates_show_a_step(clock(tempo_bpm, frames), share, 250) == is_shown


@pytest.mark.parametrize(("tick", "is_shown"), [(318, False), (319, False), (320, True)])
def test_a_first_late_tick_shows_no_buffer_as_it_may_have_been_held_up(tick: int, is_shown: bool) -> None:  # noqa: FBT001  a column of the table
    """From ticks that are three buffers long to ticks that are six; tick 318 is the first that slips into another one."""
    clock = Clock(156.1422590974974, 256, 48_000, 0.3503040982, 0.0002457837136710423, "start", 0.6940279432183647)
    assert do_dates_show_a_step(clock, 0.5, tick) == is_shown


def test_nobody_knows_more_than_that_a_step_came_within_some_ticks() -> None:
    """A step at any of the twelve ticks before has the same dates, and some of these clocks are more than a buffer apart."""
    clock = Clock(64.12869901177875, 2_048, 48_000, 0.9605680909, 5.180232065276885e-05, "end", 0.6738083183475853)
    assert not do_dates_show_a_step(clock, 0.9, 281)
    assert do_dates_show_a_step(clock, 0.9, 282)


@pytest.mark.parametrize(
    ("ticks", "frames", "is_shown"),
    [(2.0, 256, False), (1.5, 256, True), (1.5, 64, True), (2.0, 0, False), (1.9, 0, True)],
)
def test_a_pause_of_whole_ticks_looks_like_lost_ticks_and_another_does_not(
    ticks: float,
    frames: int,
    is_shown: bool,  # noqa: FBT001  a column of the table
) -> None:
    assert do_dates_show_a_pause(clock(97.0, frames), ticks * 2.5 / 97.0) == is_shown


# A tick of 97 bpm is 1.2 buffers of 1,024 frames; one of 140.625 bpm is a third of one of 2,560 frames at 48 kHz, so no tick slips.
@pytest.mark.parametrize(("tempo_bpm", "frames", "is_shown"), [(97.0, 1_024, True), (140.625, 2_560, False)])
def test_a_lost_tick_shows_unless_its_place_is_in_the_same_buffer_as_another_for_beats(
    tempo_bpm: float,
    frames: int,
    is_shown: bool,  # noqa: FBT001  a column of the table
) -> None:
    assert do_dates_show_a_lost_tick(clock(tempo_bpm, frames)) == is_shown
