"""Lays the bars of a jam out one after another from beat 0, as a score needs them; knows no notes and no seconds.

In a jam a new bar may begin at any beat: when a song is started again, a tempo is tapped, or a player comes in. In a
score every bar is complete. So a bar that was cut short becomes a shorter bar, a whole number of sixteenths long, and
the tempo in that bar makes up for the rounding: every note keeps its second, and every note outside that bar keeps its
length in beats.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from bridge.timing.meter import Meter
from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from model.files.time_signature import MeterChange, TimeSignature

SIXTEENTHS = 4
SHORTEST_BAR_BEATS = 1 / 8
"""A remainder shorter than a thirty-second does not become a bar: the bar before it is stretched to take it in."""


@dataclass(frozen=True, slots=True)
class BarGrid:
    """Bars of this meter, from `start_beats` on, where one of its bar lines lies, to the start of the next grid."""

    start_beats: float
    meter: Meter


@dataclass(frozen=True, slots=True)
class BeatStretch:
    """From `beat` of the jam on, which is `score_beats` in the score, a beat of the jam is `factor` score beats long."""

    beat: float
    score_beats: float
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class ScoreLayout:
    """Where each beat of the jam lies in the score, and the meters of the score. Beats are quarter notes in both."""

    stretches: tuple[BeatStretch, ...]
    meters: tuple[MeterChange, ...]

    @property
    def from_beats(self) -> float:
        """The jam's beat at which the score begins."""
        return self.stretches[0].beat

    def score_beat(self, beat: float) -> float:
        """The score's beat for a beat of the jam; 0 for all that is before the first bar."""
        stretch = self.stretch_at(beat)
        return max(stretch.score_beats + (beat - stretch.beat) * stretch.factor, 0.0)

    def stretch_at(self, beat: float) -> BeatStretch:
        """The stretch that contains a beat of the jam."""
        within = [stretch for stretch in self.stretches if stretch.beat <= beat]
        return within[-1] if within else self.stretches[0]


def bar_grids(timelines: Iterable[tuple[Timeline, float]]) -> list[BarGrid]:
    """The bar grids of a jam, from its timelines in order, each with the beat from which it was valid.

    A new grid starts with the bar in which the change came: the tap or note that moved the bars was at the start of
    one.
    """
    grids: list[BarGrid] = []
    for timeline, beat in timelines:
        bar, _ = timeline.bar_at(beat)
        start_beats, meter = timeline.bar_line(bar), timeline.meter
        if not grids:
            grids.append(BarGrid(start_beats, meter))
            continue
        before = grids[-1]
        if meter == before.meter and _beats_past_bar(start_beats - before.start_beats, meter) == 0.0:
            continue
        bars_back = math.ceil((before.start_beats - LINE_TOLERANCE_BEATS - start_beats) / meter.beats_per_bar)
        start_beats += max(bars_back, 0) * meter.beats_per_bar
        if start_beats - before.start_beats < SHORTEST_BAR_BEATS and len(grids) > 1:
            grids.pop()
        grids.append(BarGrid(start_beats, meter))
    return grids


def lay_out(
    grids: list[BarGrid], first_beat: float, last_beat: float, song_start_beats: float | None = None
) -> ScoreLayout:
    """The layout of the jam's beats from `first_beat` to `last_beat`.

    The score begins with the bar of `first_beat`, or at `song_start_beats` if that is given and not later: bar 1 of the
    song that the jam followed. There must be at least one grid.
    """
    started = [grid for grid in grids if grid.start_beats <= first_beat + LINE_TOLERANCE_BEATS]
    later = [grid for grid in grids if first_beat + LINE_TOLERANCE_BEATS < grid.start_beats <= last_beat]
    grid = started[-1] if started else grids[0]
    if song_start_beats is None or song_start_beats > first_beat:
        bars = math.floor((first_beat - grid.start_beats + LINE_TOLERANCE_BEATS) / grid.meter.beats_per_bar)
        start_beats = grid.start_beats + bars * grid.meter.beats_per_bar
    else:
        start_beats = song_start_beats
    stretches = [BeatStretch(start_beats, 0.0)]
    meters = [_meter_change(0.0, grid.meter)]
    for before, after in pairwise((BarGrid(start_beats, grid.meter), *later)):
        _append_bars(stretches, meters, before, after)
    return ScoreLayout(tuple(stretches), tuple(meters))


def _append_bars(stretches: list[BeatStretch], meters: list[MeterChange], before: BarGrid, after: BarGrid) -> None:
    """Appends the bars of the grid `before` up to the start of the grid `after`, with the bar that was cut short."""
    bar_beats = before.meter.beats_per_bar
    beats = after.start_beats - before.start_beats
    remainder_beats = _beats_past_bar(beats, before.meter)
    whole_beats = round((beats - remainder_beats) / bar_beats) * bar_beats
    score_beats = stretches[-1].score_beats + whole_beats
    if 0.0 < remainder_beats < SHORTEST_BAR_BEATS and whole_beats:
        last_bar_beats = before.start_beats + whole_beats - bar_beats
        factor = bar_beats / (bar_beats + remainder_beats)
        stretches.append(BeatStretch(last_bar_beats, score_beats - bar_beats, factor))
    elif remainder_beats > 0.0:
        sixteenths = max(round(remainder_beats * SIXTEENTHS), 1)
        factor = sixteenths / SIXTEENTHS / remainder_beats
        stretches.append(BeatStretch(before.start_beats + whole_beats, score_beats, factor))
        meters.append(_meter_change(score_beats, _short_bar(sixteenths)))
        score_beats += sixteenths / SIXTEENTHS
    stretches.append(BeatStretch(after.start_beats, score_beats))
    change = _meter_change(score_beats, after.meter)
    if change.meter != meters[-1].meter:
        meters.append(change)


def _meter_change(beat: float, meter: Meter) -> MeterChange:
    """A change of meter as it is written into a file: a file has time signatures, some that no jam could play in."""
    return MeterChange(beat, TimeSignature(meter.numerator, meter.denominator))


def _beats_past_bar(beats: float, meter: Meter) -> float:
    """How far `beats` reaches beyond whole bars; 0.0 if the difference is only a rounding error."""
    remainder_beats = math.fmod(beats, meter.beats_per_bar)
    if remainder_beats < 0.0:
        remainder_beats += meter.beats_per_bar
    is_whole = min(remainder_beats, meter.beats_per_bar - remainder_beats) <= LINE_TOLERANCE_BEATS
    return 0.0 if is_whole else remainder_beats


def _short_bar(sixteenths: int) -> Meter:
    """The meter with this many sixteenths, as musicians write it: 8/16 is 2/4."""
    numerator, denominator = sixteenths, SIXTEENTHS * 4
    while numerator % 2 == 0 and denominator > SIXTEENTHS:
        numerator, denominator = numerator // 2, denominator // 2
    return Meter(numerator, denominator)
