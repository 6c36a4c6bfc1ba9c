"""What the player has played: chords, the phrase, the key, the latest phrases; knows no model and no clock."""

from collections import deque

from bridge.midi.messages import ALL_SOUND_OFF, PEDAL_DOWN, SUSTAIN_PEDAL, ControlChange, Message, NoteOff
from model.analysis.key_finder import KeyFinder
from model.analysis.scale import Key
from model.improvising.novelty import Novelty, Outline
from model.notes import Note
from server.jam.listening.phrase import Phrase

# An answer does not repeat too much of any of the player's last phrases.
PHRASES_KEPT = 8
# How loud, how long and how late the player plays is learnt from this many of the latest phrases.
TOUCH_PHRASES = 2

# MIDI 1.0, channel mode messages: 123 and all above it (omni and mono or poly) also mean that all keys are up.
RESET_ALL_CONTROLLERS = 121
RELEASING_KEYS = frozenset(range(123, 128))

# MPE 1.0: this registered parameter, sent on the lowest or the highest channel, sets that channel's number of members.
DATA_ENTRY, RPN_LOW, RPN_HIGH = 6, 100, 101
MPE_CONFIGURATION = (0, 6)
LOWEST_CHANNEL, HIGHEST_CHANNEL = 0, 15


class MpeZones:
    """The zones of MPE keyboards: messages on a manager channel also count for its members.

    Other channels are separate.
    """

    def __init__(self) -> None:
        self._members: dict[int, range] = {}
        self._parameter: dict[int, tuple[int | None, int | None]] = {}

    def handle(self, message: ControlChange) -> None:
        """Takes a control change; a keyboard sets its zone with three of them."""
        channel, value = message.channel, message.value
        if channel not in {LOWEST_CHANNEL, HIGHEST_CHANNEL}:
            return
        high, low = self._parameter.get(channel, (None, None))
        match message.controller:
            case controller if controller == RPN_HIGH:
                self._parameter[channel] = (value, low)
            case controller if controller == RPN_LOW:
                self._parameter[channel] = (high, value)
            case controller if controller == DATA_ENTRY and (high, low) == MPE_CONFIGURATION:
                count = min(value, HIGHEST_CHANNEL)
                is_lower = channel == LOWEST_CHANNEL
                self._members[channel] = (
                    range(1, 1 + count) if is_lower else range(HIGHEST_CHANNEL - count, HIGHEST_CHANNEL)
                )

    def channels_of(self, channel: int) -> tuple[int, ...]:
        """Returns the channels that a message on this channel counts for."""
        return (channel, *self._members.get(channel, ()))


class InputState:
    """The phrase that is being played, the phrase that was answered last, and the key of both."""

    def __init__(self) -> None:
        self.phrase = Phrase()
        self._answered_phrase = Phrase()  # another `respond` answers it again
        self._may_resume = False  # the phrase that was answered last is the latest one
        self._chord_beat = float("-inf")
        self._key_finder = KeyFinder()
        self._outlines: deque[Outline] = deque(maxlen=PHRASES_KEPT)  # of the phrases before this one
        # Phrases whose outlines are still to be found: not while the first note of an answer is due.
        self._not_outlined: deque[tuple[Note, ...]] = deque(maxlen=PHRASES_KEPT)
        self._earlier_phrases: deque[tuple[Note, ...]] = deque(maxlen=TOUCH_PHRASES)
        self._zones = MpeZones()

    @property
    def key(self) -> Key | None:
        """The key that the player plays in; None until enough notes were played to find it."""
        return self._key_finder.key

    @property
    def key_probabilities(self) -> dict[Key, float]:
        """How probable it is that the player plays in each key; empty before the first note."""
        return self._key_finder.probabilities

    @property
    def phrase_to_answer(self) -> Phrase:
        """The present phrase; before its first note, the phrase that was answered last."""
        return self.phrase if self.phrase.notes else self._answered_phrase

    @property
    def releases(self) -> tuple[Message, ...]:
        """The messages that would release every held key and pedal."""
        keys = (NoteOff(pitch, channel) for channel, pitch in self.phrase.held_keys)
        return (*keys, *(ControlChange(SUSTAIN_PEDAL, 0, channel) for channel in self.phrase.held_pedals))

    def press(self, pitch: int, velocity: int, beat: float, chord_beats: float, channel: int = 0) -> tuple[Note, bool]:
        """A key goes down: returns its note, and whether that note begins a phrase.

        A key that goes down within `chord_beats` of the first key of a chord gets the onset of that key.
        """
        if not 0.0 <= beat - self._chord_beat <= chord_beats:
            self._chord_beat = beat
        begins_phrase = not self.phrase.notes
        self.phrase.press(pitch, velocity, self._chord_beat, channel)
        return Note(pitch, self._chord_beat, 0.0, velocity), begins_phrase

    def handle_release(self, message: Message, beat: float) -> bool:
        """A key or the pedal comes up, or all of them; False where the message does not concern the phrase."""
        match message:
            case NoteOff(pitch, channel):
                self._release(pitch, channel, beat)
            case ControlChange(controller, value, channel) if controller == SUSTAIN_PEDAL:
                self.phrase.move_pedal(beat, is_down=value >= PEDAL_DOWN, channel=channel)
            case ControlChange(controller, _, channel) if controller == RESET_ALL_CONTROLLERS:
                self._release_all(channel, beat, keys=False, pedals=True)
            case ControlChange(controller, _, channel) if controller == ALL_SOUND_OFF:
                self._release_all(channel, beat, keys=True, pedals=True)  # nothing sounds that a pedal could hold
            case ControlChange(controller, _, channel) if controller in RELEASING_KEYS:
                self._release_all(channel, beat, keys=True, pedals=False)
            case ControlChange():
                self._zones.handle(message)
                return False
            case _:
                return False
        return True

    def expire_holds(self, limit_beats: float, beat: float) -> bool:
        """Stops counting keys and pedals that by `beat` have been held for this long; returns whether there were any.

        They no longer keep the phrase open.
        """
        held_since = self.phrase.held_since_beat
        if held_since is None or held_since + limit_beats > beat:
            return False
        # Rounding may make the difference slightly smaller than `held_since`, though the sum passed the comparison.
        for note in self.phrase.expire_holds(max(beat - limit_beats, held_since)):
            self._key_finder.hear(note.pitch, beat - note.onset_beats, note.onset_beats)
        return True

    def has_rested(self, beats: float, beat: float) -> bool:
        """Whether more beats of rest than this have followed the phrase."""
        silent_since = self.phrase.silent_since_beats
        return silent_since is not None and beat - silent_since > beats

    def end_phrase(self) -> None:
        """Ends the present phrase, as an answer to it begins or none will come, and begins the next one."""
        self._may_resume = bool(self.phrase.notes)
        if self.phrase.notes:
            self._answered_phrase, self.phrase = self.phrase, self.phrase.next_phrase()
            self._not_outlined.append(tuple(self._answered_phrase.notes))
            self._earlier_phrases.append(tuple(self._answered_phrase.notes))

    def resume_phrase(self) -> None:
        """Goes on with the phrase that ended last, if no other has begun: it was not over, as a key was read late."""
        if self.phrase.notes or not self._may_resume:
            return
        self._may_resume = False
        self._answered_phrase.take_over_holds(self.phrase)
        self.phrase, self._answered_phrase = self._answered_phrase, Phrase()
        (self._not_outlined or self._outlines).pop()
        self._earlier_phrases.pop()

    def drop_phrase(self, *, with_keys: bool = False) -> None:
        """Drops the phrase, which will not be answered.

        `with_keys` also forgets which keys and pedals are held, as their releases may never come.
        """
        self._may_resume = False
        self.phrase = Phrase() if with_keys else self.phrase.next_phrase()

    def novelty_limit(self, novelty: float) -> Novelty:
        """The limit on quoting the latest phrases, the present one included; `novelty` is from 0 (no limit) to 1 (no quote)."""
        self._outlines.extend(Outline.of(notes) for notes in self._not_outlined)
        self._not_outlined.clear()
        return Novelty([*self._outlines, Outline.of(self.phrase.notes)], 1.0 - novelty)

    @property
    def touch_phrases(self) -> tuple[tuple[Note, ...], ...]:
        """The notes of the phrases that a touch is learnt from: the latest ones, the one to be answered last."""
        present = (tuple(self.phrase.notes),) if self.phrase.notes else ()
        return (*self._earlier_phrases, *present)[-TOUCH_PHRASES:]

    def forget_phrases(self) -> None:
        """Forgets the earlier phrases; the key and the present phrase stay."""
        self._outlines.clear()
        self._not_outlined.clear()
        self._earlier_phrases.clear()

    def _release(self, pitch: int, channel: int, beat: float) -> None:
        note = self.phrase.release(pitch, beat, channel)
        if note is not None:
            self._key_finder.hear(pitch, note.duration_beats, note.onset_beats)

    def _release_all(self, channel: int, beat: float, *, keys: bool, pedals: bool) -> None:
        """Releases all keys or pedals of a channel and, if it manages an MPE zone, of the zone's members."""
        channels = self._zones.channels_of(channel)
        if keys:
            for held_channel, pitch in self.phrase.held_keys:
                if held_channel in channels:
                    self._release(pitch, held_channel, beat)
        if pedals:
            for each in channels:
                self.phrase.move_pedal(beat, is_down=False, channel=each)
