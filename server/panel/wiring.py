"""The wiring of a jam: what it is connected to, for display. It opens nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from model.approach import Approach
from server.config.kept_offsets import StartOffset


@dataclass(frozen=True, slots=True)
class Wiring:
    """The ports and addresses of a jam, for display; `ms_per_token` was measured at the start, and `offset` is that of the start."""

    midi_in: str
    midi_out: str
    osc: str
    ms_per_token: Mapping[Approach, float]
    offset: StartOffset
