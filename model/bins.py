"""Time bins: the few shifts between onsets that an event vocabulary can say; knows no tokens.

A bin has a representative, the shift that it stands for when music is written, and upper edges
divide the shifts that are read among the bins. All are in the unit of the shifts, beats by default.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

# The smallest division that thirty-seconds and sixteenth triplets share; MIDI clock counts in it too. A finer grid
# would let in shifts that no score means, such as the 13/96 of a grace note as it was rendered.
GRID_PER_BEAT = 24

BinChoice = Literal["commonest", "quantile"]

_NO_RHYTHM = "no time between any two onsets: there is nothing to learn rhythm from"


@dataclass(frozen=True, slots=True)
class TimeBins:
    """`shifts[i]` is played for whatever was read in (edges[i-1], edges[i]]; the last bin has no upper edge.

    Shapes: `shifts` of n, rising; `edges` of n - 1, rising, with shifts[i] <= edges[i] < shifts[i+1].
    """

    shifts: tuple[float, ...]
    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.shifts or len(self.edges) != len(self.shifts) - 1:
            raise ValueError(f"{len(self.shifts)} bins need {len(self.shifts) - 1} edges, not {len(self.edges)}")
        if self.shifts[0] <= 0.0:
            raise ValueError("a time bin must move the clock: its shift must be above 0")
        if any(a >= b for a, b in pairwise(self.shifts)):
            raise ValueError("the bins' shifts must rise")
        if any(not a <= edge < b for (a, b), edge in zip(pairwise(self.shifts), self.edges, strict=True)):
            raise ValueError("an edge must lie between the shifts of its two bins")

    def __len__(self) -> int:
        return len(self.shifts)

    def index(self, shift: float) -> int:
        """The bin that a shift falls into: the nearest that there is, however long or short the shift."""
        return bisect_left(self.edges, shift)


def commonest_bins(shifts: Sequence[float], count: int) -> TimeBins:
    """The `count` commonest shifts of the corpus on a grid of 1/24 beat, each its own bin, divided halfway.

    Raises ValueError where there is no shift at all.
    """
    on_grid = Counter(round(shift * GRID_PER_BEAT) for shift in shifts)
    del on_grid[0]
    if not on_grid:
        raise ValueError(_NO_RHYTHM)
    chosen = sorted(ticks for ticks, _ in sorted(on_grid.items(), key=lambda item: (-item[1], item[0]))[:count])
    representatives = tuple(ticks / GRID_PER_BEAT for ticks in chosen)
    edges = tuple((a + b) / 2 for a, b in pairwise(representatives))
    return TimeBins(representatives, edges)


def quantile_bins(shifts: Sequence[float], count: int, grid: int | None = GRID_PER_BEAT) -> TimeBins:
    """`count` quantiles of the shifts, equal edges merged; a bin plays its median, brought to the grid.

    The median and not the mean: score music falls on few values, and a mean lies between them, off the grid.
    With `grid` None the median stays as it is. Raises ValueError where there is no shift at all.
    """
    values = np.asarray([shift for shift in shifts if shift > 0.0], dtype=np.float64)
    if not len(values):
        raise ValueError(_NO_RHYTHM)
    # Each quantile is a value that stands in the corpus, so that no bin is empty.
    uppers = np.unique(np.quantile(values, np.linspace(0.0, 1.0, count + 1)[1:], method="lower"))
    members = np.searchsorted(uppers, values, side="left").clip(max=len(uppers) - 1)
    reach: dict[float, tuple[float, float]] = {}  # by median, the shortest and longest shift of the bin
    for index, upper in enumerate(uppers):
        inside = values[members == index]
        median = float(np.median(inside))
        if grid is not None:
            median = max(round(median * grid), 1) / grid
        shortest, _ = reach.get(median, (float(inside.min()), 0.0))
        reach[median] = (shortest, float(upper))
    edges = [_between(a, b, reach[a][1], reach[b][0]) for a, b in pairwise(sorted(reach))]
    return TimeBins(tuple(sorted(reach)), tuple(edges))


def _between(shift: float, next_shift: float, longest: float, next_shortest: float) -> float:
    """The edge of two bins: halfway between their shifts as read, so that a hair's breadth of rounding crosses none.

    Where the grid has moved a representative past that, halfway between the two.
    """
    edge = (longest + next_shortest) / 2
    return edge if shift < edge < next_shift else (shift + next_shift) / 2
