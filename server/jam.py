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

from bridge.messages import ControlChange, Message, NoteOff, NoteOn
from bridge.timeline import Timeline
from model.approach import APPROACHES, Approach
from model.improviser import Improviser, Taste
from model.key import KeyFinder
from model.notes import Note
from server.answer import Answer, Span
from server.controls import FOLLOW, Settings, Value
from server.hearing import Hearing
from server.modes import MODES, Mode, Turn, Turns
from server.phrase import Phrase
from server.taste import groove_of, taste_for
from server.voices import Voices

State = Literal["listening", "waiting", "answering"]
Transport = Literal["free", "stopped", "rolling"]
"""Whose beat it is: nobody's who could stop it, or that of a song that stands or runs."""

# An answer to nothing (`respond` before any phrase) has no phrase to be as long as.
UNASKED_BEATS = 8.0
# As long as the phrase, but no shorter than a gesture and no longer than eight bars of four.
SHORTEST_ANSWER_BEATS, LONGEST_ANSWER_BEATS = 2.0, 32.0
# Hands leave the keys a little late: so much past a beat is not another beat, and so much into a turn is not over it.
LATE_HANDS_BEATS = 0.25
# However short an answer is asked for, it is a note.
SHORTEST_ASKED_BEATS = 0.25
# A partner that learns of its turn so late still takes it.
LATE_START_BEATS = 0.25
# What is due sooner is played as it is planned: there is no time to think of another.
AS_PLANNED_MS = 5.0
# Keys that go down within so long are one chord, and one onset.
CHORD_MS = 30.0

# Which approaches a control's change replans: the notes that have not sounded follow it.
REPLANS: Mapping[str, tuple[Approach, ...]] = {
    "approach": APPROACHES,
    "temperature": APPROACHES,
    "top_p": APPROACHES,
    "answer_length": APPROACHES,
    "key": APPROACHES,
    "low": APPROACHES,
    "high": APPROACHES,
    "transpose": APPROACHES,
    "step": ("pitch",),
    "rhythm": ("pitch",),
    "time_scale": ("event",),
    "max_polyphony": ("event",),
}
# Which only move what is planned.
PLACES = ("quantize", "swing", "gate")

SUSTAIN_PEDAL, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123
PEDAL_DOWN = 64
CHANNELS = 16


@dataclass(frozen=True, slots=True)
class Timed:
    """A message and the beat it was due at, which is never later than the beat it is handed out at."""

    message: Message
    beat: float


@dataclass(frozen=True, slots=True)
class Wish:
    """What the jam would have of whoever keeps the time: that the first bar begins at this beat."""

    downbeat: float


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
        self.wish: Wish | None = None
        """What it would have of the timeline; whoever follows it takes it away."""
        self._timeline = timeline or Timeline.start(settings.tempo)
        self._transport: Transport = "free"
        self._random_seed = random_seed
        self._answers = 0
        self._hearing = Hearing(improvisers)
        self._key = KeyFinder()
        self._phrase = Phrase()
        self._answered = Phrase()  # the last phrase that was answered, which another `respond` answers again
        self._chord_beat = -math.inf
        self._answer: Answer | None = None
        self._has_begun = False  # the answer, and the phrase that it answers is over
        self._is_stale = False  # the answer that waits, as something was heard or changed since it was planned
        self._ended_beats = -math.inf  # when the last answer did
        self._counts_bars = False  # in turns without anybody's clock: whether the first bar is known
        self._passed_beats = -math.inf  # until then it has given up its turn
        self._is_silenced = False  # until the player plays again
        self._voices = Voices()
        self._out: list[Timed] = []
        self._beat = self._floor_beats = -math.inf

    @property
    def state(self) -> State:
        """Listening to a phrase or to nothing, waiting to answer it, or answering."""
        if self._answer is None:
            return "listening"
        return "answering" if self._is_answering else "waiting"

    @property
    def turn(self) -> Turn | None:
        """Where turns are taken, the present one."""
        return self._turns.at(self._beat, self._timeline) if self._mode.occasion == "turn" and self._has_bars else None

    def receive(self, message: Message, beat: float) -> None:
        """What the player did at `beat`."""
        self._pass(beat)
        match message:
            case NoteOn(pitch, velocity):
                self._press(pitch, velocity, beat)
            case NoteOff(pitch):
                note = self._phrase.release(pitch, beat)
                if note is not None:
                    self._key.hear(pitch, note.duration_beats, note.onset_beats)
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
        if control == "offset_ms":
            self._floor_beats = self._beat
        if control in PLACES and self._answer:
            self._answer.place(groove_of(self.settings), self._timeline, self._beat)
        if control in {"mode", "turn_bars", "begins"}:
            self._change_mode()
        elif self._answer and self._is_answering:
            if self.settings.approach in REPLANS.get(control, ()):
                self._replan(self._answer, control)
        else:
            self._is_stale = True
            self._prepare()

    def act(self, action: str, beat: float) -> None:
        """An action was asked for: `respond`, `stop` or `panic`; others are none of the jam's."""
        self._pass(beat)
        if action not in {"respond", "stop", "panic"}:
            return
        self._end_answer()
        if action == "respond":
            self._phrase.finish(beat)
            self._is_silenced = False
            self._plan(self._span_asked(beat))
            return
        self._phrase = self._phrase.next()
        self._is_silenced = True
        self._counts_bars = False
        if action == "panic":
            self._phrase = Phrase()  # whatever keys are thought to be held, as of a keyboard that was unplugged
            for channel in range(CHANNELS):
                for controller in (ALL_NOTES_OFF, ALL_SOUND_OFF):
                    self._out.append(Timed(ControlChange(controller, 0, channel), beat))
        self._prepare()

    def follow(self, timeline: Timeline, beat: float, transport: Transport = "free") -> None:
        """Time goes otherwise from here on: another tempo, other bars, a song that starts or stops."""
        self._pass(beat)
        before, self._timeline = self._timeline, timeline
        started_or_stopped, self._transport = transport != self._transport, transport
        if timeline.tempo_bpm != before.tempo_bpm and self.settings.offset_ms:
            self._floor_beats = self._beat
        if (timeline.downbeat, timeline.meter) != (before.downbeat, before.meter):
            if self._answer:
                self._answer.place(groove_of(self.settings), timeline, self._beat)
            self._leave_turn()
        elif not started_or_stopped:
            return
        if started_or_stopped and transport == "stopped":
            self._end_answer()
            self._phrase = self._phrase.next()
        if transport == "free" and self._mode.occasion == "turn" and self.settings.begins == "partner":
            self._count_in(self._beat)
        self._prepare()

    def seat(self, improvisers: Mapping[Approach, Improviser]) -> None:
        """New models take over, from the next answer on; they are told what was played lately."""
        # The answer that is under way is still the old model's, which must have heard the phrase before it composes.
        self._hearing.seat(improvisers, self._answer.improviser if self._answer and self._is_answering else None)
        self._is_stale = True
        self._prepare()

    def advance(self, beat: float) -> list[Timed]:
        """Every message due up to `beat`, in order; at equal beats what ends comes before what begins."""
        self._pass(beat)
        due, self._out = self._out, []
        while True:
            end_beats = self._voices.next_end
            note = self._answer.next_note if self._answer else None
            if end_beats is not None and self._due(end_beats) <= beat and not (note and note.onset_beats < end_beats):
                due.append(Timed(self._voices.end_next(), self._due(end_beats)))
            elif note and self._answer and self._due(note.onset_beats) <= beat:
                due.extend(self._sound(self._answer))
            else:
                break
        if self._is_spent:
            self._end_answer()
            self._prepare()
        return due

    def wake_at(self) -> float | None:
        """The next beat at which `advance` has something to do; None where only the player can bring that about."""
        if self._out or self._is_spent:
            return self._beat
        note = self._answer.next_note if self._answer else None
        beats = [self._voices.next_end, note.onset_beats if note else None]
        return min((self._due(beat) for beat in beats if beat is not None), default=None)

    @property
    def thinking(self) -> bool:
        """Whether there is work for `think`."""
        return self._hearing.waiting or (self._answer is not None and self._answer.thinking)

    def think(self) -> None:
        """One small piece of the models' work: a note to hear, or one to compose."""
        # In this order: an answer is composed from what was heard, so it begins once all has been.
        if self._hearing.waiting:
            self._hearing.hear_one()
        elif self._answer is not None:
            self._answer.think()

    @property
    def plan(self) -> tuple[Note, ...]:
        """The notes of the answer that have not sounded, as far as they are composed."""
        return self._answer.plan if self._answer else ()

    @property
    def _mode(self) -> Mode:
        return MODES[self.settings.mode]

    @property
    def _turns(self) -> Turns:
        return Turns(self.settings.turn_bars, self.settings.begins)

    @property
    def _has_bars(self) -> bool:
        """Whether it is known where the bars lie, and they go by."""
        return self._transport == "rolling" or (self._transport == "free" and self._counts_bars)

    @property
    def _is_answering(self) -> bool:
        return self._answer is not None and self._due(self._answer.span.start_beats) <= self._beat

    @property
    def _is_spent(self) -> bool:
        """Whether all of the answer has sounded, and ended."""
        return self._answer is not None and self._answer.is_over and self._voices.next_end is None

    def _beats(self, ms: float) -> float:
        return ms / 1000 * self._timeline.tempo_bpm / 60

    def _due(self, beat: float) -> float:
        """When what is meant for a beat is played: never before it was planned, or an offset changed that would have it so."""
        return max(beat + self._beats(self.settings.offset_ms), self._floor_beats)

    def _pass(self, beat: float) -> None:
        """Time goes on; once an answer is due, the phrase that it answers is over."""
        self._beat = max(self._beat, beat)
        if self._answer and not self._has_begun and self._is_answering:
            self._has_begun = True
            if self._mode.occasion == "turn":
                self._passed_beats = self._answer.span.until_beats  # one answer a turn
            if self._phrase.notes:
                self._answered, self._phrase = self._phrase, self._phrase.next()

    def _press(self, pitch: int, velocity: int, beat: float) -> None:
        if not 0.0 <= beat - self._chord_beat <= self._beats(CHORD_MS):
            self._chord_beat = beat
        onset_beats = self._chord_beat
        if self._transport == "free" and self._mode.occasion == "turn":
            self._count_in(onset_beats)
        goes_on = self._is_answering and not self._yields(beat)
        if not goes_on:
            self._end_answer()
        self._is_silenced = False
        self._is_stale = True
        begins_phrase = not self._phrase.notes
        self._phrase.press(pitch, velocity, onset_beats)
        note = Note(pitch, onset_beats, 0.0, velocity)
        answering = self._answer.improviser if goes_on and self._answer else None
        self._hearing.add(note, heard_by=answering, begins_phrase=begins_phrase)
        if goes_on and self._answer:
            self._answer.hear(note, self._replanned_from)

    def _yields(self, beat: float) -> bool:
        """Whether a key that goes down during an answer ends it."""
        if self._mode.occasion == "always" or self.settings.over == "overlap" or not self._answer:
            return False
        return self._mode.occasion != "turn" or beat - self._due(self._answer.span.start_beats) > LATE_HANDS_BEATS

    def _count_in(self, beat: float) -> None:
        """Without anybody's clock: the player's first note begins the first bar, or the partner does after a bar that is counted."""
        if self._counts_bars:
            return
        self._counts_bars = True
        self._passed_beats = -math.inf
        if self.settings.begins == "partner":
            beat = self._timeline.beat_line_at_or_after(beat) + self._timeline.meter.beats_per_bar
        self._timeline = self._timeline.with_downbeat(beat)
        self.wish = Wish(beat)

    def _change_mode(self) -> None:
        """Another mode: an answer goes on as far as it has a place there."""
        self._passed_beats = -math.inf
        answer = self._answer if self._is_answering else None
        match self._mode.occasion:
            case "always" if answer:
                self._replan(answer, until_beats=math.inf)
            case "rest" | "asked" if answer and answer.span.until_beats == math.inf:
                self._replan(answer, until_beats=self._beat + self._length_beats())
            case "turn":
                if self._transport == "free" and self.settings.begins == "partner":
                    self._count_in(self._beat)
                self._leave_turn()
            case _:
                pass
        self._is_stale = True
        self._prepare()

    def _leave_turn(self) -> None:
        """Where turns are taken: an answer goes on to the end of the turn if that is the partner's, and else it ends."""
        answer, turn = self._answer, self.turn
        if self._mode.occasion != "turn" or answer is None:
            return
        if self._is_answering and turn and turn.side == "partner":
            self._replan(answer, until_beats=turn.end_beats)
            self._passed_beats = turn.end_beats
        else:
            self._passed_beats = -math.inf
            self._end_answer(gives_up=False)

    def _replan(self, answer: Answer, control: str = "", until_beats: float | None = None) -> None:
        """What has not sounded is composed anew, for whatever reason."""
        # A pack that was seated meanwhile takes over with the next answer, unless another approach is asked for.
        improviser = self._hearing[self.settings.approach] if control == "approach" else answer.improviser
        from_beats = self._replanned_from
        if improviser is not answer.improviser:
            missed = answer.take_unheard()
            self._hearing.add_for(answer.improviser, missed)
            if missed:
                from_beats = -math.inf
        if control == "answer_length" and self._mode.occasion in {"rest", "asked"}:
            until_beats = answer.span.start_beats + self._length_beats()
        until_beats = answer.span.until_beats if until_beats is None else until_beats
        span = Span(answer.span.start_beats, until_beats)
        answer.replan(improviser, until_beats, self._taste(span), from_beats)

    @property
    def _replanned_from(self) -> float:
        """What is meant for this beat or one before it is played as it is planned."""
        return self._beat + self._beats(AS_PLANNED_MS - self.settings.offset_ms)

    def _prepare(self) -> None:
        """Plans the answer that is next if all goes on as it does, or none."""
        if self._is_answering:
            return
        span = self._next_span()
        if span is None:
            self._answer = None
        elif self._answer is None or self._is_stale or self._answer.span != span:
            self._plan(span)

    def _next_span(self) -> Span | None:
        """When it plays next, as its mode has it; None where that is not known yet."""
        match self._mode.occasion:
            case "rest":
                return self._span_after_rest()
            case "turn" if self._has_bars:
                turn = self._turns.next_of_partner(
                    max(self._beat - LATE_START_BEATS, self._passed_beats), self._timeline
                )
                return Span(max(turn.start_beats, self._beat), turn.end_beats)
            case "always" if not self._is_silenced and self._transport != "stopped" and self._beat > -math.inf:
                waits = self._answer.span.start_beats if self._answer else -math.inf
                return Span(max(waits, self._timeline.beat_line_at_or_after(self._beat)))
            case _:
                return None

    def _span_after_rest(self) -> Span | None:
        silent_since = self._phrase.silent_since
        if silent_since is None:
            return None
        due_beats = silent_since + self.settings.answer_after
        if due_beats < self._ended_beats:  # played under the last answer, and over before it
            return None
        # Where the wait was made shorter than the silence already is, the answer is due now, not in the past.
        due_beats = max(due_beats, self._beat)
        if math.isinf(due_beats):
            return None
        match self.settings.start:
            case "beat":
                due_beats = self._timeline.beat_line_at_or_after(due_beats)
            case "bar":
                due_beats = self._timeline.bar_line_at_or_after(due_beats)
            case "now":
                pass
        return Span(due_beats, due_beats + self._length_beats())

    def _span_asked(self, beat: float) -> Span:
        """From now on; in turns until the partner's own, if that comes sooner."""
        if self._mode.occasion == "always":
            return Span(beat)
        until_beats = beat + self._length_beats()
        if self._mode.occasion == "turn" and self._has_bars:
            turn = self._turns.at(beat, self._timeline)
            until_beats = turn.end_beats if turn.side == "partner" else min(until_beats, turn.end_beats)
        return Span(beat, until_beats)

    def _plan(self, span: Span) -> None:
        self._answers += 1
        self._has_begun = self._is_stale = False
        self._floor_beats = self._beat
        self._answer = Answer(
            self._hearing[self.settings.approach],
            span,
            self._taste(span),
            Random(f"{self._random_seed} {self._answers}"),
            self._phrase_to_answer.velocities,
            groove_of(self.settings),
            self._timeline,
        )

    @property
    def _phrase_to_answer(self) -> Phrase:
        return self._phrase if self._phrase.notes else self._answered

    def _taste(self, span: Span) -> Taste:
        return taste_for(self.settings, span, self._phrase_to_answer.notes, self._key.key)

    def _length_beats(self) -> float:
        """How long an answer is to be: as asked for, or as the phrase, to the next whole beat or bar."""
        asked_beats = self.settings.answer_length
        if asked_beats:
            return max(asked_beats, SHORTEST_ASKED_BEATS)
        phrase = self._phrase_to_answer
        if not phrase.notes:
            return UNASKED_BEATS
        unit_beats = self._timeline.meter.beats_per_bar if self.settings.start == "bar" else 1.0
        units = math.ceil((phrase.length_beats - LATE_HANDS_BEATS) / unit_beats)
        return min(max(units * unit_beats, SHORTEST_ANSWER_BEATS), LONGEST_ANSWER_BEATS)

    def _sound(self, answer: Answer) -> list[Timed]:
        """The next planned note sounds: its messages, and all improvisers know of it."""
        sounded = answer.sound()
        self._hearing.add(sounded.meant, heard_by=sounded.by)
        note, settings = sounded.heard, self.settings
        if settings.velocity != FOLLOW:
            note = replace(note, velocity=settings.velocity)
        beat = self._due(note.onset_beats)
        messages = self._voices.begin(note, settings.transpose, settings.channel - 1, settings.max_polyphony)
        return [Timed(message, beat) for message in messages]

    def _end_answer(self, *, gives_up: bool = True) -> None:
        """Drops what has not sounded and ends what sounds; in turns, this one is given up."""
        had_begun = self._is_answering
        answer, self._answer = self._answer, None
        if answer is not None:
            self._hearing.add_for(answer.improviser, answer.take_unheard())
            if had_begun:
                self._ended_beats = self._beat
                if gives_up and self._mode.occasion == "turn":
                    self._passed_beats = max(self._passed_beats, answer.span.until_beats)
        # Now, not at the beat of a key that was read late: no note may end before it began.
        self._out.extend(Timed(message, self._beat) for message in self._voices.end_all())
