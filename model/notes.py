"""What a note is: the one value that crosses between hearing, composing and writing; knows no MIDI."""

from collections.abc import Iterable
from dataclasses import dataclass

LOWEST_PITCH, HIGHEST_PITCH = 0, 127
# Notes nearer than this to the first of a chord belong to it: 31 ms at 120 bpm, the spread of a hand.
CHORD_BEATS = 1 / 16
MAX_CHORD_NOTES = 6
# What is left of an answer that is shorter than this is no note: half a thirty-second triplet, 10 ms at 120 bpm.
SHORTEST_NOTE_BEATS = 1 / 48
# What rounding may take from a beat: 1/50 of a microsecond at 120 bpm.
ROUNDING_BEATS = 1e-8


@dataclass(frozen=True, slots=True)
class Note:
    """One note in musical time; a beat is a quarter note.

    `duration_beats` is 0.0 while the note is still held and its end is not known.
    """

    pitch: int
    onset_beats: float
    duration_beats: float
    velocity: int

    @property
    def end_beats(self) -> float:
        return self.onset_beats + self.duration_beats


def in_onset_order(notes: Iterable[Note]) -> list[Note]:
    """The notes as a reader of the score meets them: by onset, then from the lowest pitch up."""
    return sorted(notes, key=lambda note: (note.onset_beats, note.pitch))
