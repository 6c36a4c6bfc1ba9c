"""Checks for a usable GPU, without importing torch where there is none."""

import importlib.util
from pathlib import Path
from typing import Literal

Device = Literal["auto", "cpu", "cuda"]

# Files of an NVIDIA driver: on Linux, in a container without the driver's folder of /proc, on Linux under Windows (WSL),
# and on Windows.
_DRIVER_FILES = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg", "C:/Windows/System32/nvcuda.dll")


def has_driver() -> bool:
    """Whether an NVIDIA driver is found."""
    return any(Path(file).exists() for file in _DRIVER_FILES)


def has_cuda() -> bool:
    """Whether torch and a CUDA device are present. Imports torch, which takes seconds, only where both may be."""
    if importlib.util.find_spec("torch") is None or not has_driver():
        return False
    import torch

    return torch.cuda.is_available()
