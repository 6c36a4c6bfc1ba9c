"""What else may have happened: the lines at another tempo that ticks allow since a tick, beside those that are followed.

After a gap that passes for a pause, they bound the beat, too. Before any tick leaves its window, they are kept where a tick leaves hardly
any line of the old tempo; the next tick that does leave its window then confirms the step. Times are in seconds.
"""

from collections.abc import Sequence

from bridge.timing.ticks.buffered.explanations import KnownLines, lines_at_new_tempo
from bridge.timing.ticks.buffered.tick_windows import TickWindows
from bridge.timing.ticks.tick import Tick

WIDE_SPREAD_S, NARROW_SPREAD_S = 0.004, 0.001
"""A tick in its window makes a step of tempo likely where it leaves hardly more room than the margins of two windows, of much that the lines
had before."""

FEWEST_TICKS, MOST_TICKS = 16, 48
"""So many ticks after a step was suspected, a tick that leaves its window confirms it. At fewer ticks many tempi are possible, and a step of
5 % in a buffer as long as a tick is confirmed within twenty."""


class PossibleStep:
    """The lines at another tempo through the windows of all ticks since `before`."""

    def __init__(self, windows: TickWindows, before: KnownLines, ticks: Sequence[Tick]) -> None:
        self.before = before
        self.lines = lines_at_new_tempo(windows, before, ticks)
        """The lines that are possible; None where a tick contradicts them all."""
        self._windows = windows
        self._age = 0

    def advance(self) -> None:
        """Moves on to the next tick."""
        self._age += 1
        if self.lines is not None:
            self.lines.advance()

    def keep(self, at_s: float) -> None:
        """Keeps the lines that are in the window of the present tick."""
        if self.lines is not None and not self._windows.keep(self.lines, at_s):
            self.lines = None

    @property
    def is_open(self) -> bool:
        """Whether a tick that leaves its window may still confirm it."""
        return self.lines is not None and self._age <= MOST_TICKS

    @property
    def is_confirmed(self) -> bool:
        """Whether it is confirmed, if the present tick is the first one that leaves its window."""
        return self.is_open and self._age >= FEWEST_TICKS
