"""The grid that dates lie on where ticks are delivered once per audio buffer: its period, and the last line before a date.

Ticks of a steady clock then come in intervals of two lengths, the rarer of which never comes twice in a row, and what these differ by
is the buffer's. So it is with no other steps of intervals, such as one to another tempo. Delivery on top
of the grid only ever makes a date later, by `MOST_JITTER_S` at most. Buffers that are hardly longer than that cannot be told
from jitter, and need not be. Seconds.
"""

from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from statistics import fmean

RATES = (44_100, 48_000, 88_200, 96_000)
FRAMES = (32, 48, 64, 96, 128, 192, 256, 384, 441, 480, 512, 768, 882, 960, 1_024, 1_536, 2_048, 4_096)
PERIODS_S = tuple(sorted({frames / rate for rate in RATES for frames in FRAMES}))
"""The buffers that there usually are. Others are found too, where both lengths of interval are frequent."""

MOST_JITTER_S = 0.0027
MOST_JITTER = 0.42
"""How much later than the grid dates may be, in seconds and in buffers, to be taken for dates on a grid."""

TOLERATED = 1.3
"""Once a grid is known, as a share of that."""

SHORTEST_S, LONGEST_S = 0.0006, 0.1
"""Buffers that are looked for."""

FEWEST_DATES, MOST_DATES, DATES_KEPT = 12, 96, 192
LOOK_EVERY, LOOK_SELDOM_EVERY, MEASURE_EVERY = 4, 16, 12
"""A grid is looked for in so many dates and measured on so many, at every so many; less often once there are as many as are looked at."""

MOST_SCATTER, MEASURED_S = 1.2, 0.0003
"""Intervals scatter up to twice as much as dates: dates on a grid are spread by no more than this times the intervals' scatter, and by what
the buffer is off that is tried."""

CLEAR_GAP_S = 0.0002
"""What the two lengths of interval are at least apart, after jitter."""

NOT_RARE = 0.12
"""Where one length has a smaller share it may be an accident, and the buffer has to be one of the usual."""

ACCIDENT = 1e-5
"""Dates lie on a grid where that is no more probable as an accident."""

LIKE_USUAL = 0.0015
"""How far from a usual buffer one may be and still be taken for it, as a share."""

MOVED_DATES, SHORTEST_MOVED_S = 3, 0.005
"""So many dates in a row show the phase of a grid that has moved, if it is long beside jitter."""

MOST_MISSES, MISSES_DECAY = 2.5, 0.9
"""When a grid is given up: recent dates that do not lie on it, older ones counting less."""


class BufferGrid:
    """Looks for a grid in the dates it is given, follows it, and gives it up where dates leave it."""

    def __init__(self) -> None:
        self.period_s: float | None = None
        """None where no grid is known."""
        self.jitter_s = 0.0
        """How much later than the grid dates have been lately."""
        self.moved = 0
        """How often it has stood still and gone on in another phase."""
        self._dates_s: deque[float] = deque(maxlen=DATES_KEPT)
        self._lines: deque[tuple[int, float]] = deque(maxlen=DATES_KEPT)
        self._origin_s = 0.0
        self._added = 0
        self._misses = 0.0

    def add(self, at_s: float) -> bool:
        """A tick has this date; True where there is a grid and the date is on it."""
        self._dates_s.append(at_s)
        self._added += 1
        if self.period_s is None:
            if self._added % (LOOK_EVERY if self._added <= MOST_DATES else LOOK_SELDOM_EVERY) == 0:
                self._look()
            return self.period_s is not None
        line, late_s = self._place(at_s)
        self._misses *= MISSES_DECAY
        most_s = TOLERATED * _most_jitter_s(self.period_s)
        if not self.jitter_s - most_s <= late_s <= most_s:
            self._misses += 1.0
            if self._misses > MOST_MISSES:
                self._move_or_forget()
                return self.period_s is not None
            return False
        self._lines.append((line, at_s))
        if self._added % (LOOK_EVERY if len(self._lines) <= MOST_DATES else MEASURE_EVERY) == 0:
            self._measure()
            if self.jitter_s > TOLERATED * _most_jitter_s(self.period_s):
                self.forget()
        return self.period_s is not None

    def forget(self) -> None:
        """There is no grid any more; what comes from now on may have another."""
        self.period_s = None
        self._added = 0
        self._dates_s.clear()
        self._lines.clear()

    def _move_or_forget(self) -> None:
        """The last dates are beside the grid: one that stood still for a moment, as after an engine's missed deadline, or another one."""
        assert self.period_s is not None
        last_s = list(self._dates_s)[-MOVED_DATES:]
        if self.period_s < SHORTEST_MOVED_S or _arc_s(last_s, self.period_s) > _most_jitter_s(self.period_s):
            self.forget()
            return
        period_s = self.period_s
        self.forget()
        self._dates_s.extend(last_s)
        self._take(period_s)
        self.moved += 1

    def snapped(self, at_s: float) -> float:
        """The last line of the grid before a date: without what delivery has added."""
        assert self.period_s is not None
        return self._origin_s + self._place(at_s)[0] * self.period_s

    def _place(self, at_s: float) -> tuple[int, float]:
        assert self.period_s is not None
        line = round((at_s - self._origin_s - self.jitter_s / 2) / self.period_s)
        return line, at_s - self._origin_s - line * self.period_s

    def _look(self) -> None:
        dates_s = list(self._dates_s)[-MOST_DATES:]
        if len(dates_s) < FEWEST_DATES:
            return
        fitting = []
        for period_s, most_s in _candidates_s(dates_s):
            arc_s = _arc_s(dates_s, period_s)
            if arc_s <= most_s and _chance(arc_s / period_s, len(dates_s)) < ACCIDENT:
                fitting.append((arc_s / period_s, period_s))
        if fitting:
            self._take(min(fitting)[1])

    def _take(self, period_s: float) -> None:
        """Counts lines from each date to the next, which a period that is a little off does not lead astray."""
        self._lines.clear()
        line, before_s = 0, self._dates_s[0]
        for at_s in self._dates_s:
            line += round((at_s - before_s) / period_s)
            self._lines.append((line, at_s))
            before_s = at_s
        self.period_s = period_s
        self._misses = 0.0
        self._measure()
        assert self.period_s is not None
        if self.jitter_s > _most_jitter_s(self.period_s):
            self.period_s = None

    def _measure(self) -> None:
        """By least squares, and its phase by the earliest dates: delivery makes none early."""
        count = len(self._lines)
        first_line, first_s = self._lines[0]
        lines = [line - first_line for line, _ in self._lines]
        mean_line, mean_s = sum(lines) / count, sum(at_s - first_s for _, at_s in self._lines) / count
        square = sum((line - mean_line) ** 2 for line in lines)
        if square == 0.0:
            return
        period_s = (
            sum(
                (line - mean_line) * (at_s - first_s - mean_s)
                for line, (_, at_s) in zip(lines, self._lines, strict=True)
            )
            / square
        )
        offs_s = [at_s - first_s - line * period_s for line, (_, at_s) in zip(lines, self._lines, strict=True)]
        self.period_s = period_s
        self.jitter_s = max(offs_s) - min(offs_s)
        self._origin_s = first_s + min(offs_s) - first_line * period_s


def _most_jitter_s(period_s: float) -> float:
    return min(MOST_JITTER_S, MOST_JITTER * period_s)


def _candidates_s(dates_s: list[float]) -> Iterable[tuple[float, float]]:
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
    for period_s in (apart_s, *PERIODS_S) if is_frequent else PERIODS_S:
        if abs(period_s / apart_s - 1.0) <= scatter_s / apart_s + LIKE_USUAL:
            yield period_s, min(MOST_JITTER * period_s, MOST_JITTER_S, MOST_SCATTER * scatter_s + MEASURED_S)


def _chance(share: float, count: int) -> float:
    """How probable it is that so many dates of no grid lie in one such share of it."""
    return count * share ** (count - 1)


def _arc_s(dates_s: list[float], period_s: float) -> float:
    """How much of the period dates are spread over."""
    phases_s = sorted((at_s - dates_s[0]) % period_s for at_s in dates_s)
    return period_s - max(
        phases_s[0] + period_s - phases_s[-1], *(later - earlier for earlier, later in pairwise(phases_s))
    )
