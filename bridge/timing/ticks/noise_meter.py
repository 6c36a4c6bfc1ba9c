"""Measures the noise of the ticks that come, and how much earlier than their mean they are expected. Times are in seconds."""

from collections import deque
from collections.abc import Iterable

from bridge.timing.ticks.longest_stretch import MOST_TICKS, LongestStretch, offsets_from_fit, without_curvature
from bridge.timing.ticks.tick import BufferSide, Tick
from bridge.timing.ticks.tick_noise import Noise, deviation_s, earliness_s, measured_noise

MEASURED_TICKS, MOST_MEASURED, MEASURED_EVERY = 8, 288, 8
"""Noise is measured from this many ticks at least and at most, and at every eighth tick only, as it costs as much as all the rest."""

EARLINESS_SHARE = 0.25
"""The weight of a new measurement of earliness against the old value."""

EARLINESS_TICKS, DRIFT_TICKS = 48, 72
"""How many ticks it takes to know whether they are only ever late, and, twice `DRIFT_TICKS`, whether they drift to and fro."""


class NoiseMeter:
    """Takes all ticks, late ones included, and measures their noise from time to time."""

    def __init__(self, side: BufferSide) -> None:
        self._side = side
        self._ticks: deque[Tick] = deque(maxlen=MOST_MEASURED)
        self.noise = Noise()
        self.earliness_s = 0.0
        """How much earlier than the line through them ticks are expected, as nothing makes a tick early."""

    def add(self, tick: Tick) -> None:
        """Adds a tick."""
        self._ticks.append(tick)

    def add_all(self, ticks: Iterable[Tick]) -> None:
        """Adds ticks in order."""
        self._ticks.extend(ticks)

    def forget_ticks(self) -> None:
        """Forgets all ticks, as the clock has changed. The old noise stays in force until it can be measured again."""
        self._ticks.clear()

    def is_due(self, number: int) -> bool:
        """Whether to measure at this tick."""
        return number % MEASURED_EVERY == 0 and len(self._ticks) >= MEASURED_TICKS

    def measure(self, interval_s: float, stretch: LongestStretch) -> None:
        """Measures noise, for ticks of this interval, and earliness, from the ticks that a line is fitted through."""
        self.noise = measured_noise(list(self._ticks), interval_s)
        if self.noise.wander_s > self.noise.jitter_s:
            # Such a clock is expected late, and not early.
            self.earliness_s -= EARLINESS_SHARE * self.earliness_s
            return
        kept = list(stretch.ticks)
        if len(kept) >= 2 * DRIFT_TICKS:
            # A change of tempo shows in one half, a drift in both.
            halves = (kept[-DRIFT_TICKS:], kept[-2 * DRIFT_TICKS : -DRIFT_TICKS])
            self.noise = self.noise.with_drift(
                min(deviation_s(without_curvature(offsets_from_fit(half))) for half in halves)
            )
        # A few ticks from before a change may still agree with those after it.
        agreeing = stretch.agreeing
        steady = min(agreeing if agreeing == MOST_TICKS else 2 * agreeing // 3, 2 * DRIFT_TICKS)
        if steady >= EARLINESS_TICKS:
            earliness = earliness_s(offsets_from_fit(kept[-steady:]), self.noise, self._side)
            self.earliness_s += EARLINESS_SHARE * (earliness - self.earliness_s)
