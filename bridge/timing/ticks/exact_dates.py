"""Counts ticks by exact dates: there the intervals between ticks show how many were lost. Times are in seconds."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from bridge.timing.ticks.tick import SHORTEST_INTERVAL_S, Tick, TickLine

MOST_EXACT_S, WHOLE_S = 0.00021, 0.0002
"""Where dates are exact, with noise of `MOST_EXACT_S` at most, a tick that is late by whole intervals, give or take `WHOLE_S`,
shows that ticks were lost before it; one that is early by whole intervals, that ticks came twice."""

FEWEST_TICKS = 8
"""With fewer ticks, the usual interval is not known well enough."""

SLOPE_TICKS, SLOPE_STEP = 2, 0.6
"""So many ticks that are late by parts of an interval, the last one by at most `SLOPE_STEP` intervals less than those that are late by whole ones,
show another tempo. In an overrun there may be one, and after it the lateness leaps by what was lost."""


def counted_by_intervals(ticks: Sequence[Tick]) -> list[Tick]:
    """The ticks with the numbers that their dates show, from that of the first one on; none where an interval is not a whole number of
    the usual one, or that is shorter than any clock's.
    """
    if len(ticks) < FEWEST_TICKS:
        return []
    intervals_s = [later.at_s - earlier.at_s for earlier, later in pairwise(ticks)]
    usual_s = median(intervals_s)
    if usual_s < SHORTEST_INTERVAL_S:  # of ticks that all come twice, half of the intervals are that short
        return []
    counted = [ticks[0]]
    for interval_s, tick in zip(intervals_s, ticks[1:], strict=True):
        passed = round(interval_s / usual_s)
        if passed < 1 or abs(interval_s - passed * usual_s) > WHOLE_S:
            return []
        counted.append(Tick(counted[-1].number + passed, tick.at_s))
    return counted


def counted_by_line(outliers: Sequence[Tick], line: TickLine) -> list[Tick]:
    """Ticks that are off a line by whole intervals, with the numbers that their dates show, up to the last one; none where that is not clear.

    Another tempo may make ticks late by whole intervals too, but not two of them by the same number, and each by as many more than the one
    before.
    """
    if len(outliers) < 2 or line.interval_s < SHORTEST_INTERVAL_S:
        return []
    offs = [(at_s - line.due_s(number)) / line.interval_s for number, at_s in outliers]
    whole = [round(off) for off in offs]
    is_whole = [abs(off - lost) * line.interval_s <= WHOLE_S for off, lost in zip(offs, whole, strict=True)]
    # Not always the last two: in an overrun, ticks before the lost ones or after them may come late.
    same = [index for index, lost in enumerate(whole) if is_whole[index] and lost == whole[-1] != 0]
    less = [off for each, off in zip(is_whole, offs, strict=True) if not each and off < whole[-1]]
    is_slope = len(less) >= SLOPE_TICKS and whole[-1] - less[-1] <= SLOPE_STEP
    are_same = len(same) >= 2 and is_whole[-1] and not is_slope
    steps = {later - earlier for earlier, later in pairwise(whole)}
    if not are_same and not (all(is_whole) and len(steps) > 1):
        return []
    exact = [outliers[index] for index in same] if are_same else outliers[-1:]
    return [Tick(number + whole[-1], at_s) for number, at_s in exact]
