"""A steady clock's ticks that are delivered once per audio buffer: their count, and the line in the middle of all that fit.

Each date says one thing: the tick's window, which is a buffer long. Assumed is that tempo is constant between changes, that
a change leaves no gap, and that a gap leaves the tempo. So when ticks leave their windows, three things may have happened:
another tempo, a clock that stood still, ticks that were lost. What was found is found again when later ticks contradict it.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.timing.ticks.buffer_grid import BufferGrid
from bridge.timing.ticks.feasible_lines import FeasibleLines
from bridge.timing.ticks.tick import Line, Tick

MARGIN_S = 0.0002
"""How far a tick may be beside its window: the grid itself is measured, and dates are whole frames."""

FORGETTING = 0.001
"""By how much what is possible grows at each tick, as a share: a tempo may drift by some millionths in a minute."""

LATE_TICKS, EARLY_TICKS = 4, 3
"""So many ticks beside their windows are no accident; early ones are rarer, as nothing makes a tick early."""

DOUBTFUL_TICKS = 2
"""So many are enough where something has just been explained, and they contradict it."""

KNOWN_TICKS, KNOWN_EVERY = 36, 12
"""What was known is kept for so long, at every so many ticks."""

JUDGED_AGES = frozenset({24, 48, 80})
"""So many ticks after something was explained, more is known on both sides of it."""

NEAR_TICKS = 24
"""What was astray longer ago was an accident."""

DOUBT_TICKS = 96
"""For so long it is remembered what was before a change, in case it has to be explained otherwise."""

RECENT_TICKS = 96
TEMPO_RANGE = 2.2
"""How far a tempo may step, as a factor."""

SAME_TEMPO = 0.001
"""Within such a share a tempo is the same on both sides of a gap."""

KINK_TICKS = 6
"""A change of tempo may have been so many ticks before it showed."""

FEWEST_TICKS = 8
"""Fewer make no line of their own."""

CALM_TICKS, MOST_CHANGES = 96, 5.0
"""A clock that changes so often within so many ticks is not steady, and no line through windows is of use."""

SETTLED_TICKS, GLIDE_S = 168, 0.000002
"""What is learnt after so many ticks is a buffer's worth that could not be known before, and is glided to by so much a tick, 0.8 ms
in 16 beats: nobody hears that, where a beat that lurches is heard."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What was known when ticks began to be astray: the lines, as of a tick."""

    number: int
    lines: FeasibleLines


class BufferedTicks:
    """Follows ticks whose grid is known."""

    def __init__(self, grid: BufferGrid, ticks: Sequence[Tick], interval_s: float) -> None:
        self._grid = grid
        self._recent: deque[Tick] = deque(maxlen=RECENT_TICKS)
        """Dates are the grid's, without delivery."""
        self._astray: list[tuple[int, bool]] = []
        self._unplaced: list[Tick] = []
        self._before: _Before | None = None
        self._is_explained = False
        self._lost = 0
        self._known: deque[_Before] = deque(maxlen=KNOWN_TICKS // KNOWN_EVERY + 1)
        self._moved = grid.moved
        self._changes = 0.0
        self.number = ticks[-1].number
        """Of the last tick; those that must have been lost are counted."""
        windows = [Tick(number, grid.snapped(at_s)) for number, at_s in ticks]
        lines = self._through(windows, None, interval_s / TEMPO_RANGE, interval_s * TEMPO_RANGE)
        self.is_steady = lines is not None
        """Whether straight lines are of use."""
        self._lines = lines or self._window(windows[-1].at_s, interval_s, interval_s)
        self._recent.extend(windows)
        self.age = len(ticks)
        """How many ticks the line is based on: since the first, or since the last change."""
        self._line = Line(self.number, *self._lines.middle)

    @property
    def line(self) -> Line:
        """The one in the middle of all that are possible, or on the way there."""
        return self._line

    @property
    def is_calm(self) -> bool:
        """Whether nothing has changed lately."""
        return not self._is_explained

    def tick(self, at_s: float, *, is_on_grid: bool) -> None:
        """A tick came."""
        self.age += 1
        self._follow(at_s, is_on_grid=is_on_grid)
        if self._is_explained and self.age in JUDGED_AGES:
            self._judge()
        at_s, interval_s = middle = self._lines.middle
        if self.age > SETTLED_TICKS:
            due_s = self._line.due_s(self.number)
            at_s = due_s + min(max(at_s - due_s, -GLIDE_S), GLIDE_S)
            # Slower than it is learnt, as long as that is no more wrong than not to know it would have been.
            half_s = self._period_s / 2
            at_s = min(max(at_s, self._lines.latest_s - half_s), max(self._lines.earliest_s + half_s, middle.at_s))
        self._line = Line(self.number, at_s, interval_s)

    def _follow(self, at_s: float, *, is_on_grid: bool) -> None:
        self.number += 1
        self._changes -= self._changes / CALM_TICKS
        lines = self._lines
        lines.advance()
        lines.relax(FORGETTING, lines.middle)
        if self._grid.moved != self._moved:
            # The whole machine stood still, and its buffers with it.
            self._moved = self._grid.moved
            late, self._unplaced = self._unplaced, []
            for number, date_s in [*late, (self.number, at_s)]:
                self._stray(Tick(number, self._grid.snapped(date_s)), is_late=True)
            self._explain()
            return
        if not is_on_grid:
            self._unplaced = [*self._unplaced, Tick(self.number, at_s)][-NEAR_TICKS:]
            return
        self._unplaced.clear()
        tick = Tick(self.number, self._grid.snapped(at_s))
        if self._keep(lines, tick.at_s):
            self._recent.append(tick)
            self._calm_down()
            return
        self._stray(tick, is_late=tick.at_s > lines.middle.at_s)
        late_ticks = sum(is_late for _, is_late in self._astray)
        early_ticks = len(self._astray) - late_ticks
        is_doubtful = self._is_explained and len(self._astray) >= DOUBTFUL_TICKS
        if late_ticks >= LATE_TICKS or early_ticks >= EARLY_TICKS or is_doubtful:
            self._explain()

    def resume(self, at_s: float, lost: int) -> None:
        """The next tick is at `at_s`: the same tempo in another phase, after so many were lost."""
        shortest_s, longest_s = self._lines.intervals_s
        self.number += lost
        period_s = self._period_s
        self._lines = FeasibleLines.within(at_s - period_s, at_s + period_s, shortest_s, longest_s)
        self._lines.advance(-1)
        self.age = 0
        self._line = Line(self.number, *self._lines.middle)
        self._settle()
        self._recent.clear()

    def is_on_time(self, at_s: float) -> bool:
        """Whether a tick that came now could be the next one."""
        lines = self._lines.copy()
        lines.advance()
        return self._keep(lines, self._grid.snapped(at_s))

    @property
    def _period_s(self) -> float:
        assert self._grid.period_s is not None
        return self._grid.period_s

    @property
    def _half_s(self) -> float:
        return self._period_s / 2 + MARGIN_S

    def _keep(self, lines: FeasibleLines, date_s: float) -> bool:
        half_s = self._half_s
        return lines.keep_between(date_s - half_s, date_s + half_s)

    def _window(self, date_s: float, shortest_s: float, longest_s: float) -> FeasibleLines:
        return FeasibleLines.within(date_s - self._half_s, date_s + self._half_s, shortest_s, longest_s)

    def _stray(self, tick: Tick, *, is_late: bool) -> None:
        if self._before is None:
            self._before = self._known_before()
        self._recent.append(tick)
        self._astray.append((tick.number, is_late))

    def _known_before(self) -> _Before:
        """What was known some ticks ago, as of the present one: the last few may have fitted although all had changed already."""
        for known in self._known:
            if known.number <= self.number - KNOWN_TICKS:
                break
        else:
            return _Before(self.number, self._lines.copy())
        lines = known.lines.copy()
        lines.advance(self.number - known.number)
        return _Before(self.number, lines)

    def _calm_down(self) -> None:
        if self.number % KNOWN_EVERY == 0 and self._before is None:
            self._known.appendleft(_Before(self.number, self._lines.copy()))
        if self._astray and self._astray[0][0] <= self.number - NEAR_TICKS:
            self._astray.pop(0)
        if self._before is None or self._astray:
            return
        if not self._is_explained or self._before.number <= self.number - DOUBT_TICKS:
            self._settle()

    def _settle(self) -> None:
        """What was before is of no interest any more."""
        self._astray.clear()
        self._unplaced.clear()
        self._before = None
        self._is_explained = False
        self._lost = 0
        self._known.clear()

    def _explain(self) -> None:
        """Ticks have left their windows: finds out what has happened since."""
        before = self._before
        assert before is not None
        lost = self._lost
        if not self._is_explained and self.age < RECENT_TICKS:
            everything = list(self._recent)
            interval_s = self._lines.middle.interval_s
            lines = self._through(everything, None, interval_s / TEMPO_RANGE, interval_s * TEMPO_RANGE)
            if lines is not None:
                # Nothing has happened: windows had been cut a little too sharply, while their grid was not known well.
                self._take(lines, everything, 0)
                self._settle()
                return
        new = [Tick(number - lost, at_s) for number, at_s in self._recent if number - lost >= before.number]
        self._astray.clear()
        self._is_explained = True
        self._changes += 1.0
        self.is_steady = self._changes < MOST_CHANGES
        if not new:
            return
        interval_s = before.lines.middle.interval_s
        tempo = self._another_tempo(before, new)
        phase = self._through(new, None, *_widened(before.lines.intervals_s))
        if phase is not None and (tempo is None or self._is_gap(before, new)):
            self._take_phase(before, new, phase)
        elif tempo is not None:
            self._take(tempo, new, 0)
        else:
            # Neither at once: only the last ticks are believed.
            for start in range(1, len(new) - FEWEST_TICKS):
                lines = self._through(new[start:], None, interval_s / TEMPO_RANGE, interval_s * TEMPO_RANGE)
                if lines is not None:
                    self._take(lines, new[start:], 0)
                    self._settle()
                    break

    def _is_gap(self, before: _Before, new: Sequence[Tick]) -> bool:
        """Whether one interval was longer than the grid alone makes it: another tempo makes all of them so, one leaves a gap."""
        known = [tick for tick in self._recent if tick.number < before.number]
        if not known:
            return True
        most_s = before.lines.intervals_s[1] + self._half_s * 2
        first = new[0].at_s - known[-1].at_s
        return first > most_s * max(new[0].number - known[-1].number, 1)

    def _another_tempo(self, before: _Before, new: Sequence[Tick]) -> FeasibleLines | None:
        """The lines on from where the old ones were just before, in any tempo."""
        interval_s = before.lines.middle.interval_s
        kink = before.lines.copy()
        kink.advance(-1)
        at_s, half_s = kink.middle.at_s, kink.spread_s / 2 + self._period_s / 4
        lines = FeasibleLines.within(at_s - half_s, at_s + half_s, interval_s / TEMPO_RANGE, interval_s * TEMPO_RANGE)
        return self._through(new, Tick(before.number - 1, 0.0), lines=lines)

    def _take_phase(self, before: _Before, new: Sequence[Tick], phase: FeasibleLines) -> None:
        """The same tempo, later or earlier: by ticks that were lost, where that is a whole number of them for all that is known."""
        self._take(*(self._lost_between(before, new, phase) or (phase, new, 0)))

    def _lost_between(
        self, before: _Before, new: Sequence[Tick], phase: FeasibleLines
    ) -> tuple[FeasibleLines, list[Tick], int] | None:
        """The lines through what was before and what came since, with so many ticks lost between; None where there are none."""
        old = before.lines.copy()
        old.advance(new[-1].number - before.number)
        at_s, interval_s = old.middle
        lost = round((phase.middle.at_s - at_s) / interval_s)
        if lost <= 0:
            return None
        counted = [Tick(number + lost, at_s) for number, at_s in new]
        lines = self._through(counted, Tick(before.number, 0.0), lines=before.lines.copy())
        return None if lines is None else (lines, counted, lost)

    def _judge(self) -> None:
        """Whether ticks were lost, once more is known."""
        before, lost = self._before, self._lost
        assert before is not None
        new = [Tick(number - lost, at_s) for number, at_s in self._recent if number - lost >= before.number]
        phase = self._through(new, None, *_widened(before.lines.intervals_s)) if new else None
        found = None if phase is None else self._lost_between(before, new, phase)
        if found is not None and found[2] != lost:
            age = self.age
            self._take(*found)
            self.age = age

    def _take(self, lines: FeasibleLines, new: Sequence[Tick], lost: int) -> None:
        lines.advance(self.number - self._lost + lost - new[-1].number)
        self._lines = lines
        self.number += lost - self._lost
        self.age = 0
        self._lost = lost
        self._recent.clear()
        self._recent.extend(new)

    def _through(
        self,
        ticks: Iterable[Tick],
        since: Tick | None,
        shortest_s: float = 0.0,
        longest_s: float = 0.0,
        lines: FeasibleLines | None = None,
    ) -> FeasibleLines | None:
        """The lines through the windows of ticks, as of the last; None where there is none."""
        at = 0 if since is None else since.number
        for number, date_s in ticks:
            if lines is None:
                lines = self._window(date_s, shortest_s, longest_s)
            else:
                lines.advance(number - at)
                if not self._keep(lines, date_s):
                    return None
            at = number
        return lines


def _widened(intervals_s: tuple[float, float]) -> tuple[float, float]:
    shortest_s, longest_s = intervals_s
    return shortest_s * (1 - SAME_TEMPO), longest_s * (1 + SAME_TEMPO)
