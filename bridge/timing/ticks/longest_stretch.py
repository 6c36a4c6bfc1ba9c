"""Fits a line through the longest stretch of ticks, back from the newest, that agrees with every shorter stretch.

It fits by least squares from running sums, so a stretch costs the same at any length. A stretch is long while the tempo is
constant and short in a ramp (Goldenshluger and Nemirovski's rule: it grows while confidence intervals overlap). In seconds.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from bridge.timing.ticks.steady_line import POINT_TICKS, Point, SteadyLine
from bridge.timing.ticks.tick import Tick, TickLine
from bridge.timing.ticks.tick_noise import Noise

STRETCHES = (5, 6, 8, 11, 16, 24, 36, 48, 72, 96, 144, 192, 288)
"""The lengths of stretches that a line may be fitted through, in ticks."""

MOST_TICKS = STRETCHES[-1]
"""Twelve beats, over which 1 ms of jitter changes the tempo by 0.005 bpm."""

FIRST_TICKS = 4
"""The fewest ticks that make a line; a clock's first intervals after its start are its worst."""

CONFIDENCE = 2.5
"""How closely stretches must agree, in standard deviations. If it is smaller, jitter looks like a change; if larger, a change
is noticed late."""

LONG_TICKS, LONG_CONFIDENCE = 96, 2.0
"""A longer stretch must agree with this one more closely. Where one stretch is part of the other, the variance of the difference
of their lines is the difference of their variances. A slowly rising tempo puts a long stretch late before a short one shows it."""

FEW_TICKS, FEW_DEVIATIONS = 5, 2.0
"""Where not all stretches agree, this many last ticks contradict the line through the last minute if their mean is off by this many
standard deviations more than any beat of that minute."""

WANDER_SHARE = 0.13
"""The variance of a fitted line's end per tick of the stretch, as a share of the wander's variance per tick: two fifteenths."""

WANDER_TICKS = 16
"""How many last ticks are used to follow wander."""

Sums = tuple[int, float, float, float, float]
"""Running sums over ticks: their count, numbers, seconds, squared numbers, and numbers times seconds."""

NO_SUMS: Sums = (0, 0.0, 0.0, 0.0, 0.0)


class LongestStretch:
    """The ticks that a line may be fitted through, with running sums."""

    def __init__(self) -> None:
        self.ticks: deque[Tick] = deque(maxlen=MOST_TICKS)
        self.agreeing = 0
        """How many last ticks the line was fitted through."""
        self._sums: deque[Sums] = deque(maxlen=MOST_TICKS + 1)
        self._origin = Tick(0, 0.0)
        self._added = 0
        self._steady = SteadyLine()
        self._unaveraged = 0

    @property
    def is_steady(self) -> bool:
        """Whether there is a line through the last minute."""
        return self._steady.line is not None

    def add(self, tick: Tick) -> None:
        """Adds the newest tick."""
        # Ever-growing sums would lose precision, so they are computed afresh now and then.
        if not self.ticks or self._added >= MOST_TICKS:
            self._sum_afresh([*self.ticks, tick])
        else:
            self.ticks.append(tick)
            self._sum(tick)
        self._unaveraged += 1
        if self._unaveraged == POINT_TICKS:
            self._unaveraged = 0
            self._steady.add(self._mean(POINT_TICKS))

    def replace(self, ticks: Iterable[Tick]) -> None:
        """Replaces all ticks by these."""
        self._steady.restart()
        self._unaveraged = self.agreeing = 0
        self._sum_afresh(ticks)

    def _sum_afresh(self, ticks: Iterable[Tick]) -> None:
        self.ticks = deque(ticks, maxlen=MOST_TICKS)
        self._sums.clear()
        self._sums.append(NO_SUMS)
        if self.ticks:
            self._origin = self.ticks[0]
        for tick in self.ticks:
            self._sum(tick)
        self._added = 0

    def first_line(self) -> TickLine | None:
        """Returns a line by medians, as one of so few ticks may be late; None where there are too few."""
        ticks = self.ticks
        if len(ticks) < FIRST_TICKS:
            return None
        interval_s = median(
            (later.at_s - earlier.at_s) / (later.number - earlier.number) for earlier, later in pairwise(ticks)
        )
        if interval_s <= 0.0:
            interval_s = (ticks[-1].at_s - ticks[0].at_s) / (ticks[-1].number - ticks[0].number)
        number = ticks[-1].number
        due_s = median(tick.at_s + (number - tick.number) * interval_s for tick in ticks)
        return TickLine(number, due_s, interval_s) if interval_s > 0.0 else None

    def line(self, number: int, noise: Noise) -> TickLine | None:
        """Returns the fitted line, given at tick `number`; None where no stretch makes one.

        While the clock is steady, it is the line through the last minute, which agrees with all stretches but for chance.
        """
        count, due_s, interval_s = self._longest_agreeing(number, noise)
        steady = self._steady.line
        if steady is not None and count < len(self.ticks):
            few_s = FEW_DEVIATIONS * noise.jitter_s / math.sqrt(FEW_TICKS)
            if self._steady.is_contradicted(self._mean(POINT_TICKS), self._mean(FEW_TICKS), few_s):
                self._steady.restart()
                steady = None
        if steady is not None:
            self.agreeing = len(self.ticks)
            return TickLine(number, steady.due_s(number), steady.interval_s)
        self.agreeing = count
        return TickLine(number, due_s, interval_s) if count else None

    def _longest_agreeing(self, number: int, noise: Noise) -> tuple[int, float, float]:
        """Returns the length of the longest stretch that agrees with all shorter ones, or 0, and when its line has tick `number` due, and its interval."""
        jitter, wander = noise.jitter_s**2, noise.wander_s**2 * WANDER_SHARE
        sums = self._sums
        kept = len(sums) - 1
        best = (0, 0.0, 0.0)
        if kept < FIRST_TICKS:
            return best
        _, all_x, all_y, all_xx, all_xy = sums[-1]
        end_x = float(number - self._origin.number)
        low_s, high_s = float("-inf"), float("inf")
        long_s = long_variance = 0.0
        for stretch in STRETCHES:
            count = min(stretch, kept)
            _, old_x, old_y, old_xx, old_xy = sums[kept - count]
            sum_x, sum_y = all_x - old_x, all_y - old_y
            spread = count * (all_xx - old_xx) - sum_x * sum_x
            if spread > 0.0:
                interval_s = (count * (all_xy - old_xy) - sum_x * sum_y) / spread
                mean_x = sum_x / count
                due_s = sum_y / count + interval_s * (end_x - mean_x)
                # The variance of a line's value at its newest tick.
                off_x = end_x - mean_x
                variance = jitter * (1.0 / count + off_x * off_x * count / spread) + wander * count
                width_s = noise.drift_s + CONFIDENCE * math.sqrt(variance)
                low_s, high_s = max(low_s, due_s - width_s), min(high_s, due_s + width_s)
                if low_s > high_s:
                    return best
                if stretch == LONG_TICKS:
                    long_s, long_variance = due_s, variance
                elif stretch > LONG_TICKS:
                    apart_s = noise.drift_s + LONG_CONFIDENCE * math.sqrt(max(long_variance - variance, 0.0))
                    if abs(due_s - long_s) > apart_s:
                        return best
                if interval_s > 0.0:
                    best = (count, self._origin.at_s + due_s, interval_s)
            if count == kept:
                break
        return best

    def _mean(self, count: int) -> Point:
        """Returns the mean number and date of the last `count` ticks."""
        _, all_x, all_y, _, _ = self._sums[-1]
        _, old_x, old_y, _, _ = self._sums[-1 - count]
        return Point(self._origin.number + (all_x - old_x) / count, self._origin.at_s + (all_y - old_y) / count)

    def _sum(self, tick: Tick) -> None:
        x, y = float(tick.number - self._origin.number), tick.at_s - self._origin.at_s
        count, sum_x, sum_y, sum_xx, sum_xy = self._sums[-1]
        self._sums.append((count + 1, sum_x + x, sum_y + y, sum_xx + x * x, sum_xy + x * y))
        self._added += 1


def offsets_from_fit(ticks: Sequence[Tick]) -> list[float]:
    """Returns how far ticks are from the least-squares line through all of them."""
    count = len(ticks)
    first_number, first_s = ticks[0]
    points = [(number - first_number, at_s - first_s) for number, at_s in ticks]
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    interval_s = sum((x - mean_x) * y for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return [y - mean_y - (x - mean_x) * interval_s for x, y in points]


def without_curvature(offs_s: Sequence[float]) -> list[float]:
    """Returns these offsets without the parabola that a steadily rising or falling tempo adds to them."""
    half = (len(offs_s) - 1) / 2
    bow = [(index - half) ** 2 for index in range(len(offs_s))]
    mean = sum(bow) / len(bow)
    depth_s = sum((x - mean) * off_s for x, off_s in zip(bow, offs_s, strict=True)) / sum((x - mean) ** 2 for x in bow)
    return [off_s - depth_s * (x - mean) for x, off_s in zip(bow, offs_s, strict=True)]


def follow_wander(line: TickLine, ticks: Iterable[Tick], noise: Noise) -> TickLine:
    """Returns the line, moved to where the last ticks have wandered."""
    gain = noise.gain
    if gain == 0.0:
        return line
    off_s = 0.0
    for tick in list(ticks)[-WANDER_TICKS:]:
        off_s += gain * (tick.at_s - line.due_s(tick.number) - off_s)
    return line.moved(off_s)
