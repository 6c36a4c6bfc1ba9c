"""Seconds to beats and back, and where bars begin. Knows no clock, and not who sets the tempo.

Beats never jump and never run backwards. When a song starts, or goes on from another place, it is `downbeat` that
moves: song position = beat - downbeat.
"""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from operator import attrgetter

from bridge.timing.meter import COMMON_TIME, Meter

MAX_SEGMENTS = 256
"""Changes of tempo that are remembered. What is asked about is seconds old at most; a clock that is followed changes
it at most at each of its ticks, which at 120 bpm makes 48 a second. Before the oldest one kept, its tempo is taken to
have always been so: memory stays the same after hours, and both directions still agree with each other."""

GLIDE_S = 0.025
"""How soon a timeline that was off meets the line it is steered to: about a tick of MIDI clock, as who steers has
weighed already how much of what was heard is to be believed."""

MIN_GLIDE_RATIO, MAX_GLIDE_RATIO = 0.5, 2.0
"""Tempo while gliding, as a share of what is glided to: more of an error takes longer instead."""

LINE_TOLERANCE_BEATS = 1e-6
"""How far past a bar line or a beat still counts as on it: sums of floats miss it by less, and none can hear it."""


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
    meter: Meter = COMMON_TIME
    downbeat: float = 0.0
    """A beat at which a bar begins; where a song is followed, its position 0."""

    @classmethod
    def start(cls, tempo_bpm: float, at_s: float = 0.0, beat: float = 0.0, meter: Meter = COMMON_TIME) -> "Timeline":
        """One tempo, with `beat` at `at_s`."""
        return cls((Segment(at_s, beat, _valid_tempo(tempo_bpm)),), meter)

    @property
    def tempo_bpm(self) -> float:
        """The tempo it has, once it is where it is gliding to."""
        return self.segments[-1].tempo_bpm

    def beat_at(self, at_s: float) -> float:
        """The beat at a second."""
        return self._segment_at(at_s).beat_at(at_s)

    def seconds_at(self, beat: float) -> float:
        """The second at which a beat falls."""
        index = bisect_right(self.segments, beat, key=attrgetter("beat"))
        return self.segments[max(index - 1, 0)].seconds_at(beat)

    def tempo_at(self, at_s: float) -> float:
        """Beats per minute at a second, be it in a glide."""
        return self._segment_at(at_s).tempo_bpm

    def with_tempo(self, tempo_bpm: float, at_s: float) -> "Timeline":
        """The same up to `at_s`, and from there `tempo_bpm`; changes that were to come after it are gone."""
        return self._with_segments_from(at_s, Segment(at_s, self.beat_at(at_s), _valid_tempo(tempo_bpm)))

    def steered(self, line: Segment, at_s: float, within_s: float = GLIDE_S) -> "Timeline":
        """The same up to `at_s`; from there a little faster or slower until it meets `line`, which it then follows."""
        beat = self.beat_at(at_s)
        off_beats = line.beat_at(at_s) - beat
        beats_per_s = _valid_tempo(line.tempo_bpm) / 60.0
        catching_up = min(
            max(off_beats / within_s, (MIN_GLIDE_RATIO - 1) * beats_per_s), (MAX_GLIDE_RATIO - 1) * beats_per_s
        )
        glide = Segment(at_s, beat, (beats_per_s + catching_up) * 60.0)
        met_s = at_s + (off_beats / catching_up if catching_up else 0.0)
        if met_s <= at_s:
            return self._with_segments_from(at_s, Segment(at_s, beat, line.tempo_bpm))
        return self._with_segments_from(at_s, glide, Segment(met_s, glide.beat_at(met_s), line.tempo_bpm))

    def with_meter(self, meter: Meter) -> "Timeline":
        """The same beats in other bars, counted from the same downbeat."""
        return replace(self, meter=meter)

    def with_downbeat(self, downbeat: float) -> "Timeline":
        """The same beats, with bars counted from another one."""
        return replace(self, downbeat=downbeat)

    def position(self, beat: float) -> float:
        """How many beats into the song a beat is; negative before it."""
        return beat - self.downbeat

    def bar_at(self, beat: float) -> tuple[int, float]:
        """The bar that a beat is in, counted from 0, negative before the downbeat, and how many beats into that bar."""
        position = self.position(beat)
        bar = math.floor((position + LINE_TOLERANCE_BEATS) / self.meter.beats_per_bar)
        return bar, max(position - bar * self.meter.beats_per_bar, 0.0)

    def bar_line(self, bar: int) -> float:
        """The beat at which a bar begins."""
        return self.downbeat + bar * self.meter.beats_per_bar

    def bar_line_at_or_after(self, beat: float) -> float:
        """The beat of the next bar line, or of the one that `beat` is on."""
        bar, into_bar = self.bar_at(beat)
        return self.bar_line(bar if into_bar <= LINE_TOLERANCE_BEATS else bar + 1)

    def beat_line_at_or_after(self, beat: float) -> float:
        """The next whole beat of its bar, or the next bar line where that is sooner: 7/8 has three and a half beats."""
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
