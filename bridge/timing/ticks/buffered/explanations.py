"""What may have happened when ticks left their windows: another tempo, a gap in which ticks were lost, or one without.

These functions know the lines that were possible before, and the ticks since then by the numbers that they have if none was lost.
Times are in seconds.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bridge.timing.ticks.buffered.feasible_lines import FeasibleLines
from bridge.timing.ticks.buffered.tick_windows import TickWindows
from bridge.timing.ticks.tick import Tick

KNOWN_TICKS, KNOWN_EVERY = 36, 12
"""The possible lines of the last `KNOWN_TICKS` ticks are kept, at every `KNOWN_EVERY`th tick."""

TEMPO_RANGE = 2.2
"""How far a tempo may step, as a factor."""

SAME_TEMPO = 0.001
"""The share by which the tempo may differ on the two sides of a gap."""


@dataclass(frozen=True, slots=True)
class KnownLines:
    """The lines that were possible at tick `number`, before ticks left their windows."""

    number: int
    lines: FeasibleLines


class PastLines:
    """The lines that were possible at some of the last ticks: the last few ticks may have fitted although a change had begun."""

    def __init__(self) -> None:
        self._known: deque[KnownLines] = deque(maxlen=KNOWN_TICKS // KNOWN_EVERY + 1)

    def add(self, number: int, lines: FeasibleLines) -> None:
        """Adds the lines at tick `number`, if it is one of those whose lines are kept."""
        if number % KNOWN_EVERY == 0:
            self._known.appendleft(KnownLines(number, lines.copy()))

    def before(self, number: int, lines: FeasibleLines) -> KnownLines:
        """Returns lines that are old enough, moved on to tick `number`; `lines`, those of this tick, where there are none."""
        for known in self._known:
            if known.number <= number - KNOWN_TICKS:
                old = known.lines.copy()
                old.advance(number - known.number)
                return KnownLines(number, old)
        return KnownLines(number, lines.copy())

    def clear(self) -> None:
        """Drops all lines, as the clock has changed."""
        self._known.clear()


class Explanation(NamedTuple):
    """The lines that are possible at the last tick, the ticks since the change with their numbers, and how many were lost before them."""

    lines: FeasibleLines
    ticks: Sequence[Tick]
    lost: int


def is_gap(windows: TickWindows, before: KnownLines, last: Tick | None, first: Tick) -> bool:
    """Whether the interval between the last tick before a change and the first one after it is longer than the grid explains.

    A change of tempo changes all intervals, a gap only one.
    """
    if last is None:
        return True
    most_s = before.lines.intervals_s[1] + windows.half_s * 2
    return first.at_s - last.at_s > most_s * max(first.number - last.number, 1)


def lines_at_new_tempo(windows: TickWindows, before: KnownLines, new: Sequence[Tick]) -> FeasibleLines | None:
    """Returns the lines, at any tempo, that start where the old ones were a tick before they were left, or a buffer to its side."""
    interval_s = before.lines.middle.interval_s
    old = before.lines.copy()
    old.advance(-1)
    at_s, half_s = old.middle.at_s, old.spread_s / 2 + windows.period_s / 4
    # Before a tick leaves its window, the new tempo may make ticks late or early by up to a buffer unseen.
    is_late = new[-1].at_s > at_s + (new[-1].number - before.number + 1) * interval_s
    earliest_s = at_s - half_s - (0.0 if is_late else windows.period_s)
    latest_s = at_s + half_s + (windows.period_s if is_late else 0.0)
    lines = FeasibleLines.within(earliest_s, latest_s, *stepped(interval_s))
    return windows.lines_on(lines, before.number - 1, new)


def lines_at_new_phase(windows: TickWindows, before: KnownLines, new: Sequence[Tick]) -> FeasibleLines | None:
    """Returns the lines through the new ticks at the old tempo."""
    shortest_s, longest_s = before.lines.intervals_s
    return windows.lines_through(new, shortest_s * (1 - SAME_TEMPO), longest_s * (1 + SAME_TEMPO))


def explained_gap(windows: TickWindows, before: KnownLines, new: Sequence[Tick], phase: FeasibleLines) -> Explanation:
    """Returns that ticks were lost if the gap may be a whole number of ticks, and else the new phase."""
    old = before.lines.copy()
    old.advance(new[-1].number - before.number)
    at_s, interval_s = old.middle
    lost = round((phase.middle.at_s - at_s) / interval_s)
    if lost > 0:
        counted = [Tick(number + lost, at_s) for number, at_s in new]
        lines = windows.lines_on(before.lines, before.number, counted)
        if lines is not None:
            return Explanation(lines, counted, lost)
    return Explanation(phase, new, 0)


def stepped(interval_s: float) -> tuple[float, float]:
    """Returns the shortest and the longest interval after a step of tempo."""
    return interval_s / TEMPO_RANGE, interval_s * TEMPO_RANGE
