"""Plays clicks to an output port, each on its own second, and ends every one of them whatever happens. It measures nothing."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

from bridge.errors import BridgeError
from bridge.midi.messages import NoteOff, NoteOn, encode
from bridge.midi.ports import OutputPort
from bridge.timing.clock import Clock
from server.calibration.delay import Click
from server.errors import CalibrationError

VELOCITY = 110
CLICK_S = 0.1
"""How long a click sounds."""
AHEAD_S = 0.05
"""How long before it is due a click is handed to a port that can schedule: long enough for a busy machine."""
SPIN_S = 0.0004
BEFORE_S = 0.002
"""How long before a click is due this thread is awake, where a port sends at once."""


class Pause:
    """Waits, until a moment comes or somebody asks to stop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # A simple queue, as a signal handler may put something into it at any moment.
        self._stops: SimpleQueue[None] = SimpleQueue()

    def request_stop(self) -> None:
        """Ends the present wait, or the next one. A signal handler may call it."""
        self._stops.put(None)

    def until(self, at_s: float) -> None:
        """Returns at a second. Raises CalibrationError once somebody has asked to stop."""
        try:
            self._stops.get(timeout=max(0.0, at_s - self._clock.now_s()))
        except Empty:
            return
        raise CalibrationError("Stopped; nothing is changed.")


class ClickPlayer:
    """Plays to one port, on one channel, which counts from 0. `wait_until` is `Pause.until`, and what it raises ends a click."""

    def __init__(self, output: OutputPort, clock: Clock, wait_until: Callable[[float], None], channel: int) -> None:
        self._output = output
        self._clock = clock
        self._wait_until = wait_until
        self._channel = channel
        self._ahead_s = AHEAD_S if output.lead_s else 0.0

    def play(self, pitches: Iterable[int], interval_s: float) -> Iterator[Click]:
        """Plays a click at each pitch, `interval_s` after the one before; yields each one once it has ended.

        Raises PortLost.
        """
        due_s = self._clock.now_s() + interval_s
        for pitch in pitches:
            yield self._play(pitch, due_s)
            due_s += interval_s

    def _play(self, pitch: int, due_s: float) -> Click:
        self._wait_until(due_s - (self._ahead_s or BEFORE_S))
        with self._ended(pitch):
            if not self._ahead_s:
                self._clock.wait_until(due_s, SPIN_S)
            sent_s = max(due_s, self._clock.now_s())
            self._output.send(encode(NoteOn(pitch, VELOCITY, self._channel)), sent_s)
            self._wait_until(sent_s + CLICK_S)
        return Click(pitch, sent_s)

    @contextmanager
    def _ended(self, pitch: int) -> Iterator[None]:
        """The note has ended when the block is left, even if the port was lost before: then the note-off may still get through."""
        try:
            yield
        except BaseException:
            with suppress(BridgeError):
                self._end(pitch)
            raise
        self._end(pitch)

    def _end(self, pitch: int) -> None:
        self._output.send(encode(NoteOff(pitch, self._channel)))
