"""Draws the line through ticks, given how unsteady they are. Pure; knows neither what a tick is for nor what came late.

Two things make ticks unsteady. Jitter: each is late or early by itself, and the next one knows nothing of it, so an
average over many is best. Wander: each puts off all that follow, so the last ones are what matters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

STRETCHES = frozenset({5, 6, 8, 11, 16, 24, 36, 48, 72, 96})
"""How many ticks a line may be drawn through."""

MOST_TICKS = max(STRETCHES)
"""Four beats, in which 1 ms of jitter makes 0.03 bpm."""

FIRST_TICKS = 4
"""So many ticks make a line; the first few intervals of a clock that starts are its worst."""

CONFIDENCE = 2.5
"""Deviations within which stretches have to agree: fewer, and jitter passes for a change; more, and a change is late."""

WANDER_SHARE = 0.13
"""How much of a wander's variance per tick, and tick of the stretch, the end of a fitted line has: two fifteenths."""

SWAY_TICKS = 16
"""What wanders is followed by so many last ticks."""

FAR_TICKS = 8
"""Over so many ticks jitter is what it is over one, and wander has grown."""

DOUBT = 0.5
"""Share of the jitter that wander has to exceed to be believed: so much may be an accident of 96 ticks."""

LAG_DEVIATIONS = math.sqrt(3) / 3
"""Of a wander's deviation, how much later than the line says a tick is expected; see `Noise.lag_s`."""

LEAST_NOISE_S, GUESSED_NOISE_S = 0.0002, 0.001
"""Jitter is taken to be `GUESSED_NOISE_S` until it is measured, and never to be nothing."""

# The deviation of a normal distribution, per median of its absolute values.
PER_MEDIAN = 1.4826


class Tick(NamedTuple):
    """The tick of a number, and the second it came at. (A tuple, as a line is drawn through a hundred at each tick.)"""

    number: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Line:
    """When ticks are due."""

    number: int
    at_s: float
    interval_s: float

    def due_s(self, number: int) -> float:
        """The second of a tick."""
        return self.at_s + (number - self.number) * self.interval_s


@dataclass(frozen=True, slots=True)
class Noise:
    """How unsteady ticks are: deviations of what each has of its own, and of what each leaves to the next."""

    jitter_s: float = GUESSED_NOISE_S
    wander_s: float = 0.0

    @property
    def gain(self) -> float:
        """What share of a tick's distance is to be followed: of little use with jitter, of all with wander (Kalman)."""
        ratio = (self.wander_s / self.jitter_s) ** 2
        return (math.sqrt(ratio * ratio + 4 * ratio) - ratio) / 2

    @property
    def lag_s(self) -> float:
        """How much later than the line says the next tick is best expected.

        Where ticks wander, each is when its beat is, and a note on it should sound with it. One that is expected too
        early has sounded before its tick comes; one that is expected too late is caught up with at double tempo when
        the tick comes, so half of that is heard. With an interval that is random within +-w the worst of the two are the same,
        and two thirds of w, at a lag of w / 3: of the deviation, w / sqrt 3, it is LAG_DEVIATIONS.
        """
        return LAG_DEVIATIONS * self.wander_s * self.gain


def measured_noise(ticks: Sequence[Tick], interval_s: float) -> Noise:
    """From all ticks that came, late ones too: by medians, which a few of those do not move.

    By second differences, which do not see the tempo, and of a change of it only the moment. Of those, jitter makes a
    variance of 6 over any distance, and wander one of twice the distance.
    """
    offs_s = [tick.at_s - (tick.number - ticks[0].number) * interval_s for tick in ticks]

    def variance(lag: int) -> float:
        return (PER_MEDIAN * median(map(_bend, offs_s, offs_s[lag:], offs_s[2 * lag :]))) ** 2

    near = variance(1)
    wander = max(variance(FAR_TICKS) - near, 0.0) / (2 * FAR_TICKS - 2) if len(ticks) > 3 * FAR_TICKS else 0.0
    jitter = max((near - 2 * wander) / 6, LEAST_NOISE_S**2)
    return Noise(math.sqrt(jitter), math.sqrt(max(wander - DOUBT * jitter, 0.0)))


def _bend(before: float, between: float, after: float) -> float:
    return abs(before - 2 * between + after)


def first_line(ticks: Sequence[Tick]) -> Line | None:
    """By medians, as one of so few may be late; None where they are too few."""
    if len(ticks) < FIRST_TICKS:
        return None
    interval_s = median(
        (later.at_s - earlier.at_s) / (later.number - earlier.number) for earlier, later in pairwise(ticks)
    )
    number = ticks[-1].number
    due_s = median(tick.at_s + (number - tick.number) * interval_s for tick in ticks)
    return Line(number, due_s, interval_s) if interval_s > 0 else None


def longest_line(ticks: Sequence[Tick], number: int, noise: Noise) -> Line | None:
    """Through the longest stretch, from the newest tick back, that agrees with every shorter one; None where none does.

    By least squares. Many ticks while the tempo is constant, few in a ramp (Goldenshluger and Nemirovski's rule: as
    long as the intervals of confidence overlap).
    """
    origin_s = ticks[-1].at_s if ticks else 0.0
    jitter, wander = noise.jitter_s**2, noise.wander_s**2 * WANDER_SHARE
    count, sum_x, sum_y, sum_xx, sum_xy = 0, 0, 0.0, 0, 0.0
    low_s, high_s = float("-inf"), float("inf")
    best = None
    for tick in reversed(ticks):
        x, y = tick.number - number, tick.at_s - origin_s
        count += 1
        sum_x += x
        sum_y += y
        sum_xx += x * x
        sum_xy += x * y
        if count not in STRETCHES and count != len(ticks):
            continue
        spread = count * sum_xx - sum_x * sum_x
        if count < FIRST_TICKS or spread == 0:
            continue
        interval_s = (count * sum_xy - sum_x * sum_y) / spread
        due_s = (sum_y - interval_s * sum_x) / count
        # The deviation of a line's value at its newest tick.
        width_s = CONFIDENCE * math.sqrt(jitter * sum_xx / spread + wander * count)
        low_s, high_s = max(low_s, due_s - width_s), min(high_s, due_s + width_s)
        if low_s > high_s:
            break
        if interval_s > 0:
            best = Line(number, origin_s + due_s, interval_s)
    return best


def swayed(line: Line, ticks: Sequence[Tick], noise: Noise) -> Line:
    """The line, moved to where the last ticks have wandered from it."""
    gain = noise.gain
    if gain == 0.0:
        return line
    off_s = 0.0
    for tick in list(ticks)[-SWAY_TICKS:]:
        off_s += gain * (tick.at_s - line.due_s(tick.number) - off_s)
    return Line(line.number, line.at_s + off_s, line.interval_s)
