"""The music thread: runs a jam in real time, from an inbox of messages and commands to an output port.

It knows no music and no OSC. One loop, one inbox: the thread sleeps until a millisecond before the next due time, or
until something comes in. In that last millisecond it spins, as a sleep alone wakes late, and does nothing else: what
comes in then waits for the note. It never waits longer for a model than one piece of model work takes.

A port that can schedule wants each message some milliseconds before it is due (`lead_s`). Then the thread works that far
ahead of the clock: all that is due up to `lead_s` from now is sent, and counts as played. There is no need to spin.
"""

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TypeGuard

from bridge.errors import BadMidi, BridgeError, PortLost
from bridge.fault_counter import FaultCounter
from bridge.midi.echo_guard import ECHO_WINDOW_S, EchoGuard
from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, encode, parse
from bridge.midi.ports import OutputPort
from bridge.timing.clock import Clock
from bridge.timing.link_clock import LinkMoment
from bridge.timing.midi_clock import is_clock_message
from bridge.timing.timeline import Timeline
from model.approach import Approach
from model.improvising.improviser import Improviser
from model.notes import Note
from server.controls.control_table import BY_NAME, Value
from server.jam.jam import Jam
from server.music.conductor import Conductor
from server.music.feed import (
    ActionRequested,
    ControlChanged,
    Feed,
    MessagePlayed,
    MessageReceived,
    StatusChanged,
    TimelineChanged,
)
from server.music.ledger import REPEAT_AFTER_S, Ledger

logger = logging.getLogger("fours.player")

SPIN_S = 0.001
"""So shortly before a note is due nothing else begins, neither model work nor handling input: it would be late."""
MODEL_WORK_S = 0.002
"""So shortly before, no model work begins: it takes longer than a message, and waits for the interpreter twice."""
HOLD_INTERPRETER_S = 0.0004
"""For so long before, no other thread gets the interpreter, as it might keep it for a whole switch interval."""

# How long CPython lets another thread run before the music thread gets its turn; its default, 5 ms, can be heard.
SWITCH_INTERVAL_S = 0.0005
REALTIME_PRIORITY = 20
TAKE_OVER_S = 0.02
"""New models do not take over this shortly before something is due, as handing over memories takes time, unless they have waited
for `LONGEST_WAIT_S`."""
LONGEST_WAIT_S = 1.0
QUIET_POLL_S = 0.002
STOP_TIMEOUT_S = 2.0
ALL_CHANNELS = range(16)
LATENESSES_KEPT = 4096

Command = Callable[[], None]


class MusicThread:
    """Runs a jam against a clock, and is the only thread that touches the jam and the output port.

    `start` is called once and `stop` at the end. In between, the other public methods may be called from any thread:
    they put something into the inbox, return at once and raise nothing, and the music thread carries it out in order.
    Before `start` they may be called too; the thread then begins with what they put.

    No error ends the thread: it is counted in `faults`, the answer stops, all notes end, and the jam listens again.
    All seconds are those of `clock`.
    """

    def __init__(self, jam: Jam, output: OutputPort, clock: Clock) -> None:
        """Until `start` nothing else may use the jam; `output` stays open, and the caller closes it after `stop`."""
        self._jam = jam
        self._output = output
        self._clock = clock
        self._conductor = Conductor(jam.settings, clock.now_s() + output.lead_s)
        self._ledger = Ledger(self._send)
        self._lead_s = output.lead_s
        self._spin_s = 0.0 if self._lead_s else SPIN_S
        # A message leaves one latency after it is due; an echo may take one cycle of the audio system more to come back.
        self._echo = EchoGuard(ECHO_WINDOW_S + self._lead_s + 2 * output.latency_s)
        self._due_s: float | None = None
        """When the message that is being sent is due; None for one that is not planned."""
        self._inbox: SimpleQueue[tuple[Command | bytes | None, float]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="music", daemon=True)
        self.faults = FaultCounter(logger, "music thread")
        """The errors so far, counted by kind."""
        self.feed = Feed()
        """All events of the jam, for subscribers."""
        self._jam_timeline, self._transport = self._timeline, self._conductor.transport
        self._port_lock = threading.Lock()  # the watchdog's, of a thread that hangs; nobody else contends for it
        self._round = 0
        self._is_waiting = True
        self._next_due_s = float("inf")
        self._replacement: tuple[Mapping[Approach, Improviser], int, float] | None = None
        self._is_input_lost = False
        self._is_output_lost = False
        self._must_resume = False  # when the output is back
        self._published_status: StatusChanged | None = None
        self._published_timeline: Timeline | None = None
        self._published_source: tuple[object, ...] = ()
        self.on_control_changed: Callable[[str, Value], None] = lambda _name, _value: None
        """Called on the music thread when the music itself changes a control: a tempo that was tapped or detected."""
        self.lateness_s: deque[float] = deque(maxlen=LATENESSES_KEPT)
        """How many seconds after its due time each of the latest messages was handed to the port."""

    @property
    def timeline(self) -> Timeline:
        """The timeline in force."""
        return self._timeline

    @property
    def progress(self) -> int | None:
        """A number that changes with each round of the loop; None while the thread waits for something to do."""
        return None if self._is_waiting or not self._thread.is_alive() else self._round

    def end_notes_from_outside(self) -> bool:
        """Ends every note that sounds while the thread hangs; False where it hangs in the port itself. For another thread."""
        if not self._port_lock.acquire(blocking=False):
            return False
        try:
            for message in self._ledger.releases:
                self._output.send(encode(message))
        except (BridgeError, RuntimeError):  # the port is lost; or the thread goes on, and changes what sounds
            return False
        finally:
            self._port_lock.release()
        return True

    def start(self) -> None:
        """Starts the thread."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()

    def stop(self) -> None:
        """Ends every note that sounds, then the thread; returns when that is done, or after `STOP_TIMEOUT_S`.

        Does nothing before `start` and after an earlier `stop`.
        """
        if self._thread.is_alive():
            self.request_stop()
            self._thread.join(STOP_TIMEOUT_S)

    def request_stop(self) -> None:
        """Ends every note that sounds, then the thread, and returns at once. A signal handler may call it too."""
        self._inbox.put((None, 0.0))

    def receive_midi(self, data: bytes, at_s: float) -> None:
        """Takes the bytes of a MIDI message that arrived at `at_s`: a note of the player's, or MIDI clock.

        A message that is an echo of the jam's own output is dropped. This is a `Receiver` for an input port.
        """
        self._inbox.put((data, at_s))

    def receive_without_echo(self, data: bytes, at_s: float) -> None:
        """As `receive_midi`, for a keyboard to which no output can loop back: its notes are never echoes."""
        self._enqueue(lambda: self._receive(data, at_s, may_be_echo=False))

    def change(self, control: str, value: Value) -> None:
        """Sets a control; `value` must be one that the control's own `read` has returned."""
        self._enqueue(lambda: self._change(control, value))

    def follow_link(self, moment: LinkMoment) -> None:
        """Takes the present moment of Link's session."""
        self._enqueue(lambda: self._follow_link(moment))

    def act(self, action: str) -> None:
        """Does an action: `tap`, or one of those of `Jam.act`."""
        self._enqueue(lambda: self._act(action, self._clock.now_s()))

    def send_control_change(self, message: ControlChange) -> None:
        """Sends a message to a controller, such as the position of a motor fader. It is not put into the feed."""
        self._enqueue(lambda: None if self._is_output_lost else self._ledger.post(message))

    def on_input_changed(self, *, is_lost: bool) -> None:
        """Notes that the input is lost or back. What the player holds on an input that is lost comes up."""
        self._enqueue(lambda: self._on_input_changed(is_lost=is_lost))

    def on_output_changed(self) -> None:
        """Notes that `is_lost` of the output has changed.

        While it is lost, the jam plays nothing, and its state is `listening` or `waiting`. When it is back, the notes that
        sounded are ended, and an answer without an end goes on.
        """
        self._enqueue(lambda: None)  # each round of the loop looks at the output

    def release_input(self) -> None:
        """Lets every key and pedal come up that the player holds: their port is lost, so no release will come from it."""
        self._enqueue(self._release_input)

    def run_on_jam(self, command: Callable[[Jam], None]) -> None:
        """Calls `command` with the jam on the music thread; it must be short, as notes wait for it."""
        self._enqueue(lambda: command(self._jam))

    def wait_for_quiet(self, quiet_s: float, at_most_s: float) -> None:
        """Returns once nothing is due for `quiet_s`, or after `at_most_s`. For threads that will keep the interpreter long."""
        now_s = self._clock.now_s()
        until_s = now_s + at_most_s
        while self._next_due_s < now_s + quiet_s and now_s < until_s:
            threading.Event().wait(QUIET_POLL_S)
            now_s = self._clock.now_s()

    def sounded_notes(self, at_most_s: float) -> tuple[int, Sequence[tuple[Note, bool]]]:
        """Returns `Jam.sounded_notes`, or no notes if the music thread does not answer within `at_most_s`. For other threads."""
        answers: SimpleQueue[tuple[int, Sequence[tuple[Note, bool]]]] = SimpleQueue()
        self._enqueue(lambda: answers.put(self._jam.sounded_notes))
        try:
            return answers.get(timeout=at_most_s)
        except Empty:
            return 0, ()

    def replace_improvisers(self, improvisers: Mapping[Approach, Improviser], heard_count: int) -> None:
        """Replaces the models between two notes; see `Jam.replace_improvisers`. For other threads."""
        at_s = self._clock.now_s()

        def keep() -> None:
            self._replacement = (improvisers, heard_count, at_s)

        self._enqueue(keep)

    def _enqueue(self, command: Command) -> None:
        self._inbox.put((command, 0.0))

    def _run(self) -> None:
        _request_realtime()
        self._is_waiting = False
        self._update_jam_timeline()
        self._publish_status()
        # An earlier process may have been killed while its notes sounded on this port.
        self._release_all(ALL_CHANNELS)
        try:
            while self._run_once():
                pass
        finally:
            self._release_all()
            if self._ledger.next_repeat_s is not None:
                threading.Event().wait(REPEAT_AFTER_S)
                self._repeat_releases(self._clock.now_s() + REPEAT_AFTER_S)

    def _run_once(self) -> bool:
        """One round of the loop, whatever goes wrong in it; False once the thread has to stop."""
        try:
            self._round += 1
            item = self._next_item()
            if item is not None:
                content, at_s = item
                if content is None:
                    return False
                self._handle(content, at_s)
            self._check_output()
            self._advance_clock()
            self._advance_jam()
            self._repeat_releases(self._clock.now_s())
            self._replace_models_when_quiet()
            if self._jam.has_work and not self._is_within(self._wake_at_s(), MODEL_WORK_S):
                self._jam.do_work()
            self._publish_status()
        except Exception as error:  # noqa: BLE001  no error ends the music thread
            self._count_fault(error)
            self._recover()
        return True

    def _next_item(self) -> tuple[Command | bytes | None, float] | None:
        """What comes in before anything is due; None once something is due, or where there is model work to do."""
        due_s = self._wake_at_s()
        self._next_due_s = float("inf") if due_s is None else due_s - self._lead_s
        if self._is_within(due_s, self._spin_s):
            self._clock.wait_until(due_s, HOLD_INTERPRETER_S)
            if self._clock.now_s() >= due_s:
                return None
        with suppress(Empty):
            return self._inbox.get_nowait()
        if self._jam.has_work and not self._is_within(due_s, MODEL_WORK_S):
            return None
        waking_s = (None if due_s is None else due_s - self._lead_s - self._spin_s, self._ledger.next_repeat_s)
        wake_s = min((at_s for at_s in waking_s if at_s is not None), default=None)
        self._is_waiting = True
        try:
            return self._inbox.get(timeout=None if wake_s is None else max(0.0, wake_s - self._clock.now_s()))
        except Empty:
            return None
        finally:
            self._is_waiting = False

    def _is_within(self, due_s: float | None, seconds: float) -> TypeGuard[float]:
        """Whether something is due within so many seconds from now, and not already."""
        return due_s is not None and 0.0 < due_s - self._now_s() <= seconds

    def _wake_at_s(self) -> float | None:
        """The next second at which there is something to do, even if nothing comes in."""
        wake_beat = self._jam.wake_at()
        seconds = (None if wake_beat is None else self._timeline.seconds_at(wake_beat), self._conductor.wake_at_s())
        return min((at_s for at_s in seconds if at_s is not None), default=None)

    def _handle(self, content: Command | bytes, at_s: float) -> None:
        if not isinstance(content, bytes):
            content()
        elif is_clock_message(content):
            if not self._echo.is_echo(content, at_s):
                self._conductor.receive(content, at_s, self._now_s())
                self._update_jam_timeline()
        else:
            self._receive(content, at_s, may_be_echo=True)

    def _receive(self, data: bytes, at_s: float, *, may_be_echo: bool) -> None:
        try:
            message = parse(data)
        except BadMidi as error:
            self.faults.count(error)
            return
        # Note-ons only: a note-off that is an echo releases a key that is not held, which changes nothing, but
        # a note-off of the player's that was taken for an echo would leave the phrase open for ever.
        if not (may_be_echo and isinstance(message, NoteOn) and self._echo.is_echo(data, at_s)):
            beat = self._timeline.beat_at(at_s)
            self._jam.receive(message, beat)
            self.feed.put(MessageReceived(message, at_s, beat))

    def _release_input(self) -> None:
        now_s = self._clock.now_s()
        beat = self._timeline.beat_at(now_s)
        for message in self._jam.input_releases:
            self._jam.receive(message, beat)
            self.feed.put(MessageReceived(message, now_s, beat))

    def _replace_models_when_quiet(self) -> None:
        if self._replacement is None:
            return
        improvisers, heard_count, since_s = self._replacement
        if not self._is_within(self._wake_at_s(), TAKE_OVER_S) or self._clock.now_s() - since_s > LONGEST_WAIT_S:
            self._replacement = None
            self._jam.replace_improvisers(improvisers, heard_count)

    def _on_input_changed(self, *, is_lost: bool) -> None:
        self._is_input_lost = is_lost
        if is_lost:
            self._release_input()

    def _check_output(self) -> None:
        if self._output.is_lost == self._is_output_lost:
            return
        self._is_output_lost = self._output.is_lost
        if self._is_output_lost:
            self._must_resume = self._jam.state == "answering" and self._jam.settings.mode == "continuous"
            # The ledger still counts these as sounding; in the take they end here.
            self._record_note_offs()
            self._jam.act("stop", self._now_beat())
            return
        self._end_notes()
        if self._must_resume:
            self._jam.act("respond", self._now_beat())

    def _advance_jam(self) -> None:
        messages = self._jam.advance(self._now_beat())
        if self._is_output_lost:
            if any(isinstance(timed.message, NoteOn) for timed in messages):
                self._jam.act("stop", self._now_beat())
            return
        for timed in messages:
            due_s = self._timeline.seconds_at(timed.beat)
            self.lateness_s.append(max(0.0, self._clock.now_s() - due_s))
            self._post(timed.message, due_s)
            # A late message sounds when it is sent, any other when it is due.
            self.feed.put(MessagePlayed(timed.message, max(due_s, self._clock.now_s()), timed.beat))

    def _change(self, control: str, value: Value) -> None:
        now_s = self._now_s()
        self._conductor.change(control, value, now_s)
        self._update_jam_timeline()
        self._change_jam(control, value, now_s)

    def _change_jam(self, control: str, value: Value, at_s: float) -> None:
        beat = self._timeline.beat_at(at_s)
        self._jam.change(control, value, beat)
        self.feed.put(ControlChanged(control, value, at_s, beat))

    def _act(self, action: str, at_s: float) -> None:
        self.feed.put(ActionRequested(action, at_s, self._timeline.beat_at(at_s)))
        if action == "tap":
            self._adopt_tempo(self._conductor.tap(at_s, at_s + self._lead_s))
        else:
            self._jam.act(action, self._timeline.beat_at(at_s + self._lead_s))
        if action in {"stop", "panic"}:
            self._conductor.stop(at_s + self._lead_s)
            self._advance_jam()
            self._release_all(ALL_CHANNELS if action == "panic" else ())

    def _follow_link(self, moment: LinkMoment) -> None:
        # What is due sounds one latency later, and must then be on the beat of the others in the session.
        moment = replace(moment, at_s=moment.at_s - self._output.latency_s)
        self._conductor.follow_link(moment, self._now_s())
        self._update_jam_timeline()

    def _advance_clock(self) -> None:
        """Sends the clock messages that are due, notices a lost clock, and grants the jam's request if there is one."""
        now_s = self._now_s()
        for due in self._conductor.advance(now_s):
            if not self._is_output_lost:
                self._echo.record_sent(due.data, self._clock.now_s())
                self._send_bytes(due.data, self._timeline.seconds_at(due.beat))
        if self._timeline is not self._jam_timeline or self._conductor.transport != self._transport:
            self._update_jam_timeline()
        request, self._jam.timeline_request = self._jam.timeline_request, None
        if request is not None:
            self._adopt_tempo(self._conductor.grant(request, now_s))

    def _adopt_tempo(self, tempo_bpm: float | None) -> None:
        """The conductor's timeline has changed; a tempo that came from playing becomes the control's value."""
        self._update_jam_timeline()
        if tempo_bpm is not None:
            value = BY_NAME["tempo"].read(tempo_bpm)
            self._change_jam("tempo", value, self._now_s())
            self.on_control_changed("tempo", value)

    def _update_jam_timeline(self) -> None:
        """Gives the jam the timeline and the transport in force."""
        self._jam_timeline, self._transport = self._timeline, self._conductor.transport
        self._jam.set_timeline(self._jam_timeline, self._now_beat(), self._transport)

    def _publish_status(self) -> None:
        """Puts the status and the timeline into the feed, where they have changed."""
        now_s, jam = self._clock.now_s(), self._jam
        ports = (self._is_input_lost, self._is_output_lost)
        status = StatusChanged(jam.state, jam.turn, jam.plan, now_s, jam.from_memory, *ports)
        if status != self._published_status:
            self._published_status = status
            self.feed.put(status)
        source = (self._transport, self._conductor.source)
        # By identity: comparing the contents of a timeline that a clock has changed a hundred times takes too long.
        if self._timeline is not self._published_timeline or source != self._published_source:
            self._published_timeline, self._published_source = self._timeline, source
            self.feed.put(TimelineChanged(self._timeline, *source, now_s))

    @property
    def _timeline(self) -> Timeline:
        return self._conductor.timeline

    def _now_s(self) -> float:
        """The time up to which all messages have been sent; a change takes effect from there on."""
        return self._clock.now_s() + self._lead_s

    def _now_beat(self) -> float:
        return self._timeline.beat_at(self._now_s())

    def _post(self, message: Message, due_s: float) -> None:
        self._due_s = due_s
        try:
            self._ledger.post(message, max(due_s, self._clock.now_s()))
        finally:
            self._due_s = None

    def _send(self, message: Message) -> None:
        data = encode(message)
        if isinstance(message, NoteOn):
            self._echo.record_sent(data, self._clock.now_s())
        self._send_bytes(data, self._due_s)

    def _send_bytes(self, data: bytes, due_s: float | None) -> None:
        with self._port_lock:
            self._output.send(data, due_s)

    def _recover(self) -> None:
        """After an error: ends what sounds, and the jam listens again."""
        try:
            self._check_output()
            self._jam.act("stop", self._now_beat())
            self._jam.advance(self._now_beat())
        except Exception as error:  # noqa: BLE001  as above
            self.faults.count(error)
        self._release_all()

    def _release_all(self, channels: Collection[int] = ()) -> None:
        if self._is_output_lost:
            return
        self._record_note_offs()
        self._end_notes(channels)

    def _record_note_offs(self) -> None:
        now_s = self._clock.now_s()
        beat = self._timeline.beat_at(now_s)
        for message in self._ledger.pending_note_offs:
            self.feed.put(MessagePlayed(message, now_s, beat))

    def _end_notes(self, channels: Collection[int] = ()) -> None:
        try:
            self._ledger.release_all(self._clock.now_s(), channels)
        except Exception as error:  # noqa: BLE001  a lost port takes no note-off
            self._count_fault(error)

    def _repeat_releases(self, at_s: float) -> None:
        """Sends again what ended notes a little while ago: see `Ledger`."""
        repeat_s = self._ledger.next_repeat_s
        if repeat_s is None or repeat_s > at_s:
            return
        held = {message.pitch for message in self._jam.input_releases if isinstance(message, NoteOff)}
        try:
            self._ledger.repeat_due(at_s, held)
        except Exception as error:  # noqa: BLE001  as above
            self._count_fault(error)

    def _count_fault(self, error: Exception) -> None:
        # A loss that the port itself reports is no fault, even if a message was just being sent.
        if not (isinstance(error, PortLost) and self._output.is_lost):
            self.faults.count(error)


def _request_realtime() -> None:
    """Requests real-time priority for this thread, which sleeps nearly always; goes on without where it is refused."""
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))
