"""`Bars`: where bars and beats fall in a stretch of music, and how strong a place in the bar is; knows no timeline and no file.

A phrase that was played to no clock may lie anywhere between the bar lines of the jam. `bars_of` finds the bars that a
phrase means, or none.
"""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Self

from model.notes import Note

# People play a little early or late: an onset this close to a place in the bar is on that place. 42 ms at 120 bpm.
PLACE_TOLERANCE_BEATS = 1 / 12
PLACES_PER_BEAT = 24
"""Places on the grid of a bar are counted in 1/24 beat, which has sixteenths and triplets."""
# For each place in a beat, the nearest sixteenth or triplet, so that inexact playing gives the same places.
_ON_GRID = tuple(
    min((0, 6, 8, 12, 16, 18, PLACES_PER_BEAT), key=lambda known, place=place: abs(known - place))  # type: ignore[misc]
    for place in range(PLACES_PER_BEAT)
)
# How closely onsets gather around one point of the beat, from 0 (anywhere) to 1 (exactly), for a phrase to have a pulse.
MIN_CONCENTRATION = 0.5
# The same, for a phrase to have bars of its own: higher, as a phrase without a pulse should not get them by chance.
OWN_CONCENTRATION = 0.7
# The onsets of a phrase lie on halves, quarters or thirds of its pulse.
PULSE_PARTS = (2, 4, 3)
# Fast ones lie on sixths or eighths of it. As chance gathers onsets around points that are so near to each other, they must
# gather more closely.
FAST_PARTS = (6, 8)
MIN_ONSETS = 4
# How many onsets of a phrase, the latest, its bars are found from: more of them add nothing.
ONSETS_USED = 32


class Strength(IntEnum):
    """How strong a place in the bar is, the strongest last."""

    BETWEEN = 0
    HALF_BEAT = 1
    BEAT = 2
    MIDBAR = 3
    DOWNBEAT = 4


def grid_places(beats: float) -> int:
    """A time as a number of `PLACES_PER_BEAT`, rounded to whole sixteenths or triplets."""
    whole, part = divmod(round(beats * PLACES_PER_BEAT), PLACES_PER_BEAT)
    return whole * PLACES_PER_BEAT + _ON_GRID[part]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of `beats_per_bar` quarter notes, counted from `downbeat`; a pulse of the bar lasts `pulse_beats`.

    In 6/8 a pulse is 1.5 quarter notes, in 4/4 it is 1. Raises ValueError where a length is not above 0.
    """

    downbeat: float = 0.0
    beats_per_bar: float = 4.0
    pulse_beats: float = 1.0

    def __post_init__(self) -> None:
        if not (self.beats_per_bar > 0.0 and self.pulse_beats > 0.0):
            raise ValueError("a bar and its pulse must be longer than 0 beats")

    @classmethod
    def of_meter(cls, numerator: int, denominator: int, downbeat: float = 0.0) -> Self:
        """The bars of a time signature. Eighths that can be grouped in threes are: 6/8, 9/8, 12/8."""
        is_compound = denominator >= 8 and numerator % 3 == 0 and numerator > 3
        return cls(downbeat, numerator * 4 / denominator, (3 if is_compound else 1) * (4 / max(denominator, 4)))

    def place(self, beat: float) -> float:
        """How many beats into its bar a beat is; 0.0 where it comes so little before a bar line that it means that line."""
        into_bar = (beat - self.downbeat) % self.beats_per_bar
        return 0.0 if self.beats_per_bar - into_bar < PLACE_TOLERANCE_BEATS else into_bar

    def grid_place(self, beat: float) -> int:
        """How far the sixteenth or triplet nearest to a beat is from the bar line before it, in `PLACES_PER_BEAT`.

        A beat just before a bar line belongs to the bar after it.
        """
        return grid_places(beat - self.downbeat) % max(round(self.beats_per_bar * PLACES_PER_BEAT), 1)

    def strength(self, beat: float) -> Strength:
        """How strong the place of a beat is. A bar has a middle where it divides into two halves of whole pulses."""
        return self.strength_of(self.place(beat))

    def strength_of(self, place: float) -> Strength:
        """How strong a `place` in the bar is."""
        return _strength_of(place, self.beats_per_bar, self.pulse_beats)

    def line_at_or_before(self, beat: float) -> float:
        """The last bar line that is not after a beat."""
        bar = math.floor((beat - self.downbeat + PLACE_TOLERANCE_BEATS) / self.beats_per_bar)
        return self.downbeat + bar * self.beats_per_bar

    def continued_at(self, start_beats: float) -> "Bars":
        """The bars of an answer that begins at `start_beats`: these, or bars that begin there where it is on none of their half pulses."""
        halves = (start_beats - self.downbeat) / (self.pulse_beats / 2)
        if abs(halves - round(halves)) * self.pulse_beats / 2 <= PLACE_TOLERANCE_BEATS:
            return self
        return Bars(start_beats, self.beats_per_bar, self.pulse_beats)


@lru_cache(maxsize=1 << 10)
def _strength_of(place: float, beats_per_bar: float, pulse_beats: float) -> Strength:
    """Kept, as the places of an answer are few."""
    if place < PLACE_TOLERANCE_BEATS:
        return Strength.DOWNBEAT
    pulses = place / pulse_beats
    if abs(pulses - round(pulses)) * pulse_beats <= PLACE_TOLERANCE_BEATS:
        half = beats_per_bar / pulse_beats / 2
        return Strength.MIDBAR if half == round(half) == round(pulses) else Strength.BEAT
    # A half beat is half a simple pulse, or a third of a compound one.
    parts = pulses * (3 if pulse_beats % 1 else 2)
    is_part = abs(parts - round(parts)) * pulse_beats / 2 <= PLACE_TOLERANCE_BEATS
    return Strength.HALF_BEAT if is_part else Strength.BETWEEN


COMMON_BARS = Bars()
"""Bars of four quarter notes from beat 0 on."""


def bars_at(beat: float, changes: Sequence[tuple[float, float]]) -> Bars:
    """The bars in force at a beat: `changes` are beats with the beats per bar from there on, in order; 4/4 from 0 where there is none."""
    in_force = [change for change in changes if change[0] <= beat + 1.0 / (2 * PLACES_PER_BEAT)] or list(changes[:1])
    return Bars(*in_force[-1]) if in_force else COMMON_BARS


def bars_of(notes: Sequence[Note], bars: Bars) -> Bars | None:
    """The bars that a phrase was played in, given those of the jam; None where its onsets fit no steady pulse.

    Onsets near the points of the jam's pulse (or halfway between) mean the jam's bars. Onsets that all lie as far off that
    pulse mean bars of their own: the first note is the first beat.
    """
    onsets = sorted({note.onset_beats for note in notes})[-ONSETS_USED:]
    if not onsets:
        return None
    if len(onsets) < MIN_ONSETS:
        places = [(onset - bars.downbeat) / (bars.pulse_beats / 2) for onset in onsets]
        is_near = all(abs(place - round(place)) * bars.pulse_beats / 2 <= PLACE_TOLERANCE_BEATS for place in places)
        return bars if is_near else None
    concentration, off_beats = _gathering(onsets, bars.downbeat, bars.pulse_beats / 2)
    if concentration >= OWN_CONCENTRATION and abs(off_beats) > PLACE_TOLERANCE_BEATS:
        return Bars(onsets[0], bars.beats_per_bar, bars.pulse_beats)
    for parts in (*PULSE_PARTS, *FAST_PARTS):
        concentration, off_beats = _gathering(onsets, bars.downbeat, bars.pulse_beats / parts)
        least = OWN_CONCENTRATION if parts in FAST_PARTS else MIN_CONCENTRATION
        if concentration >= least and abs(off_beats) <= PLACE_TOLERANCE_BEATS / 2:
            return bars
    return None


def _gathering(onsets: Sequence[float], zero: float, period_beats: float) -> tuple[float, float]:
    """How closely onsets gather around one point of a period, from 0 to 1, and how far that point is from the period's beginning."""
    mean = sum(cmath.exp(2j * math.pi * (onset - zero) / period_beats) for onset in onsets) / len(onsets)
    return abs(mean), cmath.phase(mean) / (2 * math.pi) * period_beats
