"""Weighs whether ticks were lost in a gap or the clock paused, for as long as its ticks, each in its buffer, allow both.

Ticks that were lost leave the phase as it was, so one straight line passes through the ticks on both sides of the gap. After a
pause there are two lines of one tempo. Each further tick leaves fewer lines; a number of lost ticks that no line allows is
excluded for good. It knows no delivery: ticks have the times of their buffers. Times are in seconds.
"""

import math
from collections.abc import Sequence

from bridge.timing.ticks.buffered.feasible_lines import FeasibleLines
from bridge.timing.ticks.tick import SHORTEST_INTERVAL_S, Tick

TICKS_BEFORE, TICKS_AFTER = 288, 576
"""How many ticks are weighed before the gap and after it: twelve beats and twenty-four."""

FEWEST_TICKS = 24
"""With fewer ticks before the gap, the clock is not known well enough."""

LIKELIER = 3.0
"""The count changes if another number of lost ticks leaves so many times more lines: the beat must not go to and fro."""

MARGIN_S, MARGIN_SHARE = 0.00002, 0.1
"""How far a tick may be outside its buffer: dates are whole frames, and where buffers are is known to a share of the jitter."""


class GapCount:
    """Takes the ticks before a gap, and each tick after it by the number that it has if none was lost."""

    def __init__(
        self, before: Sequence[Tick], after: Sequence[Tick], lost: int, period_s: float, jitter_s: float
    ) -> None:
        """Takes how many ticks count as lost, the buffer's length, and how much later than its buffer a tick comes at most."""
        self.first = after[0].number
        """The number of the first tick after the gap."""
        self.lost = lost
        """How many ticks are counted as lost; 0 for a pause."""
        self._half_s = period_s / 2 + MARGIN_S + MARGIN_SHARE * jitter_s
        self.last = after[0].number
        """The number of the last tick."""
        first_s = after[0].at_s
        self._counted: dict[int, FeasibleLines] = {}
        """The lines through all ticks, for each number of lost ticks that is still possible."""
        old = self._lines_through(before)
        self._paused: FeasibleLines | None = None
        """The lines through the ticks after the gap, if the clock paused."""
        if old is None or len(before) < FEWEST_TICKS or old.middle.interval_s < SHORTEST_INTERVAL_S:
            return
        shortest_s, longest_s = old.intervals_s
        self._paused = FeasibleLines.within(first_s - self._half_s, first_s + self._half_s, shortest_s, longest_s)
        old.advance(after[0].number - before[-1].number)
        at_s, interval_s = old.middle
        most_s = self._half_s + old.spread_s / 2
        fewest, most = (first_s - at_s - most_s) / interval_s, (first_s - at_s + most_s) / interval_s
        for number in range(max(math.ceil(fewest), 0), math.floor(most) + 1):
            lines = old.copy()
            lines.advance(number)
            if self._keep(lines, first_s):
                self._counted[number] = lines
        for tick in after[1:]:
            self.tick(tick)

    @property
    def is_known(self) -> bool:
        """Whether the clock is steady enough for the number of lost ticks to be weighed."""
        return self._paused is not None

    @property
    def is_open(self) -> bool:
        """Whether later ticks may still show another number of lost ticks."""
        return self._paused is not None and bool(self._counted) and self.last - self.first < TICKS_AFTER

    @property
    def likely_lost(self) -> int:
        """How many ticks were lost, by all ticks until now; 0 if the clock paused."""
        if self._paused is None:
            return self.lost
        if not self._counted:
            return 0
        areas = {lost: lines.area for lost, lines in self._counted.items()}
        likeliest = max(areas, key=areas.__getitem__)
        return likeliest if LIKELIER * areas.get(self.lost, 0.0) < areas[likeliest] else self.lost

    def count(self, lost: int) -> FeasibleLines:
        """Counts so many ticks as lost; returns the lines that are possible then, at the last tick."""
        lines = self._counted.get(lost, self._paused)
        assert lines is not None
        self.lost = lost
        return lines.copy()

    def tick(self, tick: Tick) -> None:
        """Adds the next tick after the gap."""
        if self._paused is None:
            return
        steps, self.last = tick.number - self.last, tick.number
        self._paused.advance(steps)
        if not self._keep(self._paused, tick.at_s):
            # The clock is not steady, so nothing can be said.
            self._paused = None
            return
        for number, lines in list(self._counted.items()):
            lines.advance(steps)
            if not self._keep(lines, tick.at_s):
                del self._counted[number]

    def _keep(self, lines: FeasibleLines, at_s: float) -> bool:
        return lines.keep_between(at_s - self._half_s, at_s + self._half_s)

    def _lines_through(self, ticks: Sequence[Tick]) -> FeasibleLines | None:
        lines, last = None, 0
        for number, at_s in ticks:
            if lines is None:
                guess_s = (ticks[-1].at_s - at_s) / max(ticks[-1].number - number, 1)
                spread_s = 2 * self._half_s / max(ticks[-1].number - number, 1)
                lines = FeasibleLines.within(
                    at_s - self._half_s, at_s + self._half_s, guess_s - spread_s, guess_s + spread_s
                )
            else:
                lines.advance(number - last)
                if not self._keep(lines, at_s):
                    return None
            last = number
        return lines
