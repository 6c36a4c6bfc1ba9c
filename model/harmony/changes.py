"""`Changes`: which chord sounds at a beat, which comes next, and when.

`ChartChanges` repeats a chart without end. Knows no clock.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from model.analysis.bars import PLACE_TOLERANCE_BEATS, PLACES_PER_BEAT, grid_places
from model.harmony.chart import Chart
from model.harmony.chord import CHORD_KINDS, OCTAVE, Chord

# A note this close before a change belongs to the next chord: players come in a little early.
EARLY_BEATS = 1e-6

# A place among the chords counts back from the next change, to a bar of four beats before it.
EARLIEST_PLACE = 4 * PLACES_PER_BEAT
_KIND_INDEX = {kind: index for index, kind in enumerate(CHORD_KINDS)}
_NO_CHORD = bytes((255, 255))


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord while it sounds: from `start_beats` to `end_beats`, when `next_chord` begins. None is no chord (`N.C.`).

    `position_beats` and `beats_per_bar` place the requested beat within its bar.
    """

    chord: Chord | None
    start_beats: float
    end_beats: float
    next_chord: Chord | None
    position_beats: float
    beats_per_bar: float

    def place_of(self, beat: float, transpose: int = 0) -> bytes:
        """Where among the changes a beat of this span stands, as a memory counts it: the chord, the next one, and the time until that.

        Five bytes; none where there is no chord. Chords are those of notes that sound `transpose` semitones higher than they are counted.
        """
        if self.chord is None:
            return b""
        left = min(max(grid_places(self.end_beats - beat), 0), EARLIEST_PLACE)
        return _root_and_kind(self.chord, transpose) + _root_and_kind(self.next_chord, transpose) + bytes((left,))


def place_among(changes: "Changes | None", beat: float, transpose: int = 0) -> bytes:
    """`ChordSpan.place_of` of a beat; no bytes where no chord is known there. A beat just before a change belongs to the next chord."""
    span = None if changes is None else changes.at(beat + PLACE_TOLERANCE_BEATS)
    return b"" if span is None else span.place_of(beat, transpose)


@lru_cache(maxsize=1 << 8)
def _root_and_kind(chord: Chord | None, transpose: int) -> bytes:
    return _NO_CHORD if chord is None else bytes(((chord.root - transpose) % OCTAVE, _KIND_INDEX[chord.kind]))


class Changes(Protocol):
    """The chords of a song on the jam's timeline."""

    def at(self, beat: float) -> ChordSpan | None:
        """The chord at a beat; None where no chord is known. Repeats of one chord are one span, of a form's length at most."""
        ...


class ChartChanges:
    """The changes of a chart whose first bar begins at `downbeat`.

    The form repeats without end, after the downbeat and before it.
    """

    def __init__(
        self, chart: Chart, downbeat: float = 0.0, beats_per_bar: float = 4.0, unit_beats: float = 1.0
    ) -> None:
        """`unit_beats` is the meter's own note in beats: 0.5 in 6/8. Raises ValueError where the chart has no bar."""
        if not chart.bars:
            raise ValueError("a chart has at least one bar")
        self.chart = chart
        self.downbeat = downbeat
        self.beats_per_bar = beats_per_bar
        self._length = len(chart.bars) * beats_per_bar
        self._starts: list[float] = []
        self._chords: list[Chord | None] = []
        for number, bar in enumerate(chart.bars):
            for start, chord in zip(bar.starts(beats_per_bar, unit_beats), bar.chords, strict=True):
                if start < beats_per_bar and (not self._chords or self._chords[-1] != chord):
                    self._starts.append(number * beats_per_bar + start)
                    self._chords.append(chord)
        if not self._starts or self._starts[0] > 0.0:
            # Before the first chord the last chord of the form sounds.
            self._starts.insert(0, 0.0)
            self._chords.insert(0, self._chords[-1] if self._chords else None)

    @property
    def length_beats(self) -> float:
        """The length of the form."""
        return self._length

    @property
    def spans(self) -> tuple[tuple[float, Chord | None], ...]:
        """Where each chord begins in the form, in beats, and the chord."""
        return tuple(zip(self._starts, self._chords, strict=True))

    def at(self, beat: float) -> ChordSpan:
        position = beat - self.downbeat + EARLY_BEATS
        round_start = math.floor(position / self._length) * self._length
        index = bisect_right(self._starts, position - round_start) - 1
        is_last = index + 1 == len(self._starts)
        end = self._length if is_last else self._starts[index + 1]
        into_bar = position % self.beats_per_bar - EARLY_BEATS
        return ChordSpan(
            self._chords[index],
            self.downbeat + round_start + self._starts[index],
            self.downbeat + round_start + end,
            self._chords[0 if is_last else index + 1],
            max(into_bar, 0.0),
            self.beats_per_bar,
        )
