"""The jam itself, without I/O: messages and beats go in, messages with beats come out. It has no thread and no clock.

The live music thread, the offline export and the tests drive this same object; they differ only in where beats come
from. Model work (hearing a note, composing the next one) waits in a queue and is done by `do_work`, one note at a
time: a note that is due, or a key that goes down, waits for the few network steps of one note at most.
"""

from collections.abc import Mapping
from heapq import merge

from bridge.midi.messages import Message
from bridge.timing.clock_messages import Transport
from bridge.timing.timeline import Timeline
from model.approach import Approach
from model.harmony.chart import Chart
from model.improvising.improviser import Improviser
from model.memory.memory import Memory
from model.notes import Note
from server.controls.control_table import Settings, Value
from server.jam.accompaniment import Accompaniment
from server.jam.answering.answer_planner import LATEST_NOTE_MS, AnswerPlanner
from server.jam.answering.answer_player import AnswerPlayer
from server.jam.control_effects import TURN_CONTROLS
from server.jam.jam_output import JamStatus, TimedMessage
from server.jam.listening.input_state import InputState
from server.jam.model_feed import ModelFeed
from server.jam.player_input import PlayerInput
from server.jam.turns.turn_planner import TimelineRequest, TurnPlanner


class Jam:
    """Listens to a player, and plays as its mode says.

    All methods must be called from one thread. None blocks, and only `do_work` runs the networks. A beat is a quarter
    note on the jam's timeline. Beats should not go back from call to call; where one does (a key that is read late),
    the jam reacts at the latest beat so far.

    A driver calls `receive`, `change`, `act` and `set_timeline` as things happen, `advance` at the beat that `wake_at`
    returns, and `do_work` while `has_work` is true and there is time. After `advance` it takes the jam's request for
    another timeline (`take_timeline_request`), if there is one. Nothing is raised but what a model raises, from whichever
    method called it; `act("stop", beat)` then brings the jam back to listening.
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

        `improvisers` has one for each approach that `settings` may have. Without a `timeline`, the jam starts one at the tempo of
        `settings`. `counts_bars`: the bars of the timeline are those of the music, as those of a file are.
        """
        self._turns = TurnPlanner(timeline or Timeline.start(settings.tempo), counts_bars=counts_bars)
        self._models = ModelFeed(improvisers)
        self._input = InputState()
        self._answers = AnswerPlanner(settings, random_seed, self._turns, self._models, self._input)
        self._answer_player = AnswerPlayer(self._answers)
        self._player_input = PlayerInput(self._input, self._turns, self._answers, self._answer_player)
        self._accompaniment = Accompaniment(random_seed, self._answers.set_changes)

    @property
    def settings(self) -> Settings:
        """The present values of all controls; `change` changes them."""
        return self._answers.settings

    @property
    def status(self) -> JamStatus:
        """What the jam is doing, as one value: what is published of the jam is a field of it."""
        answer, accompaniment = self._answers.answer, self._accompaniment
        return JamStatus(
            self._answers.state,
            self._turns.turn(self.settings, self._now_beat),
            answer.plan if answer else (),
            answer.from_memory if answer else (),
            accompaniment.changes,
            accompaniment.band_plan,
        )

    @property
    def memories(self) -> dict[Approach, Memory]:
        """What the models remember of this jam, by approach; an approach without a memory is left out."""
        return self._models.memories

    def receive(self, message: Message, beat: float) -> None:
        """Takes a message that the player played at `beat`; messages that do not concern the jam are ignored."""
        self._answers.pass_time(beat)
        if self._accompaniment.is_of_chords(message, self.settings):
            self._accompaniment.receive(message, beat, self._turns.timeline, self.settings)
        else:
            self._player_input.receive(message, beat)

    def take_chord_remarks(self) -> list[str]:
        """What is to be said to the player about the chords that were heard since the last call, each sentence once in a jam."""
        return self._accompaniment.take_remarks()

    def take_timeline_request(self) -> TimelineRequest | None:
        """The change of the timeline that the jam has requested since the last call, if it has.

        The timeline's owner calls `set_timeline` if it grants the request.
        """
        request, self._turns.timeline_request = self._turns.timeline_request, None
        return request

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
        self._accompaniment.on_change(control, self._now_beat, self._turns.timeline, self.settings)
        if control in TURN_CONTROLS:
            self._turns.restart_turns()
            self._answers.count_in(self._now_beat, by_player=False)
            self._answer_player.fit_to_turns()
        self._answers.plan_next()

    def set_chart(self, chart: Chart | None, beat: float) -> None:
        """From `beat` on the jam plays over this chart, over none where it is None; what has not sounded is planned again."""
        self._answers.pass_time(beat)
        self._accompaniment.set_chart(chart, self._now_beat, self._turns.timeline, self.settings)

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
        self._answer_player.end_answer()
        if action == "respond":
            self._input.phrase.finish(beat)
            phrase = self._input.phrase_to_answer
            self._answers.plan(self._turns.span_on_request(self.settings, beat, phrase))
            return
        self._input.drop_phrase(with_keys=True)
        self._turns.on_stop()
        self._accompaniment.stop(self._now_beat)
        if action == "panic":
            self._answer_player.silence(beat)
        self._answers.plan_next()

    def mute(self, beat: float, *, is_muted: bool) -> None:
        """From `beat` on the jam cannot be heard, as its output is lost, or can be heard again.

        While it is muted, the answer is ended, no other is planned, and the band rests; the bars, the turns and the form
        go on. After that the jam plays on as the mode says, and a phrase that was played meanwhile is not answered.
        """
        self._answers.pass_time(beat)
        self._turns.is_muted = is_muted
        self._answer_player.end_answer()
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
        self._answers.count_in(self._now_beat, by_player=False)
        new_timeline = self._turns.timeline
        if self._answers.answer is None:
            self._answers.plan_next()
        has_same_bars = (new_timeline.downbeat, new_timeline.meter) == (old_timeline.downbeat, old_timeline.meter)
        self._accompaniment.set_timeline(
            new_timeline, transport, self._now_beat, self.settings, has_same_bars=has_same_bars
        )
        if old_transport == transport and has_same_bars:
            return
        self._answers.place()
        self._turns.restart_turns()
        if old_transport != transport == "stopped":
            self._answer_player.end_answer()
            self._input.drop_phrase()
        self._answer_player.fit_to_turns()
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
        ended = self._answer_player.take_ended()
        due = self._answer_player.advance(beat)
        self._player_input.advance(beat)
        if self._answer_player.has_finished:
            self._answer_player.end_answer()
            self._answers.plan_next()
        latest_beats = self._answers.beats_in(LATEST_NOTE_MS)
        of_band = self._accompaniment.advance(self._now_beat, latest_beats, self._turns.timeline, self.settings)
        if of_band:
            due = list(merge(due, of_band, key=lambda timed: timed.beat))
        return ended + due

    def wake_at(self) -> float | None:
        """The next beat at which `advance` has something to do; None where nothing will happen without the player.

        It changes with every call of any other method, `do_work` included.
        """
        now_beat, answer_beat = self._now_beat, self._answer_player.next_beat
        beats = [] if answer_beat is None else [answer_beat]
        others = (self._player_input.next_beat, self._accompaniment.wake_at(self._turns.timeline))
        beats += [max(beat, now_beat) for beat in others if beat is not None]
        return min(beats, default=None)

    @property
    def has_work(self) -> bool:
        """Whether there is work for `do_work`."""
        answer = self._answers.answer
        if self._models.has_pending or self._player_input.has_work or (answer is not None and answer.has_work):
            return True
        return self._accompaniment.has_work(self._now_beat, self._turns.timeline)

    def do_work(self) -> None:
        """Does one small piece of the models' work: hears one note, or composes one. Without work it does nothing."""
        # In this order: an answer is composed from what was heard, so composing begins once all has been heard.
        if self._models.has_pending:
            self._models.feed_next()
        elif self._player_input.has_work:
            self._player_input.do_work()
        elif self._accompaniment.has_work(self._now_beat, self._turns.timeline):
            self._accompaniment.do_work(self._now_beat, self._turns.timeline, self.settings)
        elif self._answers.answer is not None:
            self._answers.answer.do_work()

    @property
    def _now_beat(self) -> float:
        return self._answers.now_beat

    def _update_accompaniment(self) -> None:
        """Brings chords and band up to now. Where the band begins the form after its count-in, that bar is the first of the turns."""
        accompaniment, beat, settings = self._accompaniment, self._now_beat, self.settings
        accompaniment.hear_phrase(self._input.phrase.notes, beat, self._turns.timeline, settings)
        accompaniment.bring_up_to(beat, self._turns.timeline, settings)
        downbeat, accompaniment.form_start_beats = accompaniment.form_start_beats, None
        if downbeat is not None:
            self._turns.begin_bars(downbeat)
            accompaniment.bring_up_to(beat, self._turns.timeline, settings)
            self._answers.place()
            self._answers.plan_next()
