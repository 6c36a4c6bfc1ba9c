"""Keeps a timeline on the beats of an external source, which counts beats from its own zero. Does not know which source it is."""

from dataclasses import replace

from bridge.timing.timeline import GLIDE_S, Segment, Timeline

MAX_GLIDE_BEATS = 0.85
"""A larger difference is not glided over: `zero_beat` moves instead. To glide back takes twice as long, and two beats after a standstill the beat
is to be right."""

TOLERANCE_S = 0.00005
"""A timeline that is off by at most this, now and a beat later, stays as it is: the difference is inaudible."""

SHORTEST_GLIDE_S = 0.0001
"""A glide this short runs at the fastest tempo that a glide may have."""


class TimelineFollower:
    """Stores which of our beats is the source's beat 0, so that neither count ever jumps. Used from one thread."""

    def __init__(self) -> None:
        self.zero_beat: float | None = None
        """Our beat at the source's beat 0; None until there is a source."""

    def reset(self) -> None:
        """Forgets the source's zero; the next source has another one."""
        self.zero_beat = None

    def align(self, beat: float, source_beat: float) -> None:
        """Our `beat` is the source's beat `source_beat`."""
        self.zero_beat = beat - source_beat

    def steer(
        self, timeline: Timeline, source: Segment, now_s: float, lag_s: float = 0.0, within_s: float = GLIDE_S
    ) -> Timeline:
        """Returns the timeline, steered from `now_s` on to `source`, which is in the source's beats and is met `within_s` later.

        With a lag, the beats to come are expected `lag_s` later than `source` has them; but where our timeline is behind
        `source` itself, it first catches up as fast as it may.
        """
        beat = timeline.beat_at(now_s)
        if self.zero_beat is None or abs(self.zero_beat + source.beat_at(now_s) - beat) > MAX_GLIDE_BEATS:
            self.align(beat, source.beat_at(now_s))
        assert self.zero_beat is not None
        line = Segment(source.at_s, source.beat + self.zero_beat, source.tempo_bpm)
        if lag_s > 0.0:
            return _steered_with_lag(timeline, line, now_s, lag_s, within_s)
        return timeline if _coincide(timeline.segments[-1], line, now_s) else timeline.steered(line, now_s, within_s)


def _steered_with_lag(timeline: Timeline, line: Segment, now_s: float, lag_s: float, within_s: float) -> Timeline:
    steer_from_s = now_s
    if timeline.beat_at(now_s) < line.beat_at(now_s):
        timeline = timeline.steered(line, now_s, SHORTEST_GLIDE_S)
        steer_from_s = timeline.segments[-1].at_s
    return timeline.steered(replace(line, at_s=line.at_s + lag_s), steer_from_s, within_s)


def _coincide(ours: Segment, line: Segment, now_s: float) -> bool:
    """Whether two lines are the same, now (or from where ours begins) and a beat later."""
    beat_s = 60.0 / line.tempo_bpm
    tolerance_beats = TOLERANCE_S / beat_s
    from_s = max(now_s, ours.at_s)
    return all(abs(ours.beat_at(at_s) - line.beat_at(at_s)) <= tolerance_beats for at_s in (from_s, from_s + beat_s))
