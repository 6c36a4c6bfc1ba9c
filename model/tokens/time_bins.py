"""Time bins: the few shifts between onsets that an event vocabulary can say; knows no tokens.

A bin has a representative, the shift that it stands for when music is written, and upper edges
divide the shifts that are read among the bins. All are in the unit of the shifts, beats by default.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

# The smallest division that thirty-seconds and sixteenth triplets share; MIDI clock counts in it too. A finer grid
# would let in shifts that no score means, such as the 13/96 of a grace note as it was rendered.
GRID_PER_BEAT = 24

# In 24ths of a beat, the plainest first: straight values, dotted, triplets, then ties; 192 is two bars of four.
MUSICAL_TICKS = (
    12, 24, 6, 48, 18, 36, 8, 16, 96, 72, 4, 3, 32, 9, 144, 192, 30, 42, 60, 84, 54, 66, 2, 20, 40, 15, 21, 120, 28, 64, 78, 90,
)  # fmt: skip

TimeUnit = Literal["beats", "seconds"]
"""What the time between notes is counted in."""
BinChoice = Literal["commonest", "quantile", "quantile-mean", "musical"]
Shifts = Mapping[float, int]
"""How often each shift between onsets occurs."""

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


def commonest_bins(shifts: Shifts, count: int) -> TimeBins:
    """The `count` commonest shifts of the corpus on a grid of 1/24 beat, each its own bin, divided halfway.

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
    """The note values that musicians write, up to two bars of four, whatever the corpus: at most `count` of them, the plainest first."""
    return _bins_from_ticks(MUSICAL_TICKS[:count])


def quantile_bins(
    shifts: Shifts, count: int, grid: int | None = GRID_PER_BEAT, middle: Literal["median", "mean"] = "median"
) -> TimeBins:
    """`count` quantiles of the shifts, equal edges merged; a bin plays its median, brought to the grid.

    The median and not the mean: score music falls on few values, and a mean lies between them, off the grid.
    With `grid` None the middle stays as it is. Raises ValueError where there is no shift at all.
    """
    values = np.array(sorted(shift for shift in shifts if shift > 0.0), np.float64)
    if not len(values):
        raise ValueError(_NO_RHYTHM)
    times = np.array([shifts[float(value)] for value in values], np.int64)
    ends = np.cumsum(times)
    # Each quantile is a value that stands in the corpus, so that no bin is empty.
    ranks = np.floor(np.linspace(0.0, 1.0, count + 1)[1:] * (ends[-1] - 1))
    uppers = np.unique(values[np.searchsorted(ends, ranks, side="right")])
    members = np.searchsorted(uppers, values, side="left")
    reach: dict[float, tuple[float, float]] = {}  # by what a bin plays, the shortest and longest shift in it
    for index, upper in enumerate(uppers):
        inside, weights = values[members == index], times[members == index]
        played = _median(inside, weights) if middle == "median" else _mean(inside, weights)
        if grid is not None:
            played = max(round(played * grid), 1) / grid
        shortest, _ = reach.get(played, (float(inside.min()), 0.0))
        reach[played] = (shortest, float(upper))
    edges = [_edge_between(a, b, reach[a][1], reach[b][0]) for a, b in pairwise(sorted(reach))]
    return TimeBins(tuple(sorted(reach)), tuple(edges))


def choose_bins(shifts: Shifts, choice: BinChoice, count: int) -> TimeBins:
    """The bins of a choice; `quantile-mean` plays means as they are. Raises ValueError where there is no shift at all."""
    match choice:
        case "commonest":
            return commonest_bins(shifts, count)
        case "quantile":
            return quantile_bins(shifts, count)
        case "quantile-mean":
            return quantile_bins(shifts, count, grid=None, middle="mean")
        case "musical":
            return musical_bins(count)


def add_missing_bins(bins: TimeBins, shifts: Shifts, least_share: float) -> TimeBins:
    """The bins, and with them each shift on the grid that they lack and that is at least `least_share` of all."""
    on_grid: Counter[int] = Counter()
    for shift, times in shifts.items():
        on_grid[round(shift * GRID_PER_BEAT)] += times
    del on_grid[0]
    half_a_tick = 0.5 / GRID_PER_BEAT
    lacking = [
        ticks / GRID_PER_BEAT
        for ticks, times in on_grid.items()
        if times >= least_share * on_grid.total()
        and min(abs(ticks / GRID_PER_BEAT - shift) for shift in bins.shifts) > half_a_tick
    ]
    if not lacking:
        return bins
    representatives = tuple(sorted({*bins.shifts, *lacking}))
    return TimeBins(representatives, tuple((a + b) / 2 for a, b in pairwise(representatives)))


def _bins_from_ticks(chosen: Iterable[int]) -> TimeBins:
    representatives = tuple(ticks / GRID_PER_BEAT for ticks in sorted(chosen))
    return TimeBins(representatives, tuple((a + b) / 2 for a, b in pairwise(representatives)))


def _median(values: npt.NDArray[np.float64], times: npt.NDArray[np.int64]) -> float:
    """The median of `values`, which rise, each as many `times`; of an even number the mean of the middle two."""
    ends = np.cumsum(times)
    low, high = np.searchsorted(ends, [(ends[-1] - 1) // 2, ends[-1] // 2], side="right")
    return float((values[low] + values[high]) / 2)


def _mean(values: npt.NDArray[np.float64], times: npt.NDArray[np.int64]) -> float:
    """The mean of `values`, which rise, each as many `times`; no rounding takes it past them."""
    return float(np.average(values, weights=times).clip(values[0], values[-1]))


def _edge_between(shift: float, next_shift: float, longest: float, next_shortest: float) -> float:
    """The edge of two bins: halfway between their shifts as read, so that a hair's breadth of rounding crosses none.

    Where the grid has moved a representative past that, halfway between the two.
    """
    edge = (longest + next_shortest) / 2
    return edge if shift < edge < next_shift else (shift + next_shift) / 2
