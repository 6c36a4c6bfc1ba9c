"""Reads a MusicXML file, plain or packed, as a score, with partitura.

Only this module uses partitura, which is in the extra `scores`.

Repeats are played, tied notes are one note, and notes have the pitch that sounds, as of a transposing instrument. A grace note
has no length, and has the onset of its main note. Dynamics are not read, so all notes have the same velocity. Unpitched percussion is left out.
"""

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from model.errors import MissingLibraryError, UnreadableError
from model.extras import install_hint
from model.files.musicxml_source import source_of
from model.files.score import FileScore, Part, TempoMap, Ticks
from model.files.time_signature import MeterChange, TimeSignature, with_pickup
from model.notes import HIGHEST_PITCH, LOWEST_PITCH

if TYPE_CHECKING:
    import partitura.score

# Ticks per beat: a multiple of the parts into which scores divide a beat, such as 32nds, quintuplets and septuplets.
TICKS_PER_BEAT = 10_080
VELOCITY = 80


def read_musicxml(content: bytes) -> FileScore:
    """The music of a file. Raises UnreadableError if it cannot be read, or if partitura is not installed."""
    with warnings.catch_warnings():
        # partitura warns of everything that it has to guess, and of what it imports.
        warnings.simplefilter("ignore")
        try:
            import partitura.score
        except ModuleNotFoundError as error:
            raise MissingLibraryError(f"is MusicXML, which needs partitura: {install_hint('scores')}") from error
        source = source_of(content)
        try:
            score = partitura.load_musicxml(io.BytesIO(source.text))
            voices = [
                _Voice(partitura.score.unfold_part_maximal(part), source.programs.get(part.id, 0))
                for part in score.parts
            ]
            parts = [part for number, voice in enumerate(voices) if len(part := voice.part(number))]
            has_drums = any(voice.has_drums for voice in voices)
            tempi = [tempo for voice in voices for tempo in voice.tempi()]
            meters = voices[0].meters() if voices else ()
        except Exception as error:  # partitura raises many types for invalid content
            raise UnreadableError(f"is not MusicXML that can be read ({_first_line(error)})") from error
    if has_drums and not parts:
        raise UnreadableError("holds nothing but drums")
    return FileScore(float(TICKS_PER_BEAT), tuple(parts), TempoMap.of(tempi), meters)


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


class _Voice:
    """One part of a score. partitura counts beats from the end of a pickup; here they count from its start."""

    def __init__(self, part: "partitura.score.Part", program: int) -> None:
        self._part = part
        self._program = program
        self._begin_beats = float(part.quarter_map(part.first_point.t))

    @property
    def has_drums(self) -> bool:
        """Whether it has percussion without pitch."""
        import partitura.score

        return any(True for _ in self._part.iter_all(partitura.score.UnpitchedNote))

    def part(self, number: int) -> Part:
        # Not with `note_array`, which fails on grace notes in parts with unfolded repeats (partitura 1.9).
        notes = sorted(self._part.notes_tied, key=lambda note: (note.start.t, note.midi_pitch))
        begins = np.array([note.start.t for note in notes], np.int64)
        ends = [note.start.t + note.duration_tied for note in notes]
        pitches = np.array([note.midi_pitch for note in notes], np.int64) + self._semitones(begins)
        return Part(
            self._ticks(begins),
            self._ticks(ends),
            np.clip(pitches, LOWEST_PITCH, HIGHEST_PITCH).astype(np.uint8),
            np.full(len(notes), VELOCITY, np.uint8),
            number,
            program=self._program,
        )

    def _semitones(self, begins: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """By how much each note sounds above what is written; shape (notes,)."""
        import partitura.score

        changes = [(item.start.t, item.chromatic or 0) for item in self._part.iter_all(partitura.score.Transposition)]
        at = np.array([0, *(begin for begin, _ in changes)], np.int64)
        semitones = np.array([0, *(chromatic for _, chromatic in changes)], np.int64)
        return semitones[np.searchsorted(at, begins, side="right") - 1]

    def tempi(self) -> list[tuple[int, int]]:
        import partitura.score

        found = self._part.iter_all(partitura.score.Tempo)
        return [(int(self._ticks(tempo.start.t)), int(tempo.microseconds_per_quarter)) for tempo in found]

    def meters(self) -> tuple[MeterChange, ...]:
        """The changes of meter; a pickup is a first bar of its own, as in a MIDI file."""
        import partitura.score

        changes = [
            MeterChange(self._beat(signature.start.t), TimeSignature(signature.beats, signature.beat_type))
            for signature in self._part.iter_all(partitura.score.TimeSignature)
        ]
        first_bar = next(iter(self._part.iter_all(partitura.score.Measure)), None)
        if first_bar is not None:
            changes = list(with_pickup(changes, self._beat(first_bar.end.t)))
        return tuple(change for change in changes if change.meter.is_usable)

    def _beat(self, at: int) -> float:
        return round(float(self._part.quarter_map(at)) - self._begin_beats, 6)

    def _ticks(self, at: npt.ArrayLike) -> Ticks:
        beats = np.asarray(self._part.quarter_map(at)) - self._begin_beats
        ticks: Ticks = np.rint(beats * TICKS_PER_BEAT).astype(np.int64)
        return ticks
