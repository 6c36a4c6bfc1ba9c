"""A rhythm that goes round and round: of a phrase, or one fixed step; knows no pitches, no model and no clock."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Self

from model.notes import CHORD_BEATS, Note

# Hands come a little early: a note this near before a beat begins on that beat.
EARLY_HANDS_BEATS = CHORD_BEATS
# Hands leave the keys a little late: so much past a beat is not another beat.
LATE_HANDS_BEATS = 0.25


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Onsets within one period, rising from 0 or later, and how long each note lasts; in beats.

    Between any two onsets, around the end of the period too, lies `CHORD_BEATS` at least.
    Raises ValueError where it is none, as it would never move on.
    """

    onsets_beats: tuple[float, ...]
    durations_beats: tuple[float, ...]
    period_beats: float

    def __post_init__(self) -> None:
        if not self.onsets_beats or len(self.onsets_beats) != len(self.durations_beats):
            raise ValueError("a rhythm has at least one onset, and a duration for each")
        around = (*self.onsets_beats, self.period_beats + self.onsets_beats[0])
        if self.onsets_beats[0] < 0.0 or not all(b - a >= CHORD_BEATS for a, b in pairwise(around)):
            raise ValueError(f"the onsets of a rhythm rise by at least {CHORD_BEATS:g} beats, within its period")
        if not all(duration > 0.0 for duration in self.durations_beats):
            raise ValueError("a note of a rhythm lasts for longer than nothing")

    @classmethod
    def fixed(cls, step_beats: float, gate: float = 1.0) -> Self:
        """A note every `step_beats`, each for `gate` of the step."""
        return cls((0.0,), (step_beats * gate,), step_beats)

    @classmethod
    def of(cls, notes: Iterable[Note]) -> Self:
        """The rhythm of a phrase, as it lies on the beat: its period is its length, in whole beats.

        A chord is one onset and lasts as long as its longest note; a note that is still held lasts until the next onset.
        Raises ValueError where there is no note.
        """
        struck: list[list[Note]] = []
        for note in sorted(notes, key=lambda note: note.onset_beats):
            if struck and note.onset_beats - struck[-1][0].onset_beats < CHORD_BEATS:
                struck[-1].append(note)
            else:
                struck.append([note])
        if not struck:
            raise ValueError("a phrase without notes has no rhythm")
        firsts = [chord[0].onset_beats for chord in struck]
        line_beats = math.floor(firsts[0] + EARLY_HANDS_BEATS)
        onsets = [max(onset - line_beats, 0.0) for onset in firsts]
        end_beats = max(note.end_beats for chord in struck for note in chord) - line_beats
        # The last onset lies in a beat of its own right, however short it is.
        last_line_beats = math.floor(onsets[-1] + EARLY_HANDS_BEATS) + 1.0
        period_beats = max(math.ceil(end_beats - LATE_HANDS_BEATS), last_line_beats)
        nexts = [*onsets[1:], period_beats + onsets[0]]
        durations = [
            max(note.duration_beats for note in chord) or following - onset
            for chord, onset, following in zip(struck, onsets, nexts, strict=True)
        ]
        return cls(tuple(onsets), tuple(durations), period_beats)

    def unroll(self, start_beats: float) -> Iterator[tuple[float, float]]:
        """Onsets and durations without end, each onset later than the one before; the first period begins at `start_beats`.

        So the first onset is `start_beats + onsets_beats[0]`.
        """
        for turn in count():
            # From the start anew, so that no rounding adds up over the hours.
            period_starts_beats = start_beats + turn * self.period_beats
            for onset, duration in zip(self.onsets_beats, self.durations_beats, strict=True):
                yield period_starts_beats + onset, duration
