"""Simulates clocks that pause for a moment or lose a tick, and measures how often the followed beat is a tick off afterwards.

Where a pause is near a whole number of ticks, the dates fit a clock that lost these ticks as well, and nobody can know; so the table
counts the pauses that the dates do show and that were taken for lost ticks all the same. The side of the buffer is not known.

Run it with `PAUSES=400 python -m bench pauses`: so many clocks for each length of buffer, and four times as many with exact dates.
"""

import os
import random

from bench.clocks.buffered_clock import FRAMES, STALLS_S, is_tick_off, some_clock
from bench.clocks.known_from_dates import do_dates_show_a_lost_tick, do_dates_show_a_pause
from bench.table import show

PAUSES = int(os.environ.get("PAUSES", "50"))
EXACT_SHARE = 4
COLUMNS = (
    "frames",
    "clocks",
    "pauses that the dates do not show",
    "pauses taken for lost ticks",
    "of these, the dates show",
    "lost ticks that the dates do not show",
    "lost ticks not counted",
    "of these, the dates show",
)


def run() -> None:
    """Prints a row for each length of buffer, and one for exact dates."""
    chance = random.Random(3)
    rows = [_row(chance, str(frames), frames, PAUSES) for frames in FRAMES]
    rows.append(_row(chance, "exact", 0, PAUSES * EXACT_SHARE))
    show(f"Pauses of {STALLS_S[0] * 1000:.0f} to {STALLS_S[1] * 1000:.0f} ms, and single lost ticks", COLUMNS, rows)


def _row(chance: random.Random, name: str, frames: int, count: int) -> tuple[str, ...]:
    hidden = taken = avoidable = lost_hidden = missed = lost_avoidable = 0
    for _ in range(count):
        clock, stall_s = some_clock(chance, frames), chance.uniform(*STALLS_S)
        is_shown, is_off = do_dates_show_a_pause(clock, stall_s), is_tick_off(clock, stall_s, is_lost=False)
        hidden += not is_shown
        taken += is_off
        avoidable += is_off and is_shown
        is_shown, is_off = do_dates_show_a_lost_tick(clock), is_tick_off(clock, 0.0, is_lost=True)
        lost_hidden += not is_shown
        missed += is_off
        lost_avoidable += is_off and is_shown
    counts = (hidden, taken, avoidable, lost_hidden, missed, lost_avoidable)
    return (name, str(count), *(f"{100 * each / count:.1f} %" for each in counts))
