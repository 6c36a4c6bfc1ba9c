"""The line through the last minute and more of a steady clock's ticks, whose tempo jitter hardly moves.

It takes the mean of each beat's ticks and not single ones, so a minute costs little. It does not know where dates come from.
Times are in seconds.
"""

from collections import deque
from typing import NamedTuple

from bridge.timing.ticks.tick import TickLine

POINT_TICKS = 24
"""How many ticks are averaged into one point."""

FEWEST_POINTS, MOST_POINTS = 24, 256
"""How many points make a line. Over 24 beats, ticks that are late by up to 2 ms move the tempo by 0.005 bpm; 256 beats last 51 s at 300 bpm."""

MOST_OFF_S = 0.0015
"""How far points may be off a steady clock's line: half of the longest buffer that jitter hides, and a little more."""

OFF_SHARE, OFF_MARGIN_S, POINTS_OFF = 1.25, 0.00005, 2
"""A clock is no longer steady once this many points in a row are farther off, on one side, than all others were, by this factor and margin."""

ONE_OFF_SHARE = 1.5
"""A single point that is farther off by this factor is enough where the line's shortest stretches contradict it too."""


class Point(NamedTuple):
    """The mean number and the mean date of some ticks."""

    number: float
    at_s: float


class SteadyLine:
    """Keeps a line through the beats of a clock for as long as the clock is steady."""

    def __init__(self) -> None:
        self.line: TickLine | None = None
        """The line through all points; None until there are enough, and after the clock has changed."""
        self._points: deque[Point] = deque()
        self._offs_s: deque[float] = deque(maxlen=MOST_POINTS)
        self._off_in_a_row = 0
        """How many points in a row were too far off: negative for early ones."""
        self._origin = Point(0.0, 0.0)
        self._sums = (0.0, 0.0, 0.0, 0.0)
        """Of the numbers, the dates, the squared numbers, and the numbers times dates, all from the origin."""
        self._summed = 0

    def restart(self) -> None:
        """Forgets all points, as the clock has changed."""
        self.line = None
        self._points.clear()
        self._offs_s.clear()
        self._off_in_a_row = 0
        self._summed = MOST_POINTS

    def add(self, point: Point) -> None:
        """Adds a beat of ticks."""
        if self.line is not None and self._is_change(_off_s(self.line, point)):
            self.restart()
        if len(self._points) == MOST_POINTS:
            self._sum(self._points.popleft(), -1.0)
        self._points.append(point)
        self._summed += 1
        if self._summed >= MOST_POINTS:
            self._sum_afresh()
        else:
            self._sum(point, 1.0)
        if len(self._points) >= FEWEST_POINTS:
            self._fit(round(point.number))

    def is_contradicted(self, beat: Point, few: Point, scatter_s: float) -> bool:
        """Whether the last beat of ticks, or the last few of them, are much farther off the line than any beat before.

        The mean of few ticks may be off by `scatter_s` more.
        """
        if self.line is None:
            return False
        most_s = ONE_OFF_SHARE * self._most_off_s
        return abs(_off_s(self.line, beat)) > most_s or abs(_off_s(self.line, few)) > most_s + scatter_s

    @property
    def _most_off_s(self) -> float:
        return OFF_SHARE * max(self._offs_s) + OFF_MARGIN_S

    def _is_change(self, off_s: float) -> bool:
        """Whether a new point that is this far off the line is one too many for a steady clock."""
        if abs(off_s) <= self._most_off_s:
            self._off_in_a_row = 0
            self._offs_s.append(abs(off_s))
            return False
        late = off_s > 0.0
        self._off_in_a_row = (max if late else min)(self._off_in_a_row, 0) + (1 if late else -1)
        return abs(self._off_in_a_row) >= POINTS_OFF

    def _fit(self, number: int) -> None:
        """Fits the line by least squares, and gives it at tick `number`."""
        count = len(self._points)
        sum_x, sum_y, sum_xx, sum_xy = self._sums
        interval_s = (count * sum_xy - sum_x * sum_y) / (count * sum_xx - sum_x * sum_x)
        mean_number, mean_s = self._origin.number + sum_x / count, self._origin.at_s + sum_y / count
        line = TickLine(number, mean_s + (number - mean_number) * interval_s, interval_s)
        if self.line is None:
            offs_s = [abs(_off_s(line, point)) for point in self._points]
            if max(offs_s) > MOST_OFF_S:
                # A tempo that rises or falls all the time bends the beats away from any line.
                self._sum(self._points.popleft(), -1.0)
                return
            self._offs_s.extend(offs_s)
        self.line = line

    def _sum_afresh(self) -> None:
        """Sums all points again, as ever-growing sums would lose precision."""
        self._origin, self._sums, self._summed = self._points[-1], (0.0, 0.0, 0.0, 0.0), 0
        for point in self._points:
            self._sum(point, 1.0)

    def _sum(self, point: Point, sign: float) -> None:
        x, y = point.number - self._origin.number, point.at_s - self._origin.at_s
        sum_x, sum_y, sum_xx, sum_xy = self._sums
        self._sums = (sum_x + sign * x, sum_y + sign * y, sum_xx + sign * x * x, sum_xy + sign * x * y)


def _off_s(line: TickLine, point: Point) -> float:
    return point.at_s - (line.at_s + (point.number - line.number) * line.interval_s)
