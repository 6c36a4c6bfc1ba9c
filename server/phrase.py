"""What the player has played since the last rest, and whether they still hold it; knows beats, no clock."""

from dataclasses import replace

from model.notes import Note


class Phrase:
    """Notes as they come, with the keys and the pedal that keep the phrase from ending."""

    def __init__(self, *, pedal_is_down: bool = False) -> None:
        self.notes: list[Note] = []
        self._held: dict[int, int] = {}  # pitch to its place among the notes
        self._pedal_is_down = pedal_is_down
        self._last_beat = 0.0

    def next(self) -> "Phrase":
        """The phrase after this one: no note yet, and a pedal that is down still is."""
        return Phrase(pedal_is_down=self._pedal_is_down)

    def press(self, pitch: int, velocity: int, beat: float) -> None:
        """A key goes down; one that was down already is struck again."""
        self.release(pitch, beat)
        self._held[pitch] = len(self.notes)
        self.notes.append(Note(pitch, beat, 0.0, velocity))

    def release(self, pitch: int, beat: float) -> None:
        """A key comes up; one that was not down changes nothing."""
        place = self._held.pop(pitch, None)
        if place is not None:
            note = self.notes[place]
            self.notes[place] = replace(note, duration_beats=beat - note.onset_beats)
            self._last_beat = beat

    def pedal(self, beat: float, *, is_down: bool) -> None:
        """The sustain pedal moves."""
        if self._pedal_is_down and not is_down:
            self._last_beat = beat
        self._pedal_is_down = is_down

    def release_all(self, beat: float) -> None:
        """Every key and the pedal come up."""
        self.finish(beat)
        self.pedal(beat, is_down=False)

    def finish(self, beat: float) -> None:
        """The notes that are held end here as far as the phrase goes, whatever the hands do."""
        for pitch in list(self._held):
            self.release(pitch, beat)

    @property
    def is_held(self) -> bool:
        return bool(self._held) or self._pedal_is_down

    @property
    def silent_since(self) -> float | None:
        """The beat at which the last key or the pedal came up; None while one is down, or before any note."""
        return self._last_beat if self.notes and not self.is_held else None

    @property
    def length_beats(self) -> float:
        """From the first onset to the last release."""
        return self._last_beat - self.notes[0].onset_beats if self.notes else 0.0

    @property
    def velocities(self) -> tuple[int, ...]:
        return tuple(note.velocity for note in self.notes)
