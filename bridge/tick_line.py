"""The straight line through the ticks of a clock: how long a tick takes, and when each is due. Knows no beats or MIDI.

Delivery only ever makes a tick late. So a late one proves nothing until those after it agree with it; then either
ticks were lost, or the clock broke off and began anew in another phase, or its tempo changed.
Of the ticks that do tell the time, it takes the longest stretch that a straight line explains: many while the tempo is
constant, few in a ramp (Goldenshluger and Nemirovski's rule: as long as the intervals of confidence overlap).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

FIRST_TICKS = 4
"""So many ticks make a line; the first few intervals of a clock that starts are its worst."""

STRETCHES = frozenset({5, 6, 8, 11, 16, 24, 36, 48, 72, 96})
MOST_TICKS = max(STRETCHES)
"""How many ticks a line may be drawn through; the most are four beats, where 1 ms of jitter makes 0.03 bpm."""

CONFIDENCE = 2.5
"""Deviations within which stretches have to agree: fewer, and jitter passes for a change; more, and a change is late."""

LATE_TICKS, EARLY_TICKS = 4, 3
"""So many in a row, all too late or all too early, are no accident; early ones are rarer, as nothing makes them so."""

MEASURED_TICKS = 8
"""Jitter is measured from so many ticks on."""

ASTRAY_DEVIATIONS = 3.5
CALM_S, LEAST_NOISE_S, GUESSED_NOISE_S = 0.0025, 0.0002, 0.001
"""A tick nearer than `CALM_S` is never astray; jitter is taken to be `GUESSED_NOISE_S` until it is measured."""

TOGETHER_S = 0.0015
"""Ticks that come sooner after another were held up, and only the last tells the time: at 400 bpm a tick takes 6 ms,
and the wire of a MIDI plug brings one in 0.3."""

LONG_GAP = 1.6
"""A gap of more intervals than this lacks a tick."""

# The median of the absolute second difference of normal jitter, per deviation: 0.6745 times the square root of six.
SECOND_DIFFERENCE = 1.652


class Tick(NamedTuple):
    """The tick of a number, and the second it came at. (A tuple, as a line is drawn through a hundred at each tick.)"""

    number: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Line:
    """When ticks are due."""

    number: int
    at_s: float
    interval_s: float

    def due_s(self, number: int) -> float:
        """The second of a tick."""
        return self.at_s + (number - self.number) * self.interval_s


class TickLine:
    """Takes the second of each tick, and keeps the line through them."""

    def __init__(self, number: int = -1) -> None:
        self.number = number
        """Of the last tick; those that must have been lost are counted."""
        self.last_s: float | None = None
        self.line: Line | None = None
        self._on_time: deque[Tick] = deque(maxlen=MOST_TICKS)
        self._astray: list[Tick] = []
        self._roughness: deque[float] = deque(maxlen=MOST_TICKS)
        self._gap_s: float | None = None
        self.noise_s = GUESSED_NOISE_S

    def tick(self, at_s: float) -> None:
        """A tick came."""
        gap_s = at_s - self.last_s if self.last_s is not None else None
        self.number += 1
        self.last_s = at_s
        self._measure_noise(gap_s)
        self._gap_s = gap_s
        tick = Tick(self.number, at_s)
        if gap_s is not None and gap_s < TOGETHER_S:
            self._forget(self.number - 1)
        if self.line is None:
            self._on_time.append(tick)
            self.line = _first_line(self._on_time)
            return
        off_s = at_s - self.line.due_s(tick.number)
        if abs(off_s) <= self._astray_s:
            self._astray.clear()
            self._on_time.append(tick)
            self._draw()
        else:
            self._stray(tick, off_s)

    def is_on_time(self, at_s: float) -> bool:
        """Whether a tick that came now would be the next one, as far as jitter goes."""
        return self.line is not None and abs(at_s - self.line.due_s(self.number + 1)) <= self._astray_s

    def resume(self, at_s: float, lost: int = 0) -> None:
        """The next tick is at `at_s`, whatever went before: the same tempo in another phase, after so many were lost."""
        self.last_s = self._gap_s = None
        self._astray.clear()
        if self.line is None:
            self.number += lost
            self._on_time.clear()
        else:
            self._move(lost, at_s - self.line.due_s(self.number + lost + 1))

    @property
    def _astray_s(self) -> float:
        return max(CALM_S, ASTRAY_DEVIATIONS * self.noise_s)

    def _measure_noise(self, gap_s: float | None) -> None:
        # Second differences do not see the tempo, and its changes make but one of them large.
        if gap_s is not None and self._gap_s is not None:
            self._roughness.append(abs(gap_s - self._gap_s))
        # Now and then: a median costs as much as all the rest.
        if self.number % FIRST_TICKS == 0 and len(self._roughness) >= MEASURED_TICKS:
            self.noise_s = max(median(self._roughness) / SECOND_DIFFERENCE, LEAST_NOISE_S)

    def _forget(self, number: int) -> None:
        for kept in (self._astray, self._on_time):
            if kept and kept[-1].number == number:
                kept.pop()

    def _stray(self, tick: Tick, off_s: float) -> None:
        """A tick that is off the line: with others that agree with it, they make a new one."""
        line = self.line
        assert line is not None
        if self._astray and (self._astray[-1].at_s > line.due_s(self._astray[-1].number)) != (off_s > 0):
            self._astray.clear()
        self._astray.append(tick)
        if len(self._astray) < (LATE_TICKS if off_s > 0 else EARLY_TICKS):
            return
        astray, self._astray = self._astray, []
        off_by_s = median(each.at_s - line.due_s(each.number) for each in astray)
        if self._broke_off(astray, off_by_s):
            lost = round(off_by_s / line.interval_s)
            self._move(lost, off_by_s - lost * line.interval_s)
            astray = [Tick(each.number + lost, each.at_s) for each in astray]
        else:
            # The last one on time is where the tempo changed; those before it would pull the line askew.
            while len(self._on_time) > 1:
                self._on_time.popleft()
            self._bridge_gap(astray)
        self._on_time.extend(astray)
        self._draw()

    def _broke_off(self, astray: Sequence[Tick], off_by_s: float) -> bool:
        """Whether they keep the tempo, at a distance that came at once, rather than leave the line at a slope."""
        line = self.line
        assert line is not None
        before = self._on_time[-1]
        before_s = before.at_s - line.due_s(before.number)
        offs = [(each.number - before.number, each.at_s - line.due_s(each.number)) for each in astray]
        slope_s = sum(ticks * (off_s - before_s) for ticks, off_s in offs) / sum(ticks * ticks for ticks, _ in offs)
        by_phase = sum((off_s - off_by_s) ** 2 for _, off_s in offs)
        by_tempo = sum((off_s - before_s - slope_s * ticks) ** 2 for ticks, off_s in offs)
        return by_phase < by_tempo / 2

    def _move(self, ticks: int, by_s: float) -> None:
        """All that is known moves: `ticks` more have passed, and each was due `by_s` later."""
        line = self.line
        assert line is not None
        self.number += ticks
        # The numbers of old ticks stay; it is the new ones that were counted too low. Time moves with the phase.
        self._on_time = deque((Tick(old.number, old.at_s + by_s) for old in self._on_time), maxlen=MOST_TICKS)
        self.line = Line(line.number, line.at_s + by_s, line.interval_s)

    def _bridge_gap(self, astray: list[Tick]) -> None:
        """Where the tempo changed while ticks were lost, what went before has nothing to say on the new one."""
        interval_s = (astray[-1].at_s - astray[0].at_s) / (astray[-1].number - astray[0].number)
        gap_s = astray[0].at_s - self._on_time[-1].at_s
        missing = astray[0].number - self._on_time[-1].number
        if interval_s > 0 and gap_s > LONG_GAP * missing * max(interval_s, self.line.interval_s if self.line else 0.0):
            lost = round(gap_s / interval_s) - missing
            self.number += lost
            astray[:] = [Tick(each.number + lost, each.at_s) for each in astray]
            self._on_time.clear()

    def _draw(self) -> None:
        """Draws the line through the longest stretch of ticks that agrees with every shorter one."""
        drawn = _longest_line(self._on_time, self.number, self.noise_s)
        if drawn is not None:
            self.line = drawn


def _first_line(ticks: Sequence[Tick]) -> Line | None:
    if len(ticks) < FIRST_TICKS:
        return None
    intervals_s = [(later.at_s - earlier.at_s) / (later.number - earlier.number) for earlier, later in pairwise(ticks)]
    interval_s = median(intervals_s)
    number = ticks[-1].number
    due_s = median(tick.at_s + (number - tick.number) * interval_s for tick in ticks)
    return Line(number, due_s, interval_s) if interval_s > 0 else None


def _longest_line(ticks: Sequence[Tick], number: int, noise_s: float) -> Line | None:
    """By least squares, from the newest tick back; None where there are too few ticks for a line."""
    if not ticks:
        return None
    origin_s = ticks[-1].at_s
    count, sum_x, sum_y, sum_xx, sum_xy = 0, 0, 0.0, 0, 0.0
    low_s, high_s = float("-inf"), float("inf")
    best = None
    for tick in reversed(ticks):
        x, y = tick.number - number, tick.at_s - origin_s
        count += 1
        sum_x += x
        sum_y += y
        sum_xx += x * x
        sum_xy += x * y
        if count not in STRETCHES and count != len(ticks):
            continue
        spread = count * sum_xx - sum_x * sum_x
        if count < FIRST_TICKS or spread == 0:
            continue
        interval_s = (count * sum_xy - sum_x * sum_y) / spread
        due_s = (sum_y - interval_s * sum_x) / count
        # The deviation of a line's value at its newest tick.
        width_s = CONFIDENCE * noise_s * (sum_xx / spread) ** 0.5
        low_s, high_s = max(low_s, due_s - width_s), min(high_s, due_s + width_s)
        if low_s > high_s:
            break
        if interval_s > 0:
            best = Line(number, origin_s + due_s, interval_s)
    return best
