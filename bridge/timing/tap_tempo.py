"""Tempo from taps on the beat. Reads no clock: the time of each tap is an argument."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

PAUSE_S = 2.0
"""After a longer pause a tap starts a new series, so the slowest tempo that can be tapped is 30 bpm."""

BOUNCE_S = 0.15
"""A tap sooner than this after another (400 bpm) is a bounce, and does not count."""

MAX_TAPS = 9
"""Eight intervals, which are two bars of four: so a drummer who speeds up is followed after two bars."""

MAX_INTERVAL_RATIO = 1.4
"""An interval longer or shorter than the others by this factor is not just inaccurate: it starts a new series."""


@dataclass(frozen=True, slots=True)
class TapResult:
    """The tempo of a series of taps, and the time of its first tap."""

    tempo_bpm: float
    first_s: float
    """The time of the first tap, where a bar begins."""


class TapTempo:
    """Collects taps, and returns the tempo of the present series."""

    def __init__(self) -> None:
        self._taps_s: deque[float] = deque(maxlen=MAX_TAPS)
        self._first_s = 0.0

    def tap(self, at_s: float) -> TapResult | None:
        """Adds a tap at `at_s` seconds. Returns None where it is the first of a series, or a bounce."""
        if self._taps_s:
            gap_s = at_s - self._taps_s[-1]
            if gap_s < BOUNCE_S:
                return None
            if gap_s > PAUSE_S or not self._fits(gap_s):
                self._taps_s.clear()
        if not self._taps_s:
            self._first_s = at_s
        self._taps_s.append(at_s)
        intervals_s = self._intervals_s()
        return TapResult(60.0 / median(intervals_s), self._first_s) if intervals_s else None

    def _intervals_s(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self._taps_s)]

    def _fits(self, gap_s: float) -> bool:
        intervals_s = self._intervals_s()
        return not intervals_s or 1 / MAX_INTERVAL_RATIO <= gap_s / median(intervals_s) <= MAX_INTERVAL_RATIO
