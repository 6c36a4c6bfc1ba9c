"""MIDI ports of JACK and PipeWire: incoming messages are dated by their frame, outgoing ones are written on their frame."""

from __future__ import annotations

import logging
import weakref

from bridge.errors import PortLost
from bridge.fault_counter import FaultCounter
from bridge.midi.jack.jack_connection import JackConnection, JackPort
from bridge.midi.jack.jack_pipes import PipedMessage
from bridge.midi.ports import (
    INPUT_NAME,
    OUTPUT_NAME,
    BasePort,
    OnChange,
    OnDatesShifted,
    Period,
    Receiver,
    ignore_clock,
)
from bridge.timing.clock import Clock, MonotonicClock

logger_in = logging.getLogger("fours.midi.in")
logger_out = logging.getLogger("fours.midi.out")

LEAD_S = 0.004
"""How long before it is due a message is best sent. The period needs no lead, as messages go out one period after they are
due; the lead is for a sender that wakes up late, or waits for the interpreter."""

LEAST_MOVE_S = 0.00002
"""A smaller move of the frames' dates is passed on only with later ones: each costs the music thread a look at its inbox."""
STANDSTILL_S = 2.0
"""A server that stands still for longer counts as gone. So frames that move by more are a new count, by another server, unless they moved later by no
more than the time since the last message: then server and client were suspended together."""


class OpenJackPort(BasePort):
    """What inputs and outputs have in common."""

    timing, latency_place = "", ""
    """For the description: how the port keeps time, and where its latency is."""

    def __init__(self, port: JackPort) -> None:
        self._port = port
        self._connection = port.connection
        self._is_closed = False

    @property
    def name(self) -> str:
        """See `Port`."""
        return self._port.name

    @property
    def is_lost(self) -> bool:
        """Whether the server is gone, or the port that was named; the port comes back by itself."""
        return self._port.is_lost

    @property
    def latency_s(self) -> float:
        """One period: how much earlier than its frame a message is dated, and how much later than due one goes out."""
        return self._connection.state.latency_s

    @property
    def description(self) -> str:
        """The server, its period, and what that means for messages."""
        state, latency_ms = self._connection.state, 1000 * self.latency_s
        return (
            f"{self._connection.server}, {state.frames} frames: {self.timing}, {latency_ms:.1f} ms {self.latency_place}"
        )

    def watch(self, on_lost: OnChange, on_found: OnChange) -> None:
        """See `Port`; both are called in a thread of the connection."""
        self._port.on_lost, self._port.on_found = on_lost, on_found

    def close(self) -> None:
        """Closes the port once its messages are out."""
        if not self._is_closed:
            self._is_closed = True
            self._connection.close(self._port)


class JackInput(OpenJackPort):
    """An open input; its receiver is called in a thread of the connection."""

    timing, latency_place = "notes dated by their frame", "before it"

    def __init__(self, port: JackPort, receiver: Receiver) -> None:
        super().__init__(port)
        self._receiver = receiver
        self._on_clock_moved: OnDatesShifted = ignore_clock
        self._frame_zero_s: float | None = None
        self._last_s = 0.0
        self.faults = FaultCounter(logger_in, port.name)
        port.on_message = self._deliver

    def watch_dates(self, on_moved: OnDatesShifted) -> None:
        """See `InputPort`; it is called in the thread of the receiver."""
        self._on_clock_moved = on_moved

    def _deliver(self, message: PipedMessage) -> None:
        try:
            self._notice_clock(message)
            self._receiver(message.data, message.at_s)
        except Exception as error:  # noqa: BLE001 - no exception may end the thread that reads messages
            self.faults.count(error)

    def _notice_clock(self, message: PipedMessage) -> None:
        """Reports where frames have another date than before: after an overrun, or by JACK's estimate of its own sample rate."""
        before_s, since_s, self._last_s = self._frame_zero_s, message.at_s - self._last_s, message.at_s
        moved_s = 0.0 if before_s is None else message.frame_zero_s - before_s
        if before_s is not None and abs(moved_s) < LEAST_MOVE_S:
            return
        self._frame_zero_s = message.frame_zero_s
        if moved_s and -STANDSTILL_S < moved_s < max(STANDSTILL_S, since_s):
            self._on_clock_moved(moved_s)


class JackOutput(OpenJackPort):
    """An open output. Any thread may send."""

    timing, latency_place = "notes on their frame", "ahead"
    lead_s = LEAD_S

    def __init__(self, port: JackPort, clock: Clock) -> None:
        super().__init__(port)
        self._now_s = clock.now_s

    @property
    def overruns(self) -> int:
        """Overruns of the server, and cycles that our client has missed."""
        return self._connection.overruns

    def send(self, data: bytes, due_s: float | None = None) -> None:
        """Sends one whole message, which goes out `latency_s` after `due_s`, or after now. Raises PortLost."""
        if self._is_closed:
            raise PortLost(f'MIDI output "{self.name}" is closed.')
        if self.is_lost:
            raise PortLost(
                f'MIDI output "{self.name}" is gone. It comes back by itself, with the JACK server or its port.'
            )
        try:
            self._connection.send(self._now_s() if due_s is None else due_s, self._port, data)
        except OSError as error:
            raise PortLost(f'MIDI output "{self.name}" is gone ({error}).') from error
        if logger_out.isEnabledFor(logging.DEBUG):
            logger_out.debug("%s", data.hex(" "))


class JackSystem:
    """The MIDI ports of JACK or PipeWire. Raises NoMidiSystem where neither runs; its text says what is missing."""

    api = "jack"

    def __init__(self, clock: Clock | None = None) -> None:
        """`clock` must be the machine's own, as JACK knows no other."""
        self._clock = clock or MonotonicClock()
        self.connection = JackConnection()
        # No `with`: ports live longer than the system that opened them.
        weakref.finalize(self, self.connection.remove_user)

    @property
    def period(self) -> Period | None:
        """The server's cycles, as they are now."""
        state = self.connection.state
        return Period(self.connection.server, state.frames, state.rate) if state.frames and state.rate else None

    def inputs(self) -> list[str]:
        """The names of the ports that we can receive from, as they are now."""
        return self.connection.port_names("input")

    def outputs(self) -> list[str]:
        """The names of the ports that we can send to, as they are now."""
        return self.connection.port_names("output")

    def open_input(self, name: str | None, receiver: Receiver) -> JackInput:
        """Opens an input, a virtual one where `name` is None; see `MidiSystem`."""
        return JackInput(self.connection.open("input", INPUT_NAME, name), receiver)

    def open_output(self, name: str | None) -> JackOutput:
        """Opens an output, a virtual one where `name` is None; see `MidiSystem`."""
        return JackOutput(self.connection.open("output", OUTPUT_NAME, name), self._clock)
