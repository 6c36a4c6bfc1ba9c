"""When it plays: the table of modes, and whose turn it is in the bars; knows no notes, no model and no clock."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from server.controls.choices import ModeName, Side

Occasion = Literal["rest", "turn", "always", "asked"]


@dataclass(frozen=True, slots=True)
class Mode:
    """What makes it play: a rest of the player's, its turn, nothing at all, or only being asked to."""

    name: ModeName
    occasion: Occasion
    help: str


MODES: Mapping[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode("answer", "rest", "answers a phrase after a rest"),
        Mode("fours", "turn", "takes turns of so many bars with you"),
        Mode("continuous", "always", "plays on, and what you play turns it"),
        Mode("listen", "asked", "listens, and plays when it is asked to respond"),
    )
}
assert tuple(MODES) == get_args(ModeName)


@dataclass(frozen=True, slots=True)
class Turn:
    """Some bars, and whose they are; nobody's before the first turn, while the bars are counted in."""

    side: Side | None
    start_beats: float
    end_beats: float


@dataclass(frozen=True, slots=True)
class TurnSchedule:
    """Turns of `bars` bars by turns, the first from the downbeat on: `first`'s."""

    bars: int
    first: Side

    def at(self, beat: float, timeline: Timeline) -> Turn:
        """The turn that a beat is in; a turn's first beat is in it, and its end in the next."""
        number = math.floor((timeline.position(beat) + LINE_TOLERANCE_BEATS) / self._beats(timeline))
        return self._turn(number, timeline)

    def next_of_partner(self, beat: float, timeline: Timeline) -> Turn:
        """The first turn of the partner's that begins at a beat, or after it."""
        number = math.ceil((timeline.position(beat) - LINE_TOLERANCE_BEATS) / self._beats(timeline))
        number = max(number, 0)
        turn = self._turn(number, timeline)
        return turn if turn.side == "partner" else self._turn(number + 1, timeline)

    def _beats(self, timeline: Timeline) -> float:
        return self.bars * timeline.meter.beats_per_bar

    def _turn(self, number: int, timeline: Timeline) -> Turn:
        other: Side = "partner" if self.first == "player" else "player"
        side = None if number < 0 else self.first if number % 2 == 0 else other
        start_beats = timeline.bar_line(number * self.bars)
        return Turn(side, start_beats, start_beats + self._beats(timeline))
