"""Ports in memory, the twin of the real ones: feed an input, read an output, lose one. Knows no MIDI system."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bridge.errors import PortLost
from bridge.fault_counter import FaultCounter
from bridge.midi.ports import INPUT_NAME, OUTPUT_NAME, ClosedOnExit, Receiver, match_port
from bridge.timing.clock import Clock, ManualClock

logger_in = logging.getLogger("fours.midi.in")
logger_out = logging.getLogger("fours.midi.out")


class MemoryInput(ClosedOnExit):
    """An input that hears what it is fed."""

    def __init__(self, name: str, receiver: Receiver) -> None:
        self._name = name
        self._receiver = receiver
        self.faults = FaultCounter(logger_in, name)
        self.is_open = True

    @property
    def name(self) -> str:
        """The name it was opened under."""
        return self._name

    def feed(self, data: bytes, at_s: float) -> None:
        """`data` arrives at `at_s`; a closed port hears nothing."""
        if not self.is_open:
            return
        try:
            self._receiver(data, at_s)
        except Exception as error:  # noqa: BLE001 - as in a real callback, nothing may escape
            self.faults.count(error)

    def close(self) -> None:
        """Hear nothing from now on."""
        self.is_open = False


class MemoryOutput(ClosedOnExit):
    """An output that keeps what it is sent, each with the second it was sent at."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._is_lost = False
        self.is_open = True
        self.sent: list[tuple[bytes, float]] = []

    @property
    def name(self) -> str:
        """The name it was opened under."""
        return self._name

    def send(self, data: bytes) -> None:
        """Keep `data`, or fail as a port does that was unplugged."""
        if self._is_lost or not self.is_open:
            raise PortLost(f'MIDI output "{self._name}" is gone. Connect it again, then restart the jam.')
        self.sent.append((data, self._clock.now_s()))

    def disconnect(self) -> None:
        """As if unplugged: sending fails until `find`."""
        self._is_lost = True

    def reconnect(self) -> None:
        """As if plugged in again."""
        self._is_lost = False

    def close(self) -> None:
        """Take nothing more."""
        self.is_open = False


class MemorySystem:
    """A MIDI system with the ports it is given; those opened are kept, to be fed and read."""

    api = "memory"

    def __init__(self, inputs: Sequence[str] = (), outputs: Sequence[str] = (), clock: Clock | None = None) -> None:
        self._inputs = list(inputs)
        self._outputs = list(outputs)
        self._clock = clock or ManualClock()
        self.opened_inputs: list[MemoryInput] = []
        self.opened_outputs: list[MemoryOutput] = []

    def inputs(self) -> list[str]:
        """The inputs it was given."""
        return list(self._inputs)

    def outputs(self) -> list[str]:
        """The outputs it was given."""
        return list(self._outputs)

    def open_input(self, name: str | None, receiver: Receiver) -> MemoryInput:
        """An input to feed."""
        found = INPUT_NAME if name is None else self._inputs[match_port(name, "input", self._inputs)]
        self.opened_inputs.append(MemoryInput(found, receiver))
        return self.opened_inputs[-1]

    def open_output(self, name: str | None) -> MemoryOutput:
        """An output to read."""
        found = OUTPUT_NAME if name is None else self._outputs[match_port(name, "output", self._outputs)]
        self.opened_outputs.append(MemoryOutput(found, self._clock))
        return self.opened_outputs[-1]
