"""Ticks whose dates are unsteady by chance, or not at all: their count, and the straight line through the last of them.

Delivery only ever makes a tick late. So a late one proves nothing until those after it agree with it; then either
ticks were lost, or the clock stood still and began anew in another phase, or its tempo changed. Seconds; knows no beats.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bridge.timing.ticks.longest_stretch import LongestStretch, offs_from_fit, swayed, without_bow
from bridge.timing.ticks.tick import Line, Tick
from bridge.timing.ticks.tick_noise import Noise, deviation_s, earliness_s, measured_noise

LATE_TICKS, EARLY_TICKS = 4, 3
"""So many in a row, all too late or all too early, are no accident; early ones are rarer, as nothing makes them so."""

MEASURED_TICKS, MOST_MEASURED, MEASURED_EVERY = 8, 288, 8
"""How unsteady ticks are is measured from so few and so many, and now and then: it costs as much as all the rest."""

EARLINESS_SHARE = 0.25
"""How much of what is measured anew is believed."""

EARLINESS_TICKS, DRIFT_TICKS = 48, 72
"""From so many on it is known whether ticks are only ever late, and by twice so many whether they drift to and fro."""

ASTRAY_DEVIATIONS = 3.5
CALM_S = 0.0025
"""How far off a tick may be, in deviations of what is usual; a nearer one is never astray."""

TOGETHER_S = 0.0015
"""Ticks that come sooner after another were held up, and only the last tells the time: at 400 bpm a tick takes 6 ms,
and the wire of a MIDI plug brings one in 0.3."""

COPY_S = 0.004
"""A tick that is too early, and comes so soon after another, is a copy of that, if the next one is on time."""

COPIES_APART = 96
"""Copies that come sooner after one another are none, unless each tick has one, which is known before ticks come here."""

FEWEST_LOST, BESIDE_DEVIATIONS, LEAST_BESIDE_S = 6, 2.0, 0.00005
"""Where ticks were lost, those after them are in phase. A gap of fewer ticks that leaves them so many deviations of what is usual
beside it is a clock that stood still for a moment, as an audio engine does that missed its deadline, and none was lost."""

SHORTEST_INTERVAL_S = 0.006
"""That of the fastest tempo: ticks that come faster are held up, and no gap after them can be counted in them."""

GAP_TICKS = 24
"""By so many ticks on either side a gap is looked at again, more closely."""

LONG_GAP = 1.6
"""A gap of more intervals than this lacks a tick."""


@dataclass(slots=True)
class _Gap:
    """A gap that was taken for `lost` ticks, and what was before it."""

    before: list[Tick]
    after: list[Tick]
    lost: int


class JitteringTicks:
    """Takes the second of each tick, and keeps the line through them."""

    def __init__(self, number: int = -1) -> None:
        self.number = number
        """Of the last tick; those that must have been lost are counted."""
        self.last_s: float | None = None
        self.noise = Noise()
        self._line: Line | None = None
        self._stretch = LongestStretch()
        self._astray: list[Tick] = []
        self._copy_s: float | None = None
        self._left_out: int | None = None
        self._counted_until = number
        self._lately: deque[Tick] = deque(maxlen=MOST_MEASURED)
        self._earliness_s = 0.0
        self._gap: _Gap | None = None

    @property
    def line(self) -> Line | None:
        """When ticks are due; None before there are enough."""
        return None if self._line is None else self._line.moved(-self._earliness_s)

    def begin(self, ticks: Sequence[Tick], line: Line) -> None:
        """Goes on from what another model has made of these ticks."""
        self.number = ticks[-1].number
        self.last_s = ticks[-1].at_s
        self._line = line
        self._stretch.replace(ticks)
        self._lately.extend(ticks)
        if len(ticks) >= MEASURED_TICKS:
            self._measure()

    def tick(self, at_s: float) -> None:
        """A tick came."""
        copy_s, self._copy_s = self._copy_s, None
        line = self._line
        if line is not None and not self._astray:
            early_s = line.due_s(self.number + 1) - at_s
            is_close = self.last_s is not None and at_s - self.last_s <= COPY_S
            if copy_s is None and is_close and early_s > self._astray_s:
                self._copy_s = at_s
                return
            if copy_s is not None:
                self._judge_copy(copy_s, is_next_on_time=abs(early_s) <= self._astray_s)
        self._number(at_s)

    def _judge_copy(self, copy_s: float, *, is_next_on_time: bool) -> None:
        """A copy is left out. It is none where the next tick is not on time, nor where there are several: those come in a buffer."""
        if not is_next_on_time or self.number < self._counted_until:
            self._number(copy_s)
        elif self._left_out is not None and self.number - self._left_out <= COPIES_APART:
            self.number += 1
            self._left_out = None
            self._counted_until = self.number + COPIES_APART
            self._number(copy_s)
        else:
            self._left_out = self.number

    def _number(self, at_s: float) -> None:
        if self.last_s is not None and at_s - self.last_s < TOGETHER_S:
            self._forget(self.number)
        self.number += 1
        self.last_s = at_s
        tick = Tick(self.number, at_s)
        self._lately.append(tick)
        if self._line is None:
            self._stretch.add(tick)
            self._line = self._stretch.first_line()
            return
        if self.number % MEASURED_EVERY == 0 and len(self._lately) >= MEASURED_TICKS:
            self._measure()
        off_s = at_s - self._line.due_s(tick.number)
        if abs(off_s) <= self._astray_s:
            self._astray.clear()
            self._stretch.add(tick)
            self._draw()
            if self._gap is not None:
                self._look_at_gap(tick)
        else:
            self._stray(tick, off_s)

    def is_on_time(self, at_s: float) -> bool:
        """Whether a tick that came now would be the next one, as far as jitter goes."""
        return self._line is not None and abs(at_s - self._line.due_s(self.number + 1)) <= self._astray_s

    def resume(self, at_s: float, lost: int = 0) -> None:
        """The next tick is at `at_s`, whatever went before: the same tempo in another phase, after so many were lost."""
        self.last_s = None
        self._copy_s = None
        self._gap = None
        self._lately.clear()
        self._astray.clear()
        if self._line is None:
            self.number += lost
            self._stretch.replace(())
        else:
            self._move(lost, at_s - self._line.due_s(self.number + lost + 1))

    @property
    def _astray_s(self) -> float:
        return max(CALM_S, ASTRAY_DEVIATIONS * self.noise.usual_s + self.noise.drift_s)

    def _measure(self) -> None:
        assert self._line is not None
        self.noise = measured_noise(list(self._lately), self._line.interval_s)
        kept = list(self._stretch.ticks)
        if len(kept) < EARLINESS_TICKS or self.noise.wander_s > 0.0:
            self._earliness_s -= EARLINESS_SHARE * self._earliness_s
            return
        if len(kept) >= 2 * DRIFT_TICKS:
            # What a change of tempo makes of one half, it does not make of both.
            halves = (kept[-DRIFT_TICKS:], kept[-2 * DRIFT_TICKS : -DRIFT_TICKS])
            self.noise = self.noise.drifting(min(deviation_s(without_bow(offs_from_fit(half))) for half in halves))
        offs_s = offs_from_fit(kept[-2 * DRIFT_TICKS :])
        self._earliness_s += EARLINESS_SHARE * (earliness_s(offs_s, self.noise) - self._earliness_s)

    def _forget(self, number: int) -> None:
        if self._astray and self._astray[-1].number == number:
            self._astray.pop()
        kept = self._stretch.ticks
        if len(kept) > 1 and kept[-1].number == number:
            self._stretch.replace(list(kept)[:-1])

    def _stray(self, tick: Tick, off_s: float) -> None:
        """A tick that is off the line: with others that agree with it, they make a new one."""
        line = self._line
        assert line is not None
        if self._astray and (self._astray[-1].at_s > line.due_s(self._astray[-1].number)) != (off_s > 0):
            self._astray.clear()
        self._astray.append(tick)
        if len(self._astray) < (LATE_TICKS if off_s > 0 else EARLY_TICKS):
            return
        astray, self._astray = self._astray, []
        self._gap = None
        off_by_s = median(each.at_s - line.due_s(each.number) for each in astray)
        last = self._stretch.ticks[-1]
        before_s = last.at_s - line.due_s(last.number)
        if self._broke_off(astray, off_by_s, before_s):
            # Only what came at once is ticks that were lost; a clock that wanders off has sent them all.
            lost = self._lost(off_by_s - before_s, line.interval_s, self.noise.usual_s)
            before = list(self._stretch.ticks)[-GAP_TICKS:]
            self._move(lost, off_by_s - lost * line.interval_s)
            astray = [Tick(each.number + lost, each.at_s) for each in astray]
            if lost < FEWEST_LOST:
                self._gap = _Gap(before, astray.copy(), lost)
        else:
            # The last one on time is where the tempo changed; those before it would pull the line askew.
            self._stretch.replace([last])
            # And what was usual before is what is usual now, until it can be measured in the new tempo.
            self._lately.clear()
            self._bridge_gap(astray)
        self._stretch.replace([*self._stretch.ticks, *astray])
        self._draw()

    def _lost(self, gap_s: float, interval_s: float, usual_s: float) -> int:
        """How many ticks a gap lacks; none where that is no whole number, as far as can be told."""
        if interval_s < SHORTEST_INTERVAL_S:
            return 0
        lost = max(round(gap_s / interval_s), 0)
        beside_s = abs(gap_s - lost * interval_s)
        if lost < FEWEST_LOST and beside_s > max(BESIDE_DEVIATIONS * usual_s, LEAST_BESIDE_S):
            return 0
        return lost

    def _look_at_gap(self, tick: Tick) -> None:
        """With as many ticks after it as before, a gap is known better than by the first few."""
        gap, line = self._gap, self._line
        assert gap is not None
        assert line is not None
        gap.after.append(tick)
        if len(gap.after) < GAP_TICKS:
            return
        self._gap = None
        interval_s = line.interval_s
        origin = gap.before[-1]

        def mean_s(ticks: Sequence[Tick]) -> float:
            return sum(at_s - origin.at_s - (number - origin.number) * interval_s for number, at_s in ticks) / len(
                ticks
            )

        gap_s = mean_s(gap.after) - mean_s(gap.before) + gap.lost * interval_s
        scatter_s = deviation_s([at_s - number * interval_s for number, at_s in gap.after])
        uncertain_s = math.hypot(math.sqrt(2.0 / GAP_TICKS) * scatter_s, math.sqrt(GAP_TICKS) * self.noise.wander_s)
        lost = self._lost(gap_s, interval_s, 1.5 * uncertain_s) - gap.lost
        if lost:
            self.number += lost
            self._line = Line(line.number + lost, line.at_s, line.interval_s)
            self._stretch.replace([Tick(number + lost, at_s) for number, at_s in self._stretch.ticks])
            self._lately.clear()

    def _broke_off(self, astray: Sequence[Tick], off_by_s: float, before_s: float) -> bool:
        """Whether they keep the tempo, at a distance that came at once, rather than leave the line at a slope."""
        line = self._line
        assert line is not None
        before = self._stretch.ticks[-1].number
        offs = [(each.number - before, each.at_s - line.due_s(each.number)) for each in astray]
        slope_s = sum(ticks * (off_s - before_s) for ticks, off_s in offs) / sum(ticks * ticks for ticks, _ in offs)
        by_phase = sum((off_s - off_by_s) ** 2 for _, off_s in offs)
        by_tempo = sum((off_s - before_s - slope_s * ticks) ** 2 for ticks, off_s in offs)
        return by_phase < by_tempo / 2

    def _move(self, ticks: int, by_s: float) -> None:
        """All that is known moves: `ticks` more have passed, and each was due `by_s` later."""
        assert self._line is not None
        self.number += ticks
        # The numbers of old ticks stay; it is the new ones that were counted too low. Time moves with the phase.
        self._stretch.replace([Tick(number, at_s + by_s) for number, at_s in self._stretch.ticks])
        self._line = self._line.moved(by_s)

    def _bridge_gap(self, astray: list[Tick]) -> None:
        """Where the tempo changed while ticks were lost, what went before has nothing to say on the new one."""
        assert self._line is not None
        interval_s = (astray[-1].at_s - astray[0].at_s) / (astray[-1].number - astray[0].number)
        if min(interval_s, self._line.interval_s) < SHORTEST_INTERVAL_S:
            return
        last = self._stretch.ticks[-1]
        gap_s = astray[0].at_s - last.at_s
        missing = astray[0].number - last.number
        if gap_s > LONG_GAP * missing * max(interval_s, self._line.interval_s):
            lost = max(round(gap_s / interval_s) - missing, 0)
            self.number += lost
            astray[:] = [Tick(each.number + lost, each.at_s) for each in astray]
            self._stretch.replace(())

    def _draw(self) -> None:
        """Draws the line through the longest stretch of ticks that agrees with every shorter one."""
        drawn = self._stretch.line(self.number, self.noise)
        if drawn is not None:
            self._line = swayed(drawn, self._stretch.ticks, self.noise)
