"""The jam itself, without I/O: messages and beats go in, messages with beats come out. It has no thread and no clock.

The live music thread, the offline export and the tests drive this same object; they differ only in where beats come
from. Model work (hearing a note, composing the next one) waits in a queue and is done by `do_work`, one note at a
time: a note that is due, or a key that goes down, waits for the few network steps of one note at most.
"""

from collections.abc import Mapping
from dataclasses import replace
from heapq import merge

from bridge.midi.messages import ALL_NOTES_OFF, ALL_SOUND_OFF, SUSTAIN_PEDAL, ControlChange, Message, NoteOn
from bridge.timing.clock_messages import Transport
from bridge.timing.timeline import Timeline
from model.approach import Approach
from model.harmony.changes import ChartChanges
from model.harmony.chart import Chart
from model.improvising.improviser import Improviser
from model.memory.memory import Memory
from model.notes import Note
from server.band.band_note import BandNote
from server.controls.control_table import VELOCITY_OF_PLAYER, Settings, Value
from server.jam.accompaniment import Accompaniment
from server.jam.answering.answer import Answer
from server.jam.answering.answer_pedal import AnswerPedal
from server.jam.answering.answer_planner import LATEST_NOTE_MS, AnswerPlanner
from server.jam.control_effects import TURN_CONTROLS
from server.jam.jam_output import JamState, JamStatus, TimedMessage, TimelineRequest
from server.jam.listening.input_state import InputState
from server.jam.listening.phrase import NOTES_KEPT
from server.jam.listening.phrase_tempo import find_phrase_tempo
from server.jam.model_feed import ModelFeed
from server.jam.turns.modes import Turn
from server.jam.turns.turn_planner import TurnPlanner
from server.jam.voices import Voices

MIDI_CHANNELS = 16


class Jam:
    """Listens to a player, and plays as its mode says.

    All methods must be called from one thread. None blocks, and only `do_work` runs the networks. A beat is a quarter
    note on the jam's timeline. Beats should not go back from call to call; where one does (a key that is read late),
    the jam reacts at the latest beat so far.

    A driver calls `receive`, `change`, `act` and `set_timeline` as things happen, `advance` at the beat that `wake_at`
    returns, and `do_work` while `has_work` is true and there is time. It also grants or drops `timeline_request`.
    Nothing is raised but what a model raises, from whichever method called it; `act("stop", beat)` then brings the jam
    back to listening.
    """

    def __init__(
        self,
        improvisers: Mapping[Approach, Improviser],
        settings: Settings,
        random_seed: int,
        timeline: Timeline | None = None,
        *,
        counts_bars: bool = False,
    ) -> None:
        """A jam that listens. The same seed and the same calls give the same messages.

        `improvisers` has one improviser for each approach. Without a `timeline`, the jam starts one at the tempo of
        `settings`. `counts_bars`: the bars of the timeline are those of the music, as those of a file are.
        """
        self.timeline_request: TimelineRequest | None = None
        """A change of the timeline that the jam requests. The timeline's owner resets it to None, and calls
        `set_timeline` if it grants the request."""
        self._turns = TurnPlanner(timeline or Timeline.start(settings.tempo), counts_bars=counts_bars)
        self._models = ModelFeed(improvisers)
        self._input = InputState()
        self._answers = AnswerPlanner(settings, random_seed, self._turns, self._models, self._input)
        self._tempo_detection_beat: float | None = None
        self._must_detect_tempo = False
        self._voices = Voices()
        self._pedal = AnswerPedal()
        self._accompaniment = Accompaniment(random_seed)
        self._outbox: list[TimedMessage] = []
        self.chord_remarks: list[str] = []
        """What is to be said to the player about the chords that were heard; whoever says it empties the list."""

    @property
    def settings(self) -> Settings:
        """The present values of all controls; `change` changes them."""
        return self._answers.settings

    @property
    def status(self) -> JamStatus:
        """What the jam is doing, as one value: what is published of the jam is a field of it."""
        return JamStatus(self.state, self.turn, self.plan, self.from_memory, self.changes, self.band_plan)

    @property
    def state(self) -> JamState:
        """Whether the jam listens, waits to play an answer, or plays one."""
        if self._answers.answer is None:
            return "listening"
        return "waiting" if self._answers.playing is None else "answering"

    @property
    def turn(self) -> Turn | None:
        """The present turn; None in a mode without turns, or where no bars go by."""
        return self._turns.turn(self.settings, self._now_beat)

    @property
    def plan(self) -> tuple[Note, ...]:
        """The composed notes of the answer that have not sounded, as they will sound."""
        return self._answers.answer.plan if self._answers.answer else ()

    @property
    def from_memory(self) -> tuple[float, ...]:
        """For each note of `plan`, how much of it came from memory, from 0 to 1."""
        return self._answers.answer.from_memory if self._answers.answer else ()

    @property
    def changes(self) -> ChartChanges | None:
        """The chords that it knows: of the chart, or those it hears; a new object after each change, None where it knows none."""
        return self._accompaniment.changes

    @property
    def band_plan(self) -> tuple[BandNote, ...]:
        """What the band has arranged last, up to a bar ahead."""
        return self._accompaniment.band_plan

    @property
    def memories(self) -> dict[Approach, Memory]:
        """What the models remember of this jam, by approach; an approach without a memory is left out."""
        return self._models.memories

    def receive(self, message: Message, beat: float) -> None:
        """Takes a message that the player played at `beat`; messages that do not concern the jam are ignored."""
        self._answers.pass_time(beat)
        if self._accompaniment.is_of_chords(message, self.settings):
            self._plan_chords(self._accompaniment.receive(message, beat, self._turns.timeline, self.settings))
            self.chord_remarks += self._accompaniment.take_remarks()
            return
        if isinstance(message, NoteOn):
            self._press(message, beat)
        elif not self._input.handle_release(message, beat):
            return
        self._on_keys_moved()

    @property
    def input_releases(self) -> tuple[Message, ...]:
        """The messages that release every key and pedal that the player holds, for use when the input port is lost."""
        return self._input.releases

    def change(self, control: str, value: Value, beat: float) -> None:
        """Sets a control at `beat`, and plans again what has not sounded where that depends on it.

        `value` must be one that the control's own `read` has returned.
        """
        self._answers.pass_time(beat)
        if not self._answers.change_setting(control, value):
            return
        self._plan_chords(self._accompaniment.on_change(control, self._now_beat, self._turns.timeline, self.settings))
        if control in TURN_CONTROLS:
            self._turns.restart_turns()
            self._count_in(self._now_beat, by_player=False)
            self._fit_answer_to_turns()
        self._answers.plan_next()

    def set_chart(self, chart: Chart | None, beat: float) -> None:
        """From `beat` on the jam plays over this chart, over none where it is None; what has not sounded is planned again."""
        self._answers.pass_time(beat)
        timeline = self._turns.timeline
        self._plan_chords(self._accompaniment.set_chart(chart, self._now_beat, timeline, self.settings))

    def act(self, action: str, beat: float) -> None:
        """Does an action at `beat`: `respond`, `play`, `stop`, `panic` or `forget`; other actions are ignored.

        `respond` begins an answer at once. `play` starts the band from the top of the form, with a count-in. `stop` ends
        the answer and the band, drops the phrase and forgets which keys and pedals are held. `panic` does so too, and ends
        every note on every channel. `forget` clears the models' memories.
        """
        if action not in {"respond", "play", "stop", "panic", "forget"}:
            return
        self._answers.pass_time(beat)
        if action == "play":
            self._accompaniment.play(self._now_beat)
            return
        if action == "forget":
            self._answers.forget()
            return
        self._end_answer()
        if action == "respond":
            self._input.phrase.finish(beat)
            phrase = self._input.phrase_to_answer
            self._answers.plan(self._turns.span_on_request(self.settings, beat, phrase))
            return
        self._input.drop_phrase(with_keys=True)
        self._turns.on_stop()
        self._accompaniment.stop(self._now_beat)
        if action == "panic":
            for channel in range(MIDI_CHANNELS):
                for controller in (SUSTAIN_PEDAL, ALL_NOTES_OFF, ALL_SOUND_OFF):
                    self._outbox.append(TimedMessage(ControlChange(controller, 0, channel), beat))
        self._answers.plan_next()

    def mute(self, beat: float, *, is_muted: bool) -> None:
        """From `beat` on the jam cannot be heard, as its output is lost, or can be heard again.

        While it is muted, the answer is ended, no other is planned, and the band rests; the bars, the turns and the form
        go on. After that the jam plays on as the mode says, and a phrase that was played meanwhile is not answered.
        """
        self._answers.pass_time(beat)
        self._turns.is_muted = is_muted
        self._end_answer()
        self._input.drop_phrase()
        self._accompaniment.mute(self._now_beat, is_muted=is_muted)
        self._answers.plan_next()

    def set_timeline(self, timeline: Timeline, beat: float, transport: Transport = "free") -> None:
        """From `beat` on the jam uses this timeline: another tempo, other bars, or a song that starts or stops.

        `transport` is that of the song that is followed, and `free` where none is. Both timelines must give the present
        second the same beat.
        """
        self._answers.pass_time(beat)
        old_timeline, self._turns.timeline = self._turns.timeline, timeline
        old_transport, self._turns.transport = self._turns.transport, transport
        if timeline.tempo_bpm != old_timeline.tempo_bpm and self.settings.offset_ms:
            self._answers.on_offset_changed()
        self._count_in(self._now_beat, by_player=False)
        new_timeline = self._turns.timeline
        if self._answers.answer is None:
            self._answers.plan_next()
        has_same_bars = (new_timeline.downbeat, new_timeline.meter) == (old_timeline.downbeat, old_timeline.meter)
        self._plan_chords(
            self._accompaniment.set_timeline(
                new_timeline, transport, self._now_beat, self.settings, has_same_bars=has_same_bars
            )
        )
        if old_transport == transport and has_same_bars:
            return
        self._answers.place()
        self._turns.restart_turns()
        if old_transport != transport == "stopped":
            self._end_answer()
            self._input.drop_phrase()
        self._fit_answer_to_turns()
        self._answers.shift_to_beats((new_timeline.downbeat - old_timeline.downbeat) % 1.0)
        self._answers.plan_next()

    @property
    def sounded_notes(self) -> tuple[int, tuple[tuple[Note, bool], ...]]:
        """How many notes have sounded, and the latest of them, each with whether a model should learn it; for new models."""
        return self._models.sounded_notes

    def replace_improvisers(self, improvisers: Mapping[Approach, Improviser], heard_count: int = 0) -> None:
        """New models take over with the next answer, once they have heard the latest notes.

        They may have heard the first `heard_count` notes of all that sounded already. An answer without an end goes
        over to them at the first note that is not due at once. Memories are handed over to models of the same
        vocabulary.
        """
        self._answers.replace_improvisers(improvisers, heard_count)

    def advance(self, beat: float) -> list[TimedMessage]:
        """Every message due up to `beat`, in order of time; at equal beats notes end before notes begin.

        A note that should have started more than `LATEST_NOTE_MS` ago is dropped; messages that end notes never are.
        """
        self._answers.pass_time(beat)
        self._update_accompaniment()
        outbox, self._outbox = self._outbox, []
        due: list[TimedMessage] = []
        while True:
            end_beats = self._voices.next_end
            answer = self._answers.answer
            note = answer.next_note if answer else None
            if (
                end_beats is not None
                and self._answers.due_beat(end_beats) <= beat
                and not (note and note.onset_beats < end_beats)
            ):
                due.append(TimedMessage(self._voices.end_next(), self._answers.due_beat(end_beats)))
            elif note and answer and self._answers.due_beat(note.onset_beats) <= beat:
                if not self._answers.drop_late_notes(answer):
                    due.extend(self._play_next_note(answer))
            else:
                break
        held_since = self._input.phrase.held_since_beat
        if held_since is not None and held_since + self._hold_limit_beats <= beat:
            # Rounding may make the difference slightly smaller than `held_since`, though the sum passed the comparison.
            self._input.expire_holds(max(beat - self._hold_limit_beats, held_since), beat)
            self._on_keys_moved()
        if self._tempo_detection_beat is not None and self._tempo_detection_beat <= beat:
            self._tempo_detection_beat, self._must_detect_tempo = None, True
        if self._has_finished_answer:
            self._end_answer()
            self._answers.plan_next()
        latest_beats = self._answers.beats_in(LATEST_NOTE_MS)
        of_band = self._accompaniment.advance(self._now_beat, latest_beats, self._turns.timeline, self.settings)
        if of_band:
            due = list(merge(due, of_band, key=lambda timed: timed.beat))
        return outbox + due

    def wake_at(self) -> float | None:
        """The next beat at which `advance` has something to do; None where nothing will happen without the player.

        It changes with every call of any other method, `do_work` included.
        """
        if self._outbox or self._has_finished_answer:
            return self._now_beat
        answer = self._answers.answer
        note = answer.next_note if answer else None
        # An answer for which no note was found is over at the beat at which it would have begun, and not before.
        is_empty = answer is not None and answer.is_over and self._answers.playing is None
        upcoming = (
            self._voices.next_end,
            note.onset_beats if note else None,
            answer.span.start_beats if answer and is_empty else None,
        )
        beats = [self._answers.due_beat(beat) for beat in upcoming if beat is not None]
        beats.extend(
            max(beat, self._now_beat)
            for beat in (
                self._tempo_detection_beat,
                self._hold_expiry_beat,
                self._accompaniment.wake_at(self._turns.timeline),
            )
            if beat is not None
        )
        return min(beats, default=None)

    @property
    def has_work(self) -> bool:
        """Whether there is work for `do_work`."""
        answer = self._answers.answer
        if self._models.has_pending or self._must_detect_tempo or (answer is not None and answer.has_work):
            return True
        return self._accompaniment.has_work(self._now_beat, self._turns.timeline)

    def do_work(self) -> None:
        """Does one small piece of the models' work: hears one note, or composes one. Without work it does nothing."""
        # In this order: an answer is composed from what was heard, so composing begins once all has been heard.
        if self._models.has_pending:
            self._models.feed_next()
        elif self._must_detect_tempo:
            self._must_detect_tempo = False
            self._detect_tempo()
        elif self._accompaniment.has_work(self._now_beat, self._turns.timeline):
            self._accompaniment.do_work(self._now_beat, self._turns.timeline, self.settings)
        elif self._answers.answer is not None:
            self._answers.answer.do_work()

    @property
    def _now_beat(self) -> float:
        return self._answers.now_beat

    @property
    def _has_finished_answer(self) -> bool:
        """Whether all notes of the answer have sounded and ended."""
        answer = self._answers.playing
        return answer is not None and answer.is_over and self._voices.next_end is None

    @property
    def _hold_limit_beats(self) -> float:
        return self._answers.beats_in(1000.0 * self.settings.hold_limit_s)

    @property
    def _hold_expiry_beat(self) -> float | None:
        """The beat from which the longest-held key or pedal no longer keeps the phrase open; None where none is held."""
        held_since = self._input.phrase.held_since_beat
        return None if held_since is None else held_since + self._hold_limit_beats

    def _on_keys_moved(self) -> None:
        """Plans the next answer again after a key or pedal has moved, or has been held for too long."""
        self._tempo_detection_beat = self._turns.tempo_detection_beat(self.settings, self._input.phrase)
        self._must_detect_tempo = False
        self._answers.plan_next()

    def _press(self, message: NoteOn, beat: float) -> None:
        self._turns.on_player_note()
        self._count_in(beat, by_player=True)
        answer = self._answers.playing
        if answer is not None:
            since_beats = beat - self._answers.due_beat(answer.span.start_beats)
            if self._turns.goes_on_with_phrase(self.settings, since_beats):
                self._end_answer(beat)
                self._input.resume_phrase()
            elif self._turns.should_yield(self.settings, since_beats):
                self._end_answer(beat)
        self._answers.add_player_note(message, beat)

    def _detect_tempo(self) -> None:
        """After the phrase: where it was played in a tempo of its own, its notes get the beats of that tempo."""
        phrase = self._input.phrase
        if self._answers.playing is not None or len(phrase.notes) == NOTES_KEPT:
            return
        detected = find_phrase_tempo(phrase, self._turns.timeline, self._now_beat)
        if detected is None:
            return
        phrase.stretch(detected.stretch, self._now_beat)
        self._answers.replace_phrase()
        self.timeline_request = TimelineRequest(detected.downbeat, detected.tempo_bpm)

    def _count_in(self, beat: float, *, by_player: bool) -> None:
        if self._turns.count_in(self.settings, beat, by_player=by_player):
            self.timeline_request = TimelineRequest(self._turns.timeline.downbeat, starts_turns=True)
            self._answers.place()

    def _update_accompaniment(self) -> None:
        """Brings chords and band up to now. Where the band begins the form after its count-in, that bar is the first of the turns."""
        accompaniment, beat, settings = self._accompaniment, self._now_beat, self.settings
        accompaniment.hear_phrase(self._input.phrase.notes, beat, self._turns.timeline, settings)
        self._plan_chords(accompaniment.bring_up_to(beat, self._turns.timeline, settings))
        downbeat, accompaniment.form_start_beats = accompaniment.form_start_beats, None
        if downbeat is not None:
            self._turns.begin_bars(downbeat)
            self.timeline_request = TimelineRequest(downbeat, starts_turns=True)
            self._plan_chords(accompaniment.bring_up_to(beat, self._turns.timeline, settings))
            self._answers.place()
            self._answers.plan_next()

    def _plan_chords(self, have_changed: bool) -> None:  # noqa: FBT001  what the accompaniment returns
        """Where the known chords have changed, plans again what has not sounded."""
        if have_changed:
            self._answers.set_changes(self._accompaniment.changes)

    def _fit_answer_to_turns(self) -> None:
        if not self._answers.fit_to_turns():
            self._end_answer()

    def _play_next_note(self, answer: Answer) -> list[TimedMessage]:
        note, settings = self._answers.take_next_note(answer).as_played, self.settings
        if settings.velocity != VELOCITY_OF_PLAYER:
            note = replace(note, velocity=settings.velocity)
        beat = self._answers.due_beat(note.onset_beats)
        channel = settings.channel - 1
        messages = self._voices.start_note(note, settings.transpose, channel, settings.max_polyphony)
        lifted, pressed = self._pedal.changes_at(note.onset_beats, self._answers.pedal_period_beats, channel)
        in_order: list[Message] = [*lifted, *messages, *pressed]
        return [TimedMessage(message, beat) for message in in_order]

    def _end_answer(self, beat: float | None = None) -> None:
        """Drops what has not sounded, and ends what sounds; `beat` is when the player ended the answer, if they did."""
        self._answers.drop_answer(beat)
        # At the present beat, not at that of a key that was read late: no note may end before it began.
        ended: list[Message] = [*self._voices.end_all(), *self._pedal.lift()]
        self._outbox.extend(TimedMessage(message, self._now_beat) for message in ended)
