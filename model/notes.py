"""`Note`, the value that hearing, composing and writing share, and the limits of notes; knows no MIDI."""

import gc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

LOWEST_PITCH, HIGHEST_PITCH = 0, 127
# Notes closer than this to the first note of a chord belong to the chord: 31 ms at 120 bpm, the spread of a hand.
CHORD_BEATS = 1 / 16
MAX_CHORD_NOTES = 6
# An answer gets no note shorter than this: half a thirty-second triplet, 10 ms at 120 bpm.
SHORTEST_NOTE_BEATS = 1 / 48
# How far rounding may move a beat: 1/200 of a microsecond at 120 bpm.
ROUNDING_BEATS = 1e-8


@dataclass(frozen=True, slots=True)
class Note:
    """One note in musical time; a beat is a quarter note. `pitch` and `velocity` are MIDI's, from 0 to 127.

    `duration_beats` is 0.0 while the note is still held and its end is unknown.
    """

    pitch: int
    onset_beats: float
    duration_beats: float
    velocity: int

    @property
    def end_beats(self) -> float:
        return self.onset_beats + self.duration_beats


class _OpenNote:
    """A note while it is made: the same layout as `Note`, with a constructor that takes a quarter of the time of a frozen class's."""

    __slots__ = ("duration_beats", "onset_beats", "pitch", "velocity")

    def __init__(self, pitch: int, onset_beats: float, duration_beats: float, velocity: int) -> None:
        self.pitch = pitch
        self.onset_beats = onset_beats
        self.duration_beats = duration_beats
        self.velocity = velocity


def create_note(pitch: int, onset_beats: float, duration_beats: float, velocity: int) -> Note:
    """A note, in a third of the time that the constructor of a frozen class takes."""
    made: Any = _OpenNote(pitch, onset_beats, duration_beats, velocity)
    made.__class__ = Note
    note: Note = made
    return note


def notes_from_columns(
    pitches: Sequence[int], onsets_beats: Sequence[float], durations_beats: Sequence[float], velocities: Sequence[int]
) -> list[Note]:
    """A note for each row of the columns, which are equally long.

    A long song has 30,000 notes, so they are made open and then become notes. Meanwhile the garbage collector pauses, which would
    look again and again for cycles that notes cannot form.
    """
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        made: list[Any] = list(map(_OpenNote, pitches, onsets_beats, durations_beats, velocities))
        for note in made:
            note.__class__ = Note
    finally:
        if is_collecting:
            gc.enable()
    return made


def in_onset_order(notes: Iterable[Note]) -> list[Note]:
    """The notes in reading order: by onset, then from the lowest pitch up."""
    return sorted(notes, key=lambda note: (note.onset_beats, note.pitch))
