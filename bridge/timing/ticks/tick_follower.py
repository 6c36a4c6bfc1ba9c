"""When the ticks of a clock are due, whatever carries them: by the model that fits how they are dated, which is learnt from them.

Dates that lie on the grid of an audio buffer say in which buffer a tick was, and are followed by what is possible; others are
exact, or late by chance, and are followed by the mean. Knows no beats, no transport. Seconds.
"""

from collections import deque
from typing import Literal

from bridge.timing.ticks.buffer_grid import BufferGrid
from bridge.timing.ticks.buffered_ticks import BufferedTicks
from bridge.timing.ticks.doubled_ticks import DoubledTicks
from bridge.timing.ticks.jittering_ticks import JitteringTicks
from bridge.timing.ticks.tick import Line, Tick

BufferSide = Literal["start", "end", "unknown"]
"""Where in its buffer a tick is dated. From dates alone nobody can tell; where it is not known, ticks are expected in the
middle of their dates, which is half a buffer off either way."""

DATES_KEPT = 96
"""When a grid is found, what came before is counted again: on a grid that was not known some of it looked like lost ticks."""

DOUBLED_KEPT = 24
"""So many ticks are gone through again where a clock turns out to be doubled."""

UNSTEADY_TICKS, RETRY_TICKS = 192, 12
"""A clock that was not steady is not taken for steady again sooner; one that has a grid and no line yet is tried again soon."""

ANOTHER_PERIOD = 0.01
"""Periods that differ by a greater share are two."""

MISTAKEN_TICKS = 24
"""So many ticks, at most, are taken for lost or not by a grid that is given up for another."""

LOOK_AGAIN_AGES = frozenset({24, 36, 48, 72, 95})
"""After so many ticks on a grid, or since the last change on it."""


class TickFollower:
    """Takes the date of each tick; gives its number and the line."""

    def __init__(self, side: BufferSide = "unknown") -> None:
        self.side: BufferSide = side
        self.last_s: float | None = None
        """The date of the last tick."""
        self._doubled = DoubledTicks()
        self._grid = BufferGrid()
        self._jittering = JitteringTicks()
        self._buffered: BufferedTicks | None = None
        self._dates: deque[Tick] = deque(maxlen=DATES_KEPT)
        self._unsteady = 0
        self._unsteady_period_s: float | None = None

    @property
    def number(self) -> int:
        """Of the last tick, from 0; those that must have been lost are counted."""
        return self._jittering.number if self._buffered is None else self._buffered.number

    @property
    def line(self) -> Line | None:
        """When ticks are due; None before there are enough."""
        if self._buffered is None:
            return self._jittering.line
        line = self._buffered.line
        if self.side == "unknown" or self._grid.period_s is None:
            return line
        half_s = self._grid.period_s / 2
        return line.moved(half_s if self.side == "start" else -half_s)

    @property
    def lag_s(self) -> float:
        """How much later than the line says a tick is best expected, as one that came earlier cannot be taken back."""
        return self._jittering.noise.lag_s if self._buffered is None else 0.0

    @property
    def is_doubled(self) -> bool:
        """Whether every tick comes twice."""
        return self._doubled.is_doubled

    @property
    def buffer_s(self) -> float | None:
        """How long the buffer is that the clock comes in; None where it comes in none."""
        return None if self._buffered is None else self._grid.period_s

    def tick(self, at_s: float) -> None:
        """A tick came."""
        if self._doubled.is_copy(at_s):
            return
        self._add(at_s)
        number = self._doubled.found(self.number)
        if number is not None:
            self._begin_anew(number)

    def _add(self, at_s: float) -> None:
        self.last_s = at_s
        is_on_grid = self._grid.add(at_s)
        if self._buffered is not None:
            if self._grid.period_s is not None:
                self._buffered.tick(at_s, is_on_grid=is_on_grid)
            if self._grid.period_s is None or not self._buffered.is_steady:
                self._leave_grid(at_s)
            elif self._buffered.age in LOOK_AGAIN_AGES and self._buffered.is_calm:
                self._look_again(at_s)
        else:
            self._jittering.tick(at_s)
            self._unsteady -= 1
            if self._grid.period_s is not None and (self._unsteady <= 0 or self._is_another_grid(self._grid.period_s)):
                self._enter_grid(at_s)
        self._dates.append(Tick(self.number, at_s))

    def _begin_anew(self, number: int) -> None:
        """Every other tick was a copy: goes through those again that were none, the last of which has this number."""
        dates_s = [at_s for _, at_s in self._dates][-2 * DOUBLED_KEPT :: 2]
        self._grid = BufferGrid()
        self._jittering = JitteringTicks(number - len(dates_s))
        self._buffered = None
        self._dates.clear()
        for at_s in dates_s:
            self._add(at_s)

    def is_on_time(self, at_s: float) -> bool:
        """Whether a tick that came now would be the next one."""
        return self._jittering.is_on_time(at_s) if self._buffered is None else self._buffered.is_on_time(at_s)

    def resume(self, at_s: float, lost: int = 0) -> None:
        """The next tick is at `at_s`, whatever went before: the same tempo in another phase, after so many were lost."""
        self.last_s = None
        self._dates.clear()
        if self._buffered is None:
            self._grid.forget()
            self._jittering.resume(at_s, lost)
        else:
            self._buffered.resume(at_s, lost)

    def _is_another_grid(self, period_s: float) -> bool:
        """Than that on which the clock was not steady: a longer buffer's dates lie on a shorter one's grid, too."""
        return self._unsteady_period_s is not None and abs(period_s / self._unsteady_period_s - 1.0) > ANOTHER_PERIOD

    def _enter_grid(self, at_s: float) -> None:
        dates = [*self._dates, Tick(self.number, at_s)]
        first, line = dates[0].number, self._jittering.line
        interval_s = line.interval_s if line is not None else (at_s - dates[0].at_s) / max(len(dates) - 1, 1)
        counted = [Tick(first + index, date_s) for index, (_, date_s) in enumerate(dates)]
        for ticks in (counted, dates):
            buffered = BufferedTicks(self._grid, ticks, interval_s)
            if buffered.is_steady:
                self._buffered = buffered
                return
        self._unsteady = RETRY_TICKS
        self._unsteady_period_s = self._grid.period_s

    def _look_again(self, at_s: float) -> None:
        """A grid is known better by now than it was when the first windows were cut by it."""
        assert self._buffered is not None
        dates = [*self._dates, Tick(self.number, at_s)][-self._buffered.age :]
        buffered = BufferedTicks(self._grid, dates, self._buffered.line.interval_s)
        if buffered.is_steady:
            self._buffered = buffered

    def _leave_grid(self, at_s: float) -> None:
        """Another buffer, or none, or a clock that is not steady: what the grid made of the last ticks is not to be trusted."""
        assert self._buffered is not None
        number, line = self._buffered.number, self._buffered.line
        known = list(self._dates)[-MISTAKEN_TICKS:]
        is_counted = self._grid.period_s is not None
        if known:
            number = known[0].number + len(known) - (0 if is_counted else 1)
        self._jittering = JitteringTicks()
        if is_counted:
            self._unsteady = UNSTEADY_TICKS
            self._unsteady_period_s = self._grid.period_s
            self._jittering.begin([*known, Tick(number, at_s)], line)
            self._grid.forget()
        else:
            self._jittering.begin([Tick(number, line.at_s)], line)
            self._jittering.tick(at_s)
        self._buffered = None
        self._dates.clear()
