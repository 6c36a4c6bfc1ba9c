"""Counts a steady clock's ticks that come once per audio buffer, and keeps the line in the middle of all that fit them.

A date only gives the tick a window, which is a buffer long. Assumptions: the tempo is constant between changes, a change of
tempo comes without a gap, and a gap does not change the tempo. So when ticks leave their windows, the tempo has changed, or
the clock has paused, or ticks were lost. The explanation is revised when later ticks contradict it. Times are in seconds.
"""

from collections import deque
from collections.abc import Sequence

from bridge.timing.ticks.buffered.buffer_grid import BufferGrid
from bridge.timing.ticks.buffered.explanations import (
    Explanation,
    KnownLines,
    PastLines,
    explained_gap,
    is_gap,
    lines_at_new_phase,
    lines_at_new_tempo,
    stepped,
)
from bridge.timing.ticks.buffered.feasible_lines import FeasibleLines
from bridge.timing.ticks.buffered.forgetting import forgetting
from bridge.timing.ticks.buffered.gap_count import TICKS_BEFORE, GapCount
from bridge.timing.ticks.buffered.possible_step import NARROW_SPREAD_S, WIDE_SPREAD_S, PossibleStep
from bridge.timing.ticks.buffered.tick_windows import TickWindows
from bridge.timing.ticks.gliding import glided
from bridge.timing.ticks.tick import Tick, TickLine

MISFIT_S = 0.0006
"""Ticks that miss all known lines by this much at most are not a change: a grid's phase comes from its earliest dates, and at
first there are few of them."""

NEW_TICKS = 2
"""A grid is found at the tick that slips into another buffer, or at the next one."""

LATE_TICKS, EARLY_TICKS = 4, 2
"""This many ticks outside their windows are not a coincidence; early ones are rarer, as no delivery makes a tick early."""

CONTRADICTING_TICKS = 2
"""This many ticks outside their windows are enough to contradict a recent explanation."""

RECHECK_AGES, TEMPO_RECHECK_AGES = frozenset({24, 48, 80}), frozenset({48, 80})
"""The numbers of ticks after an explanation at which it is checked again, as more is known by then. Whether ticks were lost where a new
tempo explains the dates as well, a beat is too short to tell."""

NEAR_TICKS = 24
"""A tick that was outside its window more ticks ago than this no longer counts."""

BEFORE_TICKS = 96
"""For this many ticks, the lines before a change are kept, in case another explanation is needed."""

UNNOTICED_TICKS = 96
"""So many ticks after a gap that no interval shows may still be in their windows."""

RECENT_TICKS = 96
"""How many last ticks lines are fitted to."""

FEWEST_TICKS = 8
"""The fewest ticks that make a line by themselves."""

CALM_TICKS, MOST_CHANGES = 96, 5.0
"""A clock with this many changes within about `CALM_TICKS` is not steady, and straight lines do not describe it."""


class BufferedTicks:
    """Follows ticks on a grid that is known."""

    def __init__(self, grid: BufferGrid, ticks: Sequence[Tick], interval_s: float) -> None:
        self._grid = grid
        self._windows = TickWindows(grid)
        self._recent: deque[Tick] = deque(maxlen=RECENT_TICKS)
        """Their dates are grid lines, without the delay of delivery."""
        self._outliers: list[tuple[int, bool]] = []
        self._off_grid_ticks: list[Tick] = []
        self._before: KnownLines | None = None
        self._spread_s = 0.0
        """How much time there was for the last tick before its date came."""
        self._step: PossibleStep | None = None
        """A step of tempo that is suspected, or possible where the last change is explained by a gap."""
        self._is_explained = False
        self._is_tempo_new = False
        """Whether the last change was explained by a new tempo."""
        self._lost = 0
        self._gap: GapCount | None = None
        """The last gap, as long as it may turn out to be another number of lost ticks."""
        self._is_weighed = False
        """Whether the last change was a gap whose explanations are weighed, or were."""
        self._past = PastLines()
        self._grid_moves = grid.moved
        self._changes = 0.0
        self._changed_s: float | None = None
        """The date at which the last of these changes was noticed."""
        self.number = ticks[-1].number
        """The number of the last tick. Ticks that must have been lost are counted."""
        windows = [Tick(number, grid.snapped(at_s)) for number, at_s in ticks]
        lines = self._windows.lines_through(windows, *stepped(interval_s))
        self.is_steady = lines is not None
        """Whether the clock is steady enough for straight lines."""
        self._lines = lines or self._windows.lines_at(windows[-1].at_s, interval_s, interval_s)
        self._recent.extend(windows)
        self._steady_before: list[Tick] = []
        """Those before the last change."""
        self._steady: deque[Tick] = deque(windows, maxlen=TICKS_BEFORE)
        """The ticks since the last change, without those outside their windows."""
        self.age = len(ticks)
        """The number of ticks that the line is based on: since the first tick, or since the last change."""
        self._line = TickLine(self.number, *self._lines.middle)

    @property
    def line(self) -> TickLine:
        """The line in the middle of all possible ones, or on the way there."""
        return self._line

    @property
    def is_calm(self) -> bool:
        """Whether there was no change recently, and nothing about the last one is open."""
        return not self._is_explained and self._gap is None

    @property
    def has_stepped(self) -> bool:
        """Whether the last change was a step of tempo, and fits all ticks since then."""
        return self._is_explained and self._is_tempo_new

    @property
    def has_lost(self) -> bool:
        """Whether the last change was a gap in which ticks count as lost."""
        return self._gap is not None and self._gap.lost > 0

    def tick(self, at_s: float, *, is_on_grid: bool) -> None:
        """Adds a tick with its date. Dates must not go back."""
        self.age += 1
        self._update(at_s, is_on_grid=is_on_grid)
        if self._gap is not None:
            self._weigh_gap(self._gap)
        elif (
            self._is_explained
            and not self._is_weighed
            and self.age in (TEMPO_RECHECK_AGES if self._is_tempo_new else RECHECK_AGES)
        ):
            self._recheck_lost_ticks()
        self._line = glided(
            self._line,
            self.number,
            self._lines,
            self._step.lines if self._step is not None and self._is_explained and self._lost == 0 else None,
            self._windows.period_s,
            self.age,
            are_others_likelier=bool(self._outliers),
        )

    def _update(self, at_s: float, *, is_on_grid: bool) -> None:
        self.number += 1
        self._changes -= self._changes / CALM_TICKS
        lines = self._lines
        self._advance(lines)
        if self._grid.moved != self._grid_moves:
            # The whole machine paused, and its buffers with it.
            self._grid_moves = self._grid.moved
            late, self._off_grid_ticks = self._off_grid_ticks, []
            for number, date_s in [*late, (self.number, at_s)]:
                self._add_outlier(Tick(number, self._grid.snapped(date_s)), is_late=True)
            self._explain()
            return
        if not is_on_grid:
            self._off_grid_ticks = [*self._off_grid_ticks, Tick(self.number, at_s)][-NEAR_TICKS:]
            return
        self._off_grid_ticks.clear()
        tick = Tick(self.number, self._grid.snapped(at_s))
        if self._step is not None:
            self._step.keep(tick.at_s)
        if self._windows.keep(lines, tick.at_s):
            self._recent.append(tick)
            self._steady.append(tick)
            if self._gap is not None:
                self._gap.tick(Tick(tick.number - self._gap.lost, tick.at_s))
            self._calm_down()
            return
        is_step = self._add_outlier(tick, is_late=tick.at_s > lines.middle.at_s)
        late_ticks = sum(is_late for _, is_late in self._outliers)
        early_ticks = len(self._outliers) - late_ticks
        is_contradicted = self._is_explained and len(self._outliers) >= CONTRADICTING_TICKS
        if late_ticks >= LATE_TICKS or early_ticks >= EARLY_TICKS or is_contradicted or is_step:
            self._explain()

    def resume(self, at_s: float, lost: int) -> None:
        """Expects the next tick at `at_s`: the tempo stays and the phase is new. `lost` ticks are counted as lost before it."""
        shortest_s, longest_s = self._lines.intervals_s
        self.number += lost
        period_s = self._windows.period_s
        self._lines = FeasibleLines.within(at_s - period_s, at_s + period_s, shortest_s, longest_s)
        self._lines.advance(-1)
        self.age = 0
        self._line = TickLine(self.number, *self._lines.middle)
        self._settle()
        self._gap = None
        self._recent.clear()
        self._steady.clear()

    def suspect_step(self, interval_s: float) -> None:
        """Suspects a step of tempo where the tick that has shown the grid, one of the last two, leaves hardly any line of the first ticks."""
        ticks = list(self._steady)
        known, new = ticks[:-NEW_TICKS], ticks[-NEW_TICKS:]
        lines = self._windows.lines_through(known, *stepped(interval_s))
        if lines is not None and lines.spread_s > WIDE_SPREAD_S and self._lines.spread_s < NARROW_SPREAD_S:
            lines.advance(new[0].number - known[-1].number)
            self._step = PossibleStep(self._windows, KnownLines(new[0].number, lines), new)

    def is_on_time(self, at_s: float) -> bool:
        """Whether a tick at `at_s` could be the next one, with none lost between."""
        lines = self._lines.copy()
        lines.advance()
        return self._windows.keep(lines, self._grid.snapped(at_s))

    def keep_count(self) -> None:
        """Keeps the numbers of all ticks until now, whatever a gap before them turns out to be."""
        self._gap = None
        if self._is_explained:
            self._settle()

    def _advance(self, lines: FeasibleLines) -> None:
        """Moves the lines on to this tick, and those of a possible step; suspects one where the last tick has left hardly any line."""
        lines.advance()
        spread_s, before_s = lines.spread_s, self._spread_s
        self._spread_s = spread_s
        lines.relax(forgetting(spread_s, self._windows.period_s, self.age), lines.middle)
        if self._step is not None:
            self._step.advance()
            if self._before is None and not self._step.is_open:
                self._step = None
        elif before_s > WIDE_SPREAD_S and spread_s < NARROW_SPREAD_S and self._before is None and self._recent:
            last = self._recent[-1].number
            old = lines.copy()
            old.advance(last - self.number)
            self._step = PossibleStep(self._windows, self._past.before(last, old), [self._recent[-1]])
            self._step.advance()

    def _add_outlier(self, tick: Tick, *, is_late: bool) -> bool:
        """Adds a tick that has left its window; returns whether it confirms a step of tempo."""
        is_step = False
        if self._before is None:
            is_step = self._step is not None and self._step.is_confirmed
            known = self._step.before if self._step is not None and is_step else None
            self._before = known or self._past.before(self.number, self._lines)
            self._step = None
        self._recent.append(tick)
        self._outliers.append((tick.number, is_late))
        return is_step

    def _calm_down(self) -> None:
        if self._before is None:
            self._past.add(self.number, self._lines)
        if self._outliers and self._outliers[0][0] <= self.number - NEAR_TICKS:
            self._outliers.pop(0)
        if self._before is None or self._outliers:
            return
        if not self._is_explained or self._before.number <= self.number - BEFORE_TICKS:
            self._settle()

    def _settle(self) -> None:
        """Drops what was kept from before the last change."""
        self._outliers.clear()
        self._off_grid_ticks.clear()
        self._before = None
        self._step = None
        self._is_explained = False
        self._lost = 0
        self._past.clear()

    def _explain(self) -> None:
        """Finds out what has happened when ticks have left their windows."""
        before = self._before
        assert before is not None
        lost = self._lost
        if not self._is_explained and self._refit_if_grid_was_unclear(before):
            return
        new = [Tick(number - lost, at_s) for number, at_s in self._recent if number - lost >= before.number]
        self._outliers.clear()
        if not self._is_explained:
            # Where no interval was too long, the first ticks after the gap may have passed for ticks before it.
            last = before.number - (0 if new and self._is_gap(before, new[0]) else UNNOTICED_TICKS)
            self._steady_before = [tick for tick in self._steady if tick.number < last]
        # A tempo that fits all ticks since a gap is likelier than a second gap.
        was_gap = self._is_explained and not self._is_tempo_new
        self._is_explained, self._is_tempo_new, self._is_weighed = True, False, False
        if self._recent[-1].at_s != self._changed_s:
            # Ticks of one date were held up together.
            self._changes += 1.0
            self._changed_s = self._recent[-1].at_s
        self.is_steady = self._changes < MOST_CHANGES
        if not new:
            return
        interval_s = before.lines.middle.interval_s
        tempo = lines_at_new_tempo(self._windows, before, new)
        phase = lines_at_new_phase(self._windows, before, new)
        if phase is not None and (tempo is None or (self._is_gap(before, new[0]) and not was_gap)):
            found = explained_gap(self._windows, before, new, phase)
            self._use_gap(found, self._gap_count(new, found.lost))
            self._step = PossibleStep(self._windows, before, new)
        elif tempo is not None:
            self._use(Explanation(tempo, new, 0))
            self._is_tempo_new, self._step = True, None
        else:
            # Neither explains all of them: only the last ticks count.
            for start in range(1, len(new) - FEWEST_TICKS):
                lines = self._windows.lines_through(new[start:], *stepped(interval_s))
                if lines is not None:
                    # Ticks that were lost at several places make the first ones fit no line, and the last ones fit the old one.
                    self._use(explained_gap(self._windows, before, new[start:], lines))
                    self._settle()
                    break

    def _refit_if_grid_was_unclear(self, before: KnownLines) -> bool:
        """Whether the lines were wrong only because the grid was not known well yet. If so, fits them again."""
        interval_s = before.lines.middle.interval_s
        recent = list(self._recent)
        if self.age >= RECENT_TICKS:
            new = [tick for tick in recent if tick.number >= before.number]
            if self._windows.lines_on(before.lines, before.number, new, MISFIT_S) is None:
                return False
        lines = self._windows.lines_through(recent, *stepped(interval_s))
        if lines is None:
            return False
        self._use(Explanation(lines, recent, 0))
        self._settle()
        return True

    def _is_gap(self, before: KnownLines, first: Tick) -> bool:
        """Whether the interval before the first tick after a change was longer than the grid explains."""
        known = [tick for tick in self._recent if tick.number < before.number]
        return is_gap(self._windows, before, known[-1] if known else None, first)

    def _gap_count(self, new: Sequence[Tick], lost: int) -> GapCount:
        """Returns what weighs a gap. `new` are the ticks since then by the numbers that they have if none was lost."""
        return GapCount(self._steady_before, new, lost, self._windows.period_s, self._grid.jitter_s)

    def _use_gap(self, found: Explanation, gap: GapCount) -> None:
        """Uses what a gap seems to be, and goes on weighing it."""
        self._use(found)
        if gap.is_known:
            self._gap, self._is_weighed = gap, True
            if found.lost:
                self._steady = deque([*self._steady_before, *found.ticks], maxlen=TICKS_BEFORE)

    def _weigh_gap(self, gap: GapCount) -> None:
        """Counts again how many ticks were lost in the last gap where the ticks since then show another number."""
        counted, lost = gap.lost, gap.likely_lost
        if lost != counted:
            self._lines = gap.count(lost)
            self._lines.advance(self.number - counted - gap.last)
            self.number += lost - counted
            after = [
                Tick(number - counted + lost, at_s) for number, at_s in self._recent if number - counted >= gap.first
            ]
            self._recent = deque(after, maxlen=RECENT_TICKS)
            self._steady = deque(after, maxlen=TICKS_BEFORE)
            self._outliers.clear()
            self._past.clear()
            if self._is_explained:
                self._lost = lost
            else:
                self._before = None
            self._line = TickLine(self.number, *self._lines.middle)
        if not gap.is_open:
            self._gap = None

    def _recheck_lost_ticks(self) -> None:
        """Decides again whether ticks were lost, as more is known now."""
        before, lost = self._before, self._lost
        assert before is not None
        new = [Tick(number - lost, at_s) for number, at_s in self._recent if number - lost >= before.number]
        phase = lines_at_new_phase(self._windows, before, new)
        if phase is None:
            return
        found = explained_gap(self._windows, before, new, phase)
        if found.lost == lost:
            return
        gap = self._gap_count(new, found.lost)
        # Where a new tempo fits as well, both ways of counting have to agree: one may count a tick that slipped into the next buffer.
        if self._is_tempo_new and gap.is_known and gap.likely_lost != found.lost:
            return
        age = self.age
        self._use_gap(found, gap)
        self.age, self._is_tempo_new = age, False

    def _use(self, found: Explanation) -> None:
        found.lines.advance(self.number - self._lost + found.lost - found.ticks[-1].number)
        self._lines = found.lines
        self.number += found.lost - self._lost
        self.age = 0
        self._lost = found.lost
        self._gap = None
        self._recent.clear()
        self._recent.extend(found.ticks)
        self._steady.clear()
        self._steady.extend(found.ticks)
