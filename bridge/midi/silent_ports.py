"""MIDI ports that are connected to nothing, for a machine without a MIDI system."""

from bridge.errors import PortNotFound
from bridge.midi.ports import BasePort, Direction, Receiver

NOWHERE = "none"


class SilentPort(BasePort):
    """An input that never receives, and an output that drops every message."""

    name = NOWHERE
    description = "no MIDI system"

    def send(self, data: bytes, due_s: float | None = None) -> None:
        """Drops the message."""

    def close(self) -> None:
        """Does nothing."""


class SilentSystem:
    """A MIDI system without ports. Only virtual ports can be opened; PortNotFound for any other."""

    api = "no MIDI system"
    period = None

    def inputs(self) -> list[str]:
        """An empty list."""
        return []

    def outputs(self) -> list[str]:
        """An empty list."""
        return []

    def open_input(self, name: str | None, receiver: Receiver) -> SilentPort:
        """An input that never receives."""
        return _port(name, "input")

    def open_output(self, name: str | None) -> SilentPort:
        """An output that drops every message."""
        return _port(name, "output")


def _port(name: str | None, direction: Direction) -> SilentPort:
    if name is not None:
        raise PortNotFound.missing(name, direction, [])
    return SilentPort()
