"""Which JACK library there is: the system's, or PipeWire's own, and whether PipeWire runs. Loads none of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path

LINUX_NAME = "libjack.so.0"
PIPEWIRE_FOLDERS = (
    "/usr/lib/*-linux-gnu*/pipewire-*/jack",  # Debian, Ubuntu
    "/usr/lib64/pipewire-*/jack",  # Fedora, openSUSE
    "/usr/lib/pipewire-*/jack",
)
"""Where distributions put PipeWire's JACK library when the one of the system is another."""
HOW_TO_GET_IT = (
    "Debian, Ubuntu: sudo apt install pipewire-jack; Fedora: sudo dnf install pipewire-jack-audio-connection-kit"
)


def library_name() -> str | None:
    """What to load. On Linux without a search, for which Python would start up to three programs."""
    return LINUX_NAME if sys.platform.startswith("linux") else find_library("jack")


def can_be_tried() -> bool:
    """Whether this system has JACK at all, and JACK-Client is installed; where the library is missing shows later."""
    return sys.platform != "win32" and find_spec("jack") is not None


def pipewire_runs(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether PipeWire of this user listens."""
    folder = environment.get("PIPEWIRE_RUNTIME_DIR") or environment.get("XDG_RUNTIME_DIR")
    return folder is not None and (Path(folder) / environment.get("PIPEWIRE_REMOTE", "pipewire-0")).exists()


def pipewire_library_folder(patterns: tuple[str, ...] = PIPEWIRE_FOLDERS) -> Path | None:
    """The folder of PipeWire's own libjack, which `pw-jack` would put first, or None."""
    root = Path("/")
    found = (path for pattern in patterns for path in sorted(root.glob(pattern.lstrip("/"))))
    return next((path for path in found if (path / LINUX_NAME).exists()), None)


def pipewire_environment(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which a program gets PipeWire's library where it asks for JACK's."""
    before = environment.get("LD_LIBRARY_PATH")
    return {**environment, "LD_LIBRARY_PATH": f"{folder}:{before}" if before else str(folder)}
