"""The narrow seam to MIDI ports: bytes and monotonic seconds. Knows no MIDI library and no messages."""

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
"""CoreMIDI and many DAWs show the port's name only, so it says whose it is. In and Out are as seen from the program."""

Direction = Literal["input", "output"]
Receiver = Callable[[bytes, float], None]
"""Takes one whole message and the monotonic second it arrived; called in the MIDI system's thread."""


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One port that could be opened, as `fours ports` lists it."""

    direction: Direction
    name: str
    api: str


class Port(Protocol):
    """What inputs and outputs have in common; leaving its `with` block closes it."""

    @property
    def name(self) -> str:
        """The name under which others find it, or of the port it is connected to."""
        ...

    def close(self) -> None:
        """Give it back; a second time does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ClosedOnExit:
    """For ports to inherit: the `with` block, once and for all."""

    def close(self) -> None:
        """What leaving the block calls."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class InputPort(Port, Protocol):
    """Calls its receiver for each message until it is closed; what the receiver raises is counted, not passed on."""


class OutputPort(Port, Protocol):
    """Sends at once."""

    def send(self, data: bytes) -> None:
        """Send one whole message; `PortLost` where that is no longer possible."""
        ...


class MidiSystem(Protocol):
    """Where ports come from. `None` for a name asks for a virtual port of our own."""

    @property
    def api(self) -> str:
        """Its name, as `fours ports` shows it."""
        ...

    def inputs(self) -> list[str]:
        """Names of the ports that can be listened to."""
        ...

    def outputs(self) -> list[str]:
        """Names of the ports that can be played to."""
        ...

    def open_input(self, name: str | None, receiver: Receiver) -> InputPort:
        """Listen to the one port whose name has `name` in it."""
        ...

    def open_output(self, name: str | None) -> OutputPort:
        """Play to the one port whose name has `name` in it."""
        ...


def list_all_ports(system: MidiSystem) -> tuple[PortInfo, ...]:
    """All ports of a system: inputs, then outputs."""
    return (
        *(PortInfo("input", name, system.api) for name in system.inputs()),
        *(PortInfo("output", name, system.api) for name in system.outputs()),
    )


def match_port(wanted: str, direction: Direction, names: Sequence[str]) -> int:
    """The index of the one name that is `wanted` or, failing that, has it in it; capitals do not matter."""
    sought = wanted.strip().casefold()
    folded = [name.casefold() for name in names]
    for fits in (
        [index for index, name in enumerate(folded) if name == sought],
        [index for index, name in enumerate(folded) if _without_alsa_numbers(name) == sought],
        [index for index, name in enumerate(folded) if sought and sought in name],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise PortNotFound.ambiguous(wanted, direction, [names[index] for index in fits])
    raise PortNotFound.missing(wanted, direction, names)


def _without_alsa_numbers(name: str) -> str:
    """The name without the numbers that ALSA appends and hands out anew at each start: "Synth:Synth MIDI 1 20:0"."""
    return re.sub(r" \d+:\d+$", "", name)
