"""The interface to MIDI ports: bytes and monotonic seconds. Knows no MIDI library and no messages.

A new kind of port is a `MidiSystem` with an `InputPort` and an `OutputPort`; `memory_ports` is the smallest example.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from bridge.errors import PortNotFound

CLIENT_NAME = "Trading Fours"
INPUT_NAME = "Trading Fours In"
OUTPUT_NAME = "Trading Fours Out"
"""CoreMIDI and many DAWs show only the port's name, so it names the program. In and Out are as seen from the program."""

Direction = Literal["input", "output"]
Receiver = Callable[[bytes, float], None]
"""Takes one whole message, and the time it arrived in seconds of the `Clock`. Called in a thread of the MIDI system, one call
at a time and in the order of arrival; it must return quickly, and should only put the message into a queue."""


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One port that can be opened, as `fours ports` lists it."""

    direction: Direction
    name: str
    api: str


class Port(Protocol):
    """What inputs and outputs have in common. Leaving the `with` block closes the port."""

    @property
    def name(self) -> str:
        """For a virtual port the name under which other programs find it, otherwise the name of the port it is connected to."""
        ...

    def close(self) -> None:
        """Closes the port. Returns once no receiver call is running, and all sent messages are out. A second call does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ClosedOnExit:
    """A base class for ports: the `with` block."""

    def close(self) -> None:
        """Called when the block is left."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class InputPort(Port, Protocol):
    """Calls its receiver for each message until it is closed, clock and sysex included.

    An exception in the receiver must not escape into the MIDI library: the port counts and logs it (`FaultCounter`), and
    goes on.
    """


class OutputPort(Port, Protocol):
    """Sends messages at once. Used from one thread at a time, `close` included."""

    def send(self, data: bytes) -> None:
        """Sends one whole message. Raises PortLost where the port is gone or closed."""
        ...


class MidiSystem(Protocol):
    """Lists and opens ports. Any thread may call it, one at a time."""

    @property
    def api(self) -> str:
        """The name of the system, as `fours ports` shows it."""
        ...

    def inputs(self) -> list[str]:
        """The names of the ports that we can receive from, as they are now."""
        ...

    def outputs(self) -> list[str]:
        """The names of the ports that we can send to, as they are now."""
        ...

    def open_input(self, name: str | None, receiver: Receiver) -> InputPort:
        """Opens an input and delivers its messages to `receiver` from now on.

        `name` selects an existing port, by the rules of `match_port`; None opens a virtual port named INPUT_NAME. Raises
        PortNotFound where no port or several match, PortTaken where the port cannot be opened, and NoMidiSystem where the
        system is gone or has no virtual ports.
        """
        ...

    def open_output(self, name: str | None) -> OutputPort:
        """Opens an output; None opens a virtual port named OUTPUT_NAME. Selects and raises as `open_input` does."""
        ...


def list_all_ports(system: MidiSystem) -> tuple[PortInfo, ...]:
    """All ports of a system: the inputs, then the outputs."""
    return (
        *(PortInfo("input", name, system.api) for name in system.inputs()),
        *(PortInfo("output", name, system.api) for name in system.outputs()),
    )


def match_port(wanted: str, direction: Direction, names: Sequence[str]) -> int:
    """The index of the name that equals `wanted`; if none does, of the one name that contains it. Case does not matter.

    Raises PortNotFound where no name fits, or several do.
    """
    lowered = wanted.strip().casefold()
    lowered_names = [name.casefold() for name in names]
    for matches in (
        [index for index, name in enumerate(lowered_names) if name == lowered],
        [index for index, name in enumerate(lowered_names) if _without_alsa_numbers(name) == lowered],
        [index for index, name in enumerate(lowered_names) if lowered and lowered in name],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise PortNotFound.ambiguous(wanted, direction, [names[index] for index in matches])
    raise PortNotFound.missing(wanted, direction, names)


def _without_alsa_numbers(name: str) -> str:
    """The name without the numbers that ALSA appends, which change at each start: "Synth:Synth MIDI 1 20:0"."""
    return re.sub(r" \d+:\d+$", "", name)
