"""What other systems have and have not, tried here: no machine with Windows or macOS is at hand for most who change the program."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import platformdirs
import pytest
import rtmidi
from platformdirs.macos import MacOS
from platformdirs.windows import Windows

from bridge.midi.jack import jack_library
from bridge.midi.midi_systems import platform_apis
from bridge.midi.rtmidi_module import CONSTANT_OF
from server.config.config import TakesSection
from server.stop_signals import stop_signals_of
from tests.bridge.midi.fake_rtmidi import FakeRtMidi
from tests.conftest import CHECKOUT
from tests.test_packaging import TORCH_MODULES, module_names

WINDOWS_SIGNALS = {
    "SIGINT": 2,
    "SIGILL": 4,
    "SIGFPE": 8,
    "SIGSEGV": 11,
    "SIGTERM": 15,
    "SIGBREAK": 21,
    "SIGABRT": 22,
    "CTRL_C_EVENT": 0,
    "CTRL_BREAK_EVENT": 1,
}
MACOS_SIGNALS = {"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGABRT": 6, "SIGKILL": 9, "SIGTERM": 15, "SIGINFO": 29}

# Modules and functions that CPython has on Linux alone or on Linux and macOS alone, and packages that are not installed on Windows.
SCHEDULING = ("sched_setscheduler", "sched_getscheduler", "sched_param", "SCHED_FIFO", "SCHED_RR")
MISSING_ON_WINDOWS = {
    "modules": ["fcntl", "termios", "pwd", "grp", "resource", "pty", "tty", "syslog", "jack"],
    "os": [
        "nice",
        "getpriority",
        "setpriority",
        "PRIO_PROCESS",
        *SCHEDULING,
        "set_blocking",
        "fork",
        "getuid",
        "killpg",
        "setsid",
    ],
    "signal": ["SIGHUP", "SIGQUIT", "SIGKILL", "SIGALRM", "SIGUSR1", "setitimer", "pthread_sigmask"],
}
# The libraries stay as they were loaded here; only our own modules are loaded again, as Windows would load them.
IMPORT_AS_ON_WINDOWS = """
import importlib, os, signal, sys, types
names = {names!r}
missing = {missing!r}
for name in names:
    importlib.import_module(name)
for name in list(sys.modules):
    if name.split(".")[0] in ("bridge", "model", "server"):
        del sys.modules[name]
for name in missing["modules"]:
    sys.modules[name] = None
for module in (os, signal):
    for name in missing[module.__name__]:
        if hasattr(module, name):
            delattr(module, name)
sys.modules["msvcrt"] = types.SimpleNamespace(locking=lambda *_: None)
sys.platform = "win32"
for name in names:
    importlib.import_module(name)
from server.music.thread_priority import is_realtime, request_high_priority, request_low_priority, request_realtime
request_high_priority(), request_low_priority(), request_realtime()
assert is_realtime() is None
from bridge.midi.jack.jack_library import is_supported
assert not is_supported()
print("imported", len(names))
"""


def test_every_module_of_a_jam_is_imported_without_what_windows_lacks() -> None:
    names = sorted(
        {name for package in ("bridge", "model", "server") for name in module_names(package)} - TORCH_MODULES
    )
    script = IMPORT_AS_ON_WINDOWS.format(names=names, missing=MISSING_ON_WINDOWS)
    done = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"imported {len(names)}\n", "")


def test_windows_stops_a_jam_by_ctrl_c_and_ctrl_break_and_has_no_hang_up() -> None:
    assert stop_signals_of(SimpleNamespace(**WINDOWS_SIGNALS)) == (2, 15, 21)


def test_macos_stops_a_jam_by_what_linux_does() -> None:
    assert stop_signals_of(SimpleNamespace(**MACOS_SIGNALS)) == (2, 15, 1, 3)


@pytest.mark.parametrize(
    ("system", "folder"),
    [
        pytest.param(Windows, Path("C:/Users/ann/AppData/Local/fours/takes"), id="Windows"),
        pytest.param(MacOS, Path.home() / "Library/Application Support/fours/takes", id="macOS"),
    ],
)
def test_takes_lie_where_the_system_keeps_the_data_of_programs(
    system: type, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(
        import_module("platformdirs.windows"),
        "get_win_folder",
        {"CSIDL_LOCAL_APPDATA": "C:/Users/ann/AppData/Local"}.get,
    )
    assert TakesSection().data_folder == folder


def test_the_numbers_of_the_fake_midi_library_are_those_of_the_real_one() -> None:
    for constant in CONSTANT_OF.values():
        assert getattr(FakeRtMidi, constant) == getattr(rtmidi, constant)


def test_each_system_has_its_own_midi_systems() -> None:
    assert platform_apis("darwin") == ("coremidi", "jack")
    assert platform_apis("win32") == ("winmm",)
    assert platform_apis("linux") == ("jack", "alsa")


def test_macos_searches_for_jack_where_its_installers_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(jack_library, "find_library", {"jack": "/usr/local/lib/libjack.dylib"}.get)
    assert jack_library.library_name() == "/usr/local/lib/libjack.dylib"
