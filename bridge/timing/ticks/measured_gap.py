"""How many ticks are missing in a gap of a clock in no buffers, at first by a few ticks after it, and again by a beat of them.

Times are in seconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bridge.timing.ticks.tick import SHORTEST_INTERVAL_S, Tick, TickLine
from bridge.timing.ticks.tick_noise import deviation_s

FEWEST_LOST, OFF_PHASE_DEVIATIONS, LEAST_OFF_PHASE_S = 6, 2.0, 0.00005
"""After lost ticks the phase is unchanged. So after a gap of fewer than `FEWEST_LOST` ticks, a phase that is this far off (in
standard deviations of the noise) means that the clock paused for a moment, as an audio engine that missed its deadline does,
and that no tick was lost."""

GAP_TICKS = 24
"""Once there are this many ticks on each side of a gap, it is measured again, more precisely."""


@dataclass(slots=True)
class MeasuredGap:
    """A gap that was counted as `lost` ticks, with the ticks before it and those since."""

    before: list[Tick]
    after: list[Tick]
    lost: int

    @property
    def is_complete(self) -> bool:
        """Whether there are enough ticks after the gap to measure it again."""
        return len(self.after) >= GAP_TICKS

    def missing_ticks(self, interval_s: float, wander_s: float) -> int:
        """Returns how many ticks are missing by all these ticks, for a clock that wanders so much with each tick."""
        origin = self.before[-1]

        def mean_s(ticks: Sequence[Tick]) -> float:
            return sum(at_s - origin.at_s - (number - origin.number) * interval_s for number, at_s in ticks) / len(
                ticks
            )

        gap_s = mean_s(self.after) - mean_s(self.before) + self.lost * interval_s
        scatter_s = deviation_s([at_s - number * interval_s for number, at_s in self.after])
        uncertain_s = math.hypot(math.sqrt(2.0 / GAP_TICKS) * scatter_s, math.sqrt(GAP_TICKS) * wander_s)
        return missing_ticks(gap_s, interval_s, 1.5 * uncertain_s)


def missing_ticks(gap_s: float, interval_s: float, noise_s: float) -> int:
    """Returns how many ticks are missing in a gap; 0 where the number is clearly not whole."""
    if interval_s < SHORTEST_INTERVAL_S:
        return 0
    lost = max(round(gap_s / interval_s), 0)
    off_phase_s = abs(gap_s - lost * interval_s)
    if lost < FEWEST_LOST and off_phase_s > max(OFF_PHASE_DEVIATIONS * noise_s, LEAST_OFF_PHASE_S):
        return 0
    return lost


def is_phase_jump(outliers: Sequence[Tick], line: TickLine, last: Tick) -> bool:
    """Whether these ticks keep the line's tempo in another phase, rather than leave the line at a slope after the `last` tick on it."""
    offs = [(number - last.number, at_s - line.due_s(number)) for number, at_s in outliers]
    off_by_s, before_s = median(off_s for _, off_s in offs), last.at_s - line.due_s(last.number)
    slope_s = sum(ticks * (off_s - before_s) for ticks, off_s in offs) / sum(ticks * ticks for ticks, _ in offs)
    by_phase = sum((off_s - off_by_s) ** 2 for _, off_s in offs)
    by_tempo = sum((off_s - before_s - slope_s * ticks) ** 2 for ticks, off_s in offs)
    return by_phase < by_tempo / 2
