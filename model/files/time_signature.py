"""Time signatures: how many beats a bar has, and where bars begin. A beat is always a quarter note, also in 6/8."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# Larger numbers than any music uses come from damaged events.
LARGEST_NUMERATOR, LARGEST_DENOMINATOR = 64, 64
# How far rounding may move a bar line.
LINE_TOLERANCE_BEATS = 1e-6
_PICKUP_DENOMINATORS = (4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class TimeSignature:
    """The meter as a file of music writes it, such as 6 over 8; the file may hold any two numbers: see `is_usable`.

    `Meter` in `bridge.timing` is what a jam counts in.
    """

    numerator: int = 4
    denominator: int = 4

    @property
    def beats_per_bar(self) -> float:
        return self.numerator * 4 / self.denominator

    @property
    def is_usable(self) -> bool:
        """Whether music can have this meter."""
        return (
            1 <= self.numerator <= LARGEST_NUMERATOR
            and 1 <= self.denominator <= LARGEST_DENOMINATOR
            and self.denominator & (self.denominator - 1) == 0
        )


COMMON_TIME = TimeSignature()


@dataclass(frozen=True, slots=True)
class MeterChange:
    """A change of meter at a bar line: `meter` applies from `beat` on."""

    beat: float
    meter: TimeSignature


def pickup_beats(meters: Sequence[MeterChange]) -> float:
    """The length of a pickup that a notation program wrote as a bar of its own; 0.0 if there is none.

    Such a bar is the only one in its meter, and shorter than the bars that follow.
    """
    if len(meters) < 2 or meters[0].beat > 0.0:
        return 0.0
    first, second = meters[0], meters[1]
    length = first.meter.beats_per_bar
    is_one_bar = abs(second.beat - length) <= LINE_TOLERANCE_BEATS
    return length if is_one_bar and length < second.meter.beats_per_bar else 0.0


def with_pickup(meters: Sequence[MeterChange], beats: float) -> tuple[MeterChange, ...]:
    """The meters of music whose first bar has only so many beats: that bar becomes one of its own, as `pickup_beats` expects it.

    They stay as they are if the bar is not shorter than the first meter says, or no note value divides it.
    """
    pickup = next(
        (
            TimeSignature(round(beats * unit / 4), unit)
            for unit in _PICKUP_DENOMINATORS
            if abs(beats * unit / 4 - round(beats * unit / 4)) <= LINE_TOLERANCE_BEATS
        ),
        None,
    )
    if not meters or pickup is None or not 0.0 < beats < meters[0].meter.beats_per_bar - LINE_TOLERANCE_BEATS:
        return tuple(meters)
    first, *later = meters
    return (MeterChange(0.0, pickup), MeterChange(beats, first.meter), *later)


def bar_line_at_or_after(beat: float, meters: Sequence[MeterChange]) -> float:
    """The first bar line at or after `beat`. `meters` are in order of time; if empty, the meter is 4/4 from beat 0."""
    for change, following in pairwise([*(meters or (MeterChange(0.0, COMMON_TIME),)), None]):
        if change is None:
            break
        bar = change.meter.beats_per_bar
        bars = math.ceil((max(beat, change.beat) - change.beat - LINE_TOLERANCE_BEATS) / bar)
        line = change.beat + bars * bar
        if following is None or line < following.beat - LINE_TOLERANCE_BEATS:
            return line
    raise AssertionError("the last meter has no end")


def meter_at(beat: float, meters: Sequence[MeterChange]) -> TimeSignature:
    """The meter at a beat; 4/4 if `meters` is empty."""
    in_force = [change.meter for change in meters if change.beat <= beat + LINE_TOLERANCE_BEATS]
    return in_force[-1] if in_force else (meters[0].meter if meters else COMMON_TIME)
