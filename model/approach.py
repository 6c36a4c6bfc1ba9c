"""The names of the two approaches; imports nothing, so that a command line can list them before anything is loaded."""

from typing import Literal

Approach = Literal["pitch", "event"]
APPROACHES: tuple[Approach, ...] = ("pitch", "event")
