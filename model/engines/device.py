"""Whether there is a GPU to play on, asked without paying for torch where there is none."""

import importlib.util
from pathlib import Path
from typing import Literal

Device = Literal["auto", "cpu", "cuda"]

# What an NVIDIA driver leaves on Linux, on Linux under Windows, and on Windows.
_DRIVER_SIGNS = ("/proc/driver/nvidia/version", "/dev/dxg", "C:/Windows/System32/nvcuda.dll")


def has_cuda() -> bool:
    """Whether torch and a CUDA device are here. Imports torch, which takes seconds, only where both may be."""
    if importlib.util.find_spec("torch") is None or not any(Path(sign).exists() for sign in _DRIVER_SIGNS):
        return False
    import torch

    return torch.cuda.is_available()
