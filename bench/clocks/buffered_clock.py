"""Simulates MIDI clocks in audio buffers, and measures how well they are followed: steady tempi, steps, stalls and lost ticks.

The reference is each tick's true time. A tick gets the date of the start or the end of its buffer, plus up to 2 ms of delivery.
Measured is the position of the beat that the jam plays by, glides included.

Run it with `CLOCKS=10000 python -m bench buffered_clock`; `SIDE=known` or `SIDE=unknown` measures only with or without
knowing the buffer's side. With `BESIDE=PATH`, the build in another checkout is measured in the same run, in its own process:
there this file runs alone, so it imports nothing of this package at its top.

A clock whose beat is off by more than half a buffer and 1 ms is no fault of the follower where the dates of its first eight
beats do not allow better, and neither is a step of tempo where the dates since then do not; `known_from_dates.py` decides that, and the
last two columns count the others.
"""

import importlib
import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any

CLOCKS = int(os.environ.get("CLOCKS", "300"))
BESIDE = os.environ.get("BESIDE")
SIDE = os.environ.get("SIDE", "both")
FRAMES = (32, 64, 128, 256, 512, 1_024, 2_048)
RATES = (44_100, 48_000, 96_000)
TICKS_PER_BEAT = 24
FIRST_BEATS, MEASURED_BEATS = 8, 16
MOST_JITTER_S = 0.002
LARGE_FRAMES, FINE_MS, COARSE_MS = 512, 1.0, 2.0
"""How much a followed beat may wobble: `FINE_MS` up to `LARGE_FRAMES`, and `COARSE_MS` beyond."""
MOST_OFF_MS = 1.0
"""How far beyond half a buffer a followed beat may be off."""

STALLS_S = (0.004, 0.060)
COLUMNS = ("frames", "clocks", "off", "worst", "wobble ms", "wobbles", "steps late", "stalls off", "lost off")
TICK, START = b"\xf8", b"\xfa"


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock and its delivery."""

    tempo_bpm: float
    frames: int
    rate: int
    phase: float
    jitter_s: float
    side: str
    seed: float

    @property
    def buffer_s(self) -> float:
        return self.frames / self.rate

    def dates_s(self, meant_s: Sequence[float]) -> Iterator[float]:
        """Yields the date of each tick, given its true time."""
        chance, before_s, buffer_s = random.Random(self.seed), 0.0, self.buffer_s
        for at_s in meant_s:
            date_s = at_s
            if self.frames:
                buffers = math.floor(at_s / buffer_s - self.phase) + (self.side == "end")
                date_s = (buffers + self.phase) * buffer_s
            before_s = max(before_s, date_s + chance.random() * self.jitter_s)
            yield before_s


class FollowingTimeline:
    """The timeline of a jam that follows a clock from the clock's start on."""

    def __init__(self, tempo_bpm: float, side: str | None) -> None:
        midi_clock, timeline = _module("midi_clock"), _module("timeline")
        self._clock = midi_clock.MidiClock() if side is None else midi_clock.MidiClock(side=side)
        self._timeline = self._clock.receive(START, timeline.Timeline.start(tempo_bpm), 0.9, 0.9)

    def tick(self, date_s: float) -> None:
        self._timeline = self._clock.receive(TICK, self._timeline, date_s, date_s)

    def off_s(self, at_s: float, ticks: int, interval_s: float) -> float:
        """How much later than its true time a tick is played."""
        beat = self._timeline.beat_at(at_s) - self._timeline.downbeat
        return float(ticks / TICKS_PER_BEAT - beat) * TICKS_PER_BEAT * interval_s

    @property
    def tempo_bpm(self) -> float:
        return float(self._timeline.tempo_bpm)


def _module(name: str) -> Any:
    """Imports a module by name, as another checkout may have it in another package."""
    try:
        return importlib.import_module(f"bridge.timing.{name}")
    except ModuleNotFoundError:
        return importlib.import_module(f"bridge.{name}")


def random_clocks(count: int) -> Iterator[Clock]:
    chance = random.Random(0)
    for _ in range(count):
        yield Clock(
            chance.uniform(20.0, 300.0),
            chance.choice(FRAMES),
            chance.choice(RATES),
            chance.random(),
            chance.uniform(0.0, MOST_JITTER_S),
            chance.choice(("start", "end")),
            chance.random(),
        )


def _steady(clock: Clock, *, is_side_known: bool) -> tuple[float, float]:
    """Returns the beat's largest error, in ms beyond half a buffer, and its wobble in ms, both after eight beats."""
    interval_s = 60.0 / clock.tempo_bpm / TICKS_PER_BEAT
    meant_s = [1.0 + tick * interval_s for tick in range((FIRST_BEATS + MEASURED_BEATS) * TICKS_PER_BEAT)]
    followed, offs_s = FollowingTimeline(120.0, clock.side if is_side_known else None), []
    for tick, date_s in enumerate(clock.dates_s(meant_s)):
        followed.tick(date_s)
        if tick >= FIRST_BEATS * TICKS_PER_BEAT:
            # The beat's position at this tick's date, compared with the clock's.
            offs_s.append(followed.off_s(date_s, tick, interval_s) + date_s - meant_s[tick])
    worst_s = max(map(abs, offs_s)) - clock.buffer_s / 2
    return worst_s * 1000, (max(offs_s) - min(offs_s)) * 1000


def stepped_s(clock: Clock, share: float) -> tuple[list[float], int]:
    """Returns the true times of a clock's ticks whose tempo steps to another share of itself, and the last tick at the old tempo."""
    old_s = 60.0 / clock.tempo_bpm / TICKS_PER_BEAT
    changed = FIRST_BEATS * TICKS_PER_BEAT + int(clock.seed * 48)
    meant_s, at_s = [], 1.0
    for tick in range(_followed_from(clock, changed) + 4 * TICKS_PER_BEAT):
        meant_s.append(at_s)
        at_s += old_s if tick < changed else old_s / share
    return meant_s, changed


def _followed_from(clock: Clock, changed: int) -> int:
    """Returns the tick from which on a step of tempo must have been followed: one or two beats after it."""
    return changed + (1 if clock.frames <= 256 else 2) * TICKS_PER_BEAT


def _late_ticks(clock: Clock, share: float, *, is_side_known: bool) -> list[int]:
    """Returns the ticks at which the beat is off by more than half a buffer and 1 ms, once a step of tempo must have been followed."""
    interval_s = 60.0 / clock.tempo_bpm / TICKS_PER_BEAT / share
    meant_s, changed = stepped_s(clock, share)
    followed, late = FollowingTimeline(120.0, clock.side if is_side_known else None), []
    for tick, date_s in enumerate(clock.dates_s(meant_s)):
        followed.tick(date_s)
        off_s = followed.off_s(date_s, tick, interval_s) + date_s - meant_s[tick]
        if tick >= _followed_from(clock, changed) and abs(off_s) - clock.buffer_s / 2 > MOST_OFF_MS / 1000:
            late.append(tick)
    return late


def stalled_tick(clock: Clock) -> tuple[int, int]:
    """Returns the tick before which a clock stalls, or which it loses, and how many ticks it has in all: twelve beats more."""
    tick = 12 * TICKS_PER_BEAT + int(clock.seed * TICKS_PER_BEAT)
    return tick, tick + 12 * TICKS_PER_BEAT


def is_tick_off(clock: Clock, stall_s: float, *, is_lost: bool) -> bool:
    """Whether the beat is a tick off, twelve beats after the clock stalled or lost a tick."""
    interval_s = 60.0 / clock.tempo_bpm / TICKS_PER_BEAT
    gap, count = stalled_tick(clock)
    meant_s = [1.0 + tick * interval_s + (stall_s if tick >= gap else 0.0) for tick in range(count)]
    followed, date_s = FollowingTimeline(clock.tempo_bpm, None), 0.0
    for tick, date_s in enumerate(clock.dates_s(meant_s)):
        if not (is_lost and tick == gap):
            followed.tick(date_s)
    off_s = followed.off_s(date_s, count - 1, interval_s) + date_s - meant_s[-1]
    dated_s = clock.buffer_s / 2 * {"start": -1, "end": 1}[clock.side]
    return abs(off_s - dated_s) > interval_s / 2


Step = tuple[tuple[Any, ...], float, list[int]]
"""A step of tempo: the values of its clock, by which share it steps, and the ticks at which the beat is off."""
Measured = tuple[list[list[str]], list[list[int]], list[list[Step]]]
"""A row for each buffer length, with the columns of `COLUMNS`, and for each row the numbers of the clocks that are off, and its late steps."""


def measured(count: int, *, is_side_known: bool) -> Measured:
    """Measures so many steady clocks, and a twentieth as many steps, stalls and lost ticks at each length of buffer."""
    steady: dict[int, list[tuple[int, float, float]]] = {frames: [] for frames in FRAMES}
    for number, clock in enumerate(random_clocks(count)):
        steady[clock.frames].append((number, *_steady(clock, is_side_known=is_side_known)))
    chance, over = random.Random(1), 0
    rows: list[list[str]] = []
    off: list[list[int]] = []
    late: list[list[Step]] = []
    for frames, results in steady.items():
        limit_ms = FINE_MS if frames <= LARGE_FRAMES else COARSE_MS
        wobbles_ms = sorted(wobble for _, _, wobble in results)
        over += (wide := sum(wobble > limit_ms for wobble in wobbles_ms))
        off.append([number for number, worst, _ in results if worst > MOST_OFF_MS])
        steps = max(count // 20, 10)
        late.append([])
        stalls = lost = 0
        for _ in range(steps):
            clock = some_clock(chance, frames)
            share = chance.choice((0.5, 0.67, 0.8, 0.9, 0.95, 1.05, 1.1, 1.25, 1.5, 1.9))
            if ticks := _late_ticks(clock, share, is_side_known=is_side_known):
                late[-1].append((astuple(clock), share, ticks))
            stalls += is_tick_off(clock, chance.uniform(*STALLS_S), is_lost=False)
            lost += is_tick_off(clock, 0.0, is_lost=True)
        rows.append(
            [
                str(frames),
                str(len(results)),
                _percent(len(off[-1]), len(results)),
                f"{max((worst for _, worst, _ in results), default=0.0):+.1f}",
                f"{wobbles_ms[len(wobbles_ms) // 2]:.2f}" if wobbles_ms else "",
                _percent(wide, len(results)),
                *(_percent(each, steps) for each in (len(late[-1]), stalls, lost)),
            ]
        )
    off.append([number for numbers in off for number in numbers])
    late.append([step for steps in late for step in steps])
    rows.append(["all", str(count), _percent(len(off[-1]), count), "", "", _percent(over, count), "", "", ""])
    exact = [some_clock(chance, 0) for _ in range(max(count // 10, 20))]
    stalls = sum(is_tick_off(clock, chance.uniform(*STALLS_S), is_lost=False) for clock in exact)
    lost = sum(is_tick_off(clock, 0.0, is_lost=True) for clock in exact)
    rows.append(["exact", str(len(exact)), *[""] * 5, _percent(stalls, len(exact)), _percent(lost, len(exact))])
    off.append([])
    late.append([])
    return rows, off, late


def some_clock(chance: random.Random, frames: int) -> Clock:
    """Returns a clock of a usual tempo, with little jitter, or none where there is no buffer."""
    jitter_s = chance.uniform(0.0, 0.0005) if frames else 0.0
    side = chance.choice(("start", "end"))
    return Clock(
        chance.uniform(60.0, 180.0), frames, chance.choice(RATES), chance.random(), jitter_s, side, chance.random()
    )


def _percent(part: int, count: int) -> str:
    return f"{100 * part / max(count, 1):.2f} %"


def run() -> None:
    """Prints the tables of each build, with and without the buffer's side."""
    title = (
        f"{CLOCKS} clocks; off: by more than half a buffer and 1 ms; wobbles: by more than 1 ms, beyond 512 frames 2 ms"
    )
    if BESIDE is not None:
        _show(f"{BESIDE}: {title}", *_beside(BESIDE))
    if SIDE in {"known", "both"}:
        _show(f"This build, given the side of the buffer: {title}", *measured(CLOCKS, is_side_known=True))
    if SIDE in {"unknown", "both"}:
        _show(f"This build, without the side: {title}", *measured(CLOCKS, is_side_known=False))


def _show(title: str, rows: list[list[str]], off: list[list[int]], late: list[list[Step]]) -> None:
    """Prints a table, with columns that count the clocks which are off, and the steps which are late, although their dates allow better."""
    from bench.clocks.known_from_dates import do_dates_allow_better, do_dates_show_a_step
    from bench.table import show

    clocks = list(random_clocks(CLOCKS))
    allowed = {number: do_dates_allow_better(clocks[number]) for numbers in off for number in numbers}
    shown = [
        sum(any(do_dates_show_a_step(Clock(*values), share, tick) for tick in ticks) for values, share, ticks in steps)
        for steps in late
    ]
    counted = [
        [*row, str(sum(map(allowed.__getitem__, numbers))), str(steps)]
        for row, numbers, steps in zip(rows, off, shown, strict=True)
    ]
    show(title, (*COLUMNS, "off, and dates allow better", "steps late, and dates allow better"), counted)


def _beside(path: str) -> Measured:
    """Returns the rows of the build in another checkout, measured without the buffer's side."""
    environment = {**os.environ, "PYTHONPATH": path, "CLOCKS": str(CLOCKS)}
    command = (sys.executable, "-P", __file__, "--rows")
    done = subprocess.run(command, cwd=path, env=environment, capture_output=True, text=True, check=True)
    rows, off, late = json.loads(done.stdout)
    return rows, off, late


if __name__ == "__main__":
    json.dump(measured(CLOCKS, is_side_known=False), sys.stdout)
