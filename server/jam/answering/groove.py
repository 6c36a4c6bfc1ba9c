"""Places planned notes in time: quantises, swings, shortens or lengthens them; knows no clock and no plan."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from bridge.timing.timeline import Timeline
from model.notes import ROUNDING_BEATS, SHORTEST_NOTE_BEATS, Note
from server.controls.choices import MAX_GATE, MAX_SWING, MIN_GATE, STRAIGHT_SWING, Quantize
from server.controls.control_table import PERCENT, Settings

# A note value is a share of a whole note, which is four beats; three of a triplet take the time of two.
GRID_BEATS: Mapping[Quantize, float] = {
    "1/4": 1.0,
    "1/8": 1 / 2,
    "1/16": 1 / 4,
    "1/32": 1 / 8,
    "1/4t": 2 / 3,
    "1/8t": 1 / 3,
    "1/16t": 1 / 6,
}
# The pairs that swing makes unequal: two eighths, or two sixteenths on grids that fine. Triplets are not swung.
PAIR_BEATS: Mapping[Quantize, float] = {"off": 1.0, "1/4": 1.0, "1/8": 1.0, "1/16": 1 / 2, "1/32": 1 / 2}


@dataclass(frozen=True, slots=True)
class Groove:
    """How notes are placed. Raises ValueError where `swing` or `gate` is out of range.

    `swing` is the share of a pair of eighths (of sixteenths on grids of sixteenths and finer) that the first one
    takes, as in drum machines and DAWs since the LinnDrum: 0.5 is straight, 2/3 a triplet's, 0.75 a dotted note's.
    `gate` is how much of its length a note sounds.
    """

    quantize: Quantize = "off"
    swing: float = STRAIGHT_SWING
    gate: float = 1.0

    def __post_init__(self) -> None:
        if not STRAIGHT_SWING <= self.swing <= MAX_SWING:
            raise ValueError(f"swing is {STRAIGHT_SWING:g} to {MAX_SWING:g}, not {self.swing:g}")
        if not MIN_GATE <= self.gate <= MAX_GATE:
            raise ValueError(f"gate is {MIN_GATE:g} to {MAX_GATE:g}, not {self.gate:g}")

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The groove that the controls describe."""
        return cls(settings.quantize, settings.swing / PERCENT, settings.gate)

    def place(self, note: Note, timeline: Timeline, earliest_beats: float = -math.inf) -> Note:
        """The note as it sounds, not before `earliest_beats`. Placing never changes the order of two notes."""
        onset_beats = self.onset(note.onset_beats, timeline, earliest_beats)
        end_beats = max(self.onset(note.end_beats, timeline, earliest_beats), self._earliest_end(onset_beats, timeline))
        duration_beats = max((end_beats - onset_beats) * self.gate, SHORTEST_NOTE_BEATS)
        return replace(note, onset_beats=onset_beats, duration_beats=duration_beats)

    def onset(self, beat: float, timeline: Timeline, earliest_beats: float = -math.inf) -> float:
        """Where a note that is planned at `beat` begins, not before `earliest_beats`; a beat on the grid stays."""
        if self.quantize == "off":
            bar, within_beats = timeline.bar_at(beat)
            swung_beats = self._swung(within_beats, timeline.meter.beats_per_bar)
            # Exactly the planned beat, to the last bit, where there is nothing to swing.
            placed_beats = beat if swung_beats == within_beats else timeline.bar_line(bar) + swung_beats
            return max(placed_beats, earliest_beats)
        placed_beats = self._nearest(beat, timeline)
        if placed_beats >= earliest_beats:
            return placed_beats
        return self._next(earliest_beats, timeline, includes_beat=True)

    def _nearest(self, beat: float, timeline: Timeline) -> float:
        """The grid point that a planned beat means.

        A plan is straight, so a planned beat means a point if it lies on the point's straight place, on its swung
        place or between the two. Between two points it means the nearer one.
        """
        bar, within_beats = timeline.bar_at(beat)
        straight, swung = self._grid(timeline.meter.beats_per_bar)
        midpoints = [(late + early) / 2 for late, early in zip(swung, straight[1:], strict=False)]
        return _point(timeline, bar, swung, bisect_right(midpoints, within_beats - ROUNDING_BEATS))

    def _next(self, beat: float, timeline: Timeline, *, includes_beat: bool) -> float:
        """The first grid point after a beat; with `includes_beat` a point on the beat counts."""
        bar, within_beats = timeline.bar_at(beat)
        _, swung = self._grid(timeline.meter.beats_per_bar)
        tolerance_beats = -ROUNDING_BEATS if includes_beat else ROUNDING_BEATS
        return _point(timeline, bar, swung, bisect_right(swung, within_beats + tolerance_beats))

    def _earliest_end(self, onset_beats: float, timeline: Timeline) -> float:
        """Quantised notes last to the next grid point at least, so that none shrinks to nothing."""
        return onset_beats if self.quantize == "off" else self._next(onset_beats, timeline, includes_beat=False)

    def _grid(self, beats_per_bar: float) -> tuple[list[float], list[float]]:
        """The grid points of a bar and the bar's end, straight and swung."""
        step_beats = GRID_BEATS[self.quantize]
        steps = math.ceil(beats_per_bar / step_beats - ROUNDING_BEATS)
        straight = [*(index * step_beats for index in range(steps)), beats_per_bar]
        return straight, [self._swung(beats, beats_per_bar) for beats in straight]

    def _swung(self, within_beats: float, beats_per_bar: float) -> float:
        """Where swing moves a straight position within a bar: each half of a pair is stretched or shortened evenly.

        A bar such as 7/8 ends with half a pair, which stays as it is.
        """
        pair_beats = PAIR_BEATS.get(self.quantize)
        if pair_beats is None or self.swing == STRAIGHT_SWING:
            return within_beats
        pair_start_beats = math.floor(within_beats / pair_beats + ROUNDING_BEATS) * pair_beats
        if pair_start_beats + pair_beats > beats_per_bar + ROUNDING_BEATS:
            return within_beats
        share = (within_beats - pair_start_beats) / pair_beats
        moved = (
            share * self.swing / STRAIGHT_SWING
            if share <= STRAIGHT_SWING
            else 1 - (1 - share) * (1 - self.swing) / STRAIGHT_SWING
        )
        return pair_start_beats + moved * pair_beats


def _point(timeline: Timeline, bar: int, grid: list[float], index: int) -> float:
    """The beat of a bar's grid point; the last one is exactly where the next bar begins, to the last bit."""
    return timeline.bar_line(bar + 1) if index >= len(grid) - 1 else timeline.bar_line(bar) + grid[index]
