"""The interface to MIDI ports: bytes and monotonic seconds. Knows no MIDI library and no messages.

A new kind of port is a `MidiSystem` with an `InputPort` and an `OutputPort`; `silent_ports` is the smallest example, and
`memory_ports` one that carries messages. Ports that can be lost are opened through `reopening_ports`, which finds them again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self

from bridge.errors import PortNotFound

if TYPE_CHECKING:
    from bridge.timing.ticks.tick import BufferSide

CLIENT_NAME = "Trading Fours"
INPUT_NAME = "Trading Fours In"
OUTPUT_NAME = "Trading Fours Out"
"""CoreMIDI and many DAWs show only the port's name, so it names the program. In and Out are as seen from the program."""

Direction = Literal["input", "output"]
Receiver = Callable[[bytes, float], None]
"""Takes one whole message, and the time it arrived in seconds of the `Clock`. Called in a thread of the MIDI system, one call
at a time and in the order of arrival; it must return quickly, and should only put the message into a queue."""
OnChange = Callable[[], None]
OnDatesShifted = Callable[[float], None]
"""Takes by how many seconds the MIDI system's own clock has moved against the program's."""


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One port that can be opened, as `fours ports` lists it."""

    direction: Direction
    name: str
    api: str


@dataclass(frozen=True, slots=True)
class Period:
    """The period of a MIDI system that works in cycles; `server` names the system as people know it."""

    server: str
    frames: int
    rate: int

    @property
    def seconds(self) -> float:
        """The length of a cycle."""
        return self.frames / self.rate


class Port(Protocol):
    """What inputs and outputs have in common. Leaving the `with` block closes the port."""

    @property
    def name(self) -> str:
        """For a virtual port the name under which other programs find it, otherwise the name of the port it is connected to."""
        ...

    @property
    def latency_s(self) -> float:
        """The delay that the MIDI system adds at this port, as far as it is known; otherwise 0."""
        ...

    @property
    def description(self) -> str:
        """The MIDI system behind the port and how it keeps time, as one line of text: "jack, 256 frames: ..."."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether the MIDI system, or the port that was named, is known to be gone."""
        ...

    def watch(self, on_lost: OnChange, on_found: OnChange) -> None:
        """Calls `on_lost` when the port is lost and `on_found` when it is back, both in any thread; replaces earlier ones."""
        ...

    def close(self) -> None:
        """Closes the port. Returns once no receiver call is running, and all sent messages are out. A second call does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BasePort:
    """A base class for ports: the `with` block, and what a port answers that knows no latency, no overruns and no loss."""

    lead_s = 0.0
    tick_side: BufferSide = "unknown"

    @property
    def overruns(self) -> int:
        """See `OutputPort`."""
        return 0

    @property
    def latency_s(self) -> float:
        """See `Port`."""
        return 0.0

    @property
    def is_lost(self) -> bool:
        """See `Port`."""
        return False

    def watch(self, on_lost: OnChange, on_found: OnChange) -> None:
        """Does nothing."""

    def watch_dates(self, on_moved: OnDatesShifted) -> None:
        """Does nothing."""

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
    """Calls its receiver for each message, clock and sysex included, until it is closed.

    An exception in the receiver must not escape into the MIDI library: the port counts and logs it (`FaultCounter`), and
    goes on.
    """

    @property
    def tick_side(self) -> BufferSide:
        """The end of a buffer that the dates show, where the port gives all messages of a buffer one date. It is `unknown` where
        each message has a date of its own: the sender may still send in buffers.
        """
        ...

    def watch_dates(self, on_moved: OnDatesShifted) -> None:
        """Sets what is called when the dates of messages shift against those before; replaces an earlier callback.

        A system that counts frames shifts them after an overrun: its clock, and all music on it, stood still meanwhile. It
        calls `on_moved` with the seconds by which all later dates are later, before the receiver gets the first of them.
        Other systems never call it.
        """
        ...


class OutputPort(Port, Protocol):
    """Sends each message when it is due, as far as the system can, always in the order in which they were passed to `send`.

    Used from one thread at a time, `close` included.
    """

    @property
    def lead_s(self) -> float:
        """How long before it is due a message should be passed to `send`; 0 where the system sends at once."""
        ...

    @property
    def overruns(self) -> int:
        """How often the system is known to have been too busy since it was opened; 0 where it cannot know.

        What was sent when the number changes may be lost. It begins anew with another server.
        """
        ...

    def send(self, data: bytes, due_s: float | None = None) -> None:
        """Sends one whole message, with its status byte, due at `due_s` or now. Never blocks.

        Raises PortLost where the port is gone or closed; `is_lost` is true by then. Any other exception counts as a fault of
        the program.
        """
        ...


class MidiSystem(Protocol):
    """Lists and opens ports. Any thread may call it, one at a time."""

    @property
    def api(self) -> str:
        """The name of the system, as `fours ports` shows it."""
        ...

    @property
    def period(self) -> Period | None:
        """The cycles in which it passes messages on; None where it passes each on at once, or that is not known."""
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
        [index for index, name in enumerate(lowered_names) if without_alsa_numbers(name) == lowered],
        [index for index, name in enumerate(lowered_names) if lowered and lowered in name],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise PortNotFound.ambiguous(wanted, direction, [names[index] for index in matches])
    raise PortNotFound.missing(wanted, direction, names)


def ignore_clock(_by_s: float) -> None:
    """The watcher of an input's clock until it has another one."""


def without_alsa_numbers(name: str) -> str:
    """The name without the numbers that ALSA appends, which change at each start: "Synth:Synth MIDI 1 20:0"."""
    return re.sub(r" \d+:\d+$", "", name)
