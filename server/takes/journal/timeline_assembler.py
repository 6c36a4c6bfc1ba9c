"""Puts the timeline of a whole jam together from a journal's records; knows no line and no file."""

from dataclasses import replace
from itertools import pairwise

from bridge.timing.timeline import Segment
from server.music.feed import TimelineChanged

JOIN_BEATS = 1e-3
"""How far rounding may leave a segment from the start of the next one; it cannot be heard."""


class TimelineAssembler:
    """Puts the timeline of a whole jam together from the new segments in a journal's records."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []

    def add(self, change: TimelineChanged) -> None:
        """Appends the new segments of the next record.

        They replace earlier ones that start at the same time or beat, or later.
        """
        for new in change.timeline.segments:
            while self._segments and (self._segments[-1].at_s >= new.at_s or self._segments[-1].beat >= new.beat):
                self._segments.pop()
            self._segments.append(new)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments so far, in order of time and of beats.

        Where records are missing, a segment leads to the next one.
        """
        joined = [_leading_to(segment, after) for segment, after in pairwise(self._segments)]
        return (*joined, *self._segments[-1:])


def _leading_to(segment: Segment, after: Segment) -> Segment:
    """The segment, with the tempo that reaches `after` where its own does not."""
    if abs(segment.beat_at(after.at_s) - after.beat) <= JOIN_BEATS:
        return segment
    return replace(segment, tempo_bpm=(after.beat - segment.beat) * 60.0 / (after.at_s - segment.at_s))
