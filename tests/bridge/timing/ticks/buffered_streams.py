"""Ticks of a DAW that sends its clock once per audio buffer."""

import math
from collections.abc import Callable, Iterable, Iterator
from random import Random


def steady(tempo_bpm: float, count: int, first_s: float = 1.0) -> list[float]:
    """The true times of a steady clock's ticks."""
    return [first_s + tick * 2.5 / tempo_bpm for tick in range(count)]


def delivered(
    meant_s: Iterable[float],
    buffer_s: float,
    side: str = "start",
    phase: float = 0.3,
    delay: Callable[[], float] = lambda: 0.0,
) -> Iterator[float]:
    """Yields the ticks' dates: the start or the end of their buffers, plus a delay; no tick overtakes another."""
    before_s = 0.0
    for at_s in meant_s:
        buffers = math.floor(at_s / buffer_s - phase) + (side == "end")
        before_s = max(before_s, (buffers + phase) * buffer_s + delay())
        yield before_s


def late_by_up_to(jitter_s: float, seed: float = 0) -> Callable[[], float]:
    chance = Random(seed)
    return lambda: chance.uniform(0.0, jitter_s)
