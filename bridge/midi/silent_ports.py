"""Ports to nowhere, for a machine without a MIDI system: they hear nothing and are heard by nobody."""

from bridge.errors import PortNotFound
from bridge.midi.ports import BasePort, Direction, Receiver

NOWHERE = "none"


class SilentPort(BasePort):
    """An input that never hears, and an output that takes everything."""

    name = NOWHERE
    description = "no MIDI system"

    def send(self, data: bytes, due_s: float | None = None) -> None:
        """Nothing comes of it."""

    def close(self) -> None:
        """There is nothing to give back."""


class SilentSystem:
    """A MIDI system without ports; only virtual ones can be asked of it."""

    api = "no MIDI system"

    def inputs(self) -> list[str]:
        """None."""
        return []

    def outputs(self) -> list[str]:
        """None."""
        return []

    def open_input(self, name: str | None, receiver: Receiver) -> SilentPort:
        """An input that never hears."""
        return _port(name, "input")

    def open_output(self, name: str | None) -> SilentPort:
        """An output that takes everything."""
        return _port(name, "output")


def _port(name: str | None, direction: Direction) -> SilentPort:
    if name is not None:
        raise PortNotFound.missing(name, direction, [])
    return SilentPort()
