"""Numbers as positions in small charts: figures beside real music, and curves.

Positions are in percent; it draws nothing itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.approach import Approach
from train.evaluation.measures import Quartiles

MARGIN = 0.07


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of numbers that a row of charts shows."""

    least: float
    greatest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Scale":
        """The range of these values with a margin on both sides; equal values lie in the middle."""
        shown = list(values)
        least, greatest = min(shown), max(shown)
        margin = (greatest - least) * MARGIN or 1.0
        return cls(least - margin, greatest + margin)

    def at(self, value: float) -> float:
        """The position of a value, in percent of the width."""
        return round(100 * (value - self.least) / (self.greatest - self.least), 2)


@dataclass(frozen=True, slots=True)
class Mark:
    """One number of an approach, or the quartiles of several."""

    kind: str
    at: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Strip:
    """The middle half of real music as a band, with its median, and the marks drawn over it."""

    low: float
    median: float
    high: float
    marks: tuple[Mark, ...]


def draw_strip(scale: Scale, music: Quartiles, marks: Mapping[Approach, Quartiles]) -> Strip:
    return Strip(
        low=scale.at(music.low),
        median=scale.at(music.median),
        high=scale.at(music.high),
        marks=tuple(
            Mark(kind, scale.at(shown.median), scale.at(shown.low), scale.at(shown.high))
            for kind, shown in marks.items()
        ),
    )


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points as an SVG path in a field of 100 by 100, its marked point, and the range of the field."""

    path: str
    marked_x: float
    marked_y: float
    lowest: float
    highest: float


def draw_curve(values: Sequence[float], marked: int) -> Curve:
    """A curve through at least two values, from the first to the last; `marked` is the index of one of them."""
    scale, last = Scale.of(values), len(values) - 1
    points = [(round(100 * index / last, 2), round(100 - scale.at(value), 2)) for index, value in enumerate(values)]
    path = "M" + "L".join(f"{x:g},{y:g}" for x, y in points)
    return Curve(path, *points[marked], scale.least, scale.greatest)
