"""Seeds in and answers out: notes of a `.mid` file in beats, and a `.mid` file of notes; knows no models."""

import io
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.analysis.lead import find_lead
from model.errors import SeedError
from model.notes import Note, in_onset_order

if TYPE_CHECKING:
    import pretty_midi

# Ticks per beat of what we write: a multiple of the 24 of the time bins' grid, fine enough for played timing.
RESOLUTION = 480
PIANO = 0


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature, such as 6 over 8."""

    numerator: int = 4
    denominator: int = 4

    @property
    def beats_per_bar(self) -> float:
        return self.numerator * 4 / self.denominator


@dataclass(frozen=True, slots=True)
class Seed:
    """What an answer continues: a line of notes, with the tempo, meter and program that it was written with."""

    notes: tuple[Note, ...]
    tempo_bpm: float = 120.0
    meter: Meter = Meter()
    program: int = PIANO

    @property
    def end_beats(self) -> float:
        return max(note.end_beats for note in self.notes)


@dataclass(frozen=True, slots=True)
class Track:
    """One track of a file to write."""

    name: str
    notes: Sequence[Note]
    program: int = PIANO


def read_seed(path: Path) -> Seed:
    """The lead of a MIDI file (see `model.analysis.lead`), drums left out; where the file begins with a rest, so does the seed.

    Raises SeedError where there is no such file, where it is no whole MIDI file, or where it holds no notes.
    """
    if not path.is_file():
        raise SeedError(f"there is no file {path}; a seed is a .mid file with at least one note")
    if path.stat().st_size == 0:
        raise SeedError(f"{path} is empty; a seed is a .mid file with at least one note")
    import pretty_midi

    try:
        with warnings.catch_warnings():
            # Tempo and meter on later tracks, where they do not belong: pretty_midi leaves them out, and beats stay beats.
            warnings.simplefilter("ignore", RuntimeWarning)
            midi = pretty_midi.PrettyMIDI(str(path))
    except Exception as error:  # mido and pretty_midi raise whatever the bytes lead them to
        raise SeedError(f"{path} is not a whole MIDI file; export it again from where it was made") from error
    instruments = [i for i in midi.instruments if i.notes and not i.is_drum]
    if not instruments:
        drums = "nothing but drums" if any(i.notes for i in midi.instruments) else "no notes"
        raise SeedError(f"{path} holds {drums}; a seed needs at least one pitched note")
    tracks = [tuple(_notes(instrument, midi)) for instrument in instruments]
    lead = find_lead(tracks)
    _, tempi = midi.get_tempo_changes()
    program = int(instruments[tracks.index(tuple(lead))].program)
    return Seed(tuple(lead), float(tempi[0]), _meter(midi), program)


def write_midi(path: Path, tracks: Sequence[Track], tempo_bpm: float, meter: Meter = Meter()) -> None:
    """Writes the tracks at one tempo; the file appears whole or not at all.

    Raises OSError where the place cannot be written.
    """
    write_whole(path, as_midi(tracks, tempo_bpm, meter))


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that appears whole or not at all. Raises OSError where the place cannot be written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def as_midi(tracks: Sequence[Track], tempo_bpm: float, meter: Meter = Meter()) -> bytes:
    """The tracks at one tempo as the content of a `.mid` file. The same notes give the same bytes."""
    import pretty_midi

    midi = pretty_midi.PrettyMIDI(resolution=RESOLUTION, initial_tempo=tempo_bpm)
    midi.time_signature_changes.append(pretty_midi.TimeSignature(meter.numerator, meter.denominator, 0.0))
    seconds_per_beat = 60.0 / tempo_bpm
    for track in tracks:
        instrument = pretty_midi.Instrument(track.program, name=track.name)
        for note in in_onset_order(track.notes):
            start_s, end_s = note.onset_beats * seconds_per_beat, note.end_beats * seconds_per_beat
            instrument.notes.append(pretty_midi.Note(note.velocity, note.pitch, start_s, end_s))
        midi.instruments.append(instrument)
    written = io.BytesIO()
    midi.write(written)
    return written.getvalue()


def _notes(instrument: "pretty_midi.Instrument", midi: "pretty_midi.PrettyMIDI") -> list[Note]:
    def beats(at_s: float) -> float:
        return float(midi.time_to_tick(at_s)) / float(midi.resolution)

    found = []
    for note in instrument.notes:
        onset_beats = beats(note.start)
        found.append(Note(note.pitch, onset_beats, beats(note.end) - onset_beats, note.velocity))
    return in_onset_order(found)


def _meter(midi: "pretty_midi.PrettyMIDI") -> Meter:
    changes = midi.time_signature_changes
    return Meter(changes[0].numerator, changes[0].denominator) if changes else Meter()
