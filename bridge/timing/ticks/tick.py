"""A tick of MIDI clock with its date, and the straight line that says when ticks are due. Seconds; knows no beats."""

from dataclasses import dataclass
from typing import NamedTuple


class Tick(NamedTuple):
    """The tick of a number, and the second it came at. (A tuple, as many are gone through at each tick.)"""

    number: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Line:
    """When ticks are due."""

    number: int
    at_s: float
    interval_s: float

    def due_s(self, number: int) -> float:
        """The second of a tick."""
        return self.at_s + (number - self.number) * self.interval_s

    def moved(self, by_s: float) -> "Line":
        """The same, so much later."""
        return Line(self.number, self.at_s + by_s, self.interval_s)
