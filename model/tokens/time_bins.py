"""Time bins: the few shifts (times between onsets) that an event vocabulary can express; knows no tokens.

Each bin has one shift that is played for it. Edges divide the shifts that are read among the bins. All values are in
the unit of the shifts, beats by default.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

# The coarsest grid with both thirty-seconds and sixteenth triplets; MIDI clock uses it too. A finer grid would include
# shifts that no score means, such as 13/96 for a grace note as a program rendered it.
GRID_PER_BEAT = 24

# In 24ths of a beat, the simplest first: straight values, dotted, triplets, then ties; 192 is two bars of four.
MUSICAL_TICKS = (
    12, 24, 6, 48, 18, 36, 8, 16, 96, 72, 4, 3, 32, 9, 144, 192, 30, 42, 60, 84, 54, 66, 2, 20, 40, 15, 21, 120, 28, 64, 78, 90,
)  # fmt: skip

TimeUnit = Literal["beats", "seconds"]
"""The unit of the time between notes."""
BinChoice = Literal["commonest", "quantile", "quantile-mean", "musical"]
Shifts = Mapping[float, int]
"""How often each shift between onsets occurs."""

MOST_SHIFT = 10_000.0
"""No phrase has so long a rest, in beats or in seconds."""

_NO_RHYTHM = "no time between any two onsets: there is nothing to learn rhythm from"


@dataclass(frozen=True, slots=True)
class TimeBins:
    """Bin i plays `shifts[i]`, and stands for all shifts in (edges[i-1], edges[i]]; the last bin has no upper edge.

    Shapes: `shifts` of n, rising; `edges` of n - 1, rising, with shifts[i] <= edges[i] < shifts[i+1]. Raises ValueError
    where they are not so, or a shift is out of range.
    """

    shifts: tuple[float, ...]
    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.shifts or len(self.edges) != len(self.shifts) - 1:
            raise ValueError(f"{len(self.shifts)} bins need {len(self.shifts) - 1} edges, not {len(self.edges)}")
        if not all(0.0 < shift <= MOST_SHIFT for shift in self.shifts):
            raise ValueError(f"a time bin must move the clock: its shift is above 0, and {MOST_SHIFT:,.0f} at most")
        if any(a >= b for a, b in pairwise(self.shifts)):
            raise ValueError("the bins' shifts must rise")
        if any(not a <= edge < b for (a, b), edge in zip(pairwise(self.shifts), self.edges, strict=True)):
            raise ValueError("an edge must lie between the shifts of its two bins")

    def __len__(self) -> int:
        return len(self.shifts)

    def index(self, shift: float) -> int:
        """The bin of a shift. A shift that is shorter or longer than all bins gets the first or the last one."""
        return bisect_left(self.edges, shift)


def commonest_bins(shifts: Shifts, count: int) -> TimeBins:
    """A bin for each of the `count` commonest shifts of the corpus on a grid of 1/24 beat, with edges halfway between.

    Raises ValueError where there is no shift at all.
    """
    on_grid: Counter[int] = Counter()
    for shift, times in shifts.items():
        on_grid[round(shift * GRID_PER_BEAT)] += times
    del on_grid[0]
    if not on_grid:
        raise ValueError(_NO_RHYTHM)
    return _bins_from_ticks(ticks for ticks, _ in sorted(on_grid.items(), key=lambda item: (-item[1], item[0]))[:count])


def musical_bins(count: int) -> TimeBins:
    """Bins for note values that musicians write, up to two bars of four, for any corpus: at most `count`, the simplest
    first.
    """
    return _bins_from_ticks(MUSICAL_TICKS[:count])


SAME_BEATS = 1e-9
"""Shifts that differ by no more than rounding does are one."""


def quantile_bins(
    shifts: Shifts, count: int, grid: int | None = GRID_PER_BEAT, middle: Literal["median", "mean"] = "median"
) -> TimeBins:
    """Bins at `count` quantiles of the shifts, equal edges merged. A bin plays its median, rounded to the grid.

    The default is the median and not the mean, because scores use few values, and a mean lies between them. With `grid`
    None the middle is not rounded. Raises ValueError where there is no shift at all.
    """
    values = np.array(sorted(shift for shift in shifts if shift > 0.0), np.float64)
    if not len(values):
        raise ValueError(_NO_RHYTHM)
    times = np.array([shifts[float(value)] for value in values], np.int64)
    ends = np.cumsum(times)
    # Each quantile is a value of the corpus, so that no bin is empty.
    ranks = np.floor(np.linspace(0.0, 1.0, count + 1)[1:] * (ends[-1] - 1))
    uppers = np.unique(values[np.searchsorted(ends, ranks, side="right")])
    members = np.searchsorted(uppers, values, side="left")
    reach: dict[float, tuple[float, float]] = {}  # by played shift: the shortest and longest shift of the bin
    for index, upper in enumerate(uppers):
        inside, weights = values[members == index], times[members == index]
        played = _median(inside, weights) if middle == "median" else _mean(inside, weights)
        if grid is not None:
            played = max(round(played * grid), 1) / grid
        elif reach and played - next(reversed(reach)) <= SAME_BEATS:
            played = next(reversed(reach))
        shortest, _ = reach.get(played, (float(inside.min()), 0.0))
        reach[played] = (shortest, float(upper))
    edges = [_edge_between(a, b, reach[a][1], reach[b][0]) for a, b in pairwise(sorted(reach))]
    return TimeBins(tuple(sorted(reach)), tuple(edges))


def choose_bins(shifts: Shifts, choice: BinChoice, count: int) -> TimeBins:
    """The bins of a choice. `quantile-mean` plays unrounded means. Raises ValueError where there is no shift at all."""
    match choice:
        case "commonest":
            return commonest_bins(shifts, count)
        case "quantile":
            return quantile_bins(shifts, count)
        case "quantile-mean":
            return quantile_bins(shifts, count, grid=None, middle="mean")
        case "musical":
            return musical_bins(count)


def add_missing_bins(bins: TimeBins, shifts: Shifts, min_share: float) -> TimeBins:
    """The bins, with a new bin for each missing shift on the grid that is at least `min_share` of all shifts."""
    on_grid: Counter[int] = Counter()
    for shift, times in shifts.items():
        on_grid[round(shift * GRID_PER_BEAT)] += times
    del on_grid[0]
    half_a_tick = 0.5 / GRID_PER_BEAT
    missing = [
        ticks / GRID_PER_BEAT
        for ticks, times in on_grid.items()
        if times >= min_share * on_grid.total()
        and min(abs(ticks / GRID_PER_BEAT - shift) for shift in bins.shifts) > half_a_tick
    ]
    if not missing:
        return bins
    representatives = tuple(sorted({*bins.shifts, *missing}))
    return TimeBins(representatives, tuple((a + b) / 2 for a, b in pairwise(representatives)))


def _bins_from_ticks(chosen: Iterable[int]) -> TimeBins:
    representatives = tuple(ticks / GRID_PER_BEAT for ticks in sorted(chosen))
    return TimeBins(representatives, tuple((a + b) / 2 for a, b in pairwise(representatives)))


def _median(values: npt.NDArray[np.float64], times: npt.NDArray[np.int64]) -> float:
    """The median of rising `values`, each of which occurs `times` times; of an even number the mean of the middle two."""
    ends = np.cumsum(times)
    low, high = np.searchsorted(ends, [(ends[-1] - 1) // 2, ends[-1] // 2], side="right")
    return float((values[low] + values[high]) / 2)


def _mean(values: npt.NDArray[np.float64], times: npt.NDArray[np.int64]) -> float:
    """The mean of rising `values`, each of which occurs `times` times; clipped, as rounding could move it past them."""
    return float(np.average(values, weights=times).clip(values[0], values[-1]))


def _edge_between(shift: float, next_shift: float, longest: float, next_shortest: float) -> float:
    """The edge between two bins: halfway between the shifts that were read, so that rounding moves no shift across it.

    Where the grid has moved a played shift past that point, the edge is halfway between the two played shifts.
    """
    edge = (longest + next_shortest) / 2
    return edge if shift < edge < next_shift else (shift + next_shift) / 2
