"""MIDI ports of this machine, through python-rtmidi: JACK, ALSA, CoreMIDI, Windows. Knows bytes, not what they mean."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.errors import NoMidiSystem, PortTaken
from bridge.midi import messages
from bridge.midi.ports import (
    CLIENT_NAME,
    INPUT_NAME,
    OUTPUT_NAME,
    Direction,
    PortInfo,
    Receiver,
    match_port,
    list_all_ports,
)
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
    """This machine's MIDI, through one of RtMidi's APIs; raises `NoMidiSystem` where there is none."""

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

    def inputs(self) -> list[str]:
        """Names of the ports that can be listened to."""
        return self._list_ports(self._new_in)

    def outputs(self) -> list[str]:
        """Names of the ports that can be played to."""
        return self._list_ports(self._new_out)

    def open_input(self, name: str | None, receiver: Receiver) -> RtMidiInput:
        """Listen to a port, or with no name offer one."""
        # So that the first note does not wait for an import.
        messages.mido_module()
        raw = self._new_in(CLIENT_NAME)
        with _deleted_on_error(raw):
            # Without this RtMidi drops clock and sysex.
            raw.ignore_types(sysex=False, timing=False, active_sense=True)
            found = self._open(raw, name, "input")
        port = self._new_input(raw, found, receiver)
        port.listen()
        return port

    def open_output(self, name: str | None) -> RtMidiOutput:
        """Play to a port, or with no name offer one."""
        # JACK wants a name for each client, and RtMidi opens one for each port. Left to JACK, this one would become
        # "Trading Fours-01", which reads as a second jam; under its port's name, "-01" means what it says.
        raw = self._new_out(OUTPUT_NAME if self._api == "jack" else CLIENT_NAME)
        with _deleted_on_error(raw):
            found = self._open(raw, name, "output")
        drain_s = JACK_DRAIN_S if self._api == "jack" else 0.0
        return RtMidiOutput(raw, found, self._backend.RtMidiError, self._clock, self._poll_rate, drain_s)

    def _new_input(self, raw: RawIn, name: str, receiver: Receiver) -> RtMidiInput:
        if self._api == "jack":
            return PolledInput(raw, name, receiver, self._clock, self._poll_rate)
        return RtMidiInput(raw, name, receiver, self._clock)

    def _open(self, raw: RawPort, wanted: str | None, direction: Direction) -> str:
        """Open `raw`, and say under which name others see it or which port it is connected to."""
        own_name = INPUT_NAME if direction == "input" else OUTPUT_NAME
        if wanted is None:
            return self._open_virtual(raw, own_name, direction)
        names = raw.get_ports()
        index = match_port(wanted, direction, names)
        try:
            raw.open_port(index, own_name)
        except self._backend.RtMidiError as error:
            raise PortTaken(
                f'MIDI {direction} "{names[index]}" is there and does not open ({error}). '
                "Another program may hold it: close it there, or name another port."
            ) from error
        return names[index]

    def _open_virtual(self, raw: RawPort, own_name: str, direction: Direction) -> str:
        if self._api == "winmm":
            raise NoMidiSystem(
                f'Windows offers no virtual MIDI ports, so there can be no "{own_name}". Get loopMIDI '
                "(https://www.tobias-erichsen.de/software/loopmidi.html), add one port for each direction in it, "
                "and name them with --midi-in and --midi-out."
            )
        # Our input is what others play to, so it is listed among the outputs.
        listed = self.outputs if direction == "input" else self.inputs
        before = Counter(listed())
        try:
            raw.open_virtual_port(own_name)
        except self._backend.RtMidiError as error:
            raise NoMidiSystem(
                f'The virtual MIDI port "{own_name}" could not be made through {self._api} ({error}). '
                "Restart the MIDI system, or name an existing port instead."
            ) from error
        # A second jam on JACK is "Trading Fours-01", and ALSA adds numbers: only the list knows the name we were given.
        ours = [name for name in Counter(listed()) - before if own_name in name]
        return ours[0] if len(ours) == 1 else own_name

    def _list_ports(self, new_port: Callable[[str], RawPort]) -> list[str]:
        # A fresh object each time: those of CoreMIDI and ALSA do not always see what came later.
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
            raise NoMidiSystem(f"The MIDI system ({self._api}) does not answer: {error}. Start it anew.") from error


def list_ports(api: ApiChoice = "auto") -> tuple[PortInfo, ...]:
    """The ports of this machine."""
    return list_all_ports(RtMidiSystem(api))


@contextmanager
def _deleted_on_error(raw: RawPort) -> Iterator[None]:
    try:
        yield
    except BaseException:
        raw.delete()
        raise
