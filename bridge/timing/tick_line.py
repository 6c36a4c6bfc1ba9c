"""The straight line through the ticks of a clock: how long a tick takes, and when each is due. Knows no beats or MIDI.

Delivery only ever makes a tick late. So a late one proves nothing until those after it agree with it; then either
ticks were lost, or the clock broke off and began anew in another phase, or its tempo changed.
"""

import math
from collections import deque
from collections.abc import Sequence
from statistics import median

from bridge.timing.tick_fit import MOST_TICKS, Line, Noise, Tick, first_line, longest_line, measured_noise, swayed

LATE_TICKS, EARLY_TICKS = 4, 3
"""So many in a row, all too late or all too early, are no accident; early ones are rarer, as nothing makes them so."""

MEASURED_TICKS, MOST_MEASURED, MEASURED_EVERY = 8, 384, 8
"""How unsteady ticks are is measured from so few and so many, and now and then: it costs as much as all the rest."""

ASTRAY_DEVIATIONS = 3.5
CALM_S = 0.0025
"""How far off a tick may be, in deviations of what is usual; a nearer one is never astray."""

TOGETHER_S = 0.0015
"""Ticks that come sooner after another were held up, and only the last tells the time: at 400 bpm a tick takes 6 ms,
and the wire of a MIDI plug brings one in 0.3."""

FEWEST_LOST, BESIDE_DEVIATIONS = 6, 2.0
"""Where ticks were lost, those after them are in phase. A gap of fewer ticks that leaves them so many deviations of what is usual
beside it is a clock that stood still for a moment, as an audio engine does that missed its deadline, and none was lost."""

LONG_GAP = 1.6
"""A gap of more intervals than this lacks a tick."""


class TickLine:
    """Takes the second of each tick, and keeps the line through them."""

    def __init__(self, number: int = -1) -> None:
        self.number = number
        """Of the last tick; those that must have been lost are counted."""
        self.last_s: float | None = None
        self.line: Line | None = None
        self._on_time: deque[Tick] = deque(maxlen=MOST_TICKS)
        self._astray: list[Tick] = []
        self._lately: deque[Tick] = deque(maxlen=MOST_MEASURED)
        self.noise = Noise()

    def tick(self, at_s: float) -> None:
        """A tick came."""
        if self.last_s is not None and at_s - self.last_s < TOGETHER_S:
            self._forget(self.number)
        self.number += 1
        self.last_s = at_s
        tick = Tick(self.number, at_s)
        self._lately.append(tick)
        if self.line is None:
            self._on_time.append(tick)
            self.line = first_line(self._on_time)
            return
        if self.number % MEASURED_EVERY == 0 and len(self._lately) >= MEASURED_TICKS:
            self.noise = measured_noise(self._lately, self.line.interval_s)
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
        self.last_s = None
        self._lately.clear()
        self._astray.clear()
        if self.line is None:
            self.number += lost
            self._on_time.clear()
        else:
            self._move(lost, at_s - self.line.due_s(self.number + lost + 1))

    @property
    def _astray_s(self) -> float:
        return max(CALM_S, ASTRAY_DEVIATIONS * self._usual_s)

    @property
    def _usual_s(self) -> float:
        return math.hypot(self.noise.jitter_s, self.noise.wander_s)

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
        before_s = self._on_time[-1].at_s - line.due_s(self._on_time[-1].number)
        if self._broke_off(astray, off_by_s, before_s):
            # Only what came at once is ticks that were lost; a clock that wanders off has sent them all.
            lost = round((off_by_s - before_s) / line.interval_s)
            beside_s = abs(off_by_s - before_s - lost * line.interval_s)
            if 0 < lost < FEWEST_LOST and beside_s > BESIDE_DEVIATIONS * self._usual_s:
                lost = 0
            self._move(lost, off_by_s - lost * line.interval_s)
            astray = [Tick(each.number + lost, each.at_s) for each in astray]
        else:
            # The last one on time is where the tempo changed; those before it would pull the line askew.
            while len(self._on_time) > 1:
                self._on_time.popleft()
            # And what was usual before is what is usual now, until it can be measured in the new tempo.
            self._lately.clear()
            self._bridge_gap(astray)
        self._on_time.extend(astray)
        self._draw()

    def _broke_off(self, astray: Sequence[Tick], off_by_s: float, before_s: float) -> bool:
        """Whether they keep the tempo, at a distance that came at once, rather than leave the line at a slope."""
        line = self.line
        assert line is not None
        before = self._on_time[-1].number
        offs = [(each.number - before, each.at_s - line.due_s(each.number)) for each in astray]
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
        drawn = longest_line(self._on_time, self.number, self.noise)
        if drawn is not None:
            self.line = swayed(drawn, self._on_time, self.noise)
