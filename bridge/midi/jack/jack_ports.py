"""MIDI ports of JACK and PipeWire: what comes in is dated by its frame, what goes out is written on its frame."""

from __future__ import annotations

import logging
import weakref

from bridge.errors import PortLost
from bridge.fault_counter import FaultCounter
from bridge.midi.jack.jack_connection import JackConnection, JackPort
from bridge.midi.ports import INPUT_NAME, OUTPUT_NAME, BasePort, OnChange, Receiver
from bridge.timing.clock import Clock, MonotonicClock

logger_in = logging.getLogger("fours.midi.in")
logger_out = logging.getLogger("fours.midi.out")

LEAD_S = 0.004
"""How far ahead of its second a message is best handed over. The period asks for nothing, as messages go out one period
later than they are due; this is for a sender that wakes up late, or waits for the interpreter."""


class JackEnd(BasePort):
    """What inputs and outputs have in common."""

    manner, side = "", ""

    def __init__(self, port: JackPort) -> None:
        self._port = port
        self._connection = port.connection
        self._is_closed = False

    @property
    def name(self) -> str:
        """Where others find it, or what it is connected to."""
        return self._port.name

    @property
    def is_lost(self) -> bool:
        """Whether the server is gone, or the port that was named; it comes back by itself."""
        return self._port.is_lost

    @property
    def latency_s(self) -> float:
        """One period: how much earlier than its frame a message is dated, how much later than due one goes out."""
        return self._connection.state.latency_s

    @property
    def description(self) -> str:
        """The server, its period, and what that does to messages."""
        state, latency_ms = self._connection.state, 1000 * self.latency_s
        server = "jack by PipeWire" if self._connection.through_pipewire else "jack"
        return f"{server}, {state.frames} frames: {self.manner}, {latency_ms:.1f} ms {self.side}"

    def watch(self, on_lost: OnChange, on_found: OnChange) -> None:
        """Calls, in a thread of its own, when the port is lost and when it is there again."""
        self._port.on_lost, self._port.on_found = on_lost, on_found

    def close(self) -> None:
        """Give it back, when what was sent has gone out."""
        if not self._is_closed:
            self._is_closed = True
            self._connection.close(self._port)


class JackInput(JackEnd):
    """An open input; its receiver is called in a thread of its own."""

    manner, side = "notes dated by their frame", "before it"

    def __init__(self, port: JackPort, receiver: Receiver) -> None:
        super().__init__(port)
        self._receiver = receiver
        self.faults = FaultCounter(logger_in, port.name)
        port.receive = self.hear

    def hear(self, data: bytes, at_s: float) -> None:
        """A message came in."""
        try:
            self._receiver(data, at_s)
        except Exception as error:  # noqa: BLE001 - nothing may escape into the thread that reads
            self.faults.count(error)


class JackOutput(JackEnd):
    """An open output. Any thread may send."""

    manner, side = "notes on their frame", "ahead"
    lead_s = LEAD_S

    def __init__(self, port: JackPort, clock: Clock) -> None:
        super().__init__(port)
        self._now_s = clock.now_s

    def send(self, data: bytes, due_s: float | None = None) -> None:
        """One whole message, to go out at `due_s` and `latency_s`, or where none is given from now."""
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
    """JACK's MIDI, of jackd or PipeWire; raises `NoMidiSystem` where neither runs, and says which is missing."""

    api = "jack"

    def __init__(self, clock: Clock | None = None) -> None:
        """`clock` has to be the machine's own: JACK knows no other."""
        self._clock = clock or MonotonicClock()
        self.connection = JackConnection()
        # Not by `with`: ports outlive the system that opened them.
        weakref.finalize(self, self.connection.leave)

    def inputs(self) -> list[str]:
        """Names of the ports that can be listened to."""
        return self.connection.ask_names("input")

    def outputs(self) -> list[str]:
        """Names of the ports that can be played to."""
        return self.connection.ask_names("output")

    def open_input(self, name: str | None, receiver: Receiver) -> JackInput:
        """Listen to a port, or with no name offer one."""
        return JackInput(self.connection.open("input", INPUT_NAME, name), receiver)

    def open_output(self, name: str | None) -> JackOutput:
        """Play to a port, or with no name offer one."""
        return JackOutput(self.connection.open("output", OUTPUT_NAME, name), self._clock)
