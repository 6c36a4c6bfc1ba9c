"""Measures how unsteady ticks are: their jitter, their wander, and whether they are only ever late. Pure; times in seconds.

Jitter makes each tick late or early by itself and does not touch the next one, so an average over many ticks is best.
Wander delays a tick and all that follow, so only the last ticks matter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from bridge.timing.ticks.tick import BufferSide, Tick

FAR_TICKS = 8
"""The distance at which wander is measured: over this many ticks it has grown, and jitter is the same as over one."""

FARTHER_TICKS, MOST_WANDER_GROWTH = 32, 2.0
"""Wander keeps growing, and a drift to and fro does not. So wander is at most `MOST_WANDER_GROWTH` times what it is over this many ticks."""

MOST_BUFFER_WANDER_S = 0.00055
"""Ticks that slip through a buffer that jitter hides look like wander of up to this deviation a tick. Wander that small counts only as far
as it goes on growing beyond the nearer distance, where a buffer's is complete."""

WANDER_DOUBT = 0.5
"""Wander counts only beyond this share of the jitter's variance: that much can appear by chance in 96 ticks."""

DRIFT_DOUBT, MOST_DRIFT_S = 1.5, 0.0015
"""Drift counts only beyond this many times the jitter's variance, and up to half of the longest buffer that 2 ms of jitter hide."""

LAG_DEVIATIONS = math.sqrt(3) / 3
"""How much later than the line a tick is expected, as a share of the wander's deviation; see `Noise.lag_s`."""

LEAST_NOISE_S, GUESSED_NOISE_S = 0.0002, 0.001
"""Jitter counts as `GUESSED_NOISE_S` until it is measured, and as `LEAST_NOISE_S` at least."""

# The deviation of a normal distribution, per median of its absolute values.
DEVIATION_PER_MEDIAN = 1.4826

BOUNDED_RANGE, NORMAL_RANGE = 4.4, 5.0
"""The distance between the earliest and the latest of 96 to 192 ticks, in standard deviations. It is 3.5 to 4.4 where delays are
evenly distributed up to a bound, and 5 or more for a normal distribution, which has no bound."""

EARLIER_DEVIATIONS = 0.9
"""How much earlier than their mean ticks are expected whose delay has a bound, in standard deviations. Nothing makes a tick
early, so the true time is near the earliest ones; but not at the earliest, as only the rarest ticks show where the bound is."""

MOST_ASIDE_S = 0.0006
"""Where dates are those of a buffer's start or end that jitter hides, ticks were up to a buffer after or before the earliest dates. They
are expected on that side of these, by as much as the dates scatter, and this at most. So the beat is near enough where ticks stay
at one end of their buffers for beats, and where there is no buffer."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The standard deviations of jitter (each tick by itself) and of wander (each tick and all that follow)."""

    jitter_s: float = GUESSED_NOISE_S
    wander_s: float = 0.0
    drift_s: float = 0.0
    """How far ticks drift to and fro, as on a grid that jitter hides. It is neither a tempo nor wander."""

    def with_drift(self, deviation_s: float) -> "Noise":
        """Returns the same noise with the drift that explains `deviation_s`, the standard deviation of all ticks."""
        drift_s = math.sqrt(3.0 * max(deviation_s**2 - DRIFT_DOUBT * self.jitter_s**2, 0.0))
        return replace(self, drift_s=min(drift_s, MOST_DRIFT_S))

    @property
    def total_s(self) -> float:
        """The standard deviation of one tick, from jitter and wander together."""
        return math.hypot(self.jitter_s, self.wander_s)

    @property
    def gain(self) -> float:
        """The share of the last tick's error that the next tick will have, too; 0 without wander."""
        ratio = (self.wander_s / self.jitter_s) ** 2
        return (math.sqrt(ratio * ratio + 4 * ratio) - ratio) / 2

    @property
    def lag_s(self) -> float:
        """How much later than the line to expect a tick; 0 without wander.

        A note expected too early has sounded by the time its tick comes. One expected too late catches up at double tempo
        when the tick comes, so half of the error is heard. With an interval that is random within +-w, the worst cases of
        both are equal, two thirds of w, at a lag of w / 3. As a share of the deviation, w / sqrt 3, that is LAG_DEVIATIONS.
        """
        return LAG_DEVIATIONS * self.wander_s * self.gain


def measured_noise(ticks: Sequence[Tick], interval_s: float) -> Noise:
    """Measures noise from all ticks, late ones included: it takes medians, which a few late ticks do not move.

    It uses second differences: the tempo cancels out in them, and a change of tempo shows for a moment only. In units of their
    own variance, jitter adds 6 to the variance of second differences over any distance, and wander twice the distance in ticks.
    """
    first = ticks[0].number
    offs_s = [at_s - (number - first) * interval_s for number, at_s in ticks]

    def variance(lag: int) -> float:
        return (DEVIATION_PER_MEDIAN * median(map(_second_difference, offs_s, offs_s[lag:], offs_s[2 * lag :]))) ** 2

    def wander_between(nearer: float, farther: float, ticks: int) -> float:
        return max(farther - nearer, 0.0) / (2 * ticks)

    near, wander = variance(1), 0.0
    if len(ticks) > 3 * FAR_TICKS:
        far = variance(FAR_TICKS)
        wander = wander_between(near, far, FAR_TICKS - 1)
        if wander and len(ticks) > 3 * FARTHER_TICKS:
            farther = variance(FARTHER_TICKS)
            wander = min(wander, MOST_WANDER_GROWTH * wander_between(near, farther, FARTHER_TICKS - 1))
            if wander < MOST_BUFFER_WANDER_S**2:
                wander = min(wander, MOST_WANDER_GROWTH * wander_between(far, farther, FARTHER_TICKS - FAR_TICKS))
    jitter = max((near - 2 * wander) / 6, LEAST_NOISE_S**2)
    return Noise(math.sqrt(jitter), math.sqrt(max(wander - WANDER_DOUBT * jitter, 0.0)))


def deviation_s(offs_s: Sequence[float]) -> float:
    """Returns the standard deviation from plain sums: `statistics` is exact, but ten times slower."""
    mean_s = sum(offs_s) / len(offs_s)
    return math.sqrt(sum((off_s - mean_s) ** 2 for off_s in offs_s) / len(offs_s))


def earliness_s(offs_s: Sequence[float], noise: Noise, side: BufferSide = "unknown") -> float:
    """Returns how much earlier than their mean to expect ticks, from their offsets; 0 where jitter has no bound.

    Where dates are known to show the start or the end of a buffer, jitter has a bound.
    """
    before_mean_s = -min(offs_s)
    if side != "unknown":
        aside_s = min(2.0 * before_mean_s, MOST_ASIDE_S)
        return before_mean_s + (aside_s if side == "end" else -aside_s)
    scatter_s = deviation_s(offs_s)
    if scatter_s == 0.0:
        return 0.0
    deviations = (max(offs_s) + before_mean_s) / scatter_s
    bounded = (NORMAL_RANGE - deviations) / (NORMAL_RANGE - BOUNDED_RANGE)
    return EARLIER_DEVIATIONS * min(scatter_s, noise.jitter_s) * min(max(bounded, 0.0), 1.0)


def _second_difference(before: float, between: float, after: float) -> float:
    return abs(before - 2 * between + after)
