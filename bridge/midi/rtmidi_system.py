"""MIDI ports of this machine through python-rtmidi: JACK, ALSA, CoreMIDI, Windows. Does not interpret the bytes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.errors import NoMidiSystem, PortTaken
from bridge.midi.ports import (
    CLIENT_NAME,
    INPUT_NAME,
    OUTPUT_NAME,
    Direction,
    InputPort,
    OutputPort,
    Receiver,
    match_port,
)
from bridge.midi.reopening_ports import ReopeningInput, ReopeningOutput
from bridge.midi.rtmidi_module import (
    PROBE_NAME,
    Api,
    ApiChoice,
    RawIn,
    RawOut,
    RawPort,
    RtMidiModule,
    api_number,
    choose_api,
    load_rtmidi,
)
from bridge.midi.rtmidi_open_ports import JACK_DRAIN_S, PolledInput, PollRate, RtMidiInput, RtMidiOutput
from bridge.timing.clock import Clock, MonotonicClock


class RtMidiSystem:
    """The MIDI ports of this machine, through one of RtMidi's APIs. Raises NoMidiSystem where none works."""

    period = None

    def __init__(
        self,
        api: ApiChoice = "auto",
        *,
        clock: Clock | None = None,
        backend: RtMidiModule | None = None,
        platform: str = sys.platform,
    ) -> None:
        self._backend = backend or load_rtmidi()
        self._api: Api = choose_api(self._backend, api, platform)
        self._number = api_number(self._backend, self._api)
        self._clock = clock or MonotonicClock()
        self._poll_rate = PollRate()

    @property
    def api(self) -> str:
        """jack, alsa, coremidi or winmm."""
        return self._api

    @property
    def _description(self) -> str:
        if self._api == "jack":
            return "jack by RtMidi: each cycle's messages at its start, up to a period off"
        return f"{self._api}: each message at once; what the system adds is not known"

    def inputs(self) -> list[str]:
        """The names of the ports that we can receive from, as they are now."""
        return self._list_ports(self._new_in)

    def outputs(self) -> list[str]:
        """The names of the ports that we can send to, as they are now."""
        return self._list_ports(self._new_out)

    def open_input(self, name: str | None, receiver: Receiver) -> InputPort:
        """Opens an input, a virtual one where `name` is None; see `MidiSystem`. It comes back when it was gone."""
        if not self._may_vanish(name):
            return self._open_input(name, receiver)
        port = ReopeningInput(
            lambda: self._open_input(name, receiver), self.inputs, self._abandon, is_named=name is not None
        )
        port.start()
        return port

    def open_output(self, name: str | None) -> OutputPort:
        """Opens an output, a virtual one where `name` is None; see `MidiSystem`. It comes back when it was gone."""
        if not self._may_vanish(name):
            return self._open_output(name)
        port = ReopeningOutput(
            lambda: self._open_output(name),
            self.outputs,
            self._abandon,
            self._confirm_output,
            is_named=name is not None,
        )
        port.start()
        return port

    def _may_vanish(self, name: str | None) -> bool:
        """Whether a port may go while the jam runs: a device may, and JACK's server with all of its ports."""
        return name is not None or self._api == "jack"

    def _abandon(self, port: InputPort | OutputPort) -> None:
        if self._api == "jack" and isinstance(port, RtMidiInput | RtMidiOutput):
            port.abandon()
        else:
            port.close()

    def _confirm_output(self, port: OutputPort) -> None:
        if self._api == "jack" and isinstance(port, RtMidiOutput):
            port.mark_server_alive()

    def _open_input(self, name: str | None, receiver: Receiver) -> RtMidiInput:
        raw = self._new_in(CLIENT_NAME)
        with _deleted_on_error(raw):
            # Without this RtMidi drops clock and sysex.
            raw.ignore_types(sysex=False, timing=False, active_sense=True)
            opened_name = self._open(raw, name, "input")
        port = self._new_input(raw, opened_name, receiver)
        port.listen()
        return port

    def _open_output(self, name: str | None) -> RtMidiOutput:
        # JACK needs a unique name for each client, and RtMidi opens a client for each port. JACK would rename this one
        # to "Trading Fours-01", which looks like a second jam. With the port's name, "-01" really means a second jam.
        raw = self._new_out(OUTPUT_NAME if self._api == "jack" else CLIENT_NAME)
        with _deleted_on_error(raw):
            opened_name = self._open(raw, name, "output")
        drain_s = JACK_DRAIN_S if self._api == "jack" else 0.0
        port = RtMidiOutput(
            raw, opened_name, self._backend.RtMidiError, self._clock, self._poll_rate, drain_s, self._description
        )
        self._confirm_output(port)
        return port

    def _new_input(self, raw: RawIn, name: str, receiver: Receiver) -> RtMidiInput:
        if self._api == "jack":
            return PolledInput(raw, name, receiver, self._clock, self._poll_rate, self._description)
        return RtMidiInput(raw, name, receiver, self._clock, self._description)

    def _open(self, raw: RawPort, wanted: str | None, direction: Direction) -> str:
        """Opens `raw`, and returns the name under which others see it, or of the port that it is connected to."""
        own_name = INPUT_NAME if direction == "input" else OUTPUT_NAME
        if wanted is None:
            return self._open_virtual(raw, own_name, direction)
        names = raw.get_ports()
        index = match_port(wanted, direction, names)
        try:
            raw.open_port(index, own_name)
        except self._backend.RtMidiError as error:
            raise PortTaken(
                f'MIDI {direction} "{names[index]}" exists, but cannot be opened ({error}). '
                "Another program may hold it: close it there, or name another port."
            ) from error
        return names[index]

    def _open_virtual(self, raw: RawPort, own_name: str, direction: Direction) -> str:
        if self._api == "winmm":
            raise NoMidiSystem(no_virtual_port_text(own_name))
        # Other programs send to our input, so it is listed among the outputs.
        listed = self.outputs if direction == "input" else self.inputs
        before = Counter(listed())
        try:
            raw.open_virtual_port(own_name)
        except self._backend.RtMidiError as error:
            raise NoMidiSystem(
                f'The virtual MIDI port "{own_name}" could not be made through {self._api} ({error}). '
                "Restart the MIDI system, or name an existing port instead."
            ) from error
        # A second jam on JACK is "Trading Fours-01", and ALSA adds numbers: only the list has the name that we got.
        ours = [name for name in Counter(listed()) - before if own_name in name]
        return ours[0] if len(ours) == 1 else own_name

    def _list_ports(self, new_port: Callable[[str], RawPort]) -> list[str]:
        # A new object each time: with CoreMIDI and ALSA an old one does not always see ports that were added later.
        raw = new_port(PROBE_NAME)
        try:
            return raw.get_ports()
        finally:
            raw.delete()

    def _new_in(self, client_name: str) -> RawIn:
        with self._missing_system_as_error():
            return self._backend.MidiIn(self._number, client_name)

    def _new_out(self, client_name: str) -> RawOut:
        with self._missing_system_as_error():
            return self._backend.MidiOut(self._number, client_name)

    @contextmanager
    def _missing_system_as_error(self) -> Iterator[None]:
        try:
            yield
        except self._backend.RtMidiError as error:
            raise NoMidiSystem(f"The MIDI system ({self._api}) does not answer: {error}. Restart it.") from error


def no_virtual_port_text(name: str) -> str:
    """Why Windows has no port of this name, and what to do."""
    return (
        f'Windows offers no virtual MIDI ports, so there can be no "{name}". Get loopMIDI '
        "(https://www.tobias-erichsen.de/software/loopmidi.html), add one port for each direction in it, "
        "and name them with --midi-in and --midi-out."
    )


@contextmanager
def _deleted_on_error(raw: RawPort) -> Iterator[None]:
    try:
        yield
    except BaseException:
        raw.delete()
        raise
