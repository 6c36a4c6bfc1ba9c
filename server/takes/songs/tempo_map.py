"""The tempo map of a score from the tempo of a jam, with as few changes as keep every note at its second; knows no notes."""

from collections.abc import Sequence
from itertools import pairwise

from bridge.timing.timeline import Segment, Timeline
from model.files.tempo import TempoChange
from server.takes.songs.score_bars import ScoreLayout

TOLERANCE_S = 0.001
"""How far a beat may move from the second at which it was played.

While the jam follows a MIDI clock, its tempo changes every few ticks, by less than anyone can hear.
"""

FOLLOWING_TOLERANCE_S = 0.005
"""The same while the jam follows a clock: if its tempo changes, the jam comes some milliseconds late, and catches up at twice the tempo
in a tick or two. Written so, the tempo would leap; the clock's own tempo did not."""

SHORTEST_S = 1e-9
"""Two points that rounding has put at one second."""

Point = tuple[float, float]
"""A beat of the jam and its second."""


def tempo_map(
    segments: Sequence[Segment],
    layout: ScoreLayout,
    until_beats: float,
    settling_beats: float = 0.0,
    tolerance_s: float = TOLERANCE_S,
) -> tuple[TempoChange, ...]:
    """The tempo changes, in the score's beats, from the layout's first bar to `until_beats`, a later beat of the jam.

    The tempo that is in force `settling_beats` after the beginning counts from the beginning. A beat moves by `tolerance_s` at most.
    """
    timeline = Timeline(tuple(segments))
    from_beats = layout.from_beats
    settled_beats = min(from_beats + settling_beats, until_beats)
    beats = [settled_beats, *(s.beat for s in segments if settled_beats < s.beat < until_beats), until_beats]
    points = [(beat, timeline.seconds_at(beat)) for beat in dict.fromkeys(beats)]
    if settled_beats > from_beats:
        begun = (segment for segment in segments if segment.beat <= settled_beats)
        # Before its first segment a timeline has the tempo of that segment.
        tempo_bpm = max(begun, key=lambda segment: segment.beat, default=segments[0]).tempo_bpm
        points.insert(0, (from_beats, points[0][1] - (settled_beats - from_beats) * 60.0 / tempo_bpm))
    points = _simplify(points, tolerance_s)
    tempi = {
        beat: (to_beat - beat) / max(to_s - at_s, SHORTEST_S) * 60.0
        for (beat, at_s), (to_beat, to_s) in pairwise(points)
    }
    for stretch in layout.stretches:
        if from_beats < stretch.beat < until_beats:
            tempi.setdefault(stretch.beat, tempi[max(beat for beat in tempi if beat <= stretch.beat)])
    changes: list[TempoChange] = []
    for beat in sorted(tempi):
        tempo_bpm = tempi[beat] * layout.stretch_at(beat).factor
        if not changes or tempo_bpm != changes[-1].tempo_bpm:
            changes.append(TempoChange(layout.score_beat(beat), tempo_bpm))
    return tuple(changes)


def _simplify(points: Sequence[Point], tolerance_s: float) -> list[Point]:
    """A few of the points, so chosen that the line through them passes all others within the tolerance.

    It goes on with one straight piece as long as some slope (seconds per beat) is within the tolerance at every point.
    """
    kept = [points[0]]
    min_slope, max_slope = float("-inf"), float("inf")
    last = points[0]
    for beat, at_s in points[1:]:
        from_beat, from_s = kept[-1]
        slope = (at_s - from_s) / (beat - from_beat)
        if not min_slope <= slope <= max_slope:
            kept.append(last)
            from_beat, from_s = last
            min_slope, max_slope = float("-inf"), float("inf")
        beats = beat - from_beat
        min_slope = max(min_slope, (at_s - tolerance_s - from_s) / beats)
        max_slope = min(max_slope, (at_s + tolerance_s - from_s) / beats)
        last = (beat, at_s)
    return [*kept, last]
