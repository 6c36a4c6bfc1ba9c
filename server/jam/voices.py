"""What sounds of ours: which pitches on which channels, and until when; knows no plan and no clock."""

from dataclasses import dataclass

from bridge.midi.messages import NoteOff, NoteOn
from model.notes import HIGHEST_PITCH, LOWEST_PITCH, Note

OCTAVE = 12


@dataclass(frozen=True, slots=True)
class Voice:
    """One note that sounds."""

    onset_beats: float
    end_beats: float


class Voices:
    """Sounding notes, by pitch and channel as they went out: what ends one is what began it."""

    def __init__(self) -> None:
        self._sounding: dict[tuple[int, int], Voice] = {}

    @property
    def next_end(self) -> float | None:
        """The beat at which the next of them is to end; None where nothing sounds."""
        return min((voice.end_beats for voice in self._sounding.values()), default=None)

    def start_note(self, note: Note, transpose: int, channel: int, at_most: int) -> list[NoteOn | NoteOff]:
        """A note begins: what is to be sent. What would be too many, or the same pitch twice, ends first.

        Of two notes of one pitch that were put on one onset, one is enough.
        """
        key = (_within_range(note.pitch + transpose), channel)
        same = self._sounding.get(key)
        if same and same.onset_beats == note.onset_beats:
            self._sounding[key] = Voice(same.onset_beats, max(same.end_beats, note.end_beats))
            return []
        messages: list[NoteOn | NoteOff] = [self._end(key)] if same else []
        while len(self._sounding) >= at_most:
            messages.append(self._end(min(self._sounding, key=lambda key: self._sounding[key].onset_beats)))
        self._sounding[key] = Voice(note.onset_beats, note.end_beats)
        return [*messages, NoteOn(key[0], note.velocity, channel)]

    def end_next(self) -> NoteOff:
        """Ends the one that is to end first. There must be one."""
        return self._end(min(self._sounding, key=lambda key: self._sounding[key].end_beats))

    def end_all(self) -> list[NoteOff]:
        """Ends every one."""
        return [self._end(key) for key in tuple(self._sounding)]

    def _end(self, key: tuple[int, int]) -> NoteOff:
        del self._sounding[key]
        return NoteOff(*key)


def _within_range(pitch: int) -> int:
    """The pitch, or where MIDI has none such, the nearest octave of it."""
    if pitch < LOWEST_PITCH:
        return pitch % OCTAVE
    if pitch > HIGHEST_PITCH:
        return pitch - OCTAVE * -(-(pitch - HIGHEST_PITCH) // OCTAVE)
    return pitch
