"""How many beats a bar has, and where bars begin; knows no file. A beat is a quarter note, whatever a meter counts in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# A bar that is shorter or longer than any that is written is a damaged event, and not a meter.
LARGEST_NUMERATOR, LARGEST_DENOMINATOR = 64, 64
# What rounding may do to a bar line.
LINE_TOLERANCE_BEATS = 1e-6


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature, such as 6 over 8."""

    numerator: int = 4
    denominator: int = 4

    @property
    def beats_per_bar(self) -> float:
        return self.numerator * 4 / self.denominator

    @property
    def is_usable(self) -> bool:
        """Whether music may be counted in it: a file may hold any two numbers."""
        return (
            1 <= self.numerator <= LARGEST_NUMERATOR
            and 1 <= self.denominator <= LARGEST_DENOMINATOR
            and self.denominator & (self.denominator - 1) == 0
        )


COMMON_TIME = Meter()


@dataclass(frozen=True, slots=True)
class MeterChange:
    """From this beat on, which is a bar line, bars are so long."""

    beat: float
    meter: Meter


def pickup_beats(meters: Sequence[MeterChange]) -> float:
    """How long the pickup is that a notation program wrote as a first bar of its own; 0.0 where there is none.

    Such a bar is the only one of its meter, and shorter than those that follow.
    """
    if len(meters) < 2 or meters[0].beat > 0.0:
        return 0.0
    first, second = meters[0], meters[1]
    length = first.meter.beats_per_bar
    is_one_bar = abs(second.beat - length) <= LINE_TOLERANCE_BEATS
    return length if is_one_bar and length < second.meter.beats_per_bar else 0.0


def bar_line_at_or_after(beat: float, meters: Sequence[MeterChange]) -> float:
    """The first bar line that is not before `beat`. `meters` are in order; without any, bars are of 4/4 from beat 0."""
    for change, following in pairwise([*(meters or (MeterChange(0.0, COMMON_TIME),)), None]):
        if change is None:
            break
        bar = change.meter.beats_per_bar
        bars = math.ceil((max(beat, change.beat) - change.beat - LINE_TOLERANCE_BEATS) / bar)
        line = change.beat + bars * bar
        if following is None or line < following.beat - LINE_TOLERANCE_BEATS:
            return line
    raise AssertionError("the last meter has no end")


def meter_at(beat: float, meters: Sequence[MeterChange]) -> Meter:
    """The meter in force at a beat; 4/4 where nothing is said."""
    in_force = [change.meter for change in meters if change.beat <= beat + LINE_TOLERANCE_BEATS]
    return in_force[-1] if in_force else (meters[0].meter if meters else COMMON_TIME)
