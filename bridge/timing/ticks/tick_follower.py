"""Predicts the ticks of a clock, with a model that it chooses from the ticks' dates. It knows no beats and no transport.

Where dates lie on the grid of an audio buffer, each one only names the buffer that its tick was in, and `BufferedTicks` keeps
all lines that are possible. Other dates are exact, or late at random, and `JitteringTicks` averages them. Times are in seconds.
"""

from collections import deque
from collections.abc import Sequence

from bridge.timing.ticks.buffered.buffer_grid import BufferGrid, is_same_period
from bridge.timing.ticks.buffered.buffered_ticks import BufferedTicks
from bridge.timing.ticks.buffered.grid_entry import STEPPED_TICKS, buffered_from, counted_from
from bridge.timing.ticks.doubled_ticks import DoubledTicks
from bridge.timing.ticks.exact_dates import counted_by_intervals
from bridge.timing.ticks.gliding import ModelGlide
from bridge.timing.ticks.jittering_ticks import JitteringTicks
from bridge.timing.ticks.new_count import NewCount
from bridge.timing.ticks.tick import SHORTEST_INTERVAL_S, BufferSide, Tick, TickLine

FULLY_DATED_TICKS = 72
"""So many dates tell the clock's buffer from others of another length that the first ones fit, too."""

DATES_KEPT = 192
"""When a grid is found, the dates before it are counted again: before the grid was known, some looked like lost ticks."""

REPLAYED_TICKS = 24
"""How many ticks are replayed, without their copies, when a clock turns out to be doubled."""

UNSTEADY_TICKS, RETRY_TICKS = 192, 12
"""How many ticks to wait before the grid is tried again: after an unsteady clock, and where a grid has no line yet."""

RECOUNTED_TICKS = 24
"""When a grid is dropped, at most this many last ticks are counted again: the grid may have taken some for lost by mistake."""

MOST_OFF_S = 0.0008
"""How far beyond half a buffer from the line of the grid the beat may be while it glides there."""

SHORT_PERIOD_S = 0.0012
"""A grid this short is easily seen where there is none, and half of its period is less than a millisecond."""

COARSER_TICKS = 96
"""How many last ticks are fitted again when a longer buffer turns out to be the clock's."""

REFIT_AGES = frozenset({24, 36, 48, 72, 95})
"""Ticks on a grid, or since the last change on it, after which the line is fitted again."""


class TickFollower:
    """Takes the date of each tick, and keeps the last tick's number and the line that predicts the next ones."""

    def __init__(self, side: BufferSide = "unknown") -> None:
        self.side: BufferSide = side
        self._last_s: float | None = None
        self._doubled = DoubledTicks()
        self._new_count: NewCount | None = None
        """The ticks since the last start; None before it, and where they are known well enough."""
        self._grid = BufferGrid()
        self._jittering = JitteringTicks(side=self.side)
        self._buffered: BufferedTicks | None = None
        self._dates: deque[Tick] = deque(maxlen=DATES_KEPT)
        self._dates_before: deque[Tick] | None = None
        """Where the last tick alone has shown the grid: the dates, as they are if there is none."""
        self._moved_s = 0.0
        self._glide = ModelGlide()
        self._unsteady = 0
        self._unsteady_period_s: float | None = None

    @property
    def last_s(self) -> float | None:
        """The date of the last tick."""
        return None if self._last_s is None else self._last_s + self._moved_s

    @property
    def number(self) -> int:
        """The number of the last tick, from 0. Ticks that must have been lost are counted."""
        return self._jittering.number if self._buffered is None else self._buffered.number

    @property
    def line(self) -> TickLine | None:
        """The line that predicts ticks; None until enough have come."""
        line = self._model_line
        return None if line is None else line.moved(self._moved_s + self._glide.off_s)

    @property
    def interval_s(self) -> float | None:
        """The time between ticks, as the line has it; None until enough have come."""
        line = self._jittering.line if self._buffered is None else self._buffered.line
        return None if line is None else line.interval_s

    @property
    def _model_line(self) -> TickLine | None:
        if self._buffered is None:
            return self._jittering.line
        line = self._buffered.line
        if self.side == "unknown" or self._grid.period_s is None:
            return line
        half_s = self._grid.period_s / 2
        return line.moved(half_s if self.side == "start" else -half_s)

    @property
    def lag_s(self) -> float:
        """How much later than the line to expect a tick, as a note that sounded too early cannot be taken back."""
        return self._jittering.noise.lag_s if self._buffered is None else 0.0

    @property
    def is_doubled(self) -> bool:
        """Whether every tick comes twice."""
        return self._doubled.is_doubled

    @property
    def buffer_s(self) -> float | None:
        """The length of the audio buffer that the clock is delivered in; None where there is none."""
        return None if self._buffered is None else self._grid.period_s

    def move_dates(self, by_s: float) -> None:
        """Accounts for a standstill of the clock that dates come from: all dates from now on are `by_s` later."""
        self._moved_s += by_s

    def tick(self, at_s: float) -> None:
        """Adds a tick with its date. Dates must not go back."""
        at_s -= self._moved_s
        new, was_doubted = self._new_count, self._doubled.is_doubted
        if new is not None:
            new.all_dates_s.append(at_s)
        if self._doubled.is_copy(at_s):
            return
        if new is not None and was_doubted and not self._doubled.is_doubled:
            # None of the ticks since the start was a copy.
            new.dates_s = new.all_dates_s.copy()
            self._replay(new.dates_s, new.number + len(new.dates_s))
            return
        self._add(at_s)
        number = self._doubled.detect(self.number)
        if number is not None:
            self._replay([date_s for _, date_s in self._dates][-2 * REPLAYED_TICKS :: 2], number)
            self._new_count = None
        elif new is not None:
            new.dates_s.append(at_s)
            self._count_anew(new)

    def _count_anew(self, new: NewCount) -> None:
        """Counts the ticks since a start again where some seemed lost. If they fit one line from the start on, none was."""
        if new.is_recount_due(self.number):
            models = self._grid, self._jittering, self._buffered, self._dates
            self._dates = deque(maxlen=DATES_KEPT)
            self._replay(new.dates_s, new.number + len(new.dates_s))
            if not new.is_confirmed(self.number, self._model_line, self.buffer_s):
                self._grid, self._jittering, self._buffered, self._dates = models
        if new.is_over:
            self._new_count = None

    def _add(self, at_s: float) -> None:
        before, was_buffered = self._model_line, self._buffered is not None
        self._add_to_model(at_s)
        after = self._model_line
        if self._glide.follow(before, after) and was_buffered != (self._buffered is not None):
            assert before is not None
            assert after is not None
            most_s = None
            if self._buffered is not None and self._grid.period_s is not None:
                most_s = MOST_OFF_S + (0.0 if self.side == "unknown" else self._grid.period_s / 2)
            self._glide.take_over(before, after, most_s)

    def _add_to_model(self, at_s: float) -> None:
        self._last_s = at_s
        if self._dates_before is not None:
            self._confirm_grid(at_s)
        is_surprising = self._buffered is None and self._jittering.is_surprising(at_s)
        has_stepped = is_surprising and len(self._jittering.last_ticks) < STEPPED_TICKS
        is_on_grid = self._grid.add(at_s, is_surprising=is_surprising, has_stepped=has_stepped)
        if self._buffered is not None:
            if self._grid.period_s is not None:
                self._buffered.tick(at_s, is_on_grid=is_on_grid)
            if self._grid.period_s is None or not self._buffered.is_steady:
                self._leave_grid(at_s)
            elif self._buffered.age == 0 and not self._buffered.has_lost and self._grid.find_coarser():
                self._enter_coarser_grid(at_s)
            elif self._buffered.age in REFIT_AGES and self._buffered.is_calm:
                self._refit(at_s)
        else:
            before = self._jittering.number
            self._jittering.tick(at_s)
            if self._jittering.number > before + 1:
                self._renumber_dates(self._jittering.last_ticks)
            self._unsteady -= 1
            period_s = self._grid.period_s
            # A short buffer tells nothing of a steady clock that the line through its last minute does not tell better.
            is_needed = period_s is not None and (period_s > SHORT_PERIOD_S or not self._jittering.is_steady)
            if period_s is not None and is_needed and (self._unsteady <= 0 or self._is_another_grid(period_s)):
                self._enter_grid(at_s)
            if self._grid.is_doubted and self._buffered is None:
                self._grid.drop()
        self._dates.append(Tick(self.number, at_s))

    def _renumber_dates(self, ticks: Sequence[Tick]) -> None:
        """Gives the last dates the numbers that these ticks have: those after a gap were counted before it was known how many were lost in it."""
        numbers = {at_s: number for number, at_s in ticks}
        for index in range(-min(len(ticks), len(self._dates)), 0):
            at_s = self._dates[index].at_s
            if at_s in numbers:
                self._dates[index] = Tick(numbers[at_s], at_s)

    def _replay(self, dates_s: Sequence[float], number: int) -> None:
        """Follows these ticks anew. The last one gets `number`."""
        self._grid = BufferGrid()
        self._jittering = JitteringTicks(number - len(dates_s), self.side)
        self._buffered = self._dates_before = None
        self._dates.clear()
        for at_s in dates_s:
            self._add(at_s)

    def is_on_time(self, at_s: float) -> bool:
        """Whether a tick at `at_s` would be the next one, with none lost between."""
        at_s -= self._moved_s
        return self._jittering.is_on_time(at_s) if self._buffered is None else self._buffered.is_on_time(at_s)

    def resume(self, at_s: float, lost: int = 0) -> None:
        """Expects the next tick at `at_s`: the tempo stays and the phase is new. `lost` ticks are counted as lost before it."""
        at_s -= self._moved_s
        self._last_s = self._dates_before = None
        self._dates.clear()
        self._expect_another_clock(lost)
        if self._buffered is None:
            self._grid.forget()
            self._jittering.resume(at_s, lost)
        elif self._buffered.line.interval_s < SHORTEST_INTERVAL_S:
            # Ticks that were held up say nothing of the next ones, nor of a buffer.
            self._jittering = JitteringTicks(self.number + lost, self.side)
            self._buffered = None
            self._grid = BufferGrid()
        else:
            self._buffered.resume(at_s, lost)

    def keep_count(self) -> None:
        """Keeps the numbers of all ticks until now: what later ticks show of an earlier gap changes none, as the song starts with the next tick."""
        self._expect_another_clock(0)
        if self._buffered is None:
            self._jittering.keep_count()
        else:
            self._buffered.keep_count()

    def _expect_another_clock(self, lost: int) -> None:
        self._doubled.doubt()
        self._new_count = NewCount(self.number + lost)
        self._unsteady = 0

    def _is_another_grid(self, period_s: float) -> bool:
        """Whether this grid differs from the one that failed: dates from a longer buffer fit a shorter one's grid, too."""
        return self._unsteady_period_s is not None and not is_same_period(period_s, self._unsteady_period_s)

    def _enter_grid(self, at_s: float) -> None:
        dates = [*self._dates, Tick(self.number, at_s)]
        found = buffered_from(self._grid, dates, self._jittering.last_ticks[0].number, self._jittering.line)
        if found is not None:
            self._use_buffered(*found)
        else:
            self._unsteady = RETRY_TICKS
            self._unsteady_period_s = self._grid.period_s

    def _enter_coarser_grid(self, at_s: float) -> None:
        """Fits the ticks to a longer buffer: what looked like a change of the clock was a tick that slipped into the next one."""
        ticks = [*list(self._dates)[1 - COARSER_TICKS :], Tick(self.number, at_s)]
        counted = counted_from(self._dates[-1].number + 2 - len(ticks), ticks)
        buffered = BufferedTicks(self._grid, counted, (at_s - ticks[0].at_s) / (len(ticks) - 1))
        if buffered.is_steady:
            self._use_buffered(buffered, counted)

    def _use_buffered(self, buffered: BufferedTicks, ticks: Sequence[Tick]) -> None:
        """Follows ticks on a grid from now on. These are the ticks with the numbers that it gave them; the last one's date is added later."""
        self._buffered = buffered
        if self._grid.is_doubted:
            self._dates_before = self._dates
            self._dates_before.append(Tick(self._jittering.number, ticks[-1].at_s))
        self._dates = deque(ticks[:-1], maxlen=DATES_KEPT)

    def _confirm_grid(self, at_s: float) -> None:
        """Goes on without the grid that the last tick alone has shown, unless this tick is where it lets the tick be expected."""
        dates, self._dates_before = self._dates_before, None
        if dates is None or self._buffered is None or self._grid.period_s is None:
            return
        if not self._grid.has_line_at(at_s) or not self._buffered.is_on_time(at_s):
            self._grid.drop()
            self._buffered, self._dates = None, dates

    def _refit(self, at_s: float) -> None:
        """Fits the line again, as the grid is known better now than when the first ticks' windows came from it."""
        assert self._buffered is not None
        dates = [*self._dates, Tick(self.number, at_s)][-self._buffered.age :]
        better = self._grid.better() if self._buffered.age >= FULLY_DATED_TICKS else None
        for grid in (better, self._grid):
            if grid is not None:
                buffered = BufferedTicks(grid, dates, self._buffered.line.interval_s)
                if buffered.is_steady:
                    self._grid, self._buffered = grid, buffered
                    return

    def _leave_grid(self, at_s: float) -> None:
        """Goes back to jittering ticks: the buffer changed or is gone, or the clock is unsteady, so recent counts may be wrong."""
        assert self._buffered is not None
        number, line = self._buffered.number, self._buffered.line
        known = list(self._dates)
        is_counted = self._grid.period_s is not None
        clear = known[-self._buffered.age :] if self._buffered.has_stepped else known
        is_clear = self._buffered.has_stepped or self._buffered.is_calm
        if not is_counted and clear and is_clear and self._buffered.age >= len(clear):
            # Only the grid was wrong: its dates still show the clock.
            self._jittering = JitteringTicks(side=self.side)
            self._jittering.take_over([*clear, Tick(number + 1, at_s)], line)
            self._buffered = None
            return
        known = known[-RECOUNTED_TICKS:]
        exact = counted_by_intervals([*known, Tick(number + 1, at_s)])
        if exact:
            # There never was a buffer: a pause of a whole number of them had made the dates look as if.
            self._jittering = JitteringTicks(side=self.side)
            self._jittering.take_over(exact, TickLine(exact[-1].number, at_s, line.interval_s))
            self._grid.forget()
            self._buffered = None
            self._dates.clear()
            return
        if known:
            number = known[0].number + len(known) - (0 if is_counted else 1)
        self._jittering = JitteringTicks(side=self.side)
        if is_counted:
            # After a start, the clock before it may have been unsteady, and not this one.
            self._unsteady = UNSTEADY_TICKS if self._new_count is None else RETRY_TICKS
            self._unsteady_period_s = self._grid.period_s
            self._jittering.take_over([*known, Tick(number, at_s)], line)
            self._grid.forget()
        else:
            self._jittering.take_over([Tick(number, line.at_s)], line)
            if known:
                self._jittering.last_s = known[-1].at_s
            self._jittering.tick(at_s)
        self._buffered = None
        self._dates.clear()
