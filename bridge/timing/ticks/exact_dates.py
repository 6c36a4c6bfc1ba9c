"""Counts ticks by exact dates: there the intervals between ticks show how many were lost. Times are in seconds."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from bridge.timing.ticks.tick import Tick

MOST_EXACT_S, WHOLE_S = 0.00021, 0.0002
"""Where dates are exact, with noise of `MOST_EXACT_S` at most, a tick that is late by whole intervals, give or take `WHOLE_S`,
shows that ticks were lost before it; one that is early by whole intervals, that ticks came twice."""

FEWEST_TICKS = 8
"""With fewer ticks, the usual interval is not known well enough."""


def counted_by_intervals(ticks: Sequence[Tick]) -> list[Tick]:
    """The ticks with the numbers that their dates show, from that of the first one on; none where an interval is not a whole number of the usual one."""
    if len(ticks) < FEWEST_TICKS:
        return []
    intervals_s = [later.at_s - earlier.at_s for earlier, later in pairwise(ticks)]
    usual_s = median(intervals_s)
    if usual_s <= WHOLE_S:
        return []
    counted = [ticks[0]]
    for interval_s, tick in zip(intervals_s, ticks[1:], strict=True):
        passed = round(interval_s / usual_s)
        if passed < 1 or abs(interval_s - passed * usual_s) > WHOLE_S:
            return []
        counted.append(Tick(counted[-1].number + passed, tick.at_s))
    return counted
