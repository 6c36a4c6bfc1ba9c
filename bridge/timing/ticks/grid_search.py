"""Looks for the grid of an audio buffer in the dates of ticks: its period, and how much of a period dates are spread over.

Ticks of a steady clock on a grid come in intervals of two lengths, the rarer of which never comes twice in a row, and what these
differ by is the buffer's. So it is with no other steps of intervals, such as one to another tempo. Where jitter is near
half a buffer, the two lengths are not told apart; then usual buffers are tried on many dates. Seconds.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from bridge.timing.ticks.tick_noise import deviation_s

RATES = (44_100, 48_000, 88_200, 96_000)
FRAMES = (32, 48, 64, 96, 128, 192, 256, 384, 441, 480, 512, 768, 882, 960, 1_024, 1_536, 2_048, 4_096)
PERIODS_S = tuple(sorted({frames / rate for rate in RATES for frames in FRAMES}))
COMMON_PERIODS_S = tuple(sorted({2**power / rate for rate in RATES for power in range(5, 12)}))
"""The buffers that there usually are, and the commonest of them. Others are found too, where both lengths of interval are frequent."""

SHORTEST_S, LONGEST_S = 0.0006, 0.1
"""Buffers that are looked for."""

MOST_JITTER_S, MOST_JITTER = 0.0027, 0.42
"""How much later than the grid dates may be, in seconds and in buffers, where the two lengths of interval are told apart."""

FEWEST_DATES, MOST_DATES = 12, 96
"""A grid is looked for in so many dates."""

CLEAR_GAP_S = 0.0002
"""What the two lengths of interval are at least apart, after jitter."""

NOT_RARE = 0.12
"""Where one length has a smaller share it may be an accident, such as a lost tick, and the buffer has to be one of the commonest."""

LIKE_USUAL = 0.0015
"""How far from a usual buffer one may be and still be taken for it, as a share."""

MOST_SCATTER, MEASURED_S = 1.2, 0.0003
"""Intervals scatter up to twice as much as dates: dates on a grid are spread by no more than this times the intervals' scatter, and
by what the buffer is off that is tried."""

ACCIDENT = 1e-5
"""Dates lie on a grid where that is no more probable as an accident."""

HIDDEN_PERIODS_S = tuple(period_s for period_s in PERIODS_S if 0.0012 < period_s < 0.0048)
MOST_HIDDEN_JITTER, HIDDEN_DATES = 0.75, 96
"""Buffers that jitter hides, by how much of them it may be at most, on how many dates they are tried."""

LEAST_BEND = 0.1
"""As a share of the buffer: of three dates in a row, the middle one is half the time at least so far from between the others."""

LESS_SCATTER = 0.8
"""A hidden grid is one if dates scatter so much less round it than round a steady clock's line."""

# The deviation of dates that are spread evenly, per width of the spread.
EVENLY_SPREAD = 1 / math.sqrt(12)


@dataclass(frozen=True, slots=True)
class FoundGrid:
    """A period; a date's phase in it that is the earliest; how much later others may be."""

    period_s: float
    origin_s: float
    jitter_s: float


def clear_grid(dates_s: Sequence[float]) -> FoundGrid | None:
    """The grid by the two lengths of interval between these dates; None where there is none."""
    if len(dates_s) < FEWEST_DATES:
        return None
    fitting = []
    for period_s, most_s in _candidates_s(dates_s):
        origin_s, jitter_s = spread(dates_s, period_s)
        share = jitter_s / period_s
        if jitter_s <= most_s and _chance(share, len(dates_s)) < ACCIDENT:
            fitting.append((share, FoundGrid(period_s, origin_s, jitter_s)))
    return min(fitting, key=lambda each: each[0])[1] if fitting else None


def hidden_grid(dates_s: Sequence[float], period_s: float) -> FoundGrid | None:
    """The grid of a period, if dates lie on it that are spread over more than half of it; None where they do not."""
    if len(dates_s) < HIDDEN_DATES:
        return None
    origin_s, jitter_s = spread(dates_s, period_s)
    if (
        not MOST_JITTER * period_s < jitter_s <= MOST_HIDDEN_JITTER * period_s
        or _chance(jitter_s / period_s, len(dates_s)) > ACCIDENT
    ):
        return None
    if EVENLY_SPREAD * jitter_s > LESS_SCATTER * _scatter_s(dates_s) or _bend_s(dates_s) < LEAST_BEND * period_s:
        return None
    return FoundGrid(period_s, origin_s, jitter_s)


def spread(dates_s: Sequence[float], period_s: float) -> tuple[float, float]:
    """The earliest phase of dates in a period, as a second near the first of them, and how much later the latest is."""
    first_s = dates_s[0]
    phases_s = sorted((at_s - first_s) % period_s for at_s in dates_s)
    gap_s, start_s = phases_s[0] + period_s - phases_s[-1], phases_s[0]
    for earlier_s, later_s in pairwise(phases_s):
        if later_s - earlier_s > gap_s:
            gap_s, start_s = later_s - earlier_s, later_s
    return first_s + start_s, period_s - gap_s


def _candidates_s(dates_s: Sequence[float]) -> Iterable[tuple[float, float]]:
    """What the buffer may be, by the gap between the two lengths of interval, and how much of it dates may be spread over then."""
    intervals_s = [later - earlier for earlier, later in pairwise(dates_s)]
    sorted_s = sorted(intervals_s)
    gap_s, split = max((longer - shorter, index + 1) for index, (shorter, longer) in enumerate(pairwise(sorted_s)))
    if gap_s < CLEAR_GAP_S:
        return
    short, long = sorted_s[:split], sorted_s[split:]
    apart_s = fmean(long) - fmean(short)
    if not SHORTEST_S <= apart_s <= LONGEST_S:
        return
    is_long = [interval_s >= long[0] for interval_s in intervals_s]
    is_rarer_long = len(long) <= len(short)
    if any(first == second == is_rarer_long for first, second in pairwise(is_long)):
        return
    scatter_s = max(short[-1] - short[0], long[-1] - long[0])
    is_frequent = min(len(short), len(long)) >= max(3, NOT_RARE * len(intervals_s))
    for period_s in (apart_s, *PERIODS_S) if is_frequent else COMMON_PERIODS_S:
        if abs(period_s / apart_s - 1.0) <= scatter_s / apart_s + LIKE_USUAL:
            yield period_s, min(MOST_JITTER * period_s, MOST_JITTER_S, MOST_SCATTER * scatter_s + MEASURED_S)


def _chance(share: float, count: int) -> float:
    """How probable it is that so many dates of no grid lie in one such share of it."""
    return count * share ** (count - 1)


def _bend_s(dates_s: Sequence[float]) -> float:
    """The median of second differences."""
    dates_s = list(dates_s)
    return median(abs(a - 2 * b + c) for a, b, c in zip(dates_s, dates_s[1:], dates_s[2:], strict=False))


def _scatter_s(dates_s: Sequence[float]) -> float:
    """How far dates scatter round the line through all of them."""
    half = (len(dates_s) - 1) / 2
    mean_s = sum(dates_s) / len(dates_s)
    slope_s = sum((index - half) * (at_s - mean_s) for index, at_s in enumerate(dates_s)) / sum(
        (index - half) ** 2 for index in range(len(dates_s))
    )
    return deviation_s([at_s - mean_s - (index - half) * slope_s for index, at_s in enumerate(dates_s)])
