"""`Changes`: which chord sounds at a beat, which comes next, and when.

`ChartChanges` repeats a chart without end. Knows no clock.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Protocol

from model.harmony.chart import Chart
from model.harmony.chord import Chord

# A note this close before a change belongs to the next chord: players come in a little early.
EARLY_BEATS = 1e-6


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
