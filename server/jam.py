"""The jam itself, without I/O: messages and beats in, messages and beats out. Starts no thread, reads no clock.

The live player, the offline export and the tests drive this same object; only who supplies the beat differs.
What the models have to do (hearing a note, composing the next) waits as work and is done by `think`, one note at
a time: a note that is due, or a key that goes down, waits for the few steps of one note at most.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from bridge.messages import ControlChange, Message, NoteOff, NoteOn
from model.approach import APPROACHES, Approach
from model.improviser import Improviser, Planned, Taste
from model.notes import Note
from server.answer import Answer
from server.controls import Settings, Value
from server.phrase import Phrase

State = Literal["listening", "waiting", "answering"]

# What a newly seated pack is told of what came before.
REMEMBERED_NOTES = 128
# An answer to nothing (`respond` before any phrase) has no phrase to be as long as.
UNASKED_BEATS = 8.0
# As long as the phrase, but no shorter than a gesture and no longer than eight bars of four.
SHORTEST_ANSWER_BEATS, LONGEST_ANSWER_BEATS = 2.0, 32.0
# Hands leave the keys a little late: so much past a beat is not another beat.
LATE_HANDS_BEATS = 0.25
# However short an answer is asked for, it is a note.
SHORTEST_ASKED_BEATS = 0.25

# Which approaches a control's change replans: the notes that have not sounded follow it.
REPLANS: Mapping[str, tuple[Approach, ...]] = {
    "approach": APPROACHES,
    "temperature": APPROACHES,
    "top_p": APPROACHES,
    "answer_length": APPROACHES,
    "step": ("pitch",),
}

SUSTAIN_PEDAL, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123
PEDAL_DOWN = 64
CHANNELS = 16


@dataclass(frozen=True, slots=True)
class Timed:
    """A message and the beat it was due at, which is never later than the beat it is handed out at."""

    message: Message
    beat: float


class Jam:
    """Listens to a player, and answers each phrase."""

    def __init__(self, improvisers: Mapping[Approach, Improviser], settings: Settings, random_seed: int) -> None:
        self.settings = settings
        self._improvisers = dict(improvisers)
        self._random_seed = random_seed
        self._answers = 0
        self._phrase = Phrase()
        self._answered = Phrase()  # the last phrase that was answered, which another `respond` answers again
        self._answer: Answer | None = None
        self._out: list[Timed] = []
        self._sounding: dict[int, float] = {}  # our pitches, each with the beat it ends at
        self._unheard: deque[tuple[Improviser, Note]] = deque()
        self._remembered: deque[Note] = deque(maxlen=REMEMBERED_NOTES)
        self._beat = -math.inf

    @property
    def state(self) -> State:
        """Listening to a phrase or to nothing, waiting to answer it, or answering."""
        if self._answer is None:
            return "listening"
        return "answering" if self._is_answering else "waiting"

    def receive(self, message: Message, beat: float) -> None:
        """What the player did at `beat`."""
        self._pass(beat)
        match message:
            case NoteOn(pitch, velocity):
                self._end_answer()
                self._phrase.press(pitch, velocity, beat)
                self._to_be_heard(Note(pitch, beat, 0.0, velocity))
            case NoteOff(pitch):
                self._phrase.release(pitch, beat)
            case ControlChange(controller, value) if controller == SUSTAIN_PEDAL:
                self._phrase.pedal(beat, is_down=value >= PEDAL_DOWN)
            case ControlChange(controller, _) if controller in {ALL_SOUND_OFF, ALL_NOTES_OFF}:
                self._phrase.release_all(beat)
            case _:
                return
        self._prepare()

    def change(self, control: str, value: Value, beat: float) -> None:
        """A control has a new value, as its row has read it; replans what has not sounded."""
        self._pass(beat)
        before, self.settings = self.settings, self.settings.with_value(control, value)
        if self.settings == before:
            return
        if not self._is_answering:
            if control in REPLANS or control == "answer_after":
                self._prepare()
        elif self._answer is not None and self.settings.approach in REPLANS.get(control, ()):
            # A pack that was seated meanwhile takes over with the next answer, unless another approach is asked for.
            changes_model = control == "approach"
            improviser = self._improvisers[self.settings.approach] if changes_model else self._answer.improviser
            self._answer.replan(improviser, self._answer.start_beats + self._length_beats(), self._taste())

    def act(self, action: str, beat: float) -> None:
        """An action was asked for: `respond`, `stop` or `panic`."""
        self._pass(beat)
        self._end_answer()
        if action == "respond":
            self._phrase.finish(beat)
            self._plan_answer(beat)
            return
        self._phrase = self._phrase.next()
        if action == "panic":
            self._phrase = Phrase()  # whatever keys are thought to be held, as of a keyboard that was unplugged
            for channel in range(CHANNELS):
                for controller in (ALL_NOTES_OFF, ALL_SOUND_OFF):
                    self._out.append(Timed(ControlChange(controller, 0, channel), beat))

    def seat(self, improvisers: Mapping[Approach, Improviser]) -> None:
        """New models take over, from the next answer on; they are told what was played lately."""
        self._improvisers = dict(improvisers)
        # The answer that is under way is still the old model's, which must have heard the phrase before it composes.
        answering = self._answer.improviser if self._is_answering and self._answer else None
        self._unheard = deque(item for item in self._unheard if item[0] is answering)
        for note in self._remembered:
            self._unheard.extend((improviser, note) for improviser in self._improvisers.values())
        self._prepare()

    def advance(self, beat: float) -> list[Timed]:
        """Every message due up to `beat`, in order; at equal beats what ends comes before what begins."""
        self._pass(beat)
        due, self._out = self._out, []
        while True:
            end = min(self._sounding.items(), key=lambda item: item[1], default=None)
            planned = self._answer.next_planned if self._answer else None
            if end and end[1] <= beat and not (planned and planned.note.onset_beats < end[1]):
                del self._sounding[end[0]]
                due.append(Timed(NoteOff(end[0]), end[1]))
            elif planned and planned.note.onset_beats <= beat:
                due.extend(self._sound(planned))
            else:
                break
        if self._is_spent:
            self._answer = None
        return due

    def wake_at(self) -> float | None:
        """The next beat at which `advance` has something to do; None where only the player can bring that about."""
        if self._out or self._is_spent:
            return self._beat
        beats = list(self._sounding.values())
        if self._answer and self._answer.next_planned:
            beats.append(self._answer.next_planned.note.onset_beats)
        return min(beats, default=None)

    @property
    def thinking(self) -> bool:
        """Whether there is work for `think`."""
        return bool(self._unheard) or (self._answer is not None and self._answer.wants_composing)

    def think(self) -> None:
        """One small piece of the models' work: a note to hear, or one to compose."""
        # In this order: an answer is composed from what was heard, so it begins once all has been.
        if self._unheard:
            improviser, note = self._unheard.popleft()
            improviser.hear(note)
        elif self._answer is not None:
            self._answer.compose_one()

    @property
    def plan(self) -> tuple[Note, ...]:
        """The notes of the answer that have not sounded, as far as they are composed."""
        return tuple(planned.note for planned in self._answer.planned) if self._answer else ()

    @property
    def _is_answering(self) -> bool:
        return self._answer is not None and self._answer.begun(self._beat)

    @property
    def _is_spent(self) -> bool:
        """Whether all of the answer has sounded, and ended."""
        return self._answer is not None and self._answer.is_over and not self._sounding

    def _pass(self, beat: float) -> None:
        """Time goes on; once an answer is due, the phrase that it answers is over."""
        self._beat = max(self._beat, beat)
        if self._is_answering and self._phrase.notes:
            self._answered, self._phrase = self._phrase, self._phrase.next()

    def _prepare(self) -> None:
        """Plans the answer that is due if the player stays silent, or none where keys are held or nothing was played."""
        if self._is_answering:
            return
        silent_since = self._phrase.silent_since
        if silent_since is None:
            self._answer = None
        else:
            # Where the wait was made shorter than the silence already is, the answer is due now, not in the past.
            self._plan_answer(max(silent_since + self.settings.answer_after, self._beat))

    def _plan_answer(self, start_beats: float) -> None:
        self._answers += 1
        self._answer = Answer(
            self._improvisers[self.settings.approach],
            start_beats,
            start_beats + self._length_beats(),
            self._taste(),
            Random(f"{self._random_seed} {self._answers}"),
            self._phrase_to_answer.velocities,
        )

    @property
    def _phrase_to_answer(self) -> Phrase:
        return self._phrase if self._phrase.notes else self._answered

    def _length_beats(self) -> float:
        """How long the answer is to be: as asked for, or as the phrase, to the next whole beat."""
        asked_beats = self.settings.answer_length
        if asked_beats:
            return max(asked_beats, SHORTEST_ASKED_BEATS)
        phrase = self._phrase_to_answer
        if not phrase.notes:
            return UNASKED_BEATS
        whole_beats = float(math.ceil(phrase.length_beats - LATE_HANDS_BEATS))
        return min(max(whole_beats, SHORTEST_ANSWER_BEATS), LONGEST_ANSWER_BEATS)

    def _taste(self) -> Taste:
        return Taste(self.settings.temperature, self.settings.top_p, self.settings.step)

    def _sound(self, planned: Planned) -> list[Timed]:
        """The next planned note sounds: its messages, and all improvisers know of it."""
        answer = self._answer
        assert answer is not None  # whoever planned the note
        note = answer.sound()
        messages = []
        if note.pitch in self._sounding:
            del self._sounding[note.pitch]
            messages.append(Timed(NoteOff(note.pitch), note.onset_beats))
        self._sounding[note.pitch] = note.end_beats
        messages.append(Timed(NoteOn(note.pitch, note.velocity), note.onset_beats))
        self._remembered.append(note)
        for improviser in self._improvisers.values():
            if improviser is not answer.improviser:
                self._unheard.append((improviser, note))
        return messages

    def _to_be_heard(self, note: Note) -> None:
        self._remembered.append(note)
        self._unheard.extend((improviser, note) for improviser in self._improvisers.values())

    def _end_answer(self) -> None:
        """Drops what has not sounded and ends what sounds."""
        self._answer = None
        # Now, not at the beat of a key that was read late: no note may end before it began.
        self._out.extend(Timed(NoteOff(pitch), self._beat) for pitch in self._sounding)
        self._sounding.clear()
