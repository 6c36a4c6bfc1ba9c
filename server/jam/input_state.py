"""What the player plays, as one who listens takes it: chords, phrases, a key, what they have said lately; knows no model and no clock."""

from collections import deque

from bridge.midi.messages import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    PEDAL_DOWN,
    SUSTAIN_PEDAL,
    ControlChange,
    Message,
    NoteOff,
)
from model.analysis.key_finder import KeyFinder
from model.analysis.scale import Key
from model.improvising.novelty import Novelty, outline_of
from model.notes import Note
from server.jam.phrase import Phrase

# An answer does not repeat too much of any of the player's last phrases.
PHRASES_KEPT = 8


class InputState:
    """The phrase that is being played, the one that was answered last, and what was learnt of both."""

    def __init__(self) -> None:
        self.phrase = Phrase()
        self._answered = Phrase()  # another `respond` answers it again
        self._chord_beat = float("-inf")
        self._finder = KeyFinder()
        self._outlines: deque[list[int]] = deque(maxlen=PHRASES_KEPT)  # of the phrases before this one

    @property
    def key(self) -> Key | None:
        """The key that the player is heard in; None until enough was heard."""
        return self._finder.key

    @property
    def phrase_to_answer(self) -> Phrase:
        return self.phrase if self.phrase.notes else self._answered

    def press(self, pitch: int, velocity: int, beat: float, chord_beats: float) -> tuple[Note, bool]:
        """A key goes down: its note, and whether it begins a phrase. Within `chord_beats` of a chord's first it is of that onset."""
        if not 0.0 <= beat - self._chord_beat <= chord_beats:
            self._chord_beat = beat
        begins_phrase = not self.phrase.notes
        self.phrase.press(pitch, velocity, self._chord_beat)
        return Note(pitch, self._chord_beat, 0.0, velocity), begins_phrase

    def handle_release(self, message: Message, beat: float) -> bool:
        """A key or a pedal comes up, or everything does; False where the message is nothing to a phrase."""
        match message:
            case NoteOff(pitch):
                note = self.phrase.release(pitch, beat)
                if note is not None:
                    self._finder.hear(pitch, note.duration_beats, note.onset_beats)
            case ControlChange(controller, value) if controller == SUSTAIN_PEDAL:
                self.phrase.move_pedal(beat, is_down=value >= PEDAL_DOWN)
            case ControlChange(controller, _) if controller in {ALL_SOUND_OFF, ALL_NOTES_OFF}:
                self.phrase.release_all(beat)
            case _:
                return False
        return True

    def has_rested(self, beats: float, beat: float) -> bool:
        """Whether the phrase was followed by so long a rest, and more."""
        silent_since = self.phrase.silent_since_beats
        return silent_since is not None and beat - silent_since > beats

    def end_phrase(self) -> None:
        """An answer begins: the phrase that it is to is over."""
        if self.phrase.notes:
            self._answered, self.phrase = self.phrase, self.phrase.next_phrase()
            self._outlines.append(outline_of(self._answered.notes))

    def drop_phrase(self, *, with_keys: bool = False) -> None:
        """Nobody will answer it; `with_keys` also whatever is thought to be held, as of a keyboard that was unplugged."""
        self.phrase = Phrase() if with_keys else self.phrase.next_phrase()

    def novelty_limit(self, most_intervals: int) -> Novelty:
        """The bound on what may be repeated of the last phrases, this one too."""
        return Novelty([*self._outlines, outline_of(self.phrase.notes)], most_intervals)

    def forget_phrases(self) -> None:
        """What was said lately; the key stays, and so does the phrase."""
        self._outlines.clear()
