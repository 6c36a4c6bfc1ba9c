"""What the player has played since the last rest, and which keys they still hold; knows beats and no clock."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from model.notes import Note

# Only the latest notes of a phrase are kept, so a phrase of an hour costs no more than one of a minute.
NOTES_KEPT = 256


class Phrase:
    """Notes in the order they were played, and the held keys and pedal that keep the phrase from ending.

    A note whose key is still down has a duration of 0.
    """

    def __init__(self, *, held: Iterable[int] = (), pedal_is_down: bool = False) -> None:
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)
        self._held = set(held)
        self._pedal_is_down = pedal_is_down
        self._first_beat = self._last_beat = 0.0

    def next_phrase(self) -> "Phrase":
        """The phrase after this one: it has no notes, but keys and a pedal that are down stay down."""
        return Phrase(held=self._held, pedal_is_down=self._pedal_is_down)

    def press(self, pitch: int, velocity: int, beat: float) -> None:
        """A key goes down; if it was down already, its earlier note ends here."""
        self.release(pitch, beat)
        if not self.notes:
            self._first_beat = beat
        self._held.add(pitch)
        self.notes.append(Note(pitch, beat, 0.0, velocity))

    def release(self, pitch: int, beat: float) -> Note | None:
        """A key comes up: returns its finished note. A key that was not down changes nothing."""
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
        """Ends the phrase here while keys may still be down: held notes get the length that they have by now."""
        if self.is_held:
            self._last_beat = beat
        for pitch in self._held:
            self._end_note(pitch, beat)

    @property
    def is_held(self) -> bool:
        """Whether a key or the pedal is down."""
        return bool(self._held) or self._pedal_is_down

    @property
    def silent_since_beats(self) -> float | None:
        """The beat at which the last key or the pedal came up; None while one is down, or before any note."""
        return self._last_beat if self.notes and not self.is_held else None

    @property
    def length_beats(self) -> float:
        """From the first onset to the last release."""
        return self._last_beat - self._first_beat if self.notes else 0.0

    @property
    def velocities(self) -> tuple[int, ...]:
        """The velocity of each note."""
        return tuple(note.velocity for note in self.notes)

    def stretch(self, factor: float, around_beat: float) -> None:
        """Moves every beat of the phrase `factor` times as far from `around_beat`: the beats of another tempo."""

        def moved(beat: float) -> float:
            return around_beat + (beat - around_beat) * factor

        for index, note in enumerate(self.notes):
            self.notes[index] = replace(
                note, onset_beats=moved(note.onset_beats), duration_beats=note.duration_beats * factor
            )
        self._first_beat, self._last_beat = moved(self._first_beat), moved(self._last_beat)

    def _end_note(self, pitch: int, beat: float) -> Note | None:
        for index in range(len(self.notes) - 1, -1, -1):
            if self.notes[index].pitch == pitch:
                note = self.notes[index]
                # The notes of a chord share one onset though their keys go down one after another, so a key may come
                # up before its note's onset: no note ends before it began.
                self.notes[index] = replace(note, duration_beats=max(beat - note.onset_beats, 0.0))
                return self.notes[index]
        return None
