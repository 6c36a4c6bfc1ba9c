"""MIDI ports in memory, for tests and demos: feed an input, read an output, unplug one. Knows no MIDI system."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bridge.errors import PortLost
from bridge.fault_counter import FaultCounter
from bridge.midi.ports import (
    INPUT_NAME,
    OUTPUT_NAME,
    BasePort,
    OnChange,
    OnDatesShifted,
    Receiver,
    ignore_clock,
    match_port,
)
from bridge.timing.clock import Clock, ManualClock

logger_in = logging.getLogger("fours.midi.in")
logger_out = logging.getLogger("fours.midi.out")


class MemoryInput(BasePort):
    """An input that receives the messages passed to `feed`."""

    description = "memory"

    def __init__(self, name: str, receiver: Receiver) -> None:
        self._name = name
        self._receiver = receiver
        self._on_clock_moved: OnDatesShifted = ignore_clock
        self.faults = FaultCounter(logger_in, name)
        self.is_open = True

    @property
    def name(self) -> str:
        """The name that it was opened under."""
        return self._name

    def feed(self, data: bytes, at_s: float) -> None:
        """Delivers `data` as if it had arrived at `at_s`. A closed port receives nothing."""
        if not self.is_open:
            return
        try:
            self._receiver(data, at_s)
        except Exception as error:  # noqa: BLE001 - as in a real callback, no exception may escape
            self.faults.count(error)

    def watch_dates(self, on_moved: OnDatesShifted) -> None:
        """See `InputPort`; `move_clock` calls it."""
        self._on_clock_moved = on_moved

    def move_clock(self, by_s: float) -> None:
        """Reports that all dates from now on are `by_s` later, as a real system does after an overrun."""
        self._on_clock_moved(by_s)

    def close(self) -> None:
        """Stops receiving."""
        self.is_open = False


class MemoryOutput(BasePort):
    """An output that stores each message sent, with the time it was sent at and the time it was due.

    With a `lead_s` it asks for messages that long before they are due, as a port does that can schedule.
    """

    description = "memory"
    overruns = 0
    """See `OutputPort`."""

    def __init__(self, name: str, clock: Clock, lead_s: float = 0.0) -> None:
        self._name = name
        self._clock = clock
        self._is_disconnected = False
        self._on_lost: OnChange = _do_nothing
        self._on_found: OnChange = _do_nothing
        self.lead_s = lead_s
        self.is_open = True
        self.loses_messages = False
        """Acts as a system that is too busy: each message is lost, which counts as an overrun."""
        self.sent: list[tuple[bytes, float]] = []
        self.due_s: list[float] = []
        """When each of `sent` was due; the time it was sent at where no time was given."""

    @property
    def name(self) -> str:
        """The name that it was opened under."""
        return self._name

    @property
    def is_lost(self) -> bool:
        """Whether it is disconnected."""
        return self._is_disconnected

    def watch(self, on_lost: OnChange, on_found: OnChange) -> None:
        """See `Port`; `disconnect` and `reconnect` call these."""
        self._on_lost, self._on_found = on_lost, on_found

    def send(self, data: bytes, due_s: float | None = None) -> None:
        """Stores `data`. Raises PortLost where the port is closed or disconnected."""
        if self._is_disconnected or not self.is_open:
            raise PortLost(f'MIDI output "{self._name}" is gone. Connect it again.')
        if self.loses_messages:
            self.overruns += 1
            return
        now_s = self._clock.now_s()
        self.sent.append((data, now_s))
        self.due_s.append(now_s if due_s is None else due_s)

    def disconnect(self) -> None:
        """Acts as if unplugged: sending fails until `reconnect`."""
        self._is_disconnected = True
        self._on_lost()

    def reconnect(self) -> None:
        """Acts as if plugged in again."""
        self._is_disconnected = False
        self._on_found()

    def close(self) -> None:
        """Accepts no more messages."""
        self.is_open = False


def _do_nothing() -> None:
    """The watcher of a port that nobody watches."""


class MemorySystem:
    """A MIDI system with the given ports. Those that were opened are in `opened_inputs` and `opened_outputs`."""

    api = "memory"
    period = None

    def __init__(self, inputs: Sequence[str] = (), outputs: Sequence[str] = (), clock: Clock | None = None) -> None:
        self._inputs = list(inputs)
        self._outputs = list(outputs)
        self._clock = clock or ManualClock()
        self.opened_inputs: list[MemoryInput] = []
        self.opened_outputs: list[MemoryOutput] = []

    def inputs(self) -> list[str]:
        """The given inputs."""
        return list(self._inputs)

    def outputs(self) -> list[str]:
        """The given outputs."""
        return list(self._outputs)

    def open_input(self, name: str | None, receiver: Receiver) -> MemoryInput:
        """Opens an input that tests can feed."""
        opened_name = INPUT_NAME if name is None else self._inputs[match_port(name, "input", self._inputs)]
        self.opened_inputs.append(MemoryInput(opened_name, receiver))
        return self.opened_inputs[-1]

    def open_output(self, name: str | None) -> MemoryOutput:
        """Opens an output that tests can read."""
        opened_name = OUTPUT_NAME if name is None else self._outputs[match_port(name, "output", self._outputs)]
        self.opened_outputs.append(MemoryOutput(opened_name, self._clock))
        return self.opened_outputs[-1]
