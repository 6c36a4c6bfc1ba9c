"""The two approaches by name; knows nothing else, so that a command line may list them before anything is loaded."""

from typing import Literal

Approach = Literal["pitch", "event"]
APPROACHES: tuple[Approach, ...] = ("pitch", "event")
