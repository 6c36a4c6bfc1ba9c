"""The jam itself, without I/O: messages and beats in, messages and beats out. Starts no thread, reads no clock.

The live player, the offline export and the tests drive this same object; only who supplies the beat differs.
What the models have to do (hearing a note, composing the next) waits in a list of work and is done by `think`,
a millisecond at a time, so that neither a note that is due nor a key that goes down ever waits for a model.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from bridge.messages import ControlChange, Message, NoteOff, NoteOn
from model.approach import Approach
from model.improviser import Improviser, Planned, Taste
from model.notes import Note
from server.answer import Answer
from server.controls import Settings, Value
from server.phrase import Phrase

State = Literal["listening", "waiting", "answering"]

# Notes of an answer composed in one go of thinking: some 1 to 2 ms of steps.
NOTES_A_THOUGHT = 4
# What a newly seated pack is told of what came before.
REMEMBERED_NOTES = 128
# An answer to nothing (`respond` before any phrase) has no phrase to be as long as.
UNASKED_BEATS = 8.0
SHORTEST_ANSWER_BEATS = 2.0

# Controls whose change replans the notes that have not sounded.
REPLANNING = {"approach", "temperature", "top_p", "step", "answer_length"}

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
                self._end_answer(beat)
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
        self.settings = self.settings.with_value(control, value)
        if control in REPLANNING:
            self._replan()
        elif control == "answer_after":
            self._prepare()

    def act(self, action: str, beat: float) -> None:
        """An action was asked for: `respond`, `stop` or `panic`."""
        self._pass(beat)
        self._end_answer(beat)
        if action == "respond":
            self._phrase.finish(beat)
            self._plan_answer(beat)
            return
        self._phrase = self._phrase.next()
        if action == "panic":
            for channel in range(CHANNELS):
                for controller in (ALL_NOTES_OFF, ALL_SOUND_OFF):
                    self._out.append(Timed(ControlChange(controller, 0, channel), beat))

    def seat(self, improvisers: Mapping[Approach, Improviser]) -> None:
        """New models take over, from the next answer on; they are told what was played lately."""
        self._improvisers = dict(improvisers)
        self._unheard.clear()
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
        if self._answer and self._answer.is_over and not self._sounding:
            self._answer = None
        return due

    def wake_at(self) -> float | None:
        """The next beat at which `advance` has something to do; None where only the player can bring that about."""
        if self._out:
            return self._beat
        beats = list(self._sounding.values())
        if self._answer and self._answer.next_planned:
            beats.append(self._answer.next_planned.note.onset_beats)
        return min(beats, default=None)

    @property
    def thinking(self) -> bool:
        """Whether there is work for `think`."""
        return bool(self._unheard) or (self._answer is not None and self._answer.is_composing)

    def think(self) -> None:
        """One small piece of the models' work: a note to hear, or a few to compose."""
        # In this order: an answer is composed from what was heard, so it begins once all has been.
        if self._unheard:
            improviser, note = self._unheard.popleft()
            improviser.hear(note)
        elif self._answer is not None:
            self._answer.compose(NOTES_A_THOUGHT)

    @property
    def plan(self) -> tuple[Note, ...]:
        """The notes of the answer that have not sounded, as far as they are composed."""
        return tuple(planned.note for planned in self._answer.planned) if self._answer else ()

    @property
    def _is_answering(self) -> bool:
        return self._answer is not None and self._answer.begun(self._beat)

    def _pass(self, beat: float) -> None:
        """Time goes on; once an answer is due, the phrase that it answers is over."""
        self._beat = max(self._beat, beat)
        if self._is_answering and self._phrase.notes:
            self._phrase = self._phrase.next()

    def _prepare(self) -> None:
        """Plans the answer that is due if the player stays silent, or none where keys are held or nothing was played."""
        if self._is_answering:
            return
        silent_since = self._phrase.silent_since
        if silent_since is None:
            self._answer = None
        else:
            self._plan_answer(silent_since + self.settings.answer_after)

    def _plan_answer(self, start_beats: float) -> None:
        length_beats = self.settings.answer_length or self._phrase_beats()
        self._answers += 1
        self._answer = Answer(
            self._improvisers[self.settings.approach],
            start_beats,
            start_beats + length_beats,
            self._taste(),
            Random(f"{self._random_seed} {self._answers}"),
            self._phrase.velocities,
        )

    def _replan(self) -> None:
        """What has not sounded follows the settings; an answer that has not begun is planned as a whole."""
        if not self._is_answering:
            self._prepare()
        elif self._answer is not None:
            answer = self._answer
            length_beats = self.settings.answer_length or answer.until_beats - answer.start_beats
            improviser = self._improvisers[self.settings.approach]
            answer.replan(improviser, answer.start_beats + length_beats, self._taste())

    def _phrase_beats(self) -> float:
        """As long as the phrase, to the next whole beat."""
        if not self._phrase.notes:
            return UNASKED_BEATS
        return max(float(math.ceil(self._phrase.length_beats - 1e-9)), SHORTEST_ANSWER_BEATS)

    def _taste(self) -> Taste:
        return Taste(self.settings.temperature, self.settings.top_p, self.settings.step)

    def _sound(self, planned: Planned) -> list[Timed]:
        """The next planned note sounds: its messages, and all improvisers know of it."""
        answer = self._answer
        assert answer is not None
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

    def _end_answer(self, beat: float) -> None:
        """Drops what has not sounded and ends what sounds."""
        self._answer = None
        self._out.extend(Timed(NoteOff(pitch), beat) for pitch in self._sounding)
        self._sounding.clear()
