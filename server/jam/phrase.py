"""What the player has played since the last rest, and whether they still hold it; knows beats, no clock."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from model.notes import Note

# The latest notes of a phrase are kept; one that goes on for an hour costs no more than one of a minute.
NOTES_KEPT = 256


class Phrase:
    """Notes as they come, with the keys and the pedal that keep the phrase from ending."""

    def __init__(self, *, held: Iterable[int] = (), pedal_is_down: bool = False) -> None:
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)
        self._held = set(held)
        self._pedal_is_down = pedal_is_down
        self._first_beat = self._last_beat = 0.0

    def next_phrase(self) -> "Phrase":
        """The phrase after this one: no note yet, but keys and a pedal that are down still are."""
        return Phrase(held=self._held, pedal_is_down=self._pedal_is_down)

    def press(self, pitch: int, velocity: int, beat: float) -> None:
        """A key goes down; one that was down already is struck again."""
        self.release(pitch, beat)
        if not self.notes:
            self._first_beat = beat
        self._held.add(pitch)
        self.notes.append(Note(pitch, beat, 0.0, velocity))

    def release(self, pitch: int, beat: float) -> Note | None:
        """A key comes up, and its note is whole; one that was not down changes nothing."""
        if pitch not in self._held:
            return None
        self._held.remove(pitch)
        self._last_beat = beat
        return self._end_note(pitch, beat)

    def move_pedal(self, beat: float, *, is_down: bool) -> None:
        """The sustain pedal moves."""
        if self._pedal_is_down and not is_down:
            self._last_beat = beat
        self._pedal_is_down = is_down

    def release_all(self, beat: float) -> None:
        """Every key and the pedal come up."""
        for pitch in tuple(self._held):
            self.release(pitch, beat)
        self.move_pedal(beat, is_down=False)

    def finish(self, beat: float) -> None:
        """The phrase ends here, whatever the hands do: notes that are held are as long as they are by now."""
        if self.is_held:
            self._last_beat = beat
        for pitch in self._held:
            self._end_note(pitch, beat)

    @property
    def is_held(self) -> bool:
        return bool(self._held) or self._pedal_is_down

    @property
    def silent_since_beats(self) -> float | None:
        """The beat at which the last key or the pedal came up; None while one is down, or before any note."""
        return self._last_beat if self.notes and not self.is_held else None

    @property
    def start_beats(self) -> float | None:
        """Its first onset; None before any note."""
        return self._first_beat if self.notes else None

    @property
    def length_beats(self) -> float:
        """From the first onset to the last release."""
        return self._last_beat - self._first_beat if self.notes else 0.0

    @property
    def velocities(self) -> tuple[int, ...]:
        return tuple(note.velocity for note in self.notes)

    def stretch(self, factor: float, around_beat: float) -> None:
        """What was played lies so much further from `around_beat`: its beats were those of another tempo."""

        def moved(beat: float) -> float:
            return around_beat + (beat - around_beat) * factor

        for place, note in enumerate(self.notes):
            self.notes[place] = replace(
                note, onset_beats=moved(note.onset_beats), duration_beats=note.duration_beats * factor
            )
        self._first_beat, self._last_beat = moved(self._first_beat), moved(self._last_beat)

    def _end_note(self, pitch: int, beat: float) -> Note | None:
        for place in range(len(self.notes) - 1, -1, -1):
            if self.notes[place].pitch == pitch:
                note = self.notes[place]
                # A chord's notes begin together, be they struck one after another: none ends before it began.
                self.notes[place] = replace(note, duration_beats=max(beat - note.onset_beats, 0.0))
                return self.notes[place]
        return None
