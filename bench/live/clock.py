"""How well MIDI clock is followed: our line through its ticks, against the usual average of its intervals.

A note on the next tick sounds when it is due, or, where the tick comes before that, when it is due from then on.
"""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean, pstdev

from bench.table import show
from bridge.timing.midi_clock import MidiClock
from bridge.timing.timeline import Timeline

SECONDS = 300.0
STEP_S = 150.0
"""When the tempo changes, where it does."""
SETTLED_TICKS = 96
TICK = bytes([0xF8])
START = bytes([0xFA])
AVERAGED_TICKS = 24


class MovingAverage:
    """What most programs do: the mean interval of the last beat's ticks is the tempo, and the last tick is the phase."""

    def __init__(self) -> None:
        self._at_s: deque[float] = deque(maxlen=AVERAGED_TICKS + 1)
        self._ticks = 0

    def tick(self, at_s: float) -> None:
        self._at_s.append(at_s)
        self._ticks += 1

    def due_s(self, tick: int) -> float:
        return self._at_s[-1] + (tick - self._ticks + 1) * self._interval_s

    @property
    def tempo_bpm(self) -> float:
        return 60.0 / self._interval_s / 24

    @property
    def _interval_s(self) -> float:
        return (self._at_s[-1] - self._at_s[0]) / max(len(self._at_s) - 1, 1) or 1.0


class Ours:
    """The timeline that the jam plays by, glides and all."""

    def __init__(self) -> None:
        self._clock = MidiClock()
        self._timeline = self._clock.receive(START, Timeline.start(120.0), 0.0, 0.0)

    def tick(self, at_s: float) -> None:
        self._timeline = self._clock.receive(TICK, self._timeline, at_s, at_s)

    def due_s(self, tick: int) -> float:
        return self._timeline.seconds_at(self._timeline.downbeat + tick / 24)

    @property
    def tempo_bpm(self) -> float:
        return self._timeline.tempo_bpm


@dataclass(frozen=True, slots=True)
class Stream:
    """A clock: its tempo at a second, how late a tick may come, and how much each interval wanders."""

    name: str
    tempo_at: Callable[[float], float]
    delay: Callable[[random.Random], float]
    wander: float = 0.0

    def ticks(self) -> Iterator[tuple[float, float]]:
        """When each tick was meant, and when it came."""
        chance, due_s, came_s = random.Random(0), 1.0, 0.0
        while due_s < SECONDS:
            came_s = max(came_s, due_s + self.delay(chance))
            yield due_s, came_s
            wander = 1 + chance.uniform(-self.wander, self.wander)
            due_s += 60.0 / self.tempo_at(due_s) / 24 * wander


def _exact(_chance: random.Random) -> float:
    return 0.0


def _busy(chance: random.Random) -> float:
    return chance.gauss(0.0, 0.001) + (chance.uniform(0.003, 0.012) if chance.random() < 0.05 else 0.0)


STREAMS = (
    Stream("120 bpm, exact", lambda _: 120.0, _exact),
    Stream("120 bpm, 1 ms of jitter, 1 in 20 late by 3 to 12 ms", lambda _: 120.0, _busy),
    Stream("97 bpm, each interval a fifth longer or shorter", lambda _: 97.0, _exact, wander=0.2),
    Stream("97, then 140 bpm, 1 ms of jitter, 1 in 20 late", lambda at_s: 97.0 if at_s < STEP_S else 140.0, _busy),
    Stream("97 to 140 bpm in 5 minutes, same", lambda at_s: 97.0 + 43.0 * at_s / SECONDS, _busy),
)


def run() -> None:
    """Prints, for each stream and way, how far off tempo and phase were after each tick."""
    rows = []
    for stream in STREAMS:
        for name, made in (("average of intervals", MovingAverage), ("ours", Ours)):
            rows.append((stream.name, name, *_measured(stream, made())))
    columns = ("clock", "way", "tempo off, bpm", "note on a tick off, ms", "p99", "worst", "µs a tick")
    show("Following MIDI clock for 5 minutes", columns, rows)


def _measured(stream: Stream, way: MovingAverage | Ours) -> tuple[str, ...]:
    """By how much the tempo strays, and how far from each tick a note on it sounds."""
    tempos_off, offs_ms, taken_s = [], [], []
    for number, (due_s, came_s) in enumerate(stream.ticks()):
        is_settled = number > SETTLED_TICKS
        heard_s = way.due_s(number) if is_settled else 0.0
        if is_settled:
            tempos_off.append(way.tempo_bpm - stream.tempo_at(due_s))
        began_s = time.perf_counter()
        way.tick(came_s)
        taken_s.append(time.perf_counter() - began_s)
        if is_settled:
            if heard_s > came_s:
                heard_s = max(way.due_s(number), came_s)
            offs_ms.append(abs(heard_s - due_s) * 1000)
    offs_ms.sort()
    figures = (pstdev(tempos_off), fmean(offs_ms), offs_ms[len(offs_ms) * 99 // 100], offs_ms[-1])
    return *(f"{figure:.2f}" for figure in figures), f"{sorted(taken_s)[len(taken_s) // 2] * 1e6:.0f}"
