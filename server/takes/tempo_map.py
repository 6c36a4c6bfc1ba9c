"""The tempo of a jam as a score's tempo map: as few changes as keep every moment where it was; knows no notes."""

from collections.abc import Sequence
from itertools import pairwise

from bridge.timing.timeline import Segment, Timeline
from model.files.tempo import TempoChange
from server.takes.score_bars import ScoreLayout

TOLERANCE_S = 0.001
"""How far a moment may lie from where it was played. A clock that is followed bends the tempo at every few ticks, by less than is heard."""

Point = tuple[float, float]
"""A beat and its second."""


def tempo_map(segments: Sequence[Segment], layout: ScoreLayout, until_beats: float) -> tuple[TempoChange, ...]:
    """The changes of tempo from the layout's first bar to `until_beats`, which is after it, in the layout's beats."""
    timeline = Timeline(tuple(segments))
    from_beats = layout.from_beats
    beats = [from_beats, *(s.beat for s in segments if from_beats < s.beat < until_beats), until_beats]
    line = _simplified([(beat, timeline.seconds_at(beat)) for beat in beats])
    tempi = {beat: (to_beat - beat) / (to_s - at_s) * 60.0 for (beat, at_s), (to_beat, to_s) in pairwise(line)}
    for stretch in layout.stretches:
        if from_beats < stretch.beat < until_beats:
            tempi.setdefault(stretch.beat, tempi[max(beat for beat in tempi if beat <= stretch.beat)])
    changes: list[TempoChange] = []
    for beat in sorted(tempi):
        tempo_bpm = tempi[beat] * layout.stretch_at(beat).factor
        if not changes or tempo_bpm != changes[-1].tempo_bpm:
            changes.append(TempoChange(layout.score_beat(beat), tempo_bpm))
    return tuple(changes)


def _simplified(points: Sequence[Point]) -> list[Point]:
    """Some of the points, such that the line through them passes all others within the tolerance."""
    kept = [points[0]]
    least, most = float("-inf"), float("inf")
    last = points[0]
    for beat, at_s in points[1:]:
        from_beat, from_s = kept[-1]
        slope = (at_s - from_s) / (beat - from_beat)
        if not least <= slope <= most:
            kept.append(last)
            from_beat, from_s = last
            least, most = float("-inf"), float("inf")
        beats = beat - from_beat
        least = max(least, (at_s - TOLERANCE_S - from_s) / beats)
        most = min(most, (at_s + TOLERANCE_S - from_s) / beats)
        last = (beat, at_s)
    return [*kept, last]
