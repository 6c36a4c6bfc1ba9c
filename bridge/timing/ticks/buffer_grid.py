"""The grid that dates lie on where ticks are delivered once per audio buffer: its period, and the last line before a date.

Delivery on top of the grid only ever makes a date later. A grid is followed as it drifts against our seconds, moves with a machine that stood
still for a moment, and is given up where dates leave it, as with another buffer or sample rate. Seconds.
"""

from collections import deque

from bridge.timing.ticks.grid_search import (
    HIDDEN_PERIODS_S,
    MOST_DATES,
    MOST_JITTER,
    MOST_JITTER_S,
    FoundGrid,
    clear_grid,
    hidden_grid,
    spread,
)

DATES_KEPT = 192
"""A grid is measured on so many dates."""

LOOK_EVERY, LOOK_SELDOM_EVERY, MEASURE_EVERY = 4, 16, 12
"""It is looked for and measured at every so many; less often once there are as many as are looked at."""

TOLERATED, MOST_TOLERATED = 1.3, 0.9
"""How much later than when it was found dates may be: as a share of what was allowed then, and of the buffer."""

MOVED_DATES, SHORTEST_MOVED_S = 3, 0.005
"""So many dates in a row show the phase of a grid that has moved, if it is long beside jitter."""

FEW_DATES = 32
"""A grid is looked for in so many dates, too: one date that was held up hides it among all."""

DATES_BETWEEN_MOVES = 48
"""A grid that moves again sooner is another one."""

MOST_MISSES, MISSES_DECAY = 2.5, 0.9
"""When a grid is given up: recent dates that do not lie on it, older ones counting less."""


class BufferGrid:
    """Looks for a grid in the dates it is given, follows it, and gives it up where dates leave it."""

    def __init__(self) -> None:
        self.period_s: float | None = None
        """None where no grid is known."""
        self.moved = 0
        """How often it has stood still and gone on in another phase."""
        self._jitter_s = 0.0
        self._most_jitter_s = 0.0
        self._dates_s: deque[float] = deque(maxlen=DATES_KEPT)
        self._lines: deque[tuple[int, float]] = deque(maxlen=DATES_KEPT)
        self._origin_s = 0.0
        self._added = 0
        self._misses = 0.0
        self._since_moved = DATES_BETWEEN_MOVES

    def add(self, at_s: float) -> bool:
        """A tick has this date; True where there is a grid and the date is on it."""
        self._dates_s.append(at_s)
        self._added += 1
        self._since_moved += 1
        if self.period_s is None:
            self._look()
            return self.period_s is not None
        line, late_s = self._place(at_s)
        self._misses *= MISSES_DECAY
        if not self._jitter_s - self._most_jitter_s <= late_s <= self._most_jitter_s:
            self._misses += 1.0
            if self._misses > MOST_MISSES:
                self._move_or_forget()
                return self.period_s is not None
            return False
        self._lines.append((line, at_s))
        if self._added % (LOOK_EVERY if len(self._lines) <= MOST_DATES else MEASURE_EVERY) == 0:
            self._measure()
            if self._jitter_s > self._most_jitter_s:
                self.forget()
        return self.period_s is not None

    def forget(self) -> None:
        """There is no grid any more; what comes from now on may have another."""
        self.period_s = None
        self._added = 0
        self._misses = 0.0
        self._dates_s.clear()
        self._lines.clear()

    def snapped(self, at_s: float) -> float:
        """The last line of the grid before a date: without what delivery has added."""
        assert self.period_s is not None
        return self._origin_s + self._place(at_s)[0] * self.period_s

    def _place(self, at_s: float) -> tuple[int, float]:
        assert self.period_s is not None
        line = round((at_s - self._origin_s - self._jitter_s / 2) / self.period_s)
        return line, at_s - self._origin_s - line * self.period_s

    def _look(self) -> None:
        if self._added % (LOOK_EVERY if self._added <= MOST_DATES else LOOK_SELDOM_EVERY) == 0:
            for count in (MOST_DATES, FEW_DATES):
                found = clear_grid(list(self._dates_s)[-count:])
                if found is not None:
                    self._keep_dates(count)
                    self._take(found, min(MOST_JITTER_S, MOST_JITTER * found.period_s))
                    return
        if self._added % LOOK_EVERY:
            return
        # One at a time, as each costs as much as all else.
        found = hidden_grid(self._dates_s, HIDDEN_PERIODS_S[self._added // LOOK_EVERY % len(HIDDEN_PERIODS_S)])
        # Dates on a grid are on one of half its period, too.
        if found is not None and clear_grid(list(self._dates_s)[-MOST_DATES:]) is None:
            self._take(found, found.jitter_s)

    def _keep_dates(self, count: int) -> None:
        self._dates_s = deque(list(self._dates_s)[-count:], maxlen=DATES_KEPT)

    def _take(self, found: FoundGrid, most_jitter_s: float) -> None:
        period_s = self.period_s = found.period_s
        self._most_jitter_s = min(TOLERATED * most_jitter_s, MOST_TOLERATED * period_s)
        self._lines.clear()
        line, before_s = 0, found.origin_s + found.jitter_s / 2
        for at_s in self._dates_s:
            # From each to the next, which a period that is a little off does not lead astray.
            steps = round((at_s - before_s) / period_s)
            line += steps
            self._lines.append((line, at_s))
            if found.jitter_s < MOST_JITTER * period_s:
                before_s = at_s
            else:
                before_s += steps * period_s
        self._measure()
        if self._jitter_s > self._most_jitter_s:
            self.period_s = None

    def _move_or_forget(self) -> None:
        """The last dates are beside the grid: one that stood still for a moment, as after an engine's missed deadline, or another one."""
        assert self.period_s is not None
        period_s, last_s = self.period_s, list(self._dates_s)[-MOVED_DATES:]
        origin_s, jitter_s = spread(last_s, period_s)
        self.forget()
        most_s = min(MOST_JITTER_S, MOST_JITTER * period_s)
        is_rare = self._since_moved > DATES_BETWEEN_MOVES
        if is_rare and period_s >= SHORTEST_MOVED_S and jitter_s <= most_s:
            self._dates_s.extend(last_s)
            self._take(FoundGrid(period_s, origin_s, jitter_s), most_s)
            self.moved += 1
            self._since_moved = 0

    def _measure(self) -> None:
        """By least squares, and its phase by the earliest dates: delivery makes none early."""
        count = len(self._lines)
        first_line, first_s = self._lines[0]
        points = [(line - first_line, at_s - first_s) for line, at_s in self._lines]
        mean_x = sum(x for x, _ in points) / count
        square = sum((x - mean_x) ** 2 for x, _ in points)
        if square == 0.0:
            return
        period_s = sum((x - mean_x) * y for x, y in points) / square
        offs_s = [y - x * period_s for x, y in points]
        earliest_s = min(offs_s)
        self.period_s = period_s
        self._jitter_s = max(offs_s) - earliest_s
        self._origin_s = first_s + earliest_s - first_line * period_s
