"""The table of modes, and the turns in the bars; knows no notes, no model and no clock."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from server.controls.choices import ModeName, TurnOwner

Occasion = Literal["rest", "turn", "always", "request"]
"""When the jam plays: after a rest of the player's, in its own turn, always, or only on the action `respond`."""


OCCASIONS: Mapping[str, Occasion] = {
    "answer": "rest",
    "fours": "turn",
    "continuous": "always",
    "listen": "request",
}
"""When the jam plays in each mode."""
assert tuple(OCCASIONS) == get_args(ModeName)


@dataclass(frozen=True, slots=True)
class Turn:
    """Some bars and the side that plays in them; `side` is None before the first turn, while bars are counted in."""

    side: TurnOwner | None
    start_beats: float
    end_beats: float


@dataclass(frozen=True, slots=True)
class TurnSchedule:
    """Alternating turns of `bars` bars each; the first begins at the timeline's downbeat and belongs to `first`."""

    bars: int
    first: TurnOwner

    def at(self, beat: float, timeline: Timeline) -> Turn:
        """The turn that contains a beat; a turn contains its first beat and not its end."""
        number = math.floor((timeline.position(beat) + LINE_TOLERANCE_BEATS) / self._beats(timeline))
        return self._turn(number, timeline)

    def next_of_partner(self, beat: float, timeline: Timeline) -> Turn:
        """The partner's first turn that begins at a beat or after it."""
        number = math.ceil((timeline.position(beat) - LINE_TOLERANCE_BEATS) / self._beats(timeline))
        number = max(number, 0)
        turn = self._turn(number, timeline)
        return turn if turn.side == "partner" else self._turn(number + 1, timeline)

    def _beats(self, timeline: Timeline) -> float:
        return self.bars * timeline.meter.beats_per_bar

    def _turn(self, number: int, timeline: Timeline) -> Turn:
        second: TurnOwner = "partner" if self.first == "player" else "player"
        side = None if number < 0 else self.first if number % 2 == 0 else second
        start_beats = timeline.bar_line(number * self.bars)
        return Turn(side, start_beats, start_beats + self._beats(timeline))
