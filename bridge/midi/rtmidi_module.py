"""python-rtmidi as we use it: its types for the type checker, and the choice of the API that works here.

Opens no ports.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol, cast

from bridge.errors import NoMidiSystem

logger = logging.getLogger("fours.midi")

Api = Literal["jack", "alsa", "coremidi", "winmm"]
"""What RtMidi can talk to. `midi_systems` names the choices that a user has."""
ApiChoice = Literal["auto", Api]

CONSTANT_OF: Mapping[Api, str] = {
    "jack": "API_UNIX_JACK",
    "alsa": "API_LINUX_ALSA",
    "coremidi": "API_MACOSX_CORE",
    "winmm": "API_WINDOWS_MM",
}
ALSA_SEQUENCER = Path("/dev/snd/seq")
LAST_PYTHON_WITH_WHEELS = (3, 12)
PROBE_NAME = "fours-probe"

RawReceiver = Callable[[tuple[Sequence[int], float], object], None]


class RawPort(Protocol):
    """What rtmidi.MidiIn and rtmidi.MidiOut share. python-rtmidi has no types, so these are the methods that we rely on."""

    def get_ports(self) -> list[str]: ...
    def open_port(self, port: int, name: str) -> object: ...
    def open_virtual_port(self, name: str) -> object: ...
    def close_port(self) -> None: ...
    def delete(self) -> None: ...


class RawIn(RawPort, Protocol):
    """rtmidi.MidiIn."""

    def ignore_types(self, *, sysex: bool, timing: bool, active_sense: bool) -> None: ...
    def set_callback(self, func: RawReceiver) -> None: ...
    def cancel_callback(self) -> None: ...
    def get_message(self) -> tuple[Sequence[int], float] | None: ...


class RawOut(RawPort, Protocol):
    """rtmidi.MidiOut."""

    def send_message(self, message: bytes) -> None: ...


class RtMidiModule(Protocol):
    """The module rtmidi; tests replace it. Its API_ constants are read by name."""

    @property
    def RtMidiError(self) -> type[Exception]: ...  # noqa: N802 - rtmidi's name
    def MidiIn(self, rtapi: int, name: str) -> RawIn: ...  # noqa: N802 - rtmidi's name
    def MidiOut(self, rtapi: int, name: str) -> RawOut: ...  # noqa: N802 - rtmidi's name
    def get_compiled_api(self) -> list[int]: ...


def load_rtmidi() -> RtMidiModule:
    """Imports python-rtmidi. Raises NoMidiSystem, whose text says how to install it."""
    try:
        return cast("RtMidiModule", importlib.import_module("rtmidi"))
    except ModuleNotFoundError as error:
        if sys.version_info[:2] > LAST_PYTHON_WITH_WHEELS:
            running = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise NoMidiSystem(
                f"MIDI ports need Python 3.12 or 3.11: python-rtmidi has no builds for Python {running}. Install Trading "
                "Fours with Python 3.12, or with the extra rtmidi, which compiles it: docs/install.md."
            ) from error
        raise NoMidiSystem(
            "MIDI ports need python-rtmidi, which is not installed: pip install python-rtmidi"
        ) from error
    except ImportError as error:
        raise NoMidiSystem(f"python-rtmidi is installed, but cannot be loaded: {error}. Install it again.") from error


def api_number(backend: RtMidiModule, api: Api) -> int:
    """The number that rtmidi has for `api`."""
    return int(getattr(backend, CONSTANT_OF[api]))


def choose_api(backend: RtMidiModule, choice: ApiChoice, platform: str = sys.platform) -> Api:
    """The API to use: the chosen one, or for `auto` the best that works here. Raises NoMidiSystem where there is none."""
    if choice == "auto":
        return _best_api(backend, platform)
    if api_number(backend, choice) not in backend.get_compiled_api():
        raise NoMidiSystem(f'MIDI API "{choice}" is not available on this system. Choose "auto".')
    if choice == "jack" and not is_jack_running(backend):
        raise NoMidiSystem("No JACK server is running. Start one (jackd -d dummy -r 48000 -p 64), or choose API auto.")
    if choice == "alsa" and not ALSA_SEQUENCER.exists():
        raise NoMidiSystem(f"ALSA's sequencer is not there ({ALSA_SEQUENCER}). Load it (sudo modprobe snd-seq).")
    return choice


def is_jack_running(backend: RtMidiModule) -> bool:
    """Whether a JACK server is running. Does not start one, and keeps libjack from printing to stderr."""
    number = api_number(backend, "jack")
    if number not in backend.get_compiled_api():
        return False
    with _no_server_start(), _quiet_libjack(backend):
        try:
            probe = backend.MidiIn(number, PROBE_NAME)
        except backend.RtMidiError:
            return False
        probe.delete()
        return True


def _best_api(backend: RtMidiModule, platform: str) -> Api:
    if platform == "darwin":
        return "coremidi"
    if platform == "win32":
        return "winmm"
    if is_jack_running(backend):
        return "jack"
    if ALSA_SEQUENCER.exists():
        return "alsa"
    raise NoMidiSystem(
        f"There is no MIDI system: no JACK server is running, and ALSA's sequencer ({ALSA_SEQUENCER}) is not there. "
        "Start JACK (jackd -d dummy -r 48000 -p 64) or load ALSA's sequencer (sudo modprobe snd-seq)."
    )


@contextmanager
def _no_server_start() -> Iterator[None]:
    previous = os.environ.get("JACK_NO_START_SERVER")
    os.environ["JACK_NO_START_SERVER"] = "1"
    try:
        yield
    finally:
        if previous is None:
            del os.environ["JACK_NO_START_SERVER"]
        else:
            os.environ["JACK_NO_START_SERVER"] = previous


@contextmanager
def _quiet_libjack(backend: RtMidiModule) -> Iterator[None]:
    """Within the block, libjack's messages go to the log at DEBUG; afterwards its previous handler is restored."""
    libjack = _libjack_of(backend)
    if libjack is None:
        yield
        return
    previous = ctypes.c_void_p.in_dll(libjack, "jack_error_callback").value
    handler = JackErrorHandler(_log_libjack)
    libjack.jack_set_error_function(handler)
    try:
        yield
    finally:
        libjack.jack_set_error_function(ctypes.c_void_p(previous))


JackErrorHandler = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


def _log_libjack(text: bytes) -> None:
    logger.debug("libjack: %s", text.decode(errors="replace"))


def _libjack_of(backend: RtMidiModule) -> ctypes.CDLL | None:
    """The libjack in this process; None where rtmidi has no libjack whose messages can be redirected."""
    extension = getattr(getattr(backend, "_rtmidi", None), "__file__", None)
    if not isinstance(extension, str):
        return None
    with suppress(OSError, AttributeError, ValueError):
        # A symbol look-up in the extension also finds the libjack that it is linked to: the system's, or the one in its
        # wheel.
        libjack = ctypes.CDLL(extension)
        ctypes.c_void_p.in_dll(libjack, "jack_error_callback")
        _ = libjack.jack_set_error_function
        return libjack
    return None
