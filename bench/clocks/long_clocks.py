"""Simulates steady clocks in audio buffers for a minute and for an hour, and measures how the followed tempo and beat drift.

Run it with `HOURS=42 MINUTES=500 python -m bench long_clocks`: so many random clocks for an hour and for a minute each. The side of
the buffer is known, and each tick's true time is the reference, as in `buffered_clock.py`.
"""

import os
import random
from dataclasses import dataclass

from bench.clocks.buffered_clock import (
    FRAMES,
    MOST_OFF_MS,
    TICKS_PER_BEAT,
    Clock,
    FollowingTimeline,
    random_clocks,
    some_clock,
)
from bench.table import show

HOURS = int(os.environ.get("HOURS", "7"))
MINUTES = int(os.environ.get("MINUTES", "50"))
MOST_TEMPO_OFF_BPM = 0.02
LAST_BEATS = 100
"""Over so many beats at the end of an hour, and before the end of the second minute, the beat's error is averaged."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How a clock was followed: the tempo's largest error after the first minute, and the beat's errors in ms."""

    tempo_off_bpm: float
    beyond_half_a_buffer_ms: float
    """The largest error of the beat after the first minute, less half a buffer."""
    drift_ms: float
    """How much later the beat is at the end than it was in the second minute."""


def followed(clock: Clock, minutes: float) -> Followed:
    """Follows a clock for so many minutes, more than one."""
    interval_s = 60.0 / clock.tempo_bpm / TICKS_PER_BEAT
    count, settled = int(60 * minutes / interval_s), int(60 / interval_s)
    timeline = FollowingTimeline(120.0, clock.side)
    meant_s = [1.0 + tick * interval_s for tick in range(count)]
    average = min(LAST_BEATS * TICKS_PER_BEAT, settled)
    offs_s, tempo_off_bpm = [], 0.0
    for tick, date_s in enumerate(clock.dates_s(meant_s)):
        timeline.tick(date_s)
        if tick >= settled:
            offs_s.append(timeline.off_s(date_s, tick, interval_s) + date_s - meant_s[tick])
            tempo_off_bpm = max(tempo_off_bpm, abs(timeline.tempo_bpm - clock.tempo_bpm))
    first, last = offs_s[:average], offs_s[-average:]
    return Followed(
        tempo_off_bpm,
        (max(map(abs, offs_s)) - clock.buffer_s / 2) * 1000,
        (sum(last) / len(last) - sum(first) / len(first)) * 1000,
    )


def run() -> None:
    """Prints a table for clocks that are followed for a minute more after the first one, and one for an hour."""
    columns = (
        "frames",
        "clocks",
        "tempo off, bpm: median, worst",
        "over 0.02 bpm",
        "beat off beyond half a buffer, ms",
        "drift, ms",
    )
    chance = random.Random(2)
    hours = [some_clock(chance, FRAMES[number % len(FRAMES)]) for number in range(HOURS)]
    for name, minutes, clocks in (("two minutes", 2.0, list(random_clocks(MINUTES))), ("an hour", 60.0, hours)):
        results = [(clock.frames, followed(clock, minutes)) for clock in clocks]
        rows = []
        for frames in (*FRAMES, None):
            of_frames = [result for each, result in results if frames in {each, None}]
            if of_frames:
                tempos = sorted(result.tempo_off_bpm for result in of_frames)
                worst_ms = max(result.beyond_half_a_buffer_ms for result in of_frames)
                rows.append(
                    (
                        "all" if frames is None else str(frames),
                        str(len(of_frames)),
                        f"{tempos[len(tempos) // 2]:.4f}, {tempos[-1]:.4f}",
                        str(sum(tempo > MOST_TEMPO_OFF_BPM for tempo in tempos)),
                        f"{worst_ms:+.2f} (at most {MOST_OFF_MS:+.1f})",
                        f"{max(abs(result.drift_ms) for result in of_frames):.2f}",
                    )
                )
        show(f"Random clocks after their first minute, for {name}", columns, rows)
