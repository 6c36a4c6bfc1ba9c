"""The jam itself, without I/O: messages and beats in, messages and beats out. Starts no thread, reads no clock.

The live player, the offline export and the tests drive this same object; only who supplies the beat differs.
What the models have to do (hearing a note, composing the next) waits as work and is done by `think`, one note at
a time: a note that is due, or a key that goes down, waits for the few steps of one note at most.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from bridge.midi.messages import ALL_NOTES_OFF, ALL_SOUND_OFF, ControlChange, Message, NoteOn
from bridge.timing.midi_clock import Transport
from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from model.approach import Approach
from model.improvising.improviser import Improviser
from model.improvising.sampling_settings import SamplingSettings
from model.memory.memory import Memory
from model.notes import Note
from server.controls.control_table import VELOCITY_OF_PLAYER, Settings, Value
from server.jam.answer import Answer
from server.jam.answer_settings import groove_from, sampling_settings_for
from server.jam.input_state import InputState
from server.jam.model_feed import ModelFeed
from server.jam.modes import MODES, Turn
from server.jam.phrase import NOTES_KEPT
from server.jam.phrase_tempo import tempo_of
from server.jam.replanning import PLACING_CONTROLS, RECOMPOSING_CONTROLS, TURN_CONTROLS
from server.jam.turn_planner import BeatSpan, TurnPlanner
from server.jam.voices import Voices

JamState = Literal["listening", "waiting", "answering"]

# What is due sooner is played as it is planned: there is no time to think of another.
AS_PLANNED_MS = 5.0
# Keys that go down within so long are one chord, and one onset.
CHORD_MS = 30.0

CHANNELS = 16


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message and the beat it was due at, which is never later than the beat it is handed out at."""

    message: Message
    beat: float


@dataclass(frozen=True, slots=True)
class TimelineRequest:
    """What the jam would have of whoever keeps the time: that a bar begins at this beat, and that this be the tempo.

    `begins` where it is the first bar of turns.
    """

    downbeat: float
    tempo_bpm: float | None = None
    starts_turns: bool = False


class Jam:
    """Listens to a player, and plays as its mode says."""

    def __init__(
        self,
        improvisers: Mapping[Approach, Improviser],
        settings: Settings,
        random_seed: int,
        timeline: Timeline | None = None,
    ) -> None:
        self.settings = settings
        self.timeline_request: TimelineRequest | None = None
        """What it would have of the timeline; whoever keeps the time takes it away."""
        self._form = TurnPlanner(timeline or Timeline.start(settings.tempo))
        self._random_seed = random_seed
        self._answers = 0
        self._hearing = ModelFeed(improvisers)
        self._ear = InputState()
        self._novelty = self._ear.novelty_limit(settings.novelty)
        self._answer: Answer | None = None
        self._has_begun = False  # the answer, and the phrase that it answers is over
        self._is_stale = False  # the answer that waits, as something was heard or changed since it was planned
        self._feels_at: float | None = None  # the beat in a rest at which to feel the tempo of the phrase
        self._is_to_feel = False
        self._voices = Voices()
        self._out: list[TimedMessage] = []
        self._beat = self._floor_beats = -math.inf

    @property
    def state(self) -> JamState:
        """Listening to a phrase or to nothing, waiting to answer it, or answering."""
        if self._answer is None:
            return "listening"
        return "answering" if self._is_answering else "waiting"

    @property
    def turn(self) -> Turn | None:
        """Where turns are taken and bars go by, the present one."""
        return self._form.turn(self.settings, self._beat)

    @property
    def plan(self) -> tuple[Note, ...]:
        """The notes of the answer that have not sounded, as far as they are composed."""
        return self._answer.plan if self._answer else ()

    @property
    def from_memory(self) -> tuple[float, ...]:
        """How much of each note of the plan came from memory, from 0 to 1."""
        return self._answer.from_memory if self._answer else ()

    @property
    def memories(self) -> dict[Approach, Memory]:
        """What the models remember of this jam."""
        return self._hearing.memories

    def receive(self, message: Message, beat: float) -> None:
        """What the player did at `beat`."""
        self._pass(beat)
        if isinstance(message, NoteOn):
            self._press(message.pitch, message.velocity, beat)
        elif not self._ear.handle_release(message, beat):
            return
        self._feels_at, self._is_to_feel = self._form.tempo_detection_beat(self.settings, self._ear.phrase), False
        self._prepare()

    def change(self, control: str, value: Value, beat: float) -> None:
        """A control has a new value, as its row has read it; replans what has not sounded."""
        self._pass(beat)
        before, self.settings = self.settings, self.settings.with_value(control, value)
        if self.settings == before:
            return
        if control == "offset_ms":
            self._floor_beats = self._beat
        if control in PLACING_CONTROLS:
            self._place()
        if control == "novelty":
            self._novelty = self._ear.novelty_limit(self.settings.novelty)
        if control in TURN_CONTROLS:
            self._form.restart_turns()
            self._count_in(self._beat, by_player=False)
            self._keep_to_form()
            self._is_stale = True
        elif self._is_answering and self._answer:
            if self.settings.approach in RECOMPOSING_CONTROLS.get(control, ()):
                self._replan(self._answer, control)
        else:
            self._is_stale |= control in RECOMPOSING_CONTROLS
        self._prepare()

    def act(self, action: str, beat: float) -> None:
        """An action was asked for: `respond`, `stop`, `panic` or `forget`; others are none of the jam's."""
        if action not in {"respond", "stop", "panic", "forget"}:
            return
        self._pass(beat)
        if action == "forget":
            self._forget()
            return
        self._end_answer()
        if action == "respond":
            self._ear.phrase.finish(beat)
            self._plan(self._form.span_on_request(self.settings, beat, self._ear.phrase_to_answer))
            return
        self._ear.drop_phrase(with_keys=action == "panic")
        self._form.on_stop()
        if action == "panic":
            for channel in range(CHANNELS):
                for controller in (ALL_NOTES_OFF, ALL_SOUND_OFF):
                    self._out.append(TimedMessage(ControlChange(controller, 0, channel), beat))
        self._prepare()

    def set_timeline(self, timeline: Timeline, beat: float, transport: Transport = "free") -> None:
        """Time goes otherwise from here on: another tempo, other bars, a song that starts or stops."""
        self._pass(beat)
        before, self._form.timeline = self._form.timeline, timeline
        was, self._form.transport = self._form.transport, transport
        if timeline.tempo_bpm != before.tempo_bpm and self.settings.offset_ms:
            self._floor_beats = self._beat
        self._count_in(self._beat, by_player=False)
        after = self._form.timeline
        if self._answer is None:
            self._prepare()
        if was == transport and (after.downbeat, after.meter) == (before.downbeat, before.meter):
            return
        self._place()
        self._form.restart_turns()
        if was != transport == "stopped":
            self._end_answer()
            self._ear.drop_phrase()
        self._keep_to_form()
        self._fall_in((after.downbeat - before.downbeat) % 1.0)
        self._prepare()

    def replace_improvisers(self, improvisers: Mapping[Approach, Improviser]) -> None:
        """New models take over, from the next answer on; they are told what was played lately."""
        # The answer that is under way is still the old model's, which must have heard the phrase before it composes.
        self._hearing.replace_improvisers(
            improvisers, self._answer.improviser if self._answer and self._is_answering else None
        )
        if self._answer and self._is_answering and math.isinf(self._answer.span.until_beats):
            self._replan(self._answer, "approach")  # an answer without end has no next one
        self._is_stale = True
        self._prepare()

    def advance(self, beat: float) -> list[TimedMessage]:
        """Every message due up to `beat`, in order; at equal beats what ends comes before what begins."""
        self._pass(beat)
        due, self._out = self._out, []
        while True:
            end_beats = self._voices.next_end
            note = self._answer.next_note if self._answer else None
            if end_beats is not None and self._due(end_beats) <= beat and not (note and note.onset_beats < end_beats):
                due.append(TimedMessage(self._voices.end_next(), self._due(end_beats)))
            elif note and self._answer and self._due(note.onset_beats) <= beat:
                due.extend(self._sound(self._answer))
            else:
                break
        if self._feels_at is not None and self._feels_at <= beat:
            self._feels_at, self._is_to_feel = None, True
        if self._is_spent:
            self._end_answer()
            self._prepare()
        return due

    def wake_at(self) -> float | None:
        """The next beat at which `advance` has something to do; None where only the player can bring that about."""
        if self._out or self._is_spent:
            return self._beat
        answer = self._answer
        note = answer.next_note if answer else None
        # One that came to nothing is over when it would have begun, and not before.
        begins = answer.span.start_beats if answer and answer.is_over and not self._is_answering else None
        ahead = (self._voices.next_end, note.onset_beats if note else None, begins)
        beats = [self._due(at) for at in ahead if at is not None]
        return min(beats if self._feels_at is None else [*beats, max(self._feels_at, self._beat)], default=None)

    @property
    def has_work(self) -> bool:
        """Whether there is work for `think`."""
        return self._hearing.has_pending or self._is_to_feel or (self._answer is not None and self._answer.has_work)

    def do_work(self) -> None:
        """One small piece of the models' work: a note to hear, or one to compose."""
        # In this order: an answer is composed from what was heard, so it begins once all has been.
        if self._hearing.has_pending:
            self._hearing.feed_next()
        elif self._is_to_feel:
            self._is_to_feel = False
            self._feel_tempo()
        elif self._answer is not None:
            self._answer.do_work()

    @property
    def _is_answering(self) -> bool:
        # Once it has begun it goes on, though an offset or a tempo that was changed would have it begin later.
        return self._answer is not None and (self._has_begun or self._due(self._answer.span.start_beats) <= self._beat)

    @property
    def _is_spent(self) -> bool:
        """Whether all of the answer has sounded, and ended."""
        if self._answer is None or not self._answer.is_over:
            return False
        return self._is_answering and self._voices.next_end is None

    @property
    def _replanned_from(self) -> float:
        """What is meant for this beat or one before it is played as it is planned."""
        return self._beat + self._beats(AS_PLANNED_MS - self.settings.offset_ms)

    def _beats(self, ms: float) -> float:
        return ms / 1000 * self._form.timeline.tempo_bpm / 60

    def _due(self, beat: float) -> float:
        """When what is meant for a beat is played: never before it was planned, or an offset changed that would have it so."""
        return max(beat + self._beats(self.settings.offset_ms), self._floor_beats)

    def _pass(self, beat: float) -> None:
        """Time goes on; once an answer is due, the phrase that it answers is over."""
        self._beat = max(self._beat, beat)
        if self._answer and not self._has_begun and self._is_answering:
            self._has_begun = True
            self._form.on_answer_begun(self._answer.span, self.settings)
            self._ear.end_phrase()

    def _press(self, pitch: int, velocity: int, beat: float) -> None:
        self._form.on_player_note()
        self._count_in(beat, by_player=True)
        answer = self._answer if self._is_answering else None
        if answer and self._form.should_yield(self.settings, beat - self._due(answer.span.start_beats)):
            self._end_answer()
            answer = None
        if MODES[self.settings.mode].occasion == "always" and self._ear.has_rested(self.settings.answer_after, beat):
            self._ear.end_phrase()
            self._novelty = self._ear.novelty_limit(self.settings.novelty)
        note, begins_phrase = self._ear.press(pitch, velocity, beat, self._beats(CHORD_MS))
        self._hearing.add(note, heard_by=answer.improviser if answer else None, begins_phrase=begins_phrase)
        if answer:
            if begins_phrase:
                self._hearing.forget_phrase_start(answer.improviser)
            answer.velocities = self._ear.phrase_to_answer.velocities
            answer.add_heard_note(note, self._taste(answer.span), self._replanned_from)
        self._is_stale = True

    def _feel_tempo(self) -> None:
        """The phrase is over: if it was played in a tempo of its own, it was another phrase than was heard so far."""
        phrase = self._ear.phrase
        if self._is_answering or len(phrase.notes) == NOTES_KEPT:
            return
        felt = tempo_of(phrase, self._form.timeline, self._beat)
        if felt is None:
            return
        phrase.stretch(felt.stretch, self._beat)
        self._hearing.replace_phrase(tuple(phrase.notes))
        self.timeline_request = TimelineRequest(felt.downbeat, felt.tempo_bpm)
        self._is_stale = True

    def _forget(self) -> None:
        """All that was played is forgotten, and what has not sounded is composed without it."""
        self._hearing.forget()
        self._ear.forget_phrases()
        if self._answer:
            self._answer.improviser.forget()  # of a pack that plays its last answer
        if self._answer and self._is_answering:
            self._hearing.add_missed(self._answer.improviser, self._answer.take_unheard_notes())
            self._replan(self._answer, as_planned=False)
        else:
            self._is_stale = True
            self._prepare()

    def _count_in(self, beat: float, *, by_player: bool) -> None:
        if self._form.count_in(self.settings, beat, by_player=by_player):
            self.timeline_request = TimelineRequest(self._form.timeline.downbeat, starts_turns=True)
            self._place()

    def _place(self) -> None:
        """What is planned lies in another groove, or in other bars."""
        if self._answer:
            self._answer.set_groove(groove_from(self.settings), self._form.timeline, self._beat)

    def _keep_to_form(self) -> None:
        """An answer that is under way goes on as far as it has a place in the mode and the bars as they are now."""
        if not (self._answer and self._is_answering):
            return
        answer = self._answer
        span = self._form.span_after_change(self.settings, self._beat, answer.span, self._ear.phrase_to_answer)
        if span is None:
            self._end_answer()
        else:
            self._form.on_answer_begun(span, self.settings)
            if span != answer.span:
                self._replan(answer, until_beats=span.until_beats)

    def _fall_in(self, later_beats: float) -> None:
        """One that plays on and on, and began before the song did, waits for the song's beats; another is over soon."""
        answer = self._answer
        if not (answer and self._is_answering and math.isinf(answer.span.until_beats)):
            return
        if LINE_TOLERANCE_BEATS < later_beats < 1.0 - LINE_TOLERANCE_BEATS:
            self._replan(answer, later_beats=later_beats)

    def _replan(
        self,
        answer: Answer,
        control: str = "",
        until_beats: float | None = None,
        *,
        as_planned: bool = True,
        later_beats: float = 0.0,
    ) -> None:
        """What has not sounded is composed anew, for whatever reason; but `as_planned` what is due at once."""
        # A pack that was seated meanwhile takes over with the next answer, unless another approach is asked for.
        improviser = self._hearing[self.settings.approach] if control == "approach" else answer.improviser
        from_beats = self._replanned_from if as_planned else -math.inf
        if improviser is not answer.improviser:
            missed = answer.take_unheard_notes()
            self._hearing.add_missed(answer.improviser, missed)
            if missed:  # what is due now would take it from them again
                from_beats = -math.inf
        if control == "answer_length" and MODES[self.settings.mode].occasion in {"rest", "asked"}:
            length_beats = self._form.length_beats(self.settings, self._ear.phrase_to_answer)
            until_beats = max(answer.span.start_beats + length_beats, self._beat)
        until_beats = answer.span.until_beats if until_beats is None else until_beats
        taste = self._taste(BeatSpan(answer.span.start_beats, until_beats))
        answer.replan(improviser, until_beats, taste, from_beats, later_beats)

    def _prepare(self) -> None:
        """Plans the answer that is next if all goes on as it does, or none."""
        if self._is_answering:
            return
        waiting = self._answer.span if self._answer else None
        span = self._form.next_span(self.settings, self._beat, self._ear.phrase, waiting)
        if span is None:
            self._answer = None
        elif self._is_stale or span != waiting:
            self._plan(span)

    def _plan(self, span: BeatSpan) -> None:
        self._answers += 1
        self._has_begun = self._is_stale = False
        self._floor_beats = min(self._beat, span.start_beats)
        self._novelty = self._ear.novelty_limit(self.settings.novelty)
        self._answer = Answer(
            self._hearing[self.settings.approach],
            span,
            self._taste(span),
            Random(f"{self._random_seed} {self._answers}"),
            self._ear.phrase_to_answer.velocities,
            groove_from(self.settings),
            self._form.timeline,
        )

    def _taste(self, span: BeatSpan) -> SamplingSettings:
        return sampling_settings_for(
            self.settings, span, self._ear.phrase_to_answer.notes, self._ear.key, self._novelty
        )

    def _sound(self, answer: Answer) -> list[TimedMessage]:
        """The next planned note sounds: its messages, and all improvisers know of it."""
        sounded = answer.take_next_note()
        self._hearing.add(sounded.as_planned, heard_by=sounded.improviser, learn=self.settings.learn_from == "both")
        note, settings = sounded.as_played, self.settings
        if settings.velocity != VELOCITY_OF_PLAYER:
            note = replace(note, velocity=settings.velocity)
        beat = self._due(note.onset_beats)
        messages = self._voices.start_note(note, settings.transpose, settings.channel - 1, settings.max_polyphony)
        return [TimedMessage(message, beat) for message in messages]

    def _end_answer(self) -> None:
        """Drops what has not sounded and ends what sounds."""
        if self._is_answering:
            self._form.on_answer_ended(self._beat)
            if self._ear.has_rested(self.settings.answer_after, self._beat):
                self._ear.end_phrase()  # played under the answer, and over
        if self._answer:
            self._hearing.add_missed(self._answer.improviser, self._answer.take_unheard_notes())
        self._answer = None
        # Now, not at the beat of a key that was read late: no note may end before it began.
        self._out.extend(TimedMessage(message, self._beat) for message in self._voices.end_all())
