"""How unsteady ticks are: what each has of its own, what each leaves to the next, and whether it only ever makes them late.

Two things make ticks unsteady. Jitter: each is late or early by itself, and the next one knows nothing of it, so an
average over many is best. Wander: each puts off all that follow, so the last ones are what matters. Pure; seconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from bridge.timing.ticks.tick import Tick

FAR_TICKS = 8
"""Over so many ticks jitter is what it is over one, and wander has grown."""

FARTHER_TICKS, AT_MOST = 32, 2.0
"""Wander grows on and on, where a drift to and fro does not: over so many ticks it is at least this much smaller."""

DOUBT = 0.5
"""Share of the jitter that wander has to exceed to be believed: so much may be an accident of 96 ticks."""

DRIFT_DOUBT, MOST_DRIFT_S = 1.5, 0.0015
"""Half of the longest buffer that 2 ms of jitter hide."""

LAG_DEVIATIONS = math.sqrt(3) / 3
"""Of a wander's deviation, how much later than the line says a tick is expected; see `Noise.lag_s`."""

LEAST_NOISE_S, GUESSED_NOISE_S = 0.0002, 0.001
"""Jitter is taken to be `GUESSED_NOISE_S` until it is measured, and never to be nothing."""

# The deviation of a normal distribution, per median of its absolute values.
PER_MEDIAN = 1.4826

BOUNDED_RANGE, NORMAL_RANGE = 4.4, 5.0
"""Deviations between the earliest and the latest of 96 to 192 ticks: delivery that is late by up to a bound, each delay as likely
as any other, makes 3.5 to 4.4; a normal distribution, which has no bound, 5 and more."""

EARLIER_DEVIATIONS = 0.9
"""Ticks that are late by up to a bound are expected so much earlier than their mean: towards the bound, as nothing makes one
early, and less than all the way to it, as a bound is known by its rarest ticks only."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How unsteady ticks are: deviations of what each has of its own, and of what each leaves to the next."""

    jitter_s: float = GUESSED_NOISE_S
    wander_s: float = 0.0
    drift_s: float = 0.0
    """How far ticks drift to and fro, as they do on a grid that is hidden by jitter: no tempo, and no wander either."""

    def drifting(self, deviation_s: float) -> "Noise":
        """The same, with as much drift as makes the deviation of all ticks what it is."""
        drift_s = math.sqrt(3.0 * max(deviation_s**2 - DRIFT_DOUBT * self.jitter_s**2, 0.0))
        return replace(self, drift_s=min(drift_s, MOST_DRIFT_S))

    @property
    def usual_s(self) -> float:
        """Both together, on one tick."""
        return math.hypot(self.jitter_s, self.wander_s)

    @property
    def gain(self) -> float:
        """How much of what the last tick was off by the next one will be off by too."""
        ratio = (self.wander_s / self.jitter_s) ** 2
        return (math.sqrt(ratio * ratio + 4 * ratio) - ratio) / 2

    @property
    def lag_s(self) -> float:
        """How much later than the line says a tick is best expected: only what wanders makes that worth while.

        A note that was expected too early has sounded by the time its tick comes; one expected too late is caught up with
        at double tempo when the tick comes, so half of that is heard. With an interval that is random within +-w the worst
        of the two are the same, and two thirds of w, at a lag of w / 3: of the deviation, w / sqrt 3, it is LAG_DEVIATIONS.
        """
        return LAG_DEVIATIONS * self.wander_s * self.gain


def measured_noise(ticks: Sequence[Tick], interval_s: float) -> Noise:
    """From all ticks that came, late ones too: by medians, which a few of those do not move.

    By second differences, which do not see the tempo, and of a change of it only the moment. Of those, jitter makes a
    variance of 6 over any distance, and wander one of twice the distance.
    """
    first = ticks[0].number
    offs_s = [at_s - (number - first) * interval_s for number, at_s in ticks]

    def variance(lag: int) -> float:
        return (PER_MEDIAN * median(map(_bend, offs_s, offs_s[lag:], offs_s[2 * lag :]))) ** 2

    near = variance(1)

    def wander_by(lag: int) -> float:
        return max(variance(lag) - near, 0.0) / (2 * lag - 2)

    wander = wander_by(FAR_TICKS) if len(ticks) > 3 * FAR_TICKS else 0.0
    if wander and len(ticks) > 3 * FARTHER_TICKS:
        wander = min(wander, AT_MOST * wander_by(FARTHER_TICKS))
    jitter = max((near - 2 * wander) / 6, LEAST_NOISE_S**2)
    return Noise(math.sqrt(jitter), math.sqrt(max(wander - DOUBT * jitter, 0.0)))


def deviation_s(offs_s: Sequence[float]) -> float:
    """The standard deviation; by plain sums, as `statistics` is exact, and ten times slower."""
    mean_s = sum(offs_s) / len(offs_s)
    return math.sqrt(sum((off_s - mean_s) ** 2 for off_s in offs_s) / len(offs_s))


def earliness_s(offs_s: Sequence[float], noise: Noise) -> float:
    """How much earlier than their mean ticks are meant to be, by how far off it they were; 0 where jitter has no bound."""
    scatter_s = deviation_s(offs_s)
    if scatter_s == 0.0:
        return 0.0
    deviations = (max(offs_s) - min(offs_s)) / scatter_s
    bounded = (NORMAL_RANGE - deviations) / (NORMAL_RANGE - BOUNDED_RANGE)
    return EARLIER_DEVIATIONS * min(scatter_s, noise.jitter_s) * min(max(bounded, 0.0), 1.0)


def _bend(before: float, between: float, after: float) -> float:
    return abs(before - 2 * between + after)
