"""Plans the present answer, replans it after changes, and drops it at its end; knows no clock.

`Jam` decides what happens; this class carries it out on the answer. All beats are quarter notes on the jam's timeline.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from random import Random

from bridge.midi.messages import NoteOn
from bridge.timing.timeline import LINE_TOLERANCE_BEATS
from model.analysis.bars import Bars, bars_of
from model.approach import Approach
from model.harmony.changes import Changes
from model.improvising.improviser import Improviser
from model.improvising.sampling_settings import SamplingSettings
from model.phrasing.touch import HeardPhrase, Touch, learn_touch
from server.controls.control_table import Settings, Value
from server.jam.answering.answer import Answer, PlayedNote
from server.jam.answering.answer_pedal import pedal_period_beats
from server.jam.answering.answer_settings import AnswerContext, first_onset_beats, sampling_settings_for
from server.jam.answering.groove import Groove
from server.jam.answering.rendition import Rendition, TouchAmounts
from server.jam.answering.touch_remarks import TouchRemarks
from server.jam.control_effects import PLACING_CONTROLS, RECOMPOSING_CONTROLS, TURN_CONTROLS
from server.jam.jam_output import JamState
from server.jam.listening.input_state import InputState
from server.jam.model_feed import ModelFeed
from server.jam.turns.modes import OCCASIONS
from server.jam.turns.turn_planner import BeatSpan, TurnPlanner

# A note that is due sooner than this is played as it is planned: there is no time to compose another.
AS_PLANNED_MS = 5.0
# In an answer without an end, a new pack's notes start this much later, so that it has time to compose the first ones.
TAKE_OVER_MS = 100.0
# A note that would be later than this is left out: the machine was suspended, or so busy that nothing ran.
LATEST_NOTE_MS = 100.0
# Keys that go down within this time are one chord, and have one onset.
CHORD_MS = 30.0


class AnswerPlanner:
    """Holds at most one answer: none, one that waits for its beat, or one that plays."""

    def __init__(
        self, settings: Settings, random_seed: int, turns: TurnPlanner, models: ModelFeed, input_state: InputState
    ) -> None:
        self.settings = settings
        self.answer: Answer | None = None
        self.now_beat = -math.inf
        """The latest beat so far."""
        self._turns = turns
        self._models = models
        self._input = input_state
        self._random_seed = random_seed
        self._touch_remarks = TouchRemarks()
        self._planned_count = 0
        self._novelty = input_state.novelty_limit(settings.novelty)
        self._changes: Changes | None = None
        self._has_begun = False  # the answer has begun, so the phrase that it answers is over
        self._is_outdated = False  # something was played or changed since the waiting answer was planned
        self._earliest_due_beat = -math.inf

    @property
    def playing(self) -> Answer | None:
        """The answer, once its first beat is due."""
        answer = self.answer
        # An answer that has begun goes on, even where a new offset or tempo would make it begin later.
        if answer is None or self._has_begun or self.due_beat(answer.span.start_beats) <= self.now_beat:
            return answer
        return None

    @property
    def state(self) -> JamState:
        """Whether the jam listens, waits to play an answer, or plays one."""
        if self.answer is None:
            return "listening"
        return "waiting" if self.playing is None else "answering"

    def beats_in(self, ms: float) -> float:
        """How many beats this number of milliseconds has, at the present tempo."""
        return ms / 1000 * self._turns.timeline.tempo_bpm / 60

    def due_beat(self, beat: float) -> float:
        """The beat at which a note planned for `beat` is played: moved by the offset control.

        It is never before the answer was planned, nor before the offset was last changed.
        """
        return max(beat + self.beats_in(self.settings.offset_ms), self._earliest_due_beat)

    def on_offset_changed(self) -> None:
        """To be called when the offset, or its length in beats, changes: no note becomes due in the past by it."""
        self._earliest_due_beat = self.now_beat

    def pass_time(self, beat: float) -> None:
        """Goes on to `beat`, if that is later; once the answer is due, the phrase that it answers is over."""
        self.now_beat = max(self.now_beat, beat)
        answer = self.playing
        if answer is not None and not self._has_begun:
            self._has_begun = True
            self._turns.on_answer_begun(answer.span, self.settings)
            self._input.end_phrase()

    def plan_next(self) -> None:
        """Plans the answer that comes next if nothing else happens, if there is one; does nothing while one plays."""
        if self.playing is not None:
            return
        waiting = self.answer.span if self.answer else None
        span = self._turns.next_span(self.settings, self.now_beat, self._input.phrase, waiting)
        if span is None:
            self.answer = None
        elif self._is_outdated or span != waiting:
            self.plan(span)

    def plan(self, span: BeatSpan) -> None:
        """Plans a new answer within `span`; it replaces the present one, if there is one."""
        self._planned_count += 1
        self._has_begun = self._is_outdated = False
        self._earliest_due_beat = min(self.now_beat, span.start_beats)
        self._novelty = self._input.novelty_limit(self.settings.novelty)
        self.answer = Answer(
            self._models[self.settings.approach],
            span,
            self._sampling(span),
            Random(f"{self._random_seed} {self._planned_count}"),
            self._rendition(span),
            TouchAmounts.from_settings(self.settings),
            Groove.from_settings(self.settings),
            self._turns.timeline,
            first_onset_beats(self.settings, span, self._context()),
        )

    def drop_answer(self, ended_beat: float | None = None) -> None:
        """Drops the answer, if there is one; the player's notes that only its improviser has missed will be heard.

        It ended at `ended_beat`, by default now. A key of the player's that was read late ended it when it went down:
        the phrase that it begins is answered, even if all of it was played before now.
        """
        if self.playing is not None:
            self._turns.on_answer_ended(self.now_beat if ended_beat is None else ended_beat)
            if self._input.has_rested(self.settings.answer_after, self.now_beat):
                self._input.end_phrase()  # the phrase was played during the answer, and is over
        if self.answer is not None:
            self._models.add_missed(self.answer.improviser, self.answer.take_unheard_notes(), self.answer.bars)
        self.answer = None

    def take_next_note(self, answer: Answer) -> PlayedNote:
        """The answer's next note sounds: takes it off the plan, and queues it for the other models to hear."""
        played = answer.take_next_note()
        learn = self.settings.learn_from == "both"
        self._models.add(
            played.as_planned,
            answer.bars,
            heard_by=played.improviser,
            learn=learn,
            transpose=self.settings.transpose,
        )
        return played

    def drop_late_notes(self, answer: Answer) -> bool:
        """Drops the notes that should have started too long ago; returns whether there were any.

        If the plan is then empty, the answer goes on later by the whole beats that were missed.
        """
        earliest_beat = self.now_beat - self.beats_in(LATEST_NOTE_MS)
        note = answer.next_note
        if note is None or self.due_beat(note.onset_beats) >= earliest_beat:
            return False
        answer.drop_late_notes(lambda note: self.due_beat(note.onset_beats) < earliest_beat)
        if answer.next_note is None and answer.is_composing:
            missed_beats = self.now_beat - answer.next_beats - self.beats_in(self.settings.offset_ms)
            self._replan(answer, keeps_imminent=False, later_beats=float(max(math.ceil(missed_beats), 0)))
        return True

    def add_player_note(self, message: NoteOn, beat: float) -> None:
        """The player plays a note: all models will hear it, and an answer that still plays goes on from it."""
        answer = self.playing
        if OCCASIONS[self.settings.mode] == "always" and self._input.has_rested(self.settings.answer_after, beat):
            self._input.end_phrase()
            self._novelty = self._input.novelty_limit(self.settings.novelty)
        note, begins_phrase = self._input.press(
            message.pitch, message.velocity, beat, self.beats_in(CHORD_MS), message.channel
        )
        bars = self._turns.bars_from(self._input.phrase_to_answer.first_beat)
        self._models.add(note, bars, heard_by=answer.improviser if answer else None, begins_phrase=begins_phrase)
        if answer is not None:
            if begins_phrase:
                self._models.forget_phrase_start(answer.improviser)
            context, span = cache(self._context), answer.span
            answer.add_heard_note(
                note,
                self._turns.bars_from(span.start_beats),
                lambda: self._sampling(span, context()),
                lambda: self._rendition(span, context()),
                self._as_planned_until_beat(),
            )
        self._is_outdated = True

    def replace_phrase(self) -> None:
        """The models hear the present phrase again, as its beats have changed; a waiting answer to it is outdated."""
        phrase = self._input.phrase
        self._models.replace_phrase(tuple(phrase.notes), self._turns.bars_from(phrase.first_beat))
        self._is_outdated = True

    def change_setting(self, control: str, value: Value) -> bool:
        """Sets a control, with its effects by `control_effects`; False where the value is the same as before.

        After one of the `TURN_CONTROLS` the caller also has to adapt turns and call `fit_to_turns`.
        """
        before, self.settings = self.settings, self.settings.with_value(control, value)
        if self.settings == before:
            return False
        if control == "offset_ms":
            self.on_offset_changed()
        if control == "novelty":
            self._novelty = self._input.novelty_limit(self.settings.novelty)
        if control in PLACING_CONTROLS:
            self.place()
        if control == "feel_from" and self.answer is not None:
            self.answer.set_touch(TouchAmounts.from_settings(self.settings), self._rendition(self.answer.span))
        if control in TURN_CONTROLS:
            self._is_outdated = True
        elif (answer := self.playing) is not None:
            if self.settings.approach in RECOMPOSING_CONTROLS.get(control, ()):
                self._replan(answer, control)
        else:
            self._is_outdated |= control in RECOMPOSING_CONTROLS
        return True

    def set_changes(self, changes: Changes | None) -> None:
        """The chords are others than before: what has not sounded is composed again over them."""
        self._changes = self._models.changes = changes
        if (answer := self.playing) is not None:
            self._replan(answer, "harmony")
        else:
            self._is_outdated = True
            self.plan_next()

    def count_in(self, beat: float, *, by_player: bool) -> None:
        """Begins the first bar of the turns at `beat` where no clock gives one: see `TurnPlanner.count_in`."""
        if self._turns.count_in(self.settings, beat, by_player=by_player):
            self.place()

    def place(self) -> None:
        """Places the planned notes in the groove and the bars as they are now."""
        if self.answer is not None:
            self.answer.set_touch(TouchAmounts.from_settings(self.settings))
            self.answer.set_groove(Groove.from_settings(self.settings), self._turns.timeline, self.now_beat)

    def fit_to_turns(self) -> bool:
        """Shortens or extends a playing answer to the mode and the turns as they are now; False where it must end."""
        answer = self.playing
        if answer is None:
            return True
        phrase = self._input.phrase_to_answer
        span = self._turns.span_after_change(self.settings, self.now_beat, answer.span, phrase)
        if span is None:
            return False
        self._turns.on_answer_begun(span, self.settings)
        if span != answer.span:
            self._replan(answer, until_beats=span.until_beats)
        return True

    def shift_to_beats(self, later_beats: float) -> None:
        """Moves an endless answer later, by less than a beat, so that it falls on the beats of a song that starts.

        Any other answer stays as it is: it ends soon.
        """
        answer = self.playing
        if answer is None or not math.isinf(answer.span.until_beats):
            return
        if LINE_TOLERANCE_BEATS < later_beats < 1.0 - LINE_TOLERANCE_BEATS:
            self._replan(answer, later_beats=later_beats)

    def forget(self) -> None:
        """Forgets all that was played; what has not sounded is composed again without it."""
        self._models.forget()
        self._input.forget_phrases()
        if self.answer is not None:
            self.answer.improviser.forget()  # it may belong to an earlier pack, which plays its last answer
        if (answer := self.playing) is not None:
            self._models.add_missed(answer.improviser, answer.take_unheard_notes(), answer.bars)
            self._replan(answer, keeps_imminent=False)
        else:
            self._is_outdated = True
            self.plan_next()

    def replace_improvisers(self, improvisers: Mapping[Approach, Improviser], heard_count: int = 0) -> None:
        """Replaces the models from the next answer on; in an answer without an end, which has no next one, after a moment."""
        answer = self.playing
        # The present answer still belongs to the old model, which must have heard the phrase before it composes.
        self._models.replace_improvisers(improvisers, answer.improviser if answer else None, heard_count)
        if answer is not None and math.isinf(answer.span.until_beats):
            answer.take_unheard_notes()  # the new models get them with the latest notes
            self._replan(answer, "approach", as_planned_ms=TAKE_OVER_MS)
        self._is_outdated = True
        self.plan_next()

    def _as_planned_until_beat(self, as_planned_ms: float = AS_PLANNED_MS) -> float:
        """Notes that are planned for this beat or an earlier one are played as they are planned."""
        return self.now_beat + self.beats_in(as_planned_ms - self.settings.offset_ms)

    def _replan(
        self,
        answer: Answer,
        control: str = "",
        until_beats: float | None = None,
        *,
        keeps_imminent: bool = True,
        as_planned_ms: float = AS_PLANNED_MS,
        later_beats: float = 0.0,
    ) -> None:
        """Composes again what has not sounded; with `keeps_imminent`, except notes that are due within `as_planned_ms`.

        `control` is the one that has changed, if one has; the end stays unless `until_beats` is given.
        """
        # A pack that was loaded meanwhile takes over with the next answer, unless the approach has changed.
        improviser = self._models[self.settings.approach] if control == "approach" else answer.improviser
        from_beats = self._as_planned_until_beat(as_planned_ms) if keeps_imminent else -math.inf
        if improviser is not answer.improviser:
            missed = answer.take_unheard_notes()
            self._models.add_missed(answer.improviser, missed, answer.bars)
            # Playing the imminent notes would restore their snapshots, which lack the missed notes.
            if missed:
                from_beats = -math.inf
        if control == "answer_length" and OCCASIONS[self.settings.mode] in {"rest", "request"}:
            length_beats = self._turns.length_beats(self.settings, self._input.phrase_to_answer)
            until_beats = max(answer.span.start_beats + length_beats, self.now_beat)
        until_beats = answer.span.until_beats if until_beats is None else until_beats
        sampling = self._sampling(BeatSpan(answer.span.start_beats, until_beats))
        answer.replan(improviser, until_beats, sampling, from_beats, later_beats)

    @property
    def pedal_period_beats(self) -> float | None:
        """How often the answer's pedal is changed; None where the player does not pedal, or their touch is not wanted."""
        if self.settings.touch == 0.0 or self.settings.feel_from != "player":
            return None
        phrase = self._input.phrase_to_answer
        return pedal_period_beats(phrase.pedal_spans, phrase.length_beats)

    def _sampling(self, span: BeatSpan, context: AnswerContext | None = None) -> SamplingSettings:
        sampling = sampling_settings_for(self.settings, span, context or self._context())
        return replace(sampling, bars=self._turns.bars_from(span.start_beats))

    def _context(self) -> AnswerContext:
        phrase, bars = self._input.phrase_to_answer.notes, self._bars
        return AnswerContext(
            phrase,
            self._input.key,
            self._novelty,
            bars,
            bars_of(phrase, bars),
            self._models[self.settings.approach].phrasing,
            self._random_seed + self._planned_count,
            self._changes,
            self._input.key_probabilities,
        )

    @property
    def _bars(self) -> Bars:
        timeline = self._turns.timeline
        return Bars.of_meter(timeline.meter.numerator, timeline.meter.denominator, timeline.downbeat)

    def _rendition(self, span: BeatSpan, context: AnswerContext | None = None) -> Rendition:
        """How an answer within `span` is played, as the phrases up to now were; learnt when its first note is composed."""
        from_player = self.settings.feel_from == "player"
        context = context or self._context()
        phrases = self._input.touch_phrases or (tuple(context.phrase),)

        def learn() -> Touch:
            heard = [HeardPhrase(notes, bars_of(notes, context.bars)) for notes in phrases]
            if from_player:
                self._touch_remarks.say_about(heard[-1])
            return learn_touch(heard, context.phrasing.touch, from_player=from_player)

        has_bars = context.phrase_bars is not None
        return Rendition(learn, context.answer_bars(span.start_beats) if has_bars else None, span)
