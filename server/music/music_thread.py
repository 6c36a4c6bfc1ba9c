"""The music thread: runs a jam in real time, from an inbox of messages and commands to an output port.

It knows no music and no OSC. One loop, one inbox: the thread sleeps until a millisecond before the next due time, or
until something comes in. In that last millisecond it spins, as a sleep alone wakes late, and does nothing else: what
comes in then waits for the note. It never waits longer for a model than one piece of model work takes.

A port that can schedule wants each message some milliseconds before it is due (`lead_s`). Then the thread works that
far ahead of the clock, and there is no need to spin.
"""

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from bridge.fault_counter import FaultCounter
from bridge.midi.messages import ControlChange
from bridge.midi.ports import InputPort, OutputPort
from bridge.timing.clock import Clock
from bridge.timing.link_clock import LinkMoment
from bridge.timing.timeline import Timeline
from model.approach import Approach
from model.harmony.chart import Chart
from model.improvising.improviser import Improviser
from model.notes import Note
from server.controls.control_table import Value
from server.jam.jam import Jam
from server.music.feed import Feed
from server.music.ledger import CHECK_EVERY_S, REPEAT_AFTER_S
from server.music.live_jam import LiveJam
from server.music.thread_priority import request_realtime

logger = logging.getLogger("fours.music")

SPIN_S = 0.001
"""This long before a note is due nothing else begins, neither model work nor handling input: the note would be late."""
MODEL_WORK_S = 0.002
"""This long before, no model work begins: it takes longer than a message, and waits for the interpreter twice."""
HOLD_INTERPRETER_S = 0.0004
"""For this long before, no other thread gets the interpreter, as it might keep it for a whole switch interval."""

MOST_MESSAGES = 16
"""The most messages that are taken before what is due is sent. What was played before a note is heard before it sounds, even where
the machine was too busy to read it in time: an answer must not begin in the middle of a phrase."""

# How long CPython lets another thread run before the music thread gets its turn; its default, 5 ms, can be heard.
SWITCH_INTERVAL_S = 0.0005
QUIET_POLL_S = 0.002
STOP_TIMEOUT_S = 2.0

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
        self._output = output
        self._clock = clock
        self._lead_s = output.lead_s
        self._spin_s = 0.0 if self._lead_s else SPIN_S
        self._inbox: SimpleQueue[tuple[Command | bytes | None, float]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="music", daemon=True)
        self.faults = FaultCounter(logger, "music thread")
        """The errors so far, counted by kind."""
        self.feed = Feed()
        """All events of the jam, for subscribers."""
        self.on_control_changed: Callable[[str, Value], None] = lambda _name, _value: None
        """Called on the music thread when the music itself changes a control: a tempo that was tapped or detected."""
        self.on_remark: Callable[[str, str], None] = lambda _control, _sentence: None
        """Called on the music thread with a control and a sentence for the player: what it asks for was heard, but cannot be used."""
        self._live_jam = LiveJam(
            jam, output, clock, self.feed, self.faults, self._notify_control_changed, self._notify_remark
        )
        self._round = 0
        self._is_waiting = True
        self._next_due_s = float("inf")

    @property
    def timeline(self) -> Timeline:
        """The timeline in force."""
        return self._live_jam.timeline

    @property
    def lateness_s(self) -> deque[float]:
        """How many seconds after its due time each of the latest messages was handed to the port."""
        return self._live_jam.lateness_s

    @property
    def clock_errors_s(self) -> deque[float]:
        """How many seconds later than our beat the latest ticks of the clock that leads came; empty where none leads."""
        return self._live_jam.clock_errors_s

    @property
    def progress(self) -> int | None:
        """A number that changes with each round of the loop; None while the thread waits for something to do."""
        return None if self._is_waiting or not self._thread.is_alive() else self._round

    @property
    def is_idle(self) -> bool:
        """Whether the thread waits for something to do and has nothing planned, so no note of ours sounds."""
        return self._is_waiting and self._next_due_s == float("inf")

    def end_notes_from_outside(self) -> bool:
        """Ends every note that sounds while the thread hangs; False where it hangs in the port itself.

        For another thread.
        """
        return self._live_jam.end_notes_from_outside()

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

    def on_input_dates_shifted(self, by_s: float) -> None:
        """From now on all dates of the input are `by_s` later: see `InputPort.watch_dates`."""
        self._enqueue(lambda: self._live_jam.on_input_dates_shifted(by_s))

    def use_input(self, port: InputPort) -> None:
        """Follows ticks by what the port that calls `receive_midi` says of their dates: `InputPort.tick_side`."""
        self._enqueue(lambda: self._live_jam.use_input(port))

    def receive_from_page(self, data: bytes, at_s: float) -> None:
        """Like `receive_midi`, for a keyboard to which no output can loop back: its notes are never echoes."""
        self._enqueue(lambda: self._live_jam.receive_from_page(data, at_s))

    def change(self, control: str, value: Value) -> None:
        """Sets a control; `value` must be one that the control's own `read` has returned."""
        self._enqueue(lambda: self._live_jam.change(control, value))

    def set_chart(self, chart: Chart | None) -> None:
        """Sets the chart that the jam plays over, None for none."""
        self._enqueue(lambda: self._live_jam.set_chart(chart))

    def follow_link(self, moment: LinkMoment) -> None:
        """Takes the present moment of Link's session."""
        self._enqueue(lambda: self._live_jam.follow_link(moment))

    def act(self, action: str) -> None:
        """Does an action: `tap`, or one of those of `Jam.act`."""
        self._enqueue(lambda: self._live_jam.act(action, self._clock.now_s()))

    def send_control_change(self, message: ControlChange) -> None:
        """Sends a message to a controller, such as the position of a motor fader. It is not put into the feed."""
        self._enqueue(lambda: self._live_jam.send_control_change(message))

    def on_input_changed(self, *, is_lost: bool) -> None:
        """The input is lost or back. What the player holds on a lost input is released."""
        self._enqueue(lambda: self._live_jam.on_input_changed(is_lost=is_lost))

    def on_output_changed(self, *, is_lost: bool) -> None:
        """To be called when the output is lost, and when it is back; where both are noticed at once, in this order.

        While it is lost, the jam plays nothing, and its state is `listening` or `waiting`. When it is back, the notes
        that sounded are ended, and an answer without an end goes on.
        """
        # Each round of the loop looks at the output, but only now and then: it may be back by then.
        self._enqueue(self._live_jam.on_output_lost if is_lost else lambda: None)

    def release_input(self) -> None:
        """Releases every key and pedal that the player holds: their port is lost, so no release will come from it."""
        self._enqueue(self._live_jam.release_input)

    def wait_for_quiet(self, quiet_s: float, at_most_s: float) -> None:
        """Returns once nothing is due for `quiet_s`, or after `at_most_s`.

        For threads that will keep the interpreter long.
        """
        now_s = self._clock.now_s()
        until_s = now_s + at_most_s
        while self._next_due_s < now_s + quiet_s and now_s < until_s:
            threading.Event().wait(QUIET_POLL_S)
            now_s = self._clock.now_s()

    def sounded_notes(self, at_most_s: float) -> tuple[int, Sequence[tuple[Note, bool]]]:
        """Returns `Jam.sounded_notes`, or no notes if the music thread does not answer within `at_most_s`.

        For other threads.
        """
        answers: SimpleQueue[tuple[int, Sequence[tuple[Note, bool]]]] = SimpleQueue()
        self._enqueue(lambda: answers.put(self._live_jam.jam.sounded_notes))
        try:
            return answers.get(timeout=at_most_s)
        except Empty:
            return 0, ()

    def replace_improvisers(self, improvisers: Mapping[Approach, Improviser], heard_count: int) -> None:
        """Replaces the models between two notes; see `Jam.replace_improvisers`. For other threads."""
        at_s = self._clock.now_s()
        self._enqueue(lambda: self._live_jam.replace_improvisers(improvisers, heard_count, at_s))

    def _notify_control_changed(self, control: str, value: Value) -> None:
        self.on_control_changed(control, value)

    def _notify_remark(self, control: str, sentence: str) -> None:
        self.on_remark(control, sentence)

    def _enqueue(self, command: Command) -> None:
        self._inbox.put((command, 0.0))

    def _run(self) -> None:
        request_realtime()
        self._is_waiting = False
        self._live_jam.start()
        try:
            while self._run_once():
                pass
        finally:
            self._live_jam.release_all()
            self._repeat_last_releases()

    def _repeat_last_releases(self) -> None:
        """Repeats what ended the last notes, and once more after an overrun; then no port is used any more."""
        for wait_s in (REPEAT_AFTER_S, CHECK_EVERY_S):
            if self._live_jam.next_repeat_s is not None:
                threading.Event().wait(wait_s)
                self._live_jam.repeat_releases(self._clock.now_s() + wait_s)
            if not self._live_jam.is_doubtful:
                return

    def _run_once(self) -> bool:
        """Runs one round of the loop; catches every error. False once the thread has to stop."""
        live_jam = self._live_jam
        try:
            self._round += 1
            if not self._take_what_came_in():
                return False
            live_jam.advance()
            if live_jam.has_work and not live_jam.is_within(live_jam.wake_at_s(), MODEL_WORK_S):
                live_jam.do_work()
            live_jam.publish_status()
        except Exception as error:  # noqa: BLE001  no error ends the music thread
            live_jam.count_fault(error)
            live_jam.recover()
        return True

    def _take_what_came_in(self) -> bool:
        """Takes all messages that wait, or one command; False where the thread has to stop."""
        for taken in range(MOST_MESSAGES):
            item = self._waiting_item() if taken else self._next_item()
            if item is None:
                break
            content, at_s = item
            if content is None:
                return False
            if not isinstance(content, bytes):
                content()
                break
            self._live_jam.receive(content, at_s)
        return True

    def _waiting_item(self) -> tuple[Command | bytes | None, float] | None:
        with suppress(Empty):
            return self._inbox.get_nowait()
        return None

    def _next_item(self) -> tuple[Command | bytes | None, float] | None:
        """What comes in before anything is due; None once something is due, or where there is model work to do."""
        live_jam = self._live_jam
        due_s = live_jam.wake_at_s()
        self._next_due_s = float("inf") if due_s is None else due_s - self._lead_s
        if live_jam.is_within(due_s, self._spin_s):
            self._clock.wait_until(due_s, HOLD_INTERPRETER_S)
            if self._clock.now_s() >= due_s:
                return None
        if (item := self._waiting_item()) is not None:
            return item
        if live_jam.has_work and not live_jam.is_within(due_s, MODEL_WORK_S):
            return None
        waking_s = (None if due_s is None else due_s - self._lead_s - self._spin_s, live_jam.next_repeat_s)
        wake_s = min((at_s for at_s in waking_s if at_s is not None), default=None)
        self._is_waiting = True
        try:
            return self._inbox.get(timeout=None if wake_s is None else max(0.0, wake_s - self._clock.now_s()))
        except Empty:
            return None
        finally:
            self._is_waiting = False
