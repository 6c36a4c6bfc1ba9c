"""All the straight lines that pass through every tick's window: a convex polygon of (second of a tick, interval).

For ticks whose dates say no more than a window, each second in it being as likely as any other, the middle of the
polygon is the mean of all that may be true. Knows no windows' reasons. Seconds; the cost is a few corners per tick.
"""

import math
from typing import NamedTuple

MOST_CORNERS = 24
"""More are not kept: each tick's window adds two at most, and takes away those that it excludes."""

LEAST_AREA = 1e-18
"""In square seconds: of a polygon that is thinner, the mean of its corners is its middle."""


class Corner(NamedTuple):
    """A line at the edge of what is possible, by the second of the tick in question and the interval."""

    at_s: float
    interval_s: float


class FeasibleLines:
    """Lines are given for one tick at a time, and carried on to the next."""

    def __init__(self, corners: list[Corner]) -> None:
        self._corners = corners

    @classmethod
    def within(cls, earliest_s: float, latest_s: float, shortest_s: float, longest_s: float) -> "FeasibleLines":
        """All lines on which the tick is within a window, and the interval within bounds."""
        return cls(
            [
                Corner(earliest_s, shortest_s),
                Corner(latest_s, shortest_s),
                Corner(latest_s, longest_s),
                Corner(earliest_s, longest_s),
            ]
        )

    def copy(self) -> "FeasibleLines":
        """The same lines, to try something with."""
        return FeasibleLines(self._corners)

    def advance(self, ticks: int = 1) -> None:
        """The tick in question is now so many later."""
        self._corners = [Corner(at_s + ticks * interval_s, interval_s) for at_s, interval_s in self._corners]

    def keep_between(self, earliest_s: float, latest_s: float) -> bool:
        """Keeps the lines on which the tick is within a window; where there is none, all are kept, and False is said."""
        least_s = min(self._corners)[0]
        most_s = max(self._corners)[0]
        if least_s > latest_s or most_s < earliest_s:
            return False
        if least_s < earliest_s:
            self._corners = _cut(self._corners, earliest_s, 1.0)
        if most_s > latest_s:
            self._corners = _cut(self._corners, latest_s, -1.0)
        while len(self._corners) > MOST_CORNERS:
            self._corners.pop(_bluntest(self._corners))
        return True

    def relax(self, share: float, middle: Corner) -> None:
        """Lets lines in again that are a little off, so that a clock that drifts is not lost: the past counts less."""
        grown = 1.0 + share
        middle_s, middle_interval_s = middle
        self._corners = [
            Corner(middle_s + grown * (at_s - middle_s), middle_interval_s + grown * (interval_s - middle_interval_s))
            for at_s, interval_s in self._corners
        ]

    @property
    def middle(self) -> Corner:
        """The line in the middle of all: the polygon's centre of gravity."""
        corners = self._corners
        first_s, first_interval_s = corners[0]
        area = sum_s = sum_interval_s = 0.0
        before_s, before_interval_s = 0.0, 0.0
        for at_s, interval_s in corners:
            off_s, off_interval_s = at_s - first_s, interval_s - first_interval_s
            cross = before_s * off_interval_s - off_s * before_interval_s
            area += cross
            sum_s += cross * (before_s + off_s)
            sum_interval_s += cross * (before_interval_s + off_interval_s)
            before_s, before_interval_s = off_s, off_interval_s
        if abs(area) < LEAST_AREA:
            count = len(corners)
            return Corner(sum(c[0] for c in corners) / count, sum(c[1] for c in corners) / count)
        return Corner(first_s + sum_s / (3.0 * area), first_interval_s + sum_interval_s / (3.0 * area))

    @property
    def earliest_s(self) -> float:
        """When the tick may be at the earliest."""
        return min(self._corners)[0]

    @property
    def latest_s(self) -> float:
        """When the tick may be at the latest."""
        return max(self._corners)[0]

    @property
    def spread_s(self) -> float:
        """How far apart these are."""
        return self.latest_s - self.earliest_s

    @property
    def intervals_s(self) -> tuple[float, float]:
        """The shortest interval and the longest."""
        intervals_s = [interval_s for _, interval_s in self._corners]
        return min(intervals_s), max(intervals_s)


def _cut(corners: list[Corner], edge_s: float, side: float) -> list[Corner]:
    """The part of a polygon beyond an edge (`side` 1) or before it (-1)."""
    kept: list[Corner] = []
    before = corners[-1]
    before_in_s = side * (before[0] - edge_s)
    for corner in corners:
        in_s = side * (corner[0] - edge_s)
        if (in_s < 0.0) != (before_in_s < 0.0):
            share = before_in_s / (before_in_s - in_s)
            kept.append(Corner(edge_s, before[1] + share * (corner[1] - before[1])))
        if in_s >= 0.0:
            kept.append(corner)
        before, before_in_s = corner, in_s
    return kept


def _bluntest(corners: list[Corner]) -> int:
    """The corner that is nearest to the line between its neighbours, seconds and intervals by what the polygon has of each."""
    count = len(corners)
    width_s = max(corners)[0] - min(corners)[0] or 1.0
    intervals_s = [interval_s for _, interval_s in corners]
    height_s = max(intervals_s) - min(intervals_s) or 1.0
    points = [(at_s / width_s, interval_s / height_s) for at_s, interval_s in corners]

    def height(index: int) -> float:
        (x1, y1), (x, y), (x2, y2) = points[index - 1], points[index], points[(index + 1) % count]
        chord = math.hypot(x2 - x1, y2 - y1)
        return abs((x - x1) * (y2 - y1) - (x2 - x1) * (y - y1)) / chord if chord else 0.0

    return min(range(count), key=height)
