"""The music thread: messages in, plan, messages out, each at its time; knows no music and no OSC.

One loop, one inbox. It sleeps until a millisecond before the next due time or until something comes in; that last
millisecond it spins, as a sleep alone wakes late, and does nothing else: what comes in then waits for the note.
It never waits for a model longer than one thought.

A port that sends by a schedule wants each message some milliseconds before it is due (`lead_s`). Then the thread lives
that much ahead: what is due up to `lead_s` from now is handed over, and counts as played. There is nothing to spin for.
"""

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TypeGuard

from bridge.errors import BadMidi
from bridge.fault_counter import FaultCounter
from bridge.midi.echo_guard import ECHO_WINDOW_S, EchoGuard
from bridge.midi.messages import ControlChange, Message, NoteOn, encode, parse
from bridge.midi.ports import OutputPort
from bridge.timing.clock import Clock
from bridge.timing.link_clock import LinkMoment
from bridge.timing.midi_clock import is_clock_message
from bridge.timing.timeline import Timeline
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
from server.music.ledger import Ledger

logger = logging.getLogger("fours.player")

SPIN_S = 0.001
"""Before a note is due nothing else is begun for so long, neither thought nor what comes in: it would be late by that."""
THOUGHT_S = 0.002
"""A thought takes longer than a message, and twice has to wait for the interpreter."""
KEEP_S = 0.0004
"""And so long before it the interpreter is given to no other thread, which might keep it for a switch interval."""

# How long CPython lets another thread run before the music thread gets its turn; its default, 5 ms, can be heard.
SWITCH_INTERVAL_S = 0.0005
REALTIME_PRIORITY = 20
STOP_PATIENCE_S = 2.0
LATENESSES_KEPT = 4096

Command = Callable[[], None]


class MusicThread:
    """Runs a jam against a clock: `start`, then anything from any thread, then `stop`."""

    def __init__(self, jam: Jam, output: OutputPort, clock: Clock) -> None:
        self._jam = jam
        self._output = output
        self._clock = clock
        self._conductor = Conductor(jam.settings, clock.now_s() + output.lead_s)
        self._ledger = Ledger(self._send)
        self._lead_s = output.lead_s
        self._spin_s = 0.0 if self._lead_s else SPIN_S
        # What goes out is heard again one way later, and dated one way earlier, by a loop of two cycles at most.
        self._echo = EchoGuard(ECHO_WINDOW_S + self._lead_s + 2 * output.latency_s)
        self._due_s: float | None = None
        """When the message that is sent now is due; None for one that nobody planned."""
        self._inbox: SimpleQueue[tuple[Command | bytes | None, float]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="music", daemon=True)
        self.faults = FaultCounter(logger, "music thread")
        self.feed = Feed()
        """What happens, for those who watch."""
        self._standing: tuple[object, ...] = ()
        self._followed, self._transport = self._timeline, self._conductor.transport
        self._kept: Timeline | None = None
        self._keeps: tuple[object, ...] = ()
        self.on_control_changed: Callable[[str, Value], None] = lambda _name, _value: None
        """Hears, on the music thread, of a control that was changed here: a tempo that was tapped."""
        self.lateness_s: deque[float] = deque(maxlen=LATENESSES_KEPT)
        """How much later than due the latest notes were handed to the port, in seconds."""

    @property
    def timeline(self) -> Timeline:
        """The one in force; any thread may ask for it."""
        return self._timeline

    def start(self) -> None:
        """Starts the thread."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()

    def stop(self) -> None:
        """Ends every note that sounds, then the thread; returns when both are done."""
        if self._thread.is_alive():
            self._inbox.put((None, 0.0))
            self._thread.join(STOP_PATIENCE_S)

    def receive_midi(self, data: bytes, at_s: float) -> None:
        """A MIDI message that arrived at `at_s`; made to be a port's receiver."""
        self._inbox.put((data, at_s))

    def receive_without_echo(self, data: bytes, at_s: float) -> None:
        """As `hear`, from a keyboard to which nothing of ours can go: in unison with us it is no echo."""
        self._do(lambda: self._receive(data, at_s, may_be_echo=False))

    def change(self, control: str, value: Value) -> None:
        """A control has a new value."""
        self._do(lambda: self._change(control, value))

    def follow_link(self, moment: LinkMoment) -> None:
        """Where Link's session is."""
        self._do(lambda: self._follow_link(moment))

    def act(self, action: str) -> None:
        """An action was asked for."""
        self._do(lambda: self._act(action, self._clock.now_s()))

    def send_control_change(self, message: ControlChange) -> None:
        """A message to a controller, such as where its motor fader is to go; it is no music and is not written down."""
        self._do(lambda: self._ledger.post(message))

    def run_on_jam(self, deed: Callable[[Jam], None]) -> None:
        """Something else to be done to the jam, on its own thread."""
        self._do(lambda: deed(self._jam))

    def _do(self, deed: Command) -> None:
        self._inbox.put((deed, 0.0))

    def _run(self) -> None:
        _ask_for_realtime()
        self._follow()
        self._show()
        try:
            while self._turn():
                pass
        finally:
            self._release_all()

    def _turn(self) -> bool:
        """One turn of the loop, whatever goes wrong in it; False once it is told to stop."""
        try:
            item = self._next_item()
            if item is not None:
                what, at_s = item
                if what is None:
                    return False
                self._take(what, at_s)
            self._keep_time()
            self._play()
            if self._jam.has_work and not self._is_within(self._wake_at_s(), THOUGHT_S):
                self._jam.do_work()
            if self.feed.has_subscribers:
                self._show()
        except Exception as error:  # noqa: BLE001  nothing ends the music thread
            self.faults.count(error)
            self._recover()
        return True

    def _next_item(self) -> tuple[Command | bytes | None, float] | None:
        """What comes in before anything is due, or None when something is."""
        due_s = self._wake_at_s()
        if self._is_within(due_s, self._spin_s):
            self._clock.wait_until(due_s, KEEP_S)
            if self._clock.now_s() >= due_s:
                return None
        with suppress(Empty):
            return self._inbox.get_nowait()
        if self._jam.has_work and not self._is_within(due_s, THOUGHT_S):
            return None
        if due_s is None:
            return self._inbox.get()
        with suppress(Empty):
            return self._inbox.get(timeout=max(0.0, due_s - self._now_s() - self._spin_s))
        return None

    def _is_within(self, due_s: float | None, seconds: float) -> TypeGuard[float]:
        """Whether something is yet to be due, and so soon."""
        return due_s is not None and 0.0 < due_s - self._now_s() <= seconds

    def _wake_at_s(self) -> float | None:
        """The next second at which there is something to do, whatever comes in."""
        wake_beat = self._jam.wake_at()
        seconds = (None if wake_beat is None else self._timeline.seconds_at(wake_beat), self._conductor.wake_at_s())
        return min((at_s for at_s in seconds if at_s is not None), default=None)

    def _take(self, what: Command | bytes, at_s: float) -> None:
        if not isinstance(what, bytes):
            what()
        elif is_clock_message(what):
            if not self._echo.is_echo(what, at_s):
                self._conductor.receive(what, at_s, self._now_s())
                self._follow()
        else:
            self._receive(what, at_s, may_be_echo=True)

    def _receive(self, data: bytes, at_s: float, *, may_be_echo: bool) -> None:
        try:
            message = parse(data)
        except BadMidi as error:
            self.faults.count(error)
            return
        # Note-ons only: a note-off that is an echo releases a key that is not held, which changes nothing, but
        # one that is the player's own and was taken for an echo would leave the phrase open for ever.
        if not (may_be_echo and isinstance(message, NoteOn) and self._echo.is_echo(data, at_s)):
            beat = self._timeline.beat_at(at_s)
            self._jam.receive(message, beat)
            self.feed.put(MessageReceived(message, at_s, beat))

    def _play(self) -> None:
        for timed in self._jam.advance(self._now_beat()):
            due_s = self._timeline.seconds_at(timed.beat)
            self.lateness_s.append(self._now_s() - due_s)
            self._post(timed.message, due_s)
            # What is late sounds when it is sent, and the rest when it is due.
            self.feed.put(MessagePlayed(timed.message, max(due_s, self._clock.now_s()), timed.beat))

    def _change(self, control: str, value: Value) -> None:
        now_s = self._now_s()
        self._conductor.change(control, value, now_s)
        self._follow()
        self._turn_control(control, value, now_s)

    def _turn_control(self, control: str, value: Value, at_s: float) -> None:
        beat = self._timeline.beat_at(at_s)
        self._jam.change(control, value, beat)
        self.feed.put(ControlChanged(control, value, at_s, beat))

    def _act(self, action: str, at_s: float) -> None:
        self.feed.put(ActionRequested(action, at_s, self._timeline.beat_at(at_s)))
        if action == "tap":
            self._take_up(self._conductor.tap(at_s, at_s + self._lead_s))
        else:
            self._jam.act(action, self._timeline.beat_at(at_s + self._lead_s))
        if action in {"stop", "panic"}:
            self._conductor.stop(at_s + self._lead_s)

    def _follow_link(self, moment: LinkMoment) -> None:
        # What is due sounds one way later than it is due, and the others of the session hear it then.
        moment = replace(moment, at_s=moment.at_s - self._output.latency_s)
        self._conductor.follow_link(moment, self._now_s())
        self._follow()

    def _keep_time(self) -> None:
        """Sends the clock that is due, notices one that is gone, and does as the jam wishes."""
        now_s = self._now_s()
        for due in self._conductor.advance(now_s):
            self._echo.sent(due.data, self._clock.now_s())
            self._output.send(due.data, self._timeline.seconds_at(due.beat))
        if self._timeline is not self._followed or self._conductor.transport != self._transport:
            self._follow()
        wish, self._jam.timeline_request = self._jam.timeline_request, None
        if wish is not None:
            self._take_up(self._conductor.grant(wish, now_s))

    def _take_up(self, tempo_bpm: float | None) -> None:
        """Time goes otherwise, and if a tempo has come of what was played, that is the control's now."""
        self._follow()
        if tempo_bpm is not None:
            value = BY_NAME["tempo"].read(tempo_bpm)
            self._turn_control("tempo", value, self._now_s())
            self.on_control_changed("tempo", value)

    def _follow(self) -> None:
        """The jam goes by the timeline that is in force."""
        self._followed, self._transport = self._timeline, self._conductor.transport
        self._jam.set_timeline(self._followed, self._now_beat(), self._transport)

    def _show(self) -> None:
        """Puts how the jam stands and how time goes, where that has changed."""
        now_s, jam = self._clock.now_s(), self._jam
        standing = (jam.state, jam.turn, jam.plan, jam.from_memory)
        if standing != self._standing:
            self._standing = standing
            self.feed.put(StatusChanged(jam.state, jam.turn, jam.plan, now_s, jam.from_memory))
        keeps = (self._transport, self._conductor.source)
        # Is it the same object: to compare what a clock has changed a hundred times would take too long.
        if self._timeline is not self._kept or keeps != self._keeps:
            self._kept, self._keeps = self._timeline, keeps
            self.feed.put(TimelineChanged(self._timeline, *keeps, now_s))

    @property
    def _timeline(self) -> Timeline:
        return self._conductor.timeline

    def _now_s(self) -> float:
        """The second up to which all has been handed over: what is changed is changed from there on."""
        return self._clock.now_s() + self._lead_s

    def _now_beat(self) -> float:
        return self._timeline.beat_at(self._now_s())

    def _post(self, message: Message, due_s: float) -> None:
        self._due_s = due_s
        try:
            self._ledger.post(message)
        finally:
            self._due_s = None

    def _send(self, message: Message) -> None:
        data = encode(message)
        if isinstance(message, NoteOn):
            self._echo.sent(data, self._clock.now_s())
        self._output.send(data, self._due_s)

    def _recover(self) -> None:
        """After a fault: what sounds is ended, and the jam listens again."""
        try:
            self._jam.act("stop", self._now_beat())
            self._jam.advance(self._now_beat())
        except Exception as error:  # noqa: BLE001  as above
            self.faults.count(error)
        self._release_all()

    def _release_all(self) -> None:
        now_s = self._clock.now_s()
        beat = self._timeline.beat_at(now_s)
        for message in self._ledger.pending_note_offs:
            self.feed.put(MessagePlayed(message, now_s, beat))
        try:
            self._ledger.release_all()
        except Exception as error:  # noqa: BLE001  a port that is gone takes no note-off
            self.faults.count(error)


def _ask_for_realtime() -> None:
    """Real-time priority for this thread where the system grants it; it sleeps nearly always."""
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))
