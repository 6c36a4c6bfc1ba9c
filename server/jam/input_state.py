"""What the player has played: chords, the phrase, the key, the latest phrases; knows no model and no clock."""

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
    """The phrase that is being played, the phrase that was answered last, and the key of both."""

    def __init__(self) -> None:
        self.phrase = Phrase()
        self._answered_phrase = Phrase()  # another `respond` answers it again
        self._chord_beat = float("-inf")
        self._key_finder = KeyFinder()
        self._outlines: deque[list[int]] = deque(maxlen=PHRASES_KEPT)  # of the phrases before this one

    @property
    def key(self) -> Key | None:
        """The key that the player plays in; None until enough notes were played to find it."""
        return self._key_finder.key

    @property
    def phrase_to_answer(self) -> Phrase:
        """The present phrase; before its first note, the phrase that was answered last."""
        return self.phrase if self.phrase.notes else self._answered_phrase

    def press(self, pitch: int, velocity: int, beat: float, chord_beats: float) -> tuple[Note, bool]:
        """A key goes down: returns its note, and whether that note begins a phrase.

        A key that goes down within `chord_beats` of the first key of a chord gets the onset of that key.
        """
        if not 0.0 <= beat - self._chord_beat <= chord_beats:
            self._chord_beat = beat
        begins_phrase = not self.phrase.notes
        self.phrase.press(pitch, velocity, self._chord_beat)
        return Note(pitch, self._chord_beat, 0.0, velocity), begins_phrase

    def handle_release(self, message: Message, beat: float) -> bool:
        """A key or the pedal comes up, or all of them; False where the message does not concern the phrase."""
        match message:
            case NoteOff(pitch):
                note = self.phrase.release(pitch, beat)
                if note is not None:
                    self._key_finder.hear(pitch, note.duration_beats, note.onset_beats)
            case ControlChange(controller, value) if controller == SUSTAIN_PEDAL:
                self.phrase.move_pedal(beat, is_down=value >= PEDAL_DOWN)
            case ControlChange(controller, _) if controller in {ALL_SOUND_OFF, ALL_NOTES_OFF}:
                self.phrase.release_all(beat)
            case _:
                return False
        return True

    def has_rested(self, beats: float, beat: float) -> bool:
        """Whether the phrase has been followed by more than so many beats of rest."""
        silent_since = self.phrase.silent_since_beats
        return silent_since is not None and beat - silent_since > beats

    def end_phrase(self) -> None:
        """The present phrase is over: an answer to it begins, or it will have none. The next one begins."""
        if self.phrase.notes:
            self._answered_phrase, self.phrase = self.phrase, self.phrase.next_phrase()
            self._outlines.append(outline_of(self._answered_phrase.notes))

    def drop_phrase(self, *, with_keys: bool = False) -> None:
        """Drops the phrase, which will not be answered.

        `with_keys` also forgets which keys are held, as their note-offs may never come: a keyboard was unplugged.
        """
        self.phrase = Phrase() if with_keys else self.phrase.next_phrase()

    def novelty_limit(self, max_intervals: int) -> Novelty:
        """The limit on repeating intervals in a row of the latest phrases, the present one included."""
        return Novelty([*self._outlines, outline_of(self.phrase.notes)], max_intervals)

    def forget_phrases(self) -> None:
        """Forgets the earlier phrases; the key and the present phrase stay."""
        self._outlines.clear()
