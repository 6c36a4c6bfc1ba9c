"""The jam in real time: turns the seconds of its input into beats, and the beats of its output into seconds.

It joins the jam, the conductor, the output port and the feed. It has no thread and never waits: the music thread calls
it whenever something has come in or is due. It takes the time from the same clock.

A port that can schedule wants each message some milliseconds before it is due (`lead_s`). Then everything is done that
far ahead of the clock: all that is due up to `lead_s` from now is sent, and counts as played.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TypeGuard

from bridge.errors import BadMidi, PortLost
from bridge.fault_counter import FaultCounter
from bridge.midi.messages import ControlChange, NoteOff, NoteOn, parse
from bridge.midi.ports import InputPort, OutputPort
from bridge.timing.clock import Clock
from bridge.timing.clock_messages import is_clock_message
from bridge.timing.link_clock import LinkMoment
from bridge.timing.timeline import Timeline
from model.approach import Approach
from model.harmony.chart import NO_CHART, Chart
from model.improvising.improviser import Improviser
from server.controls.control_table import BY_NAME, Value
from server.jam.jam import Jam
from server.music.conductor import Conductor
from server.music.feed import ActionRequested, Feed, MessagePlayed, MessageReceived, SettingChanged
from server.music.message_sender import ALL_CHANNELS, MessageSender
from server.music.packs.model_replacement import ModelReplacement
from server.music.status_publisher import StatusPublisher

logger = logging.getLogger("fours.jam.chords")

LATENESSES_KEPT = 4096


class LiveJam:
    """Runs a jam against a clock, one step at a time. For the music thread only, unless a method says otherwise.

    `start` comes first and `release_all` last. In between the thread calls a method for each thing that comes in, and
    after each of them, and at `wake_at_s`, `advance`. While `has_work`, it also calls `do_work`, one piece at a time.
    After an error of any of them it calls `recover`. All seconds are those of the clock.
    """

    def __init__(
        self,
        jam: Jam,
        output: OutputPort,
        clock: Clock,
        feed: Feed,
        faults: FaultCounter,
        on_control_changed: Callable[[str, Value], None],
        on_remark: Callable[[str, str], None],
    ) -> None:
        """Nothing else may use the jam. Errors are counted in `faults`.

        `on_control_changed` is called when the music itself changes a control: a tempo that was tapped or detected.
        `on_remark` is called with a control and a sentence where what it asks for is heard, but cannot be used.
        """
        self.jam = jam
        self._output = output
        self._clock = clock
        self._feed = feed
        self._faults = faults
        self._on_control_changed = on_control_changed
        self._on_remark = on_remark
        self._lead_s = output.lead_s
        self._conductor = Conductor(jam.settings, self.now_s())
        self._sender = MessageSender(output, clock, self.count_fault)
        self._replacement = ModelReplacement()
        self._status = StatusPublisher(jam, self._conductor, feed)
        self._jam_timeline, self._transport = self.timeline, self._conductor.transport
        self._is_input_lost = False
        self.lateness_s: deque[float] = deque(maxlen=LATENESSES_KEPT)
        """How many seconds after its due time each of the latest messages was handed to the port."""

    @property
    def timeline(self) -> Timeline:
        """The timeline in force."""
        return self._conductor.timeline

    @property
    def clock_errors_s(self) -> deque[float]:
        """How many seconds later than our beat the latest ticks of the clock that leads came."""
        return self._conductor.clock_errors_s

    @property
    def has_work(self) -> bool:
        """Whether there is work for `do_work`."""
        return self.jam.has_work

    @property
    def next_repeat_s(self) -> float | None:
        """When `repeat_releases` has something to do next; None where it has nothing."""
        return self._sender.next_repeat_s

    @property
    def is_doubtful(self) -> bool:
        """Whether messages that ended notes lately may be lost on their way."""
        return self._sender.is_doubtful

    def now_s(self) -> float:
        """The time up to which all messages have been sent; a change takes effect from there on."""
        return self._clock.now_s() + self._lead_s

    def is_within(self, due_s: float | None, seconds: float) -> TypeGuard[float]:
        """Whether `due_s` is within this many seconds from now, and not already past."""
        return due_s is not None and 0.0 < due_s - self.now_s() <= seconds

    def wake_at_s(self) -> float | None:
        """The next second at which `advance` has something to do, even if nothing comes in; None where there is none."""
        wake_beat = self.jam.wake_at()
        seconds = (None if wake_beat is None else self.timeline.seconds_at(wake_beat), self._conductor.wake_at_s())
        return min((at_s for at_s in seconds if at_s is not None), default=None)

    def start(self) -> None:
        """Begins: gives the jam its timeline, and ends what may sound on the port."""
        self._update_jam_timeline()
        self.publish_status()
        # An earlier process may have been killed while its notes sounded on this port.
        self.release_all(ALL_CHANNELS)

    def advance(self) -> None:
        """Sends all that is due, and brings everything up to the present second."""
        self._check_output()
        self._advance_clock()
        self._advance_jam()
        self.repeat_releases(self._clock.now_s())
        self._replacement.replace_when_quiet(
            self.jam, self._clock.now_s(), lambda seconds: self.is_within(self.wake_at_s(), seconds)
        )

    def do_work(self) -> None:
        """Does one piece of model work."""
        self.jam.do_work()

    def publish_status(self) -> None:
        """Puts the status and the timeline into the feed, where they have changed."""
        self._status.publish(
            self._clock.now_s(), is_input_lost=self._is_input_lost, is_output_lost=self._sender.is_lost
        )

    def receive(self, data: bytes, at_s: float) -> None:
        """Takes the bytes of a message that arrived at `at_s`: MIDI clock, or a message of the player's. Drops echoes."""
        if not is_clock_message(data):
            self._receive_from_player(data, at_s, may_be_echo=True)
        elif not self._sender.is_echo(data, at_s):
            self._conductor.receive(data, at_s, self.now_s())
            self._update_jam_timeline()

    def on_input_dates_shifted(self, by_s: float) -> None:
        """From now on all dates of the input are `by_s` later."""
        self._conductor.move_midi_dates(by_s)

    def use_input(self, port: InputPort) -> None:
        """Follows ticks by what the port from which they come says of their dates: `InputPort.tick_side`."""
        self._conductor.set_tick_side(port.tick_side)

    def receive_from_page(self, data: bytes, at_s: float) -> None:
        """Takes the bytes of a message of the player's, from a keyboard to which no output can loop back."""
        self._receive_from_player(data, at_s, may_be_echo=False)

    def release_input(self) -> None:
        """Releases every key and pedal that the player holds."""
        now_s = self._clock.now_s()
        beat = self.timeline.beat_at(now_s)
        for message in self.jam.input_releases:
            self.jam.receive(message, beat)
            self._feed.put(MessageReceived(message, now_s, beat))

    def on_input_changed(self, *, is_lost: bool) -> None:
        """The input is lost or back; all that is held on a lost input is released."""
        self._is_input_lost = is_lost
        if is_lost:
            self.release_input()

    def on_output_lost(self) -> None:
        """The output was lost; it may be back already, and what was sent meanwhile never arrived."""
        if not self._sender.is_lost:
            self._sender.is_lost = True
            self._follow_output()

    def change(self, control: str, value: Value) -> None:
        """Sets a control."""
        now_s = self.now_s()
        self._conductor.change(control, value, now_s)
        self._update_jam_timeline()
        self._change_jam(control, value, now_s)

    def set_chart(self, chart: Chart | None) -> None:
        """Sets the chart, None for none. In the feed it is a control's value: the whole chart as text, so that a take keeps it."""
        now_s = self.now_s()
        beat = self.timeline.beat_at(now_s)
        self.jam.set_chart(chart, beat)
        self._feed.put(SettingChanged("chart", NO_CHART if chart is None else chart.as_text(), now_s, beat))

    def act(self, action: str, at_s: float) -> None:
        """Does an action that was requested at `at_s`."""
        self._feed.put(ActionRequested(action, at_s, self.timeline.beat_at(at_s)))
        if action == "tap":
            self._adopt_tempo(self._conductor.tap(at_s, at_s + self._lead_s))
        else:
            self.jam.act(action, self.timeline.beat_at(at_s + self._lead_s))
        if action in {"stop", "panic"}:
            self._conductor.stop(at_s + self._lead_s)
            self._advance_jam()
            self.release_all(ALL_CHANNELS if action == "panic" else ())

    def follow_link(self, moment: LinkMoment) -> None:
        """Takes the present moment of Link's session."""
        # What is due sounds one latency later, and must then be on the beat of the others in the session.
        moment = replace(moment, at_s=moment.at_s - self._output.latency_s)
        self._conductor.follow_link(moment, self.now_s())
        self._update_jam_timeline()

    def send_control_change(self, message: ControlChange) -> None:
        """Sends a message to a controller; while the output is lost it is dropped."""
        if not self._sender.is_lost:
            self._sender.send(message)

    def replace_improvisers(self, improvisers: Mapping[Approach, Improviser], heard_count: int, at_s: float) -> None:
        """Replaces the models once that makes no note late; requested at `at_s`. See `Jam.replace_improvisers`."""
        self._replacement.request(improvisers, heard_count, at_s)

    def release_all(self, channels: Collection[int] = ()) -> None:
        """Ends every note that sounds, on the port and in the feed, and all on `channels`."""
        if self._sender.is_lost:
            return
        self._record_note_offs()
        self._sender.release_all(channels)

    def repeat_releases(self, at_s: float) -> None:
        """Sends again, where it is time by `at_s`, what ended notes a little while ago: see `Ledger`."""
        repeat_s = self._sender.next_repeat_s
        if repeat_s is not None and repeat_s <= at_s:
            releases = self.jam.input_releases
            held_pitches = {message.pitch for message in releases if isinstance(message, NoteOff)}
            holds_pedal = any(isinstance(message, ControlChange) for message in releases)
            self._sender.repeat_releases(at_s, held_pitches, holds_pedal=holds_pedal)

    def end_notes_from_outside(self) -> bool:
        """See `MessageSender`. For another thread, while the music thread hangs."""
        return self._sender.end_notes_from_outside()

    def recover(self) -> None:
        """After an error: ends what sounds, and the jam listens again. Raises nothing."""
        try:
            self._check_output()
            self.jam.act("stop", self._now_beat())
            self.jam.advance(self._now_beat())
        except Exception as error:  # noqa: BLE001  no error ends the music thread
            self._faults.count(error)
        self.release_all()

    def count_fault(self, error: Exception) -> None:
        """Counts an error, unless it is one that the port reports itself: its loss, while a message was being sent."""
        if not (isinstance(error, PortLost) and self._output.is_lost):
            self._faults.count(error)

    def _receive_from_player(self, data: bytes, at_s: float, *, may_be_echo: bool) -> None:
        try:
            message = parse(data)
        except BadMidi as error:
            self._faults.count(error)
            return
        # Note-ons only: a note-off that is an echo releases a key that is not held, which changes nothing, but
        # a note-off of the player's that was taken for an echo would leave the phrase open forever.
        if not (may_be_echo and isinstance(message, NoteOn) and self._sender.is_echo(data, at_s)):
            beat = self.timeline.beat_at(at_s)
            self.jam.receive(message, beat)
            self._feed.put(MessageReceived(message, at_s, beat))
            for sentence in self.jam.take_chord_remarks():
                logger.warning("%s", sentence)
                self._on_remark("chords_from", sentence)

    def _check_output(self) -> None:
        if self._sender.check_port():
            self._follow_output()

    def _follow_output(self) -> None:
        """The output was lost, or is back."""
        if self._sender.is_lost:
            # The ledger still counts these as sounding; in the take they end here.
            self._record_note_offs()
        else:
            # A port may have been gone for a while before that was noticed: what was sent meanwhile never arrived.
            self._sender.release_after_loss()
        self.jam.mute(self._now_beat(), is_muted=self._sender.is_lost)

    def _advance_jam(self) -> None:
        messages = self.jam.advance(self._now_beat())
        if self._sender.is_lost:
            # An answer was requested, or the band started, though nobody can hear it: it ends here.
            if any(isinstance(timed.message, NoteOn) for timed in messages):
                self.jam.mute(self._now_beat(), is_muted=True)
            return
        for timed in messages:
            due_s = self.timeline.seconds_at(timed.beat)
            self.lateness_s.append(max(0.0, self._clock.now_s() - due_s))
            self._sender.send_at(timed.message, due_s)
            # A late message sounds when it is sent, any other when it is due.
            self._feed.put(MessagePlayed(timed.message, max(due_s, self._clock.now_s()), timed.beat, timed.is_band))

    def _advance_clock(self) -> None:
        """Sends the clock messages that are due, notices a lost clock, and grants the jam's request if there is one."""
        now_s = self.now_s()
        for due in self._conductor.advance(now_s):
            if not self._sender.is_lost:
                self._sender.send_clock(due.data, self.timeline.seconds_at(due.beat))
        if self.timeline is not self._jam_timeline or self._conductor.transport != self._transport:
            self._update_jam_timeline()
        request = self.jam.take_timeline_request()
        if request is not None:
            self._adopt_tempo(self._conductor.grant(request, now_s))

    def _adopt_tempo(self, tempo_bpm: float | None) -> None:
        """The conductor's timeline has changed; a tempo that came from playing becomes the control's value."""
        self._update_jam_timeline()
        if tempo_bpm is not None:
            value = BY_NAME["tempo"].read(tempo_bpm)
            self._change_jam("tempo", value, self.now_s())
            self._on_control_changed("tempo", value)

    def _update_jam_timeline(self) -> None:
        """Gives the jam the timeline and the transport in force."""
        self._jam_timeline, self._transport = self.timeline, self._conductor.transport
        self.jam.set_timeline(self._jam_timeline, self._now_beat(), self._transport)

    def _change_jam(self, control: str, value: Value, at_s: float) -> None:
        beat = self.timeline.beat_at(at_s)
        self.jam.change(control, value, beat)
        if control != "chart":  # `set_chart` has put it
            self._feed.put(SettingChanged(control, value, at_s, beat))

    def _record_note_offs(self) -> None:
        now_s = self._clock.now_s()
        beat = self.timeline.beat_at(now_s)
        for message in self._sender.pending_note_offs:
            self._feed.put(MessagePlayed(message, now_s, beat))

    def _now_beat(self) -> float:
        return self.timeline.beat_at(self.now_s())
