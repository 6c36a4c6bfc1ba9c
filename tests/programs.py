"""The programs and libraries that tests use, and how to install each; a test without its own is skipped with a reason."""

import importlib.util
import shutil

import pytest

# Package names of Debian and Ubuntu, whose newer releases moved the tools of jackd2 to a separate package.
JACK_TOOLS = "jackd2 (and jack-example-tools, where there is one)"
PACKAGES = {
    "ardour7-lua": "ardour",
    "chromium": "chromium",
    "fluidsynth": "fluidsynth",
    "jack_bufsize": JACK_TOOLS,
    "jack_connect": JACK_TOOLS,
    "jack_lsp": JACK_TOOLS,
    "jack_midi_clock": "jack-midi-clock",
    "jack_midi_dump": JACK_TOOLS,
    "jack_transport": JACK_TOOLS,
    "jack_wait": JACK_TOOLS,
    "jackd": "jackd2",
    "lua5.4": "lua5.4",
    "node": "nodejs",
    "mscore3": "musescore3",
    "pipewire": "pipewire (and pipewire-jack)",
    "pw-jack": "pipewire-jack",
    "oscdump": "liblo-tools",
    "oscsend": "liblo-tools",
}


def require_program(name: str) -> str:
    """The path of the program `name`; if it is not installed, skips the test with a reason that says how to get it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name} here: apt install {PACKAGES[name]}")
    return path


def require_module(name: str) -> None:
    """Without the library `name` the test skips, and says how to get it."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"no {name} here: pip install 'trading-fours[dev]'")
