"""`Timeline`: converts seconds to beats and back, and knows where bars begin. Knows no clock and no source of tempo.

Beats never jump and never run backwards. When a song starts, or continues from another place, `downbeat` moves instead:
song position = beat - downbeat.
"""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from operator import attrgetter

from bridge.timing.meter import COMMON_TIME, Meter

MAX_SEGMENTS = 256
"""How many changes of tempo a timeline stores. Questions are about the last seconds only, and an external clock changes the
tempo at each tick at most, which is 48 times a second at 120 bpm. Before the oldest segment, its tempo holds for all time:
so memory does not grow over hours, and both directions of conversion still agree."""

GLIDE_S = 0.025
"""How soon a timeline that was off meets the line that it is steered to: about a tick of MIDI clock. That is short, because
the caller has already smoothed what it received."""

MIN_GLIDE_RATIO, MAX_GLIDE_RATIO = 0.5, 2.0
"""Limits of the tempo during a glide, relative to the target tempo. A larger error takes longer instead."""

LINE_TOLERANCE_BEATS = 1e-6
"""How far past a bar line or a beat still counts as on it: more than the rounding of sums, and inaudible."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of constant tempo: at `at_s` seconds it is `beat`, and from there on `tempo_bpm`. A beat is a quarter note."""

    at_s: float
    beat: float
    tempo_bpm: float

    def beat_at(self, at_s: float) -> float:
        """The beat at a time, as if the tempo held for all time."""
        return self.beat + (at_s - self.at_s) * self.tempo_bpm / 60.0

    def seconds_at(self, beat: float) -> float:
        """The time of a beat, as if the tempo held for all time."""
        return self.at_s + (beat - self.beat) * 60.0 / self.tempo_bpm


@dataclass(frozen=True, slots=True)
class Timeline:
    """Beats as a function of seconds: piecewise linear and strictly rising. Seconds are those of a `Clock`.

    Immutable: each change returns a new timeline, so any thread may keep and read one. Every method takes any second or any
    beat, before or after the segments too. `seconds_at` is the inverse of `beat_at`.
    """

    segments: tuple[Segment, ...]
    meter: Meter = COMMON_TIME
    downbeat: float = 0.0
    """A beat at which a bar begins. While an external song is followed, this is its position 0."""

    @classmethod
    def start(cls, tempo_bpm: float, at_s: float = 0.0, beat: float = 0.0, meter: Meter = COMMON_TIME) -> "Timeline":
        """A timeline of one tempo, with `beat` at `at_s`. Raises ValueError where the tempo is not positive."""
        return cls((Segment(at_s, beat, _valid_tempo(tempo_bpm)),), meter)

    @property
    def tempo_bpm(self) -> float:
        """The tempo of the last segment: the one that holds once a glide is over."""
        return self.segments[-1].tempo_bpm

    def beat_at(self, at_s: float) -> float:
        """The beat at a time in seconds."""
        return self._segment_at(at_s).beat_at(at_s)

    def seconds_at(self, beat: float) -> float:
        """The time in seconds at which a beat falls."""
        index = bisect_right(self.segments, beat, key=attrgetter("beat"))
        return self.segments[max(index - 1, 0)].seconds_at(beat)

    def tempo_at(self, at_s: float) -> float:
        """The tempo at a time, also within a glide."""
        return self._segment_at(at_s).tempo_bpm

    def with_tempo(self, tempo_bpm: float, at_s: float) -> "Timeline":
        """The same timeline up to `at_s`, and `tempo_bpm` from there on. Later changes of tempo are dropped.

        Raises ValueError where the tempo is not positive.
        """
        return self._with_segments_from(at_s, Segment(at_s, self.beat_at(at_s), _valid_tempo(tempo_bpm)))

    def steered(self, line: Segment, at_s: float, within_s: float = GLIDE_S) -> "Timeline":
        """The same timeline up to `at_s`; from there faster or slower until it meets `line`, which it then follows.

        It meets the line `within_s` seconds later, or after longer where the tempo would leave the limits of a glide. Raises
        ValueError where the tempo of `line` is not positive.
        """
        beat = self.beat_at(at_s)
        off_beats = line.beat_at(at_s) - beat
        beats_per_s = _valid_tempo(line.tempo_bpm) / 60.0
        correction = min(
            max(off_beats / within_s, (MIN_GLIDE_RATIO - 1) * beats_per_s), (MAX_GLIDE_RATIO - 1) * beats_per_s
        )
        glide = Segment(at_s, beat, (beats_per_s + correction) * 60.0)
        met_s = at_s + (off_beats / correction if correction else 0.0)
        if met_s <= at_s:
            return self._with_segments_from(at_s, Segment(at_s, beat, line.tempo_bpm))
        return self._with_segments_from(at_s, glide, Segment(met_s, glide.beat_at(met_s), line.tempo_bpm))

    def with_meter(self, meter: Meter) -> "Timeline":
        """The same beats in bars of another meter, counted from the same downbeat."""
        return replace(self, meter=meter)

    def with_downbeat(self, downbeat: float) -> "Timeline":
        """The same beats, with bars counted from another beat."""
        return replace(self, downbeat=downbeat)

    def position(self, beat: float) -> float:
        """The song position of a beat, in beats; negative before the song."""
        return beat - self.downbeat

    def bar_at(self, beat: float) -> tuple[int, float]:
        """The bar of a beat, and how many beats into that bar it is. Bars count from 0, and are negative before the downbeat."""
        position = self.position(beat)
        bar = math.floor((position + LINE_TOLERANCE_BEATS) / self.meter.beats_per_bar)
        return bar, max(position - bar * self.meter.beats_per_bar, 0.0)

    def bar_line(self, bar: int) -> float:
        """The beat at which a bar begins."""
        return self.downbeat + bar * self.meter.beats_per_bar

    def bar_line_at_or_after(self, beat: float) -> float:
        """The beat of the next bar line, or of the bar line that `beat` is on."""
        bar, into_bar = self.bar_at(beat)
        return self.bar_line(bar if into_bar <= LINE_TOLERANCE_BEATS else bar + 1)

    def beat_line_at_or_after(self, beat: float) -> float:
        """The next whole beat of the bar (or `beat` itself), or the next bar line where that is sooner: 7/8 has 3.5 beats."""
        bar, into_bar = self.bar_at(beat)
        return self.bar_line(bar) + min(math.ceil(into_bar - LINE_TOLERANCE_BEATS), self.meter.beats_per_bar)

    def _with_segments_from(self, at_s: float, *segments: Segment) -> "Timeline":
        index = bisect_left(self.segments, at_s, key=attrgetter("at_s"))
        before = self.segments[max(index + len(segments) - MAX_SEGMENTS, 0) : index]
        return Timeline(before + segments, self.meter, self.downbeat)

    def _segment_at(self, at_s: float) -> Segment:
        last = self.segments[-1]
        if at_s >= last.at_s:
            return last
        index = bisect_right(self.segments, at_s, key=attrgetter("at_s"))
        return self.segments[max(index - 1, 0)]


def _valid_tempo(tempo_bpm: float) -> float:
    # Written so that NaN fails too.
    if not 0.0 < tempo_bpm < float("inf"):
        raise ValueError(f"a tempo is a positive number of beats per minute, not {tempo_bpm}")
    return tempo_bpm
