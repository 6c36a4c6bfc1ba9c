"""Music for tests: lines of notes, and MIDI files, whole and broken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import mido

from model.notes import Note

TICKS_PER_BEAT = 480
DRUM_CHANNEL = 9


def line(*pitches: int, step_beats: float = 0.5, start_beats: float = 0.0, velocity: int = 80) -> list[Note]:
    """One note after another, each as long as the step; there are no rests."""
    return [Note(pitch, start_beats + index * step_beats, step_beats, velocity) for index, pitch in enumerate(pitches)]


def longest_repeat(answer: Sequence[int], phrases: Iterable[Sequence[int]]) -> int:
    """The most successive intervals of an answer's pitches that also occur in one of the phrases."""
    intervals, played = _intervals(answer), [_intervals(phrase) for phrase in phrases]
    longest = 0
    for end in range(len(intervals)):
        while longest <= end and any(intervals[end - longest : end + 1] in phrase for phrase in played):
            longest += 1
    return longest


def _intervals(pitches: Sequence[int]) -> bytes:
    """The steps between the pitches, as bytes, in which runs are easily found."""
    return bytes([after - before + 128 for before, after in pairwise(pitches)])


def exercise(length: int = 64, key: int = 60, start: int = 0) -> list[Note]:
    """A lead-like line that repeats one figure: up a broken chord and down again, in the rhythm long, short, short."""
    shape, shifts = (0, 4, 7, 12, 7, 4), (1.0, 0.5, 0.5)
    notes, onset_beats = [], 0.0
    for index in range(start, start + length):
        shift = shifts[index % len(shifts)]
        notes.append(Note(key + shape[index % len(shape)], onset_beats, shift, 80))
        onset_beats += shift
    return notes


def tune(number: int, length: int = 64, key: int = 60) -> list[Note]:
    """A lead-like line, different for each number: random notes within twenty semitones, on half beats."""
    random = Random(number)
    notes, onset_beats = [], 0.0
    for _ in range(length):
        shift = random.choice((0.5, 1.0, 1.5))
        notes.append(Note(key + random.randrange(20), onset_beats, shift, random.randrange(40, 120)))
        onset_beats += shift
    return notes


@dataclass(frozen=True, slots=True)
class Part:
    """One track of a MIDI file."""

    notes: Sequence[Note]
    program: int = 0
    channel: int = 0
    name: str = ""


def midi_bytes(*parts: Part, tempo_bpm: float = 120.0, meter: tuple[int, int] | None = (4, 4)) -> bytearray:
    """A MIDI file of type 1: a track with tempo and meter, then a track for each part."""
    file = mido.MidiFile(ticks_per_beat=TICKS_PER_BEAT)
    conductor = file.add_track()
    conductor.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm)))
    if meter:
        conductor.append(mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1]))
    for part in parts:
        track = file.add_track(part.name or None)
        track.append(mido.Message("program_change", program=part.program, channel=part.channel))
        now = 0
        for tick, message in sorted(_messages(part), key=lambda timed: (timed[0], timed[1].type)):
            track.append(message.copy(time=tick - now))
            now = tick
    written = _Buffer()
    file.save(file=written)
    return written.content


def write_part(path: Path, notes: Sequence[Note], channel: int = 0) -> Path:
    """Writes a MIDI file of one part, at 120 bpm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(midi_bytes(Part(notes, channel=channel)))
    return path


class _Buffer:
    """The part of a binary file's interface that mido uses for writing."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: bytes) -> None:
        self.content += data


def _messages(part: Part) -> list[tuple[int, mido.Message]]:
    timed = []
    for note in part.notes:
        sound = {"note": note.pitch, "channel": part.channel}
        timed.append(
            (round(note.onset_beats * TICKS_PER_BEAT), mido.Message("note_on", velocity=note.velocity, **sound))
        )
        timed.append((round(note.end_beats * TICKS_PER_BEAT), mido.Message("note_off", **sound)))
    return timed


WHOLE_MIDI_FILE = bytes(midi_bytes(Part(exercise())))
BROKEN_MIDI_FILES = {
    "cut off in its header": WHOLE_MIDI_FILE[:10],
    "cut off after its header": WHOLE_MIDI_FILE[:14],
    "a text": b"Not a MIDI file, but a letter about one.\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "with no ticks in a beat": WHOLE_MIDI_FILE[:12] + b"\x00\x00" + WHOLE_MIDI_FILE[14:],
}
"""What no reader may take for music."""

DAMAGED_MIDI_FILES = {
    "cut off in a track": WHOLE_MIDI_FILE[: len(WHOLE_MIDI_FILE) // 2],
    "without its last byte": WHOLE_MIDI_FILE[:-1],
    "timed by film frames": WHOLE_MIDI_FILE[:12] + b"\xe7\x28" + WHOLE_MIDI_FILE[14:],
}
"""What can be read, though not all of it, or not as it stands."""
