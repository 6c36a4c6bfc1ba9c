"""Bars as they were kept in a jam, laid out one after another from 0, as a score needs them; knows no notes and no seconds.

In a jam a new bar may begin at any beat: a song is started again, a tempo is tapped, a player comes in. A score has no
such seams. So a bar that was cut short is written as a shorter bar of sixteenths, and what is left over is made up by
its tempo: everything keeps its second, and everything but that one bar keeps its beats.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from bridge.timing.meter import Meter
from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from model.files import meter as score_meter
from model.files.meter import MeterChange

SIXTEENTHS = 4
SHORTEST_BAR_BEATS = 1 / 8
"""What is left over and shorter than a thirty-second is no bar of its own: the one before is drawn out by it."""


@dataclass(frozen=True, slots=True)
class BarGrid:
    """From `start_beats`, which is one of its bar lines, bars are so long."""

    start_beats: float
    meter: Meter


@dataclass(frozen=True, slots=True)
class BeatStretch:
    """From `beat` in the jam, which is `placed_beats` in the score, a beat of the jam is `factor` beats of the score."""

    beat: float
    score_beats: float
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class ScoreLayout:
    """Where each beat of a jam lies in the score, and the meters of the score."""

    stretches: tuple[BeatStretch, ...]
    meters: tuple[MeterChange, ...]

    @property
    def from_beats(self) -> float:
        """The beat of the jam at which the score begins."""
        return self.stretches[0].beat

    def score_beat(self, beat: float) -> float:
        """The score's beat of one of the jam's; none is before the first bar."""
        stretch = self.stretch_at(beat)
        return max(stretch.score_beats + (beat - stretch.beat) * stretch.factor, 0.0)

    def stretch_at(self, beat: float) -> BeatStretch:
        """The stretch that a beat is in."""
        within = [stretch for stretch in self.stretches if stretch.beat <= beat]
        return within[-1] if within else self.stretches[0]


def bar_grids(kept: Iterable[tuple[Timeline, float]]) -> list[BarGrid]:
    """The bars as they were kept: each timeline with the beat at which it came into force, in order.

    A new one counts from the bar that was under way by it, as the tap or note that moved it was at its beginning.
    """
    found: list[BarGrid] = []
    for timeline, beat in kept:
        bar, _ = timeline.bar_at(beat)
        start_beats, meter = timeline.bar_line(bar), timeline.meter
        if not found:
            found.append(BarGrid(start_beats, meter))
            continue
        before = found[-1]
        if meter == before.meter and _bars_off(start_beats - before.start_beats, meter) == 0.0:
            continue
        while start_beats <= before.start_beats - LINE_TOLERANCE_BEATS:
            start_beats += meter.beats_per_bar
        if start_beats - before.start_beats < SHORTEST_BAR_BEATS and len(found) > 1:
            found.pop()
        found.append(BarGrid(start_beats, meter))
    return found


def lay_out(kept: list[BarGrid], first_beat: float, last_beat: float, zero_beats: float | None = None) -> ScoreLayout:
    """The bars from that of `first_beat` on, or from `zero_beats` on, where a song that is followed began."""
    in_force = [grid for grid in kept if grid.start_beats <= first_beat + LINE_TOLERANCE_BEATS][-1:] or kept[:1]
    later = [grid for grid in kept if first_beat + LINE_TOLERANCE_BEATS < grid.start_beats <= last_beat]
    grid = in_force[0]
    if zero_beats is None or zero_beats > first_beat:
        bars = math.floor((first_beat - grid.start_beats + LINE_TOLERANCE_BEATS) / grid.meter.beats_per_bar)
        zero_beats = grid.start_beats + bars * grid.meter.beats_per_bar
    stretches = [BeatStretch(zero_beats, 0.0)]
    meters = [_meter_change(0.0, grid.meter)]
    for before, after in pairwise((BarGrid(zero_beats, grid.meter), *later)):
        _join(stretches, meters, before, after)
    return ScoreLayout(tuple(stretches), tuple(meters))


def _join(stretches: list[BeatStretch], meters: list[MeterChange], before: BarGrid, after: BarGrid) -> None:
    """Adds the bars of one grid up to the next, and the seam."""
    bar_beats = before.meter.beats_per_bar
    beats = after.start_beats - before.start_beats
    left_over = _bars_off(beats, before.meter)
    whole = round((beats - left_over) / bar_beats) * bar_beats
    placed = stretches[-1].score_beats
    if left_over == 0.0:
        placed += whole
    elif left_over < SHORTEST_BAR_BEATS and whole:
        seam_beats = before.start_beats + whole - bar_beats
        placed += whole
        stretches.append(BeatStretch(seam_beats, placed - bar_beats, bar_beats / (bar_beats + left_over)))
    else:
        sixteenths = max(round(left_over * SIXTEENTHS), 1)
        placed += whole
        stretches.append(BeatStretch(before.start_beats + whole, placed, sixteenths / SIXTEENTHS / left_over))
        meters.append(_meter_change(placed, _short_bar(sixteenths)))
        placed += sixteenths / SIXTEENTHS
    stretches.append(BeatStretch(after.start_beats, placed))
    change = _meter_change(placed, after.meter)
    if change.meter != meters[-1].meter:
        meters.append(change)


def _meter_change(beat: float, meter: Meter) -> MeterChange:
    """A change of meter as a file knows it: the bridge and the model have a meter each."""
    return MeterChange(beat, score_meter.Meter(meter.numerator, meter.denominator))


def _bars_off(beats: float, meter: Meter) -> float:
    """What is left over of whole bars; 0.0 where it is nothing but rounding."""
    left_over = math.fmod(beats, meter.beats_per_bar)
    if left_over < 0.0:
        left_over += meter.beats_per_bar
    is_whole = min(left_over, meter.beats_per_bar - left_over) <= LINE_TOLERANCE_BEATS
    return 0.0 if is_whole else left_over


def _short_bar(sixteenths: int) -> Meter:
    """So many sixteenths as musicians write them: 8/16 is 2/4."""
    numerator, denominator = sixteenths, SIXTEENTHS * 4
    while numerator % 2 == 0 and denominator > SIXTEENTHS:
        numerator, denominator = numerator // 2, denominator // 2
    return Meter(numerator, denominator)
