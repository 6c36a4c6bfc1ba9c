"""`Rhythm`: a repeating rhythm, from a phrase or at one fixed step; knows no pitches, no model and no clock."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Self

from model.notes import CHORD_BEATS, Note, in_onset_order

# People play a little early: a note this close before a beat counts as on that beat.
EARLY_TOLERANCE_BEATS = CHORD_BEATS
# People release a little late: a note that ends at most this long after a beat does not reach into another beat.
LATE_TOLERANCE_BEATS = 0.25


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The onsets within one period, rising, the duration of each note, and the length of the period; all in beats.

    Raises ValueError where there is no onset, the onsets do not rise within the period, or a duration is not above 0.
    """

    onsets_beats: tuple[float, ...]
    durations_beats: tuple[float, ...]
    period_beats: float

    def __post_init__(self) -> None:
        if not self.onsets_beats or len(self.onsets_beats) != len(self.durations_beats):
            raise ValueError("a rhythm has at least one onset, and a duration for each")
        rising = all(a < b for a, b in pairwise((*self.onsets_beats, self.period_beats)))
        if not rising or self.onsets_beats[0] < 0.0:
            raise ValueError("the onsets of a rhythm rise from 0 or later, and all lie within its period")
        if not all(duration > 0.0 for duration in self.durations_beats):
            raise ValueError("each note of a rhythm must be longer than 0 beats")

    @classmethod
    def fixed(cls, step_beats: float, gate: float = 1.0) -> Self:
        """A note every `step_beats`, each of which lasts `gate` times the step."""
        return cls((0.0,), (step_beats * gate,), step_beats)

    @classmethod
    def from_notes(cls, notes: Iterable[Note]) -> Self:
        """The rhythm of a phrase, which keeps its position on the beat. The period is its length in whole beats.

        A chord is one onset, and lasts as long as its longest note. A note that is still held lasts until the next
        onset. Raises ValueError where there is no note.
        """
        phrase = in_onset_order(notes)
        if not phrase:
            raise ValueError("a phrase without notes has no rhythm")
        first_beat = math.floor(phrase[0].onset_beats + EARLY_TOLERANCE_BEATS)
        onsets: list[float] = []
        durations: list[float] = []
        for note in phrase:
            onset = max(note.onset_beats - first_beat, 0.0)
            if onsets and onset - onsets[-1] < CHORD_BEATS:
                durations[-1] = max(durations[-1], note.duration_beats)
            else:
                onsets.append(onset)
                durations.append(note.duration_beats)
        end_beats = max(note.end_beats for note in phrase) - first_beat
        # The beat in which the last note begins is part of the phrase, however short the note.
        last_beat_end = math.floor(onsets[-1] + EARLY_TOLERANCE_BEATS) + 1
        period_beats = float(max(math.ceil(end_beats - LATE_TOLERANCE_BEATS), last_beat_end))
        until_next = [b - a for a, b in pairwise((*onsets, period_beats + onsets[0]))]
        known_durations = [duration or gap for duration, gap in zip(durations, until_next, strict=True)]
        return cls(tuple(onsets), tuple(known_durations), period_beats)

    def unroll(self, start_beats: float, from_beats: float = -math.inf) -> Iterator[tuple[float, float]]:
        """Endless pairs of onset and duration, in rising order. The first period begins at `start_beats`.

        So the first onset is `start_beats + onsets_beats[0]`. Onsets before `from_beats` may be left out.
        """
        # After an hour of music it would be slow to begin at the start: begin at most two periods before `from_beats`.
        passed = max(from_beats - start_beats, 0.0) / self.period_beats
        for index in count(max(math.floor(passed) - 1, 0)):
            # Computed from the start each time, so that rounding does not add up over hours.
            period_starts_beats = start_beats + index * self.period_beats
            for onset, duration in zip(self.onsets_beats, self.durations_beats, strict=True):
                yield period_starts_beats + onset, duration
