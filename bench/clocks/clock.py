"""How well MIDI clock is followed: our line through its ticks, against the usual average of its intervals.

A note on the next tick sounds at its predicted time. If the tick comes before that, it sounds at the time predicted then.
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
"""When the tempo changes, in the stream that has a step."""
SETTLED_TICKS = 96
TICK = bytes([0xF8])
START = bytes([0xFA])
AVERAGED_TICKS = 24


class MovingAverage:
    """The usual method: the mean interval of the last beat's ticks gives the tempo, and the last tick the phase."""

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


class OurTimeline:
    """The timeline that the jam plays by, with its glides."""

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
    """A clock: the tempo at a time, the delay of a tick, and the random share by which each interval differs."""

    name: str
    tempo_at: Callable[[float], float]
    delay: Callable[[random.Random], float]
    wander: float = 0.0

    def ticks(self) -> Iterator[tuple[float, float]]:
        """For each tick: when it was due, and when it arrived."""
        rng, due_s, arrived_s = random.Random(0), 1.0, 0.0
        while due_s < SECONDS:
            arrived_s = max(arrived_s, due_s + self.delay(rng))
            yield due_s, arrived_s
            wander = 1 + rng.uniform(-self.wander, self.wander)
            due_s += 60.0 / self.tempo_at(due_s) / 24 * wander


def _exact(_rng: random.Random) -> float:
    return 0.0


def _jittery(rng: random.Random) -> float:
    return rng.gauss(0.0, 0.001) + (rng.uniform(0.003, 0.012) if rng.random() < 0.05 else 0.0)


STREAMS = (
    Stream("120 bpm, exact", lambda _: 120.0, _exact),
    Stream("120 bpm, 1 ms of jitter, 1 in 20 late by 3 to 12 ms", lambda _: 120.0, _jittery),
    Stream("97 bpm, each interval a fifth longer or shorter", lambda _: 97.0, _exact, wander=0.2),
    Stream("97, then 140 bpm, 1 ms of jitter, 1 in 20 late", lambda at_s: 97.0 if at_s < STEP_S else 140.0, _jittery),
    Stream("97 to 140 bpm in 5 minutes, same", lambda at_s: 97.0 + 43.0 * at_s / SECONDS, _jittery),
)


def run() -> None:
    """Prints, for each stream and method, the errors of tempo and phase after each tick."""
    rows = []
    for stream in STREAMS:
        for name, create in (("average of intervals", MovingAverage), ("ours", OurTimeline)):
            rows.append((stream.name, name, *_measure(stream, create())))
    columns = ("clock", "way", "tempo off, bpm", "note on a tick off, ms", "p99", "worst", "µs a tick")
    show("Following MIDI clock for 5 minutes", columns, rows)


def _measure(stream: Stream, method: MovingAverage | OurTimeline) -> tuple[str, ...]:
    """The errors of the tempo, and how far from each tick a note on it sounds."""
    tempo_errors_bpm, errors_ms, durations_s = [], [], []
    for number, (due_s, arrived_s) in enumerate(stream.ticks()):
        is_settled = number > SETTLED_TICKS
        played_s = method.due_s(number) if is_settled else 0.0
        if is_settled:
            tempo_errors_bpm.append(method.tempo_bpm - stream.tempo_at(due_s))
        started_s = time.perf_counter()
        method.tick(arrived_s)
        durations_s.append(time.perf_counter() - started_s)
        if is_settled:
            if played_s > arrived_s:
                played_s = max(method.due_s(number), arrived_s)
            errors_ms.append(abs(played_s - due_s) * 1000)
    errors_ms.sort()
    figures = (pstdev(tempo_errors_bpm), fmean(errors_ms), errors_ms[len(errors_ms) * 99 // 100], errors_ms[-1])
    return *(f"{figure:.2f}" for figure in figures), f"{sorted(durations_s)[len(durations_s) // 2] * 1e6:.0f}"
