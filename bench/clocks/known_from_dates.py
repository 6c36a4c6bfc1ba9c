"""What anybody can know of a simulated clock from the dates of its ticks: a bound for every follower.

Two explanations are weighed. One knows the clock's buffers exactly: each tick was somewhere within its own. The other knows no
buffers: each tick came late by at most what delivery adds to this clock's. Where the dates fit both, a follower has to answer for either clock
(half a buffer and 1 ms for the first, 1 ms for the second); where no beat is near enough to both, nobody can know more. Such are
the clocks whose ticks are nearly a whole number of buffers long, so that after eight beats none has slipped into another buffer.
A step of tempo between two such clocks is weighed in the same way, at each tick after it, for clocks that stepped then or some ticks before:
these must be followed by then, too. There the last tick of the second clock may also have been held up on its way: one late tick alone shows
no buffer, as the next one may be on time again.

A pause looks like lost ticks where the dates before and after it also fit a steady clock that lost some. A follower that counts
lost ticks must take such a pause for them. A lost tick does not show where the dates also fit a clock that lost none.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.clocks.buffered_clock import FIRST_BEATS, MOST_OFF_MS, TICKS_PER_BEAT, Clock, stalled_tick, stepped_s

Seconds = npt.NDArray[np.float64]

STEPPED_BEFORE = 12
"""By how many ticks earlier the tempo may have stepped."""

UNKNOWN_S = 1e6
"""A time as far off as this leaves a tick free."""

SEARCH_STEPS = 100
"""Steps of the search for an interval; each shrinks its range to two thirds."""


def do_dates_allow_better(clock: Clock) -> bool:
    """Whether eight beats of dates allow a beat that is near enough to the clock, whichever of the two explanations holds."""
    interval_s = 60.0 / clock.tempo_bpm / TICKS_PER_BEAT
    meant_s = [1.0 + tick * interval_s for tick in range(FIRST_BEATS * TICKS_PER_BEAT)]
    buffered, plain = (last_tick_bounds_s(*bounds_s) for bounds_s in _explanations_s(clock, meant_s))
    return _is_one_beat_near_enough(clock, buffered, plain)


def do_dates_show_a_step(clock: Clock, share: float, tick: int) -> bool:
    """Whether the dates before a tick after a step of tempo allow a beat that is near enough when that tick's own date comes.

    It must be near enough whichever of the two explanations holds, and whenever the tempo has stepped, within `STEPPED_BEFORE` ticks. It is
    known that it steps once, and without a gap.
    """
    meant_s, changed = stepped_s(clock, share)
    date_s = list(clock.dates_s(meant_s[: tick + 1]))[tick]
    interval_s = 60.0 / clock.tempo_bpm / TICKS_PER_BEAT / share
    # The moment at which the beat is looked at, in ticks; no date says more of it.
    ticks = np.append(np.arange(float(tick)), tick + (date_s - meant_s[tick]) / interval_s)

    def bounds_s(earliest_s: Seconds, latest_s: Seconds, last: int) -> tuple[float, float] | None:
        before = last_tick_bounds_s(earliest_s[: last + 1], latest_s[: last + 1])
        if before is None:
            return None
        # The last tick at the old tempo is the first one of the new line.
        earliest_s, latest_s = (
            np.concatenate(([first_s], each_s[last + 1 :], [free_s]))
            for each_s, first_s, free_s in zip((earliest_s, latest_s), before, (-UNKNOWN_S, UNKNOWN_S), strict=True)
        )
        return last_tick_bounds_s(earliest_s, latest_s, ticks[last:])

    def widest_s(earliest_s: Seconds, latest_s: Seconds) -> tuple[float, float] | None:
        lasts = range(changed - STEPPED_BEFORE, changed + 1)
        found = [each for each in (bounds_s(earliest_s, latest_s, last) for last in lasts) if each is not None]
        return (min(each[0] for each in found), max(each[1] for each in found)) if found else None

    buffered, plain = _explanations_s(clock, meant_s[:tick])
    plain[0][-1] = -UNKNOWN_S
    return _is_one_beat_near_enough(clock, widest_s(*buffered), widest_s(*plain))


def _explanations_s(clock: Clock, meant_s: Sequence[float]) -> Iterator[tuple[Seconds, Seconds]]:
    """Yields when each tick may have been at the earliest and at the latest: in its buffer, and where there is no buffer."""
    dates_s = np.array(list(clock.dates_s(meant_s)))
    starts_s = np.array([(math.floor(at_s / clock.buffer_s - clock.phase) + clock.phase) for at_s in meant_s])
    starts_s *= clock.buffer_s
    yield starts_s, starts_s + clock.buffer_s
    yield dates_s - clock.jitter_s, dates_s


def _is_one_beat_near_enough(
    clock: Clock, buffered: tuple[float, float] | None, plain: tuple[float, float] | None
) -> bool:
    half_s, most_off_s = clock.buffer_s / 2, MOST_OFF_MS / 1000
    known = [(bounds_s, off_s) for bounds_s, off_s in ((buffered, half_s), (plain, 0.0)) if bounds_s is not None]
    not_after_s = min(earliest_s + off_s + most_off_s for (earliest_s, _), off_s in known)
    not_before_s = max(latest_s - off_s - most_off_s for (_, latest_s), off_s in known)
    return not_before_s <= not_after_s


def do_dates_show_a_pause(clock: Clock, stall_s: float) -> bool:
    """Whether the dates of twelve beats before and after a pause fit no steady clock that lost ticks there instead.

    It is known to which buffer each tick belongs, and where buffers are, to half a frame, as dates are whole frames. Where there are no
    buffers, dates are frames.
    """
    interval_s = 60.0 / clock.tempo_bpm / TICKS_PER_BEAT
    gap, count = stalled_tick(clock)
    ticks = np.arange(count)
    bounds = _bounds_s(clock, 1.0 + ticks * interval_s + np.where(ticks >= gap, stall_s, 0.0))
    fewest = math.floor((stall_s - clock.buffer_s) / interval_s)
    most = math.ceil((stall_s + clock.buffer_s) / interval_s)
    return all(
        last_tick_bounds_s(*bounds, ticks + np.where(ticks >= gap, lost, 0)) is None
        for lost in range(max(fewest, 1), most + 1)
    )


def do_dates_show_a_lost_tick(clock: Clock) -> bool:
    """Whether the dates of twelve beats before and after a lost tick fit no steady clock that lost none; as for a pause."""
    interval_s = 60.0 / clock.tempo_bpm / TICKS_PER_BEAT
    gap, count = stalled_tick(clock)
    return last_tick_bounds_s(*_bounds_s(clock, 1.0 + np.delete(np.arange(count), gap) * interval_s)) is None


def _bounds_s(clock: Clock, meant_s: npt.NDArray[np.floating[Any]]) -> tuple[Seconds, Seconds]:
    """Returns when each tick may have been at the earliest and at the latest, by its date."""
    frame_s = 1.0 / clock.rate
    window_s, doubt_s = (clock.buffer_s, frame_s / 2) if clock.frames else (frame_s, 0.0)
    starts_s = (np.floor(meant_s / window_s - clock.phase) + clock.phase) * window_s
    return starts_s - doubt_s, starts_s + window_s + doubt_s


def last_tick_bounds_s(
    earliest_s: Sequence[float] | Seconds,
    latest_s: Sequence[float] | Seconds,
    numbers: npt.NDArray[np.floating[Any] | np.integer[Any]] | None = None,
) -> tuple[float, float] | None:
    """Returns when the last tick may have been, at the earliest and at the latest, for a steady clock whose every tick is within its bounds.

    Ticks are numbered from 0 unless `numbers` are given, which rise. Returns None where no steady clock is.
    """
    earliest, latest = np.asarray(earliest_s), np.asarray(latest_s)
    ticks = np.arange(len(earliest)) if numbers is None else numbers
    apart = ticks[None, :] - ticks[:, None]
    pairs = apart > 0
    apart = np.where(pairs, apart, 1)
    shortest_s = np.max(np.where(pairs, (earliest[None, :] - latest[:, None]) / apart, -np.inf))
    longest_s = np.min(np.where(pairs, (latest[None, :] - earliest[:, None]) / apart, np.inf))
    if shortest_s > longest_s:
        return None
    left = ticks[-1] - ticks

    def earliest_at(interval_s: float) -> float:
        return float(np.max(earliest + interval_s * left))

    def latest_at(interval_s: float) -> float:
        return float(np.min(latest + interval_s * left))

    return (
        _least(earliest_at, shortest_s, longest_s),
        -_least(lambda interval_s: -latest_at(interval_s), shortest_s, longest_s),
    )


def _least(function: Callable[[float], float], low: float, high: float) -> float:
    """Returns the least value of a convex function between two bounds."""
    for _ in range(SEARCH_STEPS):
        third = (high - low) / 3
        if function(low + third) < function(high - third):
            high -= third
        else:
            low += third
    return function((low + high) / 2)
