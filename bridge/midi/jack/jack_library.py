"""Finds the JACK libraries of this machine, the system's and PipeWire's own, and whether PipeWire runs. Only `load_jack` loads one."""

from __future__ import annotations

import ctypes.util
import os
import sys
from collections.abc import Mapping
from ctypes.util import find_library
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

LINUX_NAME = "libjack.so.0"
PIPEWIRE_FOLDERS = (
    "/usr/lib/*-linux-gnu*/pipewire-*/jack",  # Debian, Ubuntu
    "/usr/lib64/pipewire-*/jack",  # Fedora, openSUSE
    "/usr/lib/pipewire-*/jack",
)
"""Where distributions put PipeWire's JACK library if the system has another one."""
INSTALL_HINT = (
    "Debian, Ubuntu: sudo apt install pipewire-jack; Fedora: sudo dnf install pipewire-jack-audio-connection-kit"
)


def library_name() -> str | None:
    """The name of the library to load. On Linux it is fixed, as Python's search would start up to three programs."""
    return LINUX_NAME if sys.platform.startswith("linux") else find_library("jack")


def is_supported() -> bool:
    """Whether this system can have JACK, and JACK-Client is installed. The library itself may still be missing."""
    return sys.platform != "win32" and find_spec("jack") is not None


def is_pipewire_running(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this user's PipeWire has its socket open."""
    folder = environment.get("PIPEWIRE_RUNTIME_DIR") or environment.get("XDG_RUNTIME_DIR")
    return folder is not None and (Path(folder) / environment.get("PIPEWIRE_REMOTE", "pipewire-0")).exists()


def pipewire_library_folder(patterns: tuple[str, ...] = PIPEWIRE_FOLDERS) -> Path | None:
    """The folder of PipeWire's own libjack, which `pw-jack` puts first; None where there is none."""
    root = Path("/")
    found = (path for pattern in patterns for path in sorted(root.glob(pattern.lstrip("/"))))
    return next((path for path in found if (path / LINUX_NAME).exists()), None)


def pipewire_environment(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables with which a program loads PipeWire's library as its JACK library."""
    before = environment.get("LD_LIBRARY_PATH")
    return {**environment, "LD_LIBRARY_PATH": f"{folder}:{before}" if before else str(folder)}


def load_jack() -> ModuleType:
    """Imports JACK-Client. Raises OSError where there is no JACK library."""
    name = library_name()
    if name is not None:
        # JACK-Client searches for the library by starting ldconfig or a compiler, which do not see PipeWire's folder.
        found = name
        ctypes.util.find_library = lambda name: found  # noqa: ARG005  called by position or by name
    return import_module("jack")
