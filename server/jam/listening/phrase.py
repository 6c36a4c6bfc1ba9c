"""What the player has played since the last rest, and which keys they still hold; knows beats and no clock."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from model.notes import Note

# Only the latest notes of a phrase are kept, so a phrase of an hour costs no more than one of a minute.
NOTES_KEPT = 256
PEDAL_SPANS_KEPT = 64

Key = tuple[int, int]
"""The channel and the pitch of a key. One pitch may be held on several channels, as on MPE keyboards."""


class Phrase:
    """Notes in the order they were played, and the held keys and pedals that keep the phrase from ending.

    Keys and pedals are separate for each channel (from 0). A note whose key is still down has a duration of 0.
    """

    def __init__(
        self, *, held_keys: Mapping[Key, float] | None = None, held_pedals: Mapping[int, float] | None = None
    ) -> None:
        """Takes the keys and pedals that are down already, each with the beat since which it has been held."""
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)
        self._held_keys = dict(held_keys or {})
        self._held_pedals = dict(held_pedals or {})
        self._note_numbers: dict[Key, int] = {}  # the note of each held key, counted from the phrase's first
        self._notes_count = 0
        self._first_beat = self._last_beat = 0.0
        self.pedal_spans: deque[tuple[float, float]] = deque(maxlen=PEDAL_SPANS_KEPT)
        """From when to when a pedal was down, for each time that the player has lifted one."""
        self._pressed_pedals: dict[int, float] = {}

    def next_phrase(self) -> "Phrase":
        """The phrase after this one: it has no notes, but keys and pedals that are down stay down."""
        return Phrase(held_keys=self._held_keys, held_pedals=self._held_pedals)

    def take_over_holds(self, later: "Phrase") -> None:
        """Goes on from the keys and pedals that are down in a later phrase, which has no notes yet."""
        self._held_keys, self._held_pedals = later._held_keys, later._held_pedals  # noqa: SLF001  another of this class
        self._pressed_pedals = later._pressed_pedals  # noqa: SLF001  as above

    def press(self, pitch: int, velocity: int, beat: float, channel: int = 0) -> None:
        """A key goes down; if it was down already, its earlier note ends here."""
        self.release(pitch, beat, channel)
        if not self.notes:
            self._first_beat = beat
        self._held_keys[channel, pitch] = beat
        self._note_numbers[channel, pitch] = self._notes_count
        self._notes_count += 1
        for pedal in self._held_pedals:
            self._held_pedals[pedal] = beat
        self.notes.append(Note(pitch, beat, 0.0, velocity))

    def release(self, pitch: int, beat: float, channel: int = 0) -> Note | None:
        """A key comes up: returns its finished note. A key that was not down changes nothing."""
        if self._held_keys.pop((channel, pitch), None) is None:
            return None
        self._last_beat = beat
        return self._end_note((channel, pitch), beat)

    def move_pedal(self, beat: float, *, is_down: bool, channel: int = 0) -> None:
        """Moves the sustain pedal of a channel."""
        if is_down:
            self._held_pedals.setdefault(channel, beat)
            self._pressed_pedals.setdefault(channel, beat)
            return
        pressed_beat = self._pressed_pedals.pop(channel, None)
        if pressed_beat is not None:
            self.pedal_spans.append((pressed_beat, beat))
        if self._held_pedals.pop(channel, None) is not None:
            self._last_beat = beat

    def expire_holds(self, since_beat: float) -> list[Note]:
        """Stops counting keys and pedals that have been held since this beat or longer; returns the notes of the keys.

        A key is held since it went down, a pedal since it went down or, if that is later, since the last key went down. If
        nothing else is held, the phrase ended with the last event that was played.
        """
        gone = [key for key, held_since in self._held_keys.items() if held_since <= since_beat]
        for pedal, held_since in tuple(self._held_pedals.items()):
            if held_since <= since_beat:
                del self._held_pedals[pedal]
        notes = []
        for key in gone:
            del self._held_keys[key]
            index = self._index_of_note(key)
            if index is not None:
                notes.append(self.notes[index])
        if self.notes:
            self._last_beat = max(self._last_beat, self.notes[-1].onset_beats)
        return notes

    def finish(self, beat: float) -> None:
        """Ends the phrase here while keys may still be down: held notes get the length that they have by now."""
        if self.is_held:
            self._last_beat = beat
        for key in self._held_keys:
            self._end_note(key, beat)

    @property
    def held_keys(self) -> Iterable[Key]:
        """The channel and pitch of each key that is down."""
        return tuple(self._held_keys)

    @property
    def held_pedals(self) -> Iterable[int]:
        """The channels whose pedal is down."""
        return tuple(self._held_pedals)

    @property
    def held_since_beat(self) -> float | None:
        """The beat since which the longest-held key or pedal has been held (see `expire_holds`); None where none is held."""
        return min((*self._held_keys.values(), *self._held_pedals.values()), default=None)

    @property
    def is_held(self) -> bool:
        """Whether a key or the pedal is down."""
        return bool(self._held_keys) or bool(self._held_pedals)

    @property
    def silent_since_beats(self) -> float | None:
        """The beat at which the last key or the pedal came up; None while one is down, or before any note."""
        return self._last_beat if self.notes and not self.is_held else None

    @property
    def first_beat(self) -> float:
        """The onset of the first note; 0.0 before it."""
        return self._first_beat

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
        spans = [(moved(pressed), moved(lifted)) for pressed, lifted in self.pedal_spans]
        self.pedal_spans = deque(spans, maxlen=PEDAL_SPANS_KEPT)

    def _end_note(self, key: Key, beat: float) -> Note | None:
        index = self._index_of_note(key)
        if index is None:
            return None
        note = self.notes[index]
        # The notes of a chord share one onset, though their keys go down one after another. So a key may come up before
        # its note's onset, and the duration is then 0.
        self.notes[index] = replace(note, duration_beats=max(beat - note.onset_beats, 0.0))
        return self.notes[index]

    def _index_of_note(self, key: Key) -> int | None:
        """The index in `notes` of a key's latest note; None if it belongs to an earlier phrase or is no longer kept."""
        number = self._note_numbers.get(key)
        if number is None:
            return None
        index = number - (self._notes_count - len(self.notes))
        return index if index >= 0 else None
