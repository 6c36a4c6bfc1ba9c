"""All straight lines that pass through every tick's window, as a convex polygon of (time of a tick, interval).

A date gives each tick a window in which every time is equally likely. The polygon's centre is then the mean of all lines that
may be true. This module does not know where windows come from. Times are in seconds; each tick costs a few corners.
"""

import math
from itertools import pairwise
from typing import NamedTuple

MOST_CORNERS = 24
"""How many corners are kept: each tick's window adds two at most, and removes those that it excludes."""

LEAST_AREA = 1e-18
"""In square seconds. The middle of a polygon with a smaller area is the mean of its corners."""


class Corner(NamedTuple):
    """A line at the edge of what is possible: the time of the current tick, and the interval."""

    at_s: float
    interval_s: float


class FeasibleLines:
    """The lines that are possible at a current tick, which `advance` moves on."""

    def __init__(self, corners: list[Corner]) -> None:
        self._corners = corners

    @classmethod
    def within(cls, earliest_s: float, latest_s: float, shortest_s: float, longest_s: float) -> "FeasibleLines":
        """Returns all lines whose tick is within a window and whose interval is within bounds."""
        return cls(
            [
                Corner(earliest_s, shortest_s),
                Corner(latest_s, shortest_s),
                Corner(latest_s, longest_s),
                Corner(earliest_s, longest_s),
            ]
        )

    def copy(self) -> "FeasibleLines":
        """Returns a copy, for a trial that leaves the original as it is."""
        return FeasibleLines(self._corners)

    def advance(self, ticks: int = 1) -> None:
        """Moves the current tick on by `ticks`."""
        self._corners = [Corner(at_s + ticks * interval_s, interval_s) for at_s, interval_s in self._corners]

    def keep_between(self, earliest_s: float, latest_s: float) -> bool:
        """Keeps the lines whose tick is within the window. If there are none, it returns False and keeps all."""
        at_s = [corner[0] for corner in self._corners]
        least_s, most_s = min(at_s), max(at_s)
        if least_s > latest_s or most_s < earliest_s:
            return False
        if least_s < earliest_s:
            self._corners = _clip(self._corners, earliest_s, 1.0)
        if most_s > latest_s:
            self._corners = _clip(self._corners, latest_s, -1.0)
        while len(self._corners) > MOST_CORNERS:
            self._corners.pop(_bluntest(self._corners))
        return True

    def relax(self, share: float, middle: Corner) -> None:
        """Enlarges the polygon by a share, seen from `middle`, so that old ticks count less and a drifting clock is not lost."""
        grown = 1.0 + share
        middle_s, middle_interval_s = middle
        self._corners = [
            Corner(middle_s + grown * (at_s - middle_s), middle_interval_s + grown * (interval_s - middle_interval_s))
            for at_s, interval_s in self._corners
        ]

    @property
    def middle(self) -> Corner:
        """The line in the middle: the polygon's centre of gravity."""
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
    def area(self) -> float:
        """How many lines are possible, in square seconds."""
        first_s, first_interval_s = self._corners[0]
        corners = [(at_s - first_s, interval_s - first_interval_s) for at_s, interval_s in self._corners]
        return abs(sum(a * d - c * b for (a, b), (c, d) in pairwise(corners))) / 2

    @property
    def earliest_s(self) -> float:
        """The earliest time that the tick may have."""
        return min(self._corners)[0]

    @property
    def latest_s(self) -> float:
        """The latest time that the tick may have."""
        return max(self._corners)[0]

    @property
    def spread_s(self) -> float:
        """The time between the earliest and the latest."""
        at_s = [corner[0] for corner in self._corners]
        return max(at_s) - min(at_s)

    @property
    def next_tick_s(self) -> tuple[float, float]:
        """The earliest and the latest time that the next tick may have."""
        next_s = [at_s + interval_s for at_s, interval_s in self._corners]
        return min(next_s), max(next_s)

    @property
    def intervals_s(self) -> tuple[float, float]:
        """The shortest and the longest interval."""
        intervals_s = [interval_s for _, interval_s in self._corners]
        return min(intervals_s), max(intervals_s)


def _clip(corners: list[Corner], edge_s: float, side: float) -> list[Corner]:
    """Returns the part of a polygon after an edge (`side` 1) or before it (-1)."""
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
    """Returns the index of the corner nearest to the line between its neighbours; both axes are scaled by the polygon's size."""
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
