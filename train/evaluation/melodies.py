"""The experiment's two pieces, played by the models of a pack: its counts, temperatures, loudness and file names.

See docs/experiment.md. The experiment did not know durations; here a note of the event approach lasts until the next
one. There are no musical rules besides those of the improviser. This module knows no engine.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from model.approach import Approach
from model.files.midi.midi_writer import as_midi
from model.files.piano_roll import draw_piano_roll
from model.files.seed import Seed
from model.files.song import Track
from model.files.time_signature import TimeSignature
from model.improvising.improviser import Improviser, PlannedNote
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note

FILE_STEMS: dict[Approach, str] = {"pitch": "lstm_generated_melody", "event": "lstm_generated_melody_event"}
PITCH_NOTES, PITCH_TEMPERATURE = 300, 1.0
EVENTS, EVENT_TEMPERATURE = 500, 0.8
VELOCITY = 100
# The experiment's notes are 0.4 s long and 0.4 s apart: one beat at this tempo.
PITCH_TEMPO_BPM = 150.0


@dataclass(frozen=True, slots=True)
class Melody:
    """A piece from beat 0 on, at one tempo."""

    approach: Approach
    notes: tuple[Note, ...]
    tempo_bpm: float
    meter: TimeSignature
    temperature: float

    @property
    def stem(self) -> str:
        return FILE_STEMS[self.approach]

    @property
    def seconds(self) -> float:
        return max(note.end_beats for note in self.notes) * 60 / self.tempo_bpm

    @property
    def tracks(self) -> Sequence[Track]:
        return [Track(self.approach.capitalize(), self.notes)]

    def as_midi(self) -> bytes:
        return as_midi(self.tracks, self.tempo_bpm, self.meter)


def pitch_melody(improviser: Improviser, seed: Seed, random: Random) -> Melody:
    """300 notes, one a beat, from an improviser that has heard the seed."""
    start_beats = math.ceil(seed.end_beats)
    sampling = SamplingSettings(temperature=PITCH_TEMPERATURE, step_beats=1.0)
    composed = improviser.compose(start_beats, start_beats + PITCH_NOTES, sampling, random)
    return Melody(
        improviser.approach, _from_zero(composed, start_beats), PITCH_TEMPO_BPM, TimeSignature(), PITCH_TEMPERATURE
    )


def event_melody(improviser: Improviser, seed: Seed, random: Random) -> Melody:
    """The notes of 500 NOTE and TIME events, at the seed's tempo, from an improviser that has heard the seed."""
    bar = seed.meter.beats_per_bar
    start_beats = math.ceil(seed.end_beats / bar) * bar
    composed = improviser.compose(start_beats, math.inf, SamplingSettings(temperature=EVENT_TEMPERATURE), random)
    notes = _from_zero(_first_events(composed, EVENTS), start_beats)
    return Melody(improviser.approach, notes, seed.tempo_bpm, seed.meter, EVENT_TEMPERATURE)


def write_melody(folder: Path, melody: Melody) -> Iterator[Path]:
    """Writes the piece and its piano roll, and yields the path of each file once it is written.

    Raises OSError where the folder cannot be written, and PictureError where there is no matplotlib.
    """
    midi = folder / f"{melody.stem}.mid"
    midi.write_bytes(melody.as_midi())
    yield midi
    picture = midi.with_suffix(".png")
    draw_piano_roll(picture, melody.tracks, melody.meter)
    yield picture


def _first_events(composed: Iterable[PlannedNote], count: int) -> Iterator[PlannedNote]:
    """The notes among the first `count` events: each note is one event, and each move to a new onset another."""
    events, onset_beats = 0, None
    for planned in composed:
        events += 1 + (onset_beats not in {None, planned.note.onset_beats})
        if events > count:
            return
        onset_beats = planned.note.onset_beats
        yield planned


def _from_zero(composed: Iterable[PlannedNote], start_beats: float) -> tuple[Note, ...]:
    return tuple(
        replace(planned.note, onset_beats=planned.note.onset_beats - start_beats, velocity=VELOCITY)
        for planned in composed
    )
