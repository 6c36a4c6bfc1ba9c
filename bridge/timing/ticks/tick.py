"""A tick of MIDI clock with its date, and the straight line that predicts ticks. Times are in seconds; it knows no beats."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

BufferSide = Literal["start", "end", "unknown"]
"""Whether a tick gets the date of its buffer's start or end. Dates alone do not show it. Where it is unknown, ticks are
expected in the middle between the two, which is at most half a buffer wrong."""

SHORTEST_INTERVAL_S = 0.006
"""The interval of the fastest tempo. Ticks that come faster were held up, and a gap after them cannot be counted in ticks."""


class Tick(NamedTuple):
    """A tick's number and its date. It is a tuple for speed: each new tick makes the follower go through many old ones."""

    number: int
    at_s: float


@dataclass(frozen=True, slots=True)
class TickLine:
    """Predicts when ticks are due: tick `number` at `at_s`, and each further one `interval_s` later."""

    number: int
    at_s: float
    interval_s: float

    def due_s(self, number: int) -> float:
        """Returns when the tick `number` is due."""
        return self.at_s + (number - self.number) * self.interval_s

    def moved(self, by_s: float) -> "TickLine":
        """Returns the same line, `by_s` later."""
        return TickLine(self.number, self.at_s + by_s, self.interval_s)
