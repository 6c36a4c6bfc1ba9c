"""Finds the ticks that are on one line in their buffers when a grid is found: all, or those since a step of tempo. Times are in seconds."""

from collections.abc import Sequence

from bridge.timing.ticks.buffered.buffer_grid import BufferGrid
from bridge.timing.ticks.buffered.buffered_ticks import BufferedTicks
from bridge.timing.ticks.buffered.grid_search import FEWEST_DATES
from bridge.timing.ticks.tick import Tick, TickLine

STEPPED_TICKS = 32
"""Where fewer last ticks are on one line, the tempo has stepped lately."""

STEPPED_DATES = (24, FEWEST_DATES)
"""If the tempo has stepped among the last dates, a grid is tried on so many of them, too."""


def buffered_from(
    grid: BufferGrid, ticks: Sequence[Tick], since: int, line: TickLine | None
) -> tuple[BufferedTicks, Sequence[Tick]] | None:
    """Returns what follows these ticks on a grid, and those that it has taken with their numbers; None where they are on no line.

    `since` is the number of the first tick on the line that was followed before.
    """
    first_s, last_s = ticks[0].at_s, ticks[-1].at_s
    interval_s = line.interval_s if line is not None else (last_s - first_s) / max(len(ticks) - 1, 1)
    # What looked like lost ticks may have been ticks in another buffer.
    tries = [counted_from(ticks[0].number, ticks), ticks]
    on_line = sum(tick.number >= since for tick in ticks)
    for count in (on_line, *STEPPED_DATES) if on_line < STEPPED_TICKS else (on_line,):
        if FEWEST_DATES <= count < len(ticks):
            stepped = ticks[-count:]
            tries += counted_from(stepped[0].number, stepped), stepped
    for each in tries:
        buffered = BufferedTicks(grid, each, interval_s)
        if buffered.is_steady:
            buffered.suspect_step(interval_s)
            return buffered, each
    return None


def counted_from(number: int, ticks: Sequence[Tick]) -> Sequence[Tick]:
    """Returns these ticks with numbers one by one, from that of the first one on."""
    return [Tick(number + index, at_s) for index, (_, at_s) in enumerate(ticks)]
