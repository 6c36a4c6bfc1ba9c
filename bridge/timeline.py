"""Seconds to beats and back, through every change of tempo so far. Knows no clock, and not who sets the tempo."""

from bisect import bisect_right
from dataclasses import dataclass, replace
from operator import attrgetter

SEGMENTS_KEPT = 64
"""Changes of tempo that are remembered. What is asked about is seconds old at most; a fader sends some 60 changes
a second, and a minute's slow sweep may blur the distant past. Before the oldest one kept, its tempo is taken to have
always been so: memory stays the same after hours, and both directions still agree with each other."""


@dataclass(frozen=True, slots=True)
class Segment:
    """From `at_s`, where it is `beat`, time goes at `tempo_bpm`. A beat is a quarter note."""

    at_s: float
    beat: float
    tempo_bpm: float

    def beat_at(self, at_s: float) -> float:
        """The beat at a second, were the tempo always this."""
        return self.beat + (at_s - self.at_s) * self.tempo_bpm / 60.0

    def seconds_at(self, beat: float) -> float:
        """The second of a beat, were the tempo always this."""
        return self.at_s + (beat - self.beat) * 60.0 / self.tempo_bpm


@dataclass(frozen=True, slots=True)
class Timeline:
    """Piecewise linear and strictly rising; a change makes a new one, so a thread that holds one may go on reading it."""

    segments: tuple[Segment, ...]
    beats_per_bar: int = 4

    @classmethod
    def start(cls, tempo_bpm: float, at_s: float = 0.0, beat: float = 0.0, beats_per_bar: int = 4) -> "Timeline":
        """One tempo, with `beat` at `at_s`."""
        return cls((Segment(at_s, beat, _checked(tempo_bpm)),), beats_per_bar)

    def beat_at(self, at_s: float) -> float:
        """The beat at a second."""
        return self._segment_at(at_s).beat_at(at_s)

    def seconds_at(self, beat: float) -> float:
        """The second at which a beat falls."""
        index = bisect_right(self.segments, beat, key=attrgetter("beat"))
        return self.segments[max(index - 1, 0)].seconds_at(beat)

    def tempo_at(self, at_s: float) -> float:
        """Beats per minute at a second."""
        return self._segment_at(at_s).tempo_bpm

    def with_tempo(self, tempo_bpm: float, at_s: float) -> "Timeline":
        """The same up to `at_s`, and from there `tempo_bpm`; changes that were to come after it are gone."""
        turn = Segment(at_s, self.beat_at(at_s), _checked(tempo_bpm))
        before = tuple(segment for segment in self.segments if segment.at_s < at_s)
        return replace(self, segments=(*before, turn)[-SEGMENTS_KEPT:])

    def _segment_at(self, at_s: float) -> Segment:
        last = self.segments[-1]
        if at_s >= last.at_s:
            return last
        index = bisect_right(self.segments, at_s, key=attrgetter("at_s"))
        return self.segments[max(index - 1, 0)]


def _checked(tempo_bpm: float) -> float:
    # Written so that NaN fails too.
    if not 0.0 < tempo_bpm < float("inf"):
        raise ValueError(f"a tempo is a positive number of beats per minute, not {tempo_bpm}")
    return tempo_bpm
