"""The windows that the dates of ticks on a grid give them, each a buffer long, and the lines through them. Times are in seconds."""

from collections.abc import Iterable

from bridge.timing.ticks.buffered.buffer_grid import BufferGrid
from bridge.timing.ticks.buffered.feasible_lines import FeasibleLines
from bridge.timing.ticks.tick import Tick

MARGIN_S = 0.0002
"""How far a tick may be outside its window: the grid itself is measured, and dates are whole frames."""


class TickWindows:
    """The windows on a grid that is known, and that moves and changes its period as it is followed."""

    def __init__(self, grid: BufferGrid) -> None:
        self._grid = grid

    @property
    def period_s(self) -> float:
        """The length of a buffer."""
        assert self._grid.period_s is not None
        return self._grid.period_s

    @property
    def half_s(self) -> float:
        """Half of a window."""
        return self.period_s / 2 + MARGIN_S

    def lines_at(self, date_s: float, shortest_s: float, longest_s: float) -> FeasibleLines:
        """Returns the lines through the window of one tick, with intervals within bounds."""
        return FeasibleLines.within(date_s - self.half_s, date_s + self.half_s, shortest_s, longest_s)

    def keep(self, lines: FeasibleLines, date_s: float, margin_s: float = 0.0) -> bool:
        """Keeps the lines whose tick is in its window, widened by `margin_s`. If there are none, it returns False and keeps all."""
        half_s = self.half_s + margin_s
        return lines.keep_between(date_s - half_s, date_s + half_s)

    def lines_through(self, ticks: Iterable[Tick], shortest_s: float, longest_s: float) -> FeasibleLines | None:
        """Returns the lines through the ticks' windows, at the last tick; None if there are none."""
        lines, at = None, 0
        for number, date_s in ticks:
            if lines is None:
                lines = self.lines_at(date_s, shortest_s, longest_s)
            else:
                lines.advance(number - at)
                if not self.keep(lines, date_s):
                    return None
            at = number
        return lines

    def lines_on(
        self, lines: FeasibleLines, number: int, ticks: Iterable[Tick], margin_s: float = 0.0
    ) -> FeasibleLines | None:
        """Returns those of the lines, which are at tick `number`, that pass through the windows of later ticks too; None if none does."""
        lines, at = lines.copy(), number
        for tick, date_s in ticks:
            lines.advance(tick - at)
            if not self.keep(lines, date_s, margin_s):
                return None
            at = tick
        return lines
