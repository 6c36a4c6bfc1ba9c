"""The jam's own sounding notes: which pitches on which channels, and until when; knows no plan and no clock."""

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.midi.messages import ALL_NOTES_OFF, ALL_SOUND_OFF, SUSTAIN_PEDAL, ControlChange, NoteOff, NoteOn
from model.notes import HIGHEST_PITCH, LOWEST_PITCH, Note

OCTAVE = 12
MIDI_CHANNELS = 16


@dataclass(frozen=True, slots=True)
class Voice:
    """When a sounding note began, and when it is to end."""

    onset_beats: float
    end_beats: float


class Voices:
    """Sounding notes by pitch and channel as they were sent, so that each note-off matches its note-on."""

    def __init__(self) -> None:
        self._sounding: dict[tuple[int, int], Voice] = {}  # by pitch and channel

    @property
    def next_end(self) -> float | None:
        """The beat at which the next voice is to end; None where nothing sounds."""
        return min((voice.end_beats for voice in self._sounding.values()), default=None)

    def start_note(self, note: Note, transpose: int, channel: int, max_voices: int) -> list[NoteOn | NoteOff]:
        """Starts a note and returns the messages to send. `transpose` is in semitones, `channel` 0 to 15.

        The same pitch, if it sounds, ends first; so do the oldest voices where there would be more than `max_voices`.
        Of two notes of one pitch on one onset, only the first is sent.
        """
        key = (_within_range(note.pitch + transpose), channel)
        same_pitch = self._sounding.get(key)
        if same_pitch and same_pitch.onset_beats == note.onset_beats:
            self._sounding[key] = Voice(same_pitch.onset_beats, max(same_pitch.end_beats, note.end_beats))
            return []
        messages: list[NoteOn | NoteOff] = [self._end(key)] if same_pitch else []
        while len(self._sounding) >= max_voices:
            messages.append(self._end(min(self._sounding, key=lambda key: self._sounding[key].onset_beats)))
        self._sounding[key] = Voice(note.onset_beats, note.end_beats)
        return [*messages, NoteOn(key[0], note.velocity, channel)]

    def end_next(self) -> NoteOff:
        """Ends the voice that is to end first; there must be one."""
        return self._end(min(self._sounding, key=lambda key: self._sounding[key].end_beats))

    def end_all(self) -> list[NoteOff]:
        """Ends every voice."""
        return [self._end(key) for key in tuple(self._sounding)]

    def _end(self, key: tuple[int, int]) -> NoteOff:
        del self._sounding[key]
        return NoteOff(*key)


def silencing_messages() -> Iterator[ControlChange]:
    """The messages that end every note on every channel, whoever plays it."""
    for channel in range(MIDI_CHANNELS):
        for controller in (SUSTAIN_PEDAL, ALL_NOTES_OFF, ALL_SOUND_OFF):
            yield ControlChange(controller, 0, channel)


def _within_range(pitch: int) -> int:
    """The pitch, moved by whole octaves into MIDI's range where it lies outside."""
    if pitch < LOWEST_PITCH:
        return pitch % OCTAVE
    if pitch > HIGHEST_PITCH:
        return pitch - OCTAVE * -(-(pitch - HIGHEST_PITCH) // OCTAVE)
    return pitch
