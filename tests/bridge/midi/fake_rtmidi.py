"""A fake of the module rtmidi, for the systems that the tests do not run on: CoreMIDI, Windows, ALSA."""

from collections import deque
from collections.abc import Sequence

from bridge.midi.rtmidi_module import RawReceiver


class FakeRtMidi:
    """Ports are names in two lists. `done` records every operation on a port."""

    class RtMidiError(Exception):
        pass

    API_MACOSX_CORE = 1
    API_LINUX_ALSA = 2
    API_UNIX_JACK = 3
    API_WINDOWS_MM = 4

    def __init__(
        self, sources: Sequence[str] = (), destinations: Sequence[str] = (), *, jack_runs: bool = False
    ) -> None:
        self.sources = list(sources)
        self.destinations = list(destinations)
        self.jack_runs = jack_runs
        self.is_out_of_order = False
        self.done: list[str] = []
        self.queue: deque[tuple[Sequence[int], float]] = deque()
        self.alive = 0

    def get_compiled_api(self) -> list[int]:
        return [1, 2, 3, 4]

    def MidiIn(self, rtapi: int, name: str) -> "FakeIn":  # noqa: N802 - rtmidi's name
        return FakeIn(self, rtapi, name, self.sources, self.destinations)

    def MidiOut(self, rtapi: int, name: str) -> "FakeOut":  # noqa: N802 - rtmidi's name
        return FakeOut(self, rtapi, name, self.destinations, self.sources)


class FakePort:
    def __init__(
        self, rtmidi: FakeRtMidi, rtapi: int, client: str, other_ports: list[str], own_ports: list[str]
    ) -> None:
        if rtapi == rtmidi.API_UNIX_JACK and not rtmidi.jack_runs:
            raise rtmidi.RtMidiError("JACK server not running?")
        self._rtmidi, self._client, self._other_ports, self._own_ports = rtmidi, client, other_ports, own_ports
        self._rtmidi.alive += 1

    def get_ports(self) -> list[str]:
        return list(self._other_ports)

    def open_port(self, port: int, name: str) -> object:
        if self._rtmidi.is_out_of_order:
            raise self._rtmidi.RtMidiError("error creating port")
        self._rtmidi.done.append(f"open {self._other_ports[port]} as {name}")
        return self

    def open_virtual_port(self, name: str) -> object:
        if self._rtmidi.is_out_of_order:
            raise self._rtmidi.RtMidiError("error creating port")
        # As ALSA lists it, with client numbers from 128.
        self._own_ports.append(f"{self._client}:{name} {128 + len(self._own_ports)}:0")
        return self

    def close_port(self) -> None:
        self._rtmidi.done.append("close")

    def delete(self) -> None:
        self._rtmidi.alive -= 1


class FakeIn(FakePort):
    def ignore_types(self, *, sysex: bool, timing: bool, active_sense: bool) -> None:
        self._rtmidi.done.append(f"ignore {sysex=} {timing=} {active_sense=}")

    def set_callback(self, func: RawReceiver) -> None:
        self._rtmidi.done.append("set callback")

    def cancel_callback(self) -> None:
        self._rtmidi.done.append("cancel callback")

    def get_message(self) -> tuple[Sequence[int], float] | None:
        return self._rtmidi.queue.popleft() if self._rtmidi.queue else None


class FakeOut(FakePort):
    def send_message(self, message: bytes) -> None:
        if self._rtmidi.is_out_of_order:
            raise self._rtmidi.RtMidiError("error sending message")
        self._rtmidi.done.append(f"send {message.hex(' ')}")
