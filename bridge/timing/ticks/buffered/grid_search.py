"""Finds the grid of an audio buffer in the dates of ticks: its period, and how much of a period the dates are spread over.

On a grid, the ticks of a steady clock have intervals of two lengths. They differ by the buffer's length, and the rarer one never
comes twice in a row, unlike in any other step of intervals, such as a change of tempo. Where jitter is near half a buffer, the
two lengths cannot be told apart; then usual buffer lengths are tried on many dates. Times are in seconds.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from bridge.timing.ticks.tick import SHORTEST_INTERVAL_S
from bridge.timing.ticks.tick_noise import deviation_s

RATES = (44_100, 48_000, 88_200, 96_000)
FRAMES = (32, 48, 64, 96, 128, 192, 256, 384, 441, 480, 512, 768, 882, 960, 1_024, 1_536, 2_048, 4_096)
PERIODS_S = tuple(sorted({frames / rate for rate in RATES for frames in FRAMES}))
COMMON_PERIODS_S = tuple(sorted({2**power / rate for rate in RATES for power in range(5, 12)}))
"""Usual buffer lengths, and the most common of them. Others are found too, where both lengths of interval are frequent."""

SHORTEST_S, LONGEST_S = 0.0006, 0.1
"""The range of buffer lengths that are looked for."""

MOST_JITTER_S, MOST_JITTER = 0.0027, 0.42
"""Where the two lengths of interval can be told apart: how late against the grid dates may be, in seconds and in buffers."""

FEWEST_DATES, MOST_DATES = 12, 96
"""How many dates a search for a grid takes, at least and at most."""

CLEAR_GAP_S = 0.0002
"""The smallest gap between the two lengths of interval, with jitter."""

FREQUENT_SHARE = 0.12
"""A length of interval with a smaller share may be a coincidence, such as a lost tick; then only the most common buffers count."""

RARE_GAP, CLEAR_GAP = 0.5, 2.0
"""A rare length of interval is one only if the gap between the two lengths is this share of their scatter. Otherwise it is the end of
what jitter does, and where ticks are nearly a whole number of some buffer long, that buffer would be found. The second share holds for
the very last interval."""

USUAL_TOLERANCE = 0.0015
"""How far a measured length may be from a usual buffer's to be taken for it, as a share."""

MOST_SCATTER, PERIOD_ERROR_S = 1.2, 0.0003
"""Intervals scatter up to twice as much as dates. So dates on a grid are spread over at most the intervals' scatter times
`MOST_SCATTER`, plus `PERIOD_ERROR_S` for the error of the length that is tried."""

MOST_COINCIDENCE = 1e-5
"""Dates lie on a grid if the probability of a coincidence is below this."""

HIDDEN_PERIODS_S = tuple(period_s for period_s in PERIODS_S if 0.0012 < period_s < 0.0048)
MOST_HIDDEN_JITTER, HIDDEN_DATES = 0.75, 96
"""Buffers that jitter may hide; how much of a buffer the jitter may be at most; and on how many dates they are tried."""

LEAST_SECOND_DIFFERENCE = 0.1
"""The smallest median of the dates' second differences on a hidden grid, as a share of the buffer."""

MOST_HIDDEN_SCATTER, MOST_SCATTERED = 0.8, 0.5
"""A hidden grid counts only if dates scatter round it by less than this share of their scatter round a steady clock's line. Where that is
more than `MOST_SCATTERED` of the buffer, the clock is not steady."""

# The deviation of dates that are spread evenly, per width of the spread.
EVENLY_SPREAD = 1 / math.sqrt(12)


@dataclass(frozen=True, slots=True)
class FoundGrid:
    """A grid: its period, the time of one of its lines (at the earliest phase), and how much later dates may be."""

    period_s: float
    origin_s: float
    jitter_s: float
    is_doubted: bool = False
    """Whether only the last tick shows it, which came early: that may also be the first one of another tempo."""


def clear_grid(dates_s: Sequence[float]) -> FoundGrid | None:
    """Finds a grid by the two lengths of interval between these dates; returns None where there is none."""
    if len(dates_s) < FEWEST_DATES:
        return None
    fitting = []
    for period_s, most_s, is_doubted in _candidates_s(dates_s):
        origin_s, jitter_s = spread(dates_s, period_s)
        share = jitter_s / period_s
        if jitter_s <= most_s and _coincidence_probability(share, len(dates_s)) < MOST_COINCIDENCE:
            fitting.append((share, FoundGrid(period_s, origin_s, jitter_s, is_doubted)))
    return min(fitting, key=lambda each: each[0])[1] if fitting else None


def hidden_grid(dates_s: Sequence[float], period_s: float) -> FoundGrid | None:
    """Finds a grid of this period whose dates are spread over much of the period; returns None where there is none."""
    if len(dates_s) < HIDDEN_DATES:
        return None
    origin_s, jitter_s = spread(dates_s, period_s)
    if (
        not MOST_JITTER * period_s < jitter_s <= MOST_HIDDEN_JITTER * period_s
        or _coincidence_probability(jitter_s / period_s, len(dates_s)) > MOST_COINCIDENCE
    ):
        return None
    scatter_s = _scatter_s(dates_s)
    if (
        scatter_s > MOST_SCATTERED * period_s
        or EVENLY_SPREAD * jitter_s > MOST_HIDDEN_SCATTER * scatter_s
        or _second_difference_s(dates_s) < LEAST_SECOND_DIFFERENCE * period_s
    ):
        return None
    return FoundGrid(period_s, origin_s, jitter_s)


def is_usual(period_s: float) -> bool:
    """Whether a period is the length of a usual buffer."""
    return any(abs(period_s / usual_s - 1.0) <= USUAL_TOLERANCE for usual_s in PERIODS_S)


def spread(dates_s: Sequence[float], period_s: float) -> tuple[float, float]:
    """Returns the earliest phase of dates in a period, as a time near the first date, and how much later the latest phase is."""
    first_s = dates_s[0]
    phases_s = sorted((at_s - first_s) % period_s for at_s in dates_s)
    gap_s, start_s = phases_s[0] + period_s - phases_s[-1], phases_s[0]
    for earlier_s, later_s in pairwise(phases_s):
        if later_s - earlier_s > gap_s:
            gap_s, start_s = later_s - earlier_s, later_s
    return first_s + start_s, period_s - gap_s


def _candidates_s(dates_s: Sequence[float]) -> Iterable[tuple[float, float, bool]]:
    """Yields buffer lengths that fit the two lengths of interval, each with the widest spread of dates that it allows, and whether it is doubted."""
    intervals_s = [later - earlier for earlier, later in pairwise(dates_s)]
    sorted_s = sorted(intervals_s)
    gap_s, split = max((longer - shorter, index + 1) for index, (shorter, longer) in enumerate(pairwise(sorted_s)))
    if gap_s < CLEAR_GAP_S:
        return
    short, long = sorted_s[:split], sorted_s[split:]
    apart_s = fmean(long) - fmean(short)
    if not SHORTEST_S <= apart_s <= LONGEST_S:
        return
    scatter_s = max(short[-1] - short[0], long[-1] - long[0])
    # Intervals scatter up to twice as much as dates. Where they scatter more, as with a lost tick and one that came twice, they
    # have more than two lengths.
    if scatter_s > 2 * MOST_JITTER * apart_s:
        return
    is_long = [interval_s >= long[0] for interval_s in intervals_s]
    is_rarer_long = len(long) <= len(short)
    if any(first == second == is_rarer_long for first, second in pairwise(is_long)):
        return
    is_frequent = min(len(short), len(long)) >= max(3, FREQUENT_SHARE * len(intervals_s))
    # A rare length may be a tempo that ended there, or a tick that was held up, unless there is the usual one on both of its sides, or no
    # tempo is so fast. The last tick came early where it slipped into the buffer before, as nothing else makes a tick early but a new tempo.
    is_at_edge = (is_long[0] == is_rarer_long and (is_rarer_long or short[-1] > SHORTEST_INTERVAL_S)) or (
        is_rarer_long and is_long[-1]
    )
    is_doubted = not is_frequent and not is_rarer_long and not is_long[-1]
    if not is_frequent and (gap_s < (CLEAR_GAP if is_doubted else RARE_GAP) * scatter_s or is_at_edge):
        return
    for period_s in (apart_s, *PERIODS_S) if is_frequent else COMMON_PERIODS_S:
        if abs(period_s / apart_s - 1.0) <= scatter_s / apart_s + USUAL_TOLERANCE:
            most_s = min(MOST_JITTER * period_s, MOST_JITTER_S, MOST_SCATTER * scatter_s + PERIOD_ERROR_S)
            yield period_s, most_s, is_doubted


def _coincidence_probability(share: float, count: int) -> float:
    """The probability that `count` dates without a grid all lie within this share of a period."""
    return count * share ** (count - 1)


def _second_difference_s(dates_s: Sequence[float]) -> float:
    """The median of the dates' absolute second differences."""
    dates_s = list(dates_s)
    return median(abs(a - 2 * b + c) for a, b, c in zip(dates_s, dates_s[1:], dates_s[2:], strict=False))


def _scatter_s(dates_s: Sequence[float]) -> float:
    """The standard deviation of dates from the line through all of them."""
    half = (len(dates_s) - 1) / 2
    mean_s = sum(dates_s) / len(dates_s)
    slope_s = sum((index - half) * (at_s - mean_s) for index, at_s in enumerate(dates_s)) / sum(
        (index - half) ** 2 for index in range(len(dates_s))
    )
    return deviation_s([at_s - mean_s - (index - half) * slope_s for index, at_s in enumerate(dates_s)])
