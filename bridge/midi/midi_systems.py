"""Chooses the MIDI system; the one place that knows all of them, and the choices that a user has."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Literal

from bridge.errors import NoMidiSystem
from bridge.midi import messages, rtmidi_module
from bridge.midi.ports import MidiSystem, PortInfo, list_all_ports
from bridge.midi.rtmidi_module import Api
from bridge.timing.clock import Clock

logger = logging.getLogger("fours.midi")

MidiApi = Literal["auto", Api, "none"]

Opener = Callable[[Clock], MidiSystem]
"""Opens a system whose dates are seconds of the clock. Raises NoMidiSystem where it is not there."""


def open_midi_system(choice: MidiApi, clock: Clock, platform: str = sys.platform) -> MidiSystem:
    """Opens the chosen system, for `auto` the best that works here. Raises NoMidiSystem, whose text says what is missing."""
    # Imported now, so that no message waits for it.
    messages.mido_module()
    return OPENERS[choice](clock) if choice != "auto" else _open_best(clock, platform)


def platform_apis(platform: str = sys.platform) -> tuple[MidiApi, ...]:
    """The MIDI systems that this kind of machine can have, the best first."""
    if platform == "darwin":
        return ("coremidi", "jack")
    return ("winmm",) if platform == "win32" else ("jack", "alsa")


def list_ports(choice: MidiApi, clock: Clock) -> tuple[PortInfo, ...]:
    """All ports of the chosen system."""
    return list_all_ports(open_midi_system(choice, clock))


def _open_best(clock: Clock, platform: str) -> MidiSystem:
    if platform == "darwin":
        return _open_coremidi(clock)
    if platform == "win32":
        return _open_winmm(clock)
    try:
        return _open_jack(clock)
    except NoMidiSystem as error:
        if not rtmidi_module.ALSA_SEQUENCER.exists():
            raise NoMidiSystem(
                f"There is no MIDI system. {error} Or load ALSA's sequencer (sudo modprobe snd-seq), as {rtmidi_module.ALSA_SEQUENCER} is not there."
            ) from error
        logger.info("ALSA is used. %s", error)
    return _open_alsa(clock)


# Each system is imported only when it is opened, as the libraries of one may be missing where another is used.


def _open_jack(clock: Clock) -> MidiSystem:
    from bridge.midi.jack.jack_library import is_supported

    if not is_supported():
        return _open_rtmidi("jack", clock)
    from bridge.midi.jack.jack_ports import JackSystem

    return JackSystem(clock)


def _open_rtmidi(api: Api, clock: Clock) -> MidiSystem:
    from bridge.midi.rtmidi_system import RtMidiSystem

    return RtMidiSystem(api, clock=clock)


def _open_alsa(clock: Clock) -> MidiSystem:
    return _open_rtmidi("alsa", clock)


def _open_coremidi(clock: Clock) -> MidiSystem:
    return _open_rtmidi("coremidi", clock)


def _open_winmm(clock: Clock) -> MidiSystem:
    return _open_rtmidi("winmm", clock)


def _open_none(_clock: Clock) -> MidiSystem:
    from bridge.midi.silent_ports import SilentSystem

    return SilentSystem()


OPENERS: Mapping[MidiApi, Opener] = {
    "jack": _open_jack,
    "alsa": _open_alsa,
    "coremidi": _open_coremidi,
    "winmm": _open_winmm,
    "none": _open_none,
}
