"""Keeps a timeline on the beats of somebody else, whose count of them has its own zero. Knows not who that is."""

from dataclasses import replace

from bridge.timing.timeline import Segment, Timeline

MAX_GLIDE_BEATS = 1.0
"""What is off by more is not glided to, which would take many beats: it is the other's zero that moves instead."""

TOLERANCE_S = 0.00005
"""A timeline that is off by no more, now and a beat later, is left as it is: nobody hears it."""

SHORTEST_GLIDE_S = 0.0001
"""As soon as a timeline may: it then goes at the fastest tempo that a glide may have."""


class TimelineFollower:
    """Which of our beats is zero to the other, so that neither count ever jumps."""

    def __init__(self) -> None:
        self.zero_beat: float | None = None
        """Our beat at the other's beat 0; None until there is one to follow."""

    def reset(self) -> None:
        """Whoever is followed next has another zero."""
        self.zero_beat = None

    def align(self, beat: float, theirs: float) -> None:
        """Our `beat` is their beat `theirs`."""
        self.zero_beat = beat - theirs

    def steer(self, timeline: Timeline, theirs: Segment, now_s: float, lag_s: float = 0.0) -> Timeline:
        """The timeline, steered from `now_s` on to where `theirs`, in the other's beats, says it should be.

        With a lag, what is to come is expected so much later than `theirs` says; where we are behind, it is at once
        that we catch up.
        """
        beat = timeline.beat_at(now_s)
        if self.zero_beat is None or abs(self.zero_beat + theirs.beat_at(now_s) - beat) > MAX_GLIDE_BEATS:
            self.align(beat, theirs.beat_at(now_s))
        assert self.zero_beat is not None
        line = Segment(theirs.at_s, theirs.beat + self.zero_beat, theirs.tempo_bpm)
        if lag_s > 0.0:
            return _steered_with_lag(timeline, line, now_s, lag_s)
        return timeline if _coincide(timeline.segments[-1], line, now_s) else timeline.steered(line, now_s)


def _steered_with_lag(timeline: Timeline, line: Segment, now_s: float, lag_s: float) -> Timeline:
    from_s = now_s
    if timeline.beat_at(now_s) < line.beat_at(now_s):
        timeline = timeline.steered(line, now_s, SHORTEST_GLIDE_S)
        from_s = timeline.segments[-1].at_s
    return timeline.steered(replace(line, at_s=line.at_s + lag_s), from_s)


def _coincide(ours: Segment, line: Segment, now_s: float) -> bool:
    """Whether two lines are the same, now (or from where ours begins) and a beat later."""
    beat_s = 60.0 / line.tempo_bpm
    near_enough_beats = TOLERANCE_S / beat_s
    from_s = max(now_s, ours.at_s)
    return all(abs(ours.beat_at(at_s) - line.beat_at(at_s)) <= near_enough_beats for at_s in (from_s, from_s + beat_s))
