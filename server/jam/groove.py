"""Where planned notes are placed when they sound: quantised to a grid, swung, cut or lengthened; knows beats, no clock and no plan."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bridge.timing.timeline import Timeline
from model.notes import HAIR_BEATS, SHORTEST_NOTE_BEATS, Note
from server.controls.choices import HARDEST_SWING, LONGEST_GATE, SHORTEST_GATE, STRAIGHT, Quantize

# A note value is a share of a whole note, of four beats; three of a triplet stand for two.
GRID_BEATS: Mapping[Quantize, float] = {
    "1/4": 1.0,
    "1/8": 1 / 2,
    "1/16": 1 / 4,
    "1/32": 1 / 8,
    "1/4t": 2 / 3,
    "1/8t": 1 / 3,
    "1/16t": 1 / 6,
}
# Two eighths, or two sixteenths where the grid is as fine: what swing makes unequal. Triplets are not swung.
PAIR_BEATS: Mapping[Quantize, float] = {"off": 1.0, "1/4": 1.0, "1/8": 1.0, "1/16": 1 / 2, "1/32": 1 / 2}


@dataclass(frozen=True, slots=True)
class Groove:
    """How notes are placed.

    `swing` is the share of a pair of eighths (of sixteenths, where the grid is one of sixteenths) that the first one
    takes, as drum machines and DAWs have it since Linn's: 0.5 is straight, 2/3 a triplet's, 0.75 a dotted note's.
    `gate` is how much of its length a note sounds.
    """

    quantize: Quantize = "off"
    swing: float = STRAIGHT
    gate: float = 1.0

    def __post_init__(self) -> None:
        if not STRAIGHT <= self.swing <= HARDEST_SWING:
            raise ValueError(f"swing is {STRAIGHT:g} to {HARDEST_SWING:g}, not {self.swing:g}")
        if not SHORTEST_GATE <= self.gate <= LONGEST_GATE:
            raise ValueError(f"gate is {SHORTEST_GATE:g} to {LONGEST_GATE:g}, not {self.gate:g}")

    def place(self, note: Note, timeline: Timeline, earliest_beats: float = -math.inf) -> Note:
        """The note as it sounds; of two notes the later one is never placed before the other."""
        onset_beats = self.onset(note.onset_beats, timeline, earliest_beats)
        end_beats = max(self.onset(note.end_beats, timeline, earliest_beats), self._soonest_end(onset_beats, timeline))
        duration_beats = max((end_beats - onset_beats) * self.gate, SHORTEST_NOTE_BEATS)
        return replace(note, onset_beats=onset_beats, duration_beats=duration_beats)

    def onset(self, beat: float, timeline: Timeline, earliest_beats: float = -math.inf) -> float:
        """Where a note that is planned at `beat` begins: what lies on the grid stays, and nothing comes before `earliest_beats`."""
        if self.quantize == "off":
            bar, within_beats = timeline.bar_at(beat)
            swung_beats = self._swung(within_beats, timeline.meter.beats_per_bar)
            # Untouched where there is nothing to do, to the last bit.
            placed_beats = beat if swung_beats == within_beats else timeline.bar_line(bar) + swung_beats
            return max(placed_beats, earliest_beats)
        placed_beats = self._nearest(beat, timeline)
        return placed_beats if placed_beats >= earliest_beats else self._next(earliest_beats, timeline, or_there=True)

    def _nearest(self, beat: float, timeline: Timeline) -> float:
        """The point of the grid that a planned beat means.

        A plan is straight, so a point stands for its straight place and its swung one alike, and what lies between
        the two; from there on the point is the nearer of two neighbours.
        """
        bar, within_beats = timeline.bar_at(beat)
        straight, swung = self._grid(timeline.meter.beats_per_bar)
        turns = [(late + early) / 2 for late, early in zip(swung, straight[1:], strict=False)]
        return _point(timeline, bar, swung, bisect_right(turns, within_beats - HAIR_BEATS))

    def _next(self, beat: float, timeline: Timeline, *, or_there: bool) -> float:
        """The first point of the grid after a beat, or at it."""
        bar, within_beats = timeline.bar_at(beat)
        _, swung = self._grid(timeline.meter.beats_per_bar)
        hair_beats = -HAIR_BEATS if or_there else HAIR_BEATS
        return _point(timeline, bar, swung, bisect_right(swung, within_beats + hair_beats))

    def _soonest_end(self, onset_beats: float, timeline: Timeline) -> float:
        """Quantised notes reach the next point of the grid, so that none is squeezed to nothing."""
        return onset_beats if self.quantize == "off" else self._next(onset_beats, timeline, or_there=False)

    def _grid(self, beats_per_bar: float) -> tuple[list[float], list[float]]:
        """The points of a bar, its end among them, straight and swung."""
        step_beats = GRID_BEATS[self.quantize]
        steps = math.ceil(beats_per_bar / step_beats - HAIR_BEATS)
        straight = [*(index * step_beats for index in range(steps)), beats_per_bar]
        return straight, [self._swung(beats, beats_per_bar) for beats in straight]

    def _swung(self, within_beats: float, beats_per_bar: float) -> float:
        """Where a straight place within a bar lies once swung: each half of a pair is stretched or squeezed evenly.

        The half of a pair that a bar such as 7/8 ends with stays as it is.
        """
        pair_beats = PAIR_BEATS.get(self.quantize)
        if pair_beats is None or self.swing == STRAIGHT:
            return within_beats
        pair_starts_beats = math.floor(within_beats / pair_beats + HAIR_BEATS) * pair_beats
        if pair_starts_beats + pair_beats > beats_per_bar + HAIR_BEATS:
            return within_beats
        share = (within_beats - pair_starts_beats) / pair_beats
        moved = share * self.swing / STRAIGHT if share <= STRAIGHT else 1 - (1 - share) * (1 - self.swing) / STRAIGHT
        return pair_starts_beats + moved * pair_beats


def _point(timeline: Timeline, bar: int, grid: list[float], index: int) -> float:
    """A point of a bar's grid; its end is where the next bar begins, to the last bit."""
    return timeline.bar_line(bar + 1) if index >= len(grid) - 1 else timeline.bar_line(bar) + grid[index]
