"""The grid of dates of ticks that come once per audio buffer: its period, and the last grid line before a date.

On its way to us a tick can only become later, never earlier. The grid is followed as it drifts against our clock, moves
when the machine pauses for a moment, and is dropped when dates leave it, as with another buffer size or sample rate.
Times are in seconds.
"""

import math
from collections import deque
from itertools import pairwise

from bridge.timing.ticks.buffered.grid_search import (
    FEWEST_DATES,
    HIDDEN_PERIODS_S,
    LONGEST_S,
    MOST_DATES,
    MOST_JITTER,
    MOST_JITTER_S,
    SHORTEST_S,
    FoundGrid,
    clear_grid,
    hidden_grid,
    is_usual,
    spread,
)

DATES_KEPT = 192
"""How many dates a grid is measured on."""

SEARCH_EVERY, SEARCH_SELDOM_EVERY, MEASURE_EVERY = 4, 16, 12
"""How often, in dates, a grid is searched for and measured: a search comes less often once there are `MOST_DATES`."""

TOLERATED, MOST_TOLERATED = 1.3, 0.9
"""How late dates may be once a grid is known: in parts of what its search allowed, and of the buffer."""

MOVED_DATES, SHORTEST_MOVED_S = 3, 0.005
"""This many dates in a row show the phase of a grid that has moved, if its period is long compared with jitter."""

FEW_DATES = 32
"""A grid is also searched for in this many last dates, as one date that was held up can hide it among all."""

DATES_BETWEEN_MOVES = 48
"""A grid that moves again sooner than this counts as another grid."""

COARSER, SAME_PERIOD = 1.5, 0.01
"""A grid that is coarser has a period that is longer by this factor at least. Two periods that differ by less than this share are the same."""

MOST_MISSES, MISSES_DECAY = 2.5, 0.9
"""A grid is dropped, or has moved, when more dates than this miss it; older misses count less."""


def is_same_period(one_s: float, other_s: float) -> bool:
    """Whether two periods are those of the same grid."""
    return abs(one_s / other_s - 1.0) < SAME_PERIOD


class BufferGrid:
    """Searches dates for a grid, follows it, and drops it when dates leave it."""

    def __init__(self) -> None:
        self.period_s: float | None = None
        """The period of the grid; None where no grid is known."""
        self.is_doubted = False
        """Whether only the last tick shows the grid; the next one confirms it, or not."""
        self.moved = 0
        """How often the machine has paused and the grid gone on in another phase."""
        self.jitter_s = 0.0
        """How much later than its grid line a date is at most."""
        self._most_jitter_s = 0.0
        self._dates_s: deque[float] = deque(maxlen=DATES_KEPT)
        self._lines: deque[tuple[int, float]] = deque(maxlen=DATES_KEPT)
        self._origin_s = 0.0
        self._added = 0
        self._misses = 0.0
        self._since_moved = DATES_BETWEEN_MOVES

    def add(self, at_s: float, *, is_surprising: bool = False, has_stepped: bool = False) -> bool:
        """Adds the date of a tick; returns True if a grid is known and the date is on it.

        A surprising date is one that is not where the last ones let it be expected. It may be the first one that another
        buffer has, and then it is searched at once; where the tempo `has_stepped` lately, in the very last dates too.
        """
        self.is_doubted = False
        self._dates_s.append(at_s)
        self._added += 1
        self._since_moved += 1
        if self.period_s is None:
            self._search(is_surprising=is_surprising, has_stepped=has_stepped)
            return self.period_s is not None
        line, late_s = self._place(at_s)
        self._misses *= MISSES_DECAY
        if not self.jitter_s - self._most_jitter_s <= late_s <= self._most_jitter_s:
            self._misses += 1.0
            if self._misses > MOST_MISSES:
                self._move_or_forget()
                return self.period_s is not None
            return False
        self._lines.append((line, at_s))
        if self._added % (SEARCH_EVERY if len(self._lines) <= MOST_DATES else MEASURE_EVERY) == 0:
            self._measure()
            if self.jitter_s > self._most_jitter_s or self._is_unfounded:
                self.forget()
        return self.period_s is not None

    @property
    def _is_unfounded(self) -> bool:
        """Whether the period is only the time between ticks, or between pairs of them: it is no usual buffer's, and no tick slipped lately.

        A clock that comes through two cables for some beats makes such dates.
        """
        if self.period_s is None or len(self._lines) < MOST_DATES or is_usual(self.period_s):
            return False
        steps = [later - earlier for (earlier, _), (later, _) in pairwise(list(self._lines)[-MOST_DATES:])]
        return all(step == before for step, before in zip(steps[2:], steps, strict=False))

    def find_coarser(self) -> bool:
        """Whether the last dates show a longer buffer, whose dates fit this grid too; the grid is then that of the longer one."""
        found = clear_grid(list(self._dates_s)[-MOST_DATES:])
        if self.period_s is None or found is None or found.period_s < COARSER * self.period_s:
            return False
        return self._replace(found)

    def better(self) -> "BufferGrid | None":
        """Returns the grid of another buffer that the last dates fit better, as the first ones fitted several; None where there is none."""
        last_s = list(self._dates_s)[-MOST_DATES:]
        found = clear_grid(last_s)
        if self.period_s is None or found is None or is_same_period(found.period_s, self.period_s):
            return None
        if found.jitter_s / found.period_s > spread(last_s, self.period_s)[1] / self.period_s:
            return None
        grid = BufferGrid()
        grid._dates_s.extend(last_s)
        grid._added, grid._since_moved, grid.moved = self._added, self._since_moved, self.moved
        return grid if grid._replace(found) else None

    def _replace(self, found: FoundGrid) -> bool:
        self._truncate_dates(MOST_DATES)
        self._use(found, min(MOST_JITTER_S, MOST_JITTER * found.period_s))
        return self.period_s is not None

    def has_line_at(self, at_s: float) -> bool:
        """Whether a date is as late after a line of the grid as dates may be."""
        return self.jitter_s - self._most_jitter_s <= self._place(at_s)[1] <= self._most_jitter_s

    def drop(self) -> None:
        """Drops the grid and keeps the dates, in which there may be another one."""
        self.period_s = None

    def forget(self) -> None:
        """Drops the grid and all dates."""
        self.period_s = None
        self._added = 0
        self._misses = 0.0
        self._dates_s.clear()
        self._lines.clear()

    def snapped(self, at_s: float) -> float:
        """Returns the last grid line before a date, without the delay that delivery added."""
        assert self.period_s is not None
        return self._origin_s + self._place(at_s)[0] * self.period_s

    def _place(self, at_s: float) -> tuple[int, float]:
        assert self.period_s is not None
        line = round((at_s - self._origin_s - self.jitter_s / 2) / self.period_s)
        return line, at_s - self._origin_s - line * self.period_s

    def _search(self, *, is_surprising: bool, has_stepped: bool) -> None:
        if is_surprising or self._added % (SEARCH_EVERY if self._added <= MOST_DATES else SEARCH_SELDOM_EVERY) == 0:
            # After a step of tempo, the dates before it hide the grid.
            for count in (MOST_DATES, FEW_DATES, FEWEST_DATES) if has_stepped else (MOST_DATES, FEW_DATES):
                found = clear_grid(list(self._dates_s)[-count:])
                if found is not None:
                    self._truncate_dates(count)
                    self._use(found, min(MOST_JITTER_S, MOST_JITTER * found.period_s))
                    return
        if self._added % SEARCH_EVERY or is_surprising:
            return
        # One at a time, as each costs as much as all the rest.
        found = hidden_grid(self._dates_s, HIDDEN_PERIODS_S[self._added // SEARCH_EVERY % len(HIDDEN_PERIODS_S)])
        # Dates on a grid also lie on a grid of half its period.
        if found is not None and clear_grid(list(self._dates_s)[-MOST_DATES:]) is None:
            self._use(found, found.jitter_s)

    def _truncate_dates(self, count: int) -> None:
        self._dates_s = deque(list(self._dates_s)[-count:], maxlen=DATES_KEPT)

    def _use(self, found: FoundGrid, most_jitter_s: float) -> None:
        period_s = self.period_s = found.period_s
        self.is_doubted = found.is_doubted
        self._most_jitter_s = min(TOLERATED * most_jitter_s, MOST_TOLERATED * period_s)
        self._lines.clear()
        line, before_s = 0, found.origin_s + found.jitter_s / 2
        for at_s in self._dates_s:
            # Counted from each date to the next, so that a slightly wrong period adds up no error.
            steps = round((at_s - before_s) / period_s)
            line += steps
            self._lines.append((line, at_s))
            if found.jitter_s < MOST_JITTER * period_s:
                before_s = at_s
            else:
                before_s += steps * period_s
        self._measure()
        if self.jitter_s > self._most_jitter_s:
            self.period_s = None

    def _move_or_forget(self) -> None:
        """Finds out why the last dates miss the grid: it moved as the engine paused, or it is another grid."""
        assert self.period_s is not None
        period_s, last_s = self.period_s, list(self._dates_s)[-MOVED_DATES:]
        origin_s, jitter_s = spread(last_s, period_s)
        self.forget()
        most_s = min(MOST_JITTER_S, MOST_JITTER * period_s)
        is_rare = self._since_moved > DATES_BETWEEN_MOVES
        if is_rare and period_s >= SHORTEST_MOVED_S and jitter_s <= most_s:
            self._dates_s.extend(last_s)
            self._use(FoundGrid(period_s, origin_s, jitter_s), most_s)
            self.moved += 1
            self._since_moved = 0

    def _measure(self) -> None:
        """Fits the period by least squares, and the phase to the earliest date, as delivery makes no date early."""
        count = len(self._lines)
        first_line, first_s = self._lines[0]
        points = [(line - first_line, at_s - first_s) for line, at_s in self._lines]
        mean_x = sum(x for x, _ in points) / count
        square = sum((x - mean_x) ** 2 for x, _ in points)
        if square == 0.0:
            return
        period_s = sum((x - mean_x) * y for x, y in points) / square
        if not SHORTEST_S <= period_s <= LONGEST_S:
            # Dates that run backwards, or many at once: this is no grid of a buffer, and the caller drops it.
            self.jitter_s = math.inf
            return
        offs_s = [y - x * period_s for x, y in points]
        earliest_s = min(offs_s)
        self.period_s = period_s
        self.jitter_s = max(offs_s) - earliest_s
        self._origin_s = first_s + earliest_s - first_line * period_s
