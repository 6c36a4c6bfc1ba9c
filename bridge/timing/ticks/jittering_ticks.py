"""Counts ticks whose dates are exact or unsteady at random, and fits a straight line to the last of them.

Delivery only ever makes a tick late. So one late tick proves nothing until the next ones agree with it. Then either ticks
were lost, or the clock paused and went on in another phase, or its tempo changed. Times are in seconds; it knows no beats.
"""

from collections.abc import Sequence
from statistics import median

from bridge.timing.ticks.exact_dates import MOST_EXACT_S, counted_by_intervals, counted_by_line
from bridge.timing.ticks.longest_stretch import LongestStretch, follow_wander
from bridge.timing.ticks.measured_gap import FEWEST_LOST, GAP_TICKS, MeasuredGap, is_phase_jump, missing_ticks
from bridge.timing.ticks.noise_meter import MEASURED_TICKS, NoiseMeter
from bridge.timing.ticks.tick import SHORTEST_INTERVAL_S, BufferSide, Tick, TickLine
from bridge.timing.ticks.tick_noise import Noise

LATE_TICKS, EARLY_TICKS = 4, 3
"""This many ticks in a row that are all too late, or all too early, are not a coincidence; early ones are rarer, as no delivery
makes a tick early."""

OFF_DEVIATIONS = 3.5
ALWAYS_ALLOWED_S = 0.0025
"""How far off the line a tick may be: in standard deviations of the noise, and in seconds what is always allowed.
However large the noise is, a tick that is a whole interval off is another tick."""

SURPRISING_S = 0.0005
"""A tick that is off the line by less than this is no surprise, however small the noise is."""

HELD_UP_S = 0.0015
"""Ticks closer together than this were held up, and only the last one has a true date: at 400 bpm ticks are 6 ms apart, and
a MIDI cable (DIN) transmits one in 0.3 ms."""

COPY_S = 0.004
"""A tick that is too early and this close to the last one is a copy of it, if the next tick is on time."""

COPIES_APART = 96
"""Suspected copies with fewer ticks between them are real ticks. (Where every tick has a copy, copies are removed before.)"""

LAST_TICKS = 48
"""How many last ticks may have got another number when ticks were found to be lost."""

FIRST_COUNTED = 24
"""So many first ticks are counted again by their intervals where these are exact: until four had come, no lost one could be seen."""

LONG_GAP = 1.6
"""In a gap of more intervals than this, a tick is missing."""


class JitteringTicks:
    """Takes the date of each tick, and keeps the last tick's number and the line that predicts the next ones."""

    def __init__(self, number: int = -1, side: BufferSide = "unknown") -> None:
        self.number = number
        """The number of the last tick. Ticks that must have been lost are counted."""
        self.last_s: float | None = None
        self._meter = NoiseMeter(side)
        self._line: TickLine | None = None
        self._stretch = LongestStretch()
        self._outliers: list[Tick] = []
        self._possible_copy_s: float | None = None
        self._last_copy_number: int | None = None
        self._count_copies_until = number
        self._gap: MeasuredGap | None = None
        self._first: list[Tick] | None = []
        """The first ticks, until they are counted again; None where there were others before."""

    @property
    def line(self) -> TickLine | None:
        """The line that predicts ticks; None until enough have come."""
        return None if self._line is None else self._line.moved(-self._meter.earliness_s)

    @property
    def noise(self) -> Noise:
        """How unsteady the ticks are."""
        return self._meter.noise

    @property
    def is_steady(self) -> bool:
        """Whether the line is one through the last minute, as the clock has been steady for so long."""
        return self._stretch.is_steady

    @property
    def last_ticks(self) -> Sequence[Tick]:
        """The last ticks with the numbers that they have by now."""
        return list(self._stretch.ticks)[-LAST_TICKS:]

    def take_over(self, ticks: Sequence[Tick], line: TickLine) -> None:
        """Takes over from another model: its last ticks, in order and at least one, and its line."""
        self.number = ticks[-1].number
        self.last_s = ticks[-1].at_s
        self._line = line
        self._first = None
        self._stretch.replace(ticks)
        self._meter.add_all(ticks)
        if len(ticks) >= MEASURED_TICKS:
            self._meter.measure(line.interval_s, self._stretch)

    def tick(self, at_s: float) -> None:
        """Adds a tick with its date. Dates must not go back."""
        copy_s, self._possible_copy_s = self._possible_copy_s, None
        line = self._line
        if line is not None and not self._outliers:
            early_s = line.due_s(self.number + 1) - at_s
            is_close = self.last_s is not None and at_s - self.last_s <= COPY_S
            if copy_s is None and is_close and early_s > self._most_off_s:
                self._possible_copy_s = at_s
                return
            if copy_s is not None:
                self._judge_copy(copy_s, is_next_on_time=abs(early_s) <= self._most_off_s)
        self._count(at_s)

    def _judge_copy(self, copy_s: float, *, is_next_on_time: bool) -> None:
        """Leaves out a copy. It was a real tick if the next one is not on time, or if there are several: a buffer makes those."""
        if not is_next_on_time or self.number < self._count_copies_until:
            self._count(copy_s)
        elif self._is_exact:
            # JACK delivers a cycle's messages again where their sender missed the next cycle; no buffer makes exact dates.
            return
        elif self._last_copy_number is not None and self.number - self._last_copy_number <= COPIES_APART:
            self.number += 1
            self._last_copy_number = None
            self._count_copies_until = self.number + COPIES_APART
            self._count(copy_s)
        else:
            self._last_copy_number = self.number

    def _count(self, at_s: float) -> None:
        if self.last_s is not None and at_s - self.last_s < HELD_UP_S:
            self._discard(self.number)
        self.number += 1
        self.last_s = at_s
        tick = Tick(self.number, at_s)
        self._meter.add(tick)
        if self._first is not None:
            self._first.append(Tick(self._first[-1].number + 1 if self._first else self.number, at_s))
        if self._line is None:
            self._stretch.add(tick)
            self._line = self._stretch.first_line()
            return
        if self._meter.is_due(self.number):
            self._meter.measure(self._line.interval_s, self._stretch)
        off_s = at_s - self._line.due_s(tick.number)
        if abs(off_s) <= self._most_off_s:
            self._outliers.clear()
            self._stretch.add(tick)
            self._fit_line()
            if self._gap is not None:
                self._measure_gap_again(tick)
        else:
            self._add_outlier(tick, off_s)
        if self._first is not None:
            self._count_first(self._first)

    def is_on_time(self, at_s: float) -> bool:
        """Whether a tick at `at_s` would be the next one, within the jitter."""
        return self._line is not None and abs(at_s - self._line.due_s(self.number + 1)) <= self._most_off_s

    def is_surprising(self, at_s: float) -> bool:
        """Whether a tick at `at_s` is farther off than jitter makes it, or ticks before it were."""
        if self._line is None:
            return False
        most_s = max(SURPRISING_S, OFF_DEVIATIONS * self.noise.total_s)
        return bool(self._outliers) or abs(at_s - self._line.due_s(self.number + 1)) > most_s

    def resume(self, at_s: float, lost: int = 0) -> None:
        """Expects the next tick at `at_s`: the tempo stays and the phase is new. `lost` ticks are counted as lost before it."""
        self.last_s = None
        self._possible_copy_s = None
        self._gap = self._first = None
        self._meter.forget_ticks()
        self._outliers.clear()
        if self._line is None or self._line.interval_s < SHORTEST_INTERVAL_S:
            # Ticks that were held up say nothing of the next ones.
            self._line = None
            self.number += lost
            self._stretch.replace(())
        else:
            self._shift(lost, at_s - self._line.due_s(self.number + lost + 1))

    def keep_count(self) -> None:
        """Keeps the numbers of all ticks until now, whatever a gap before them turns out to be."""
        self._gap = self._first = None

    @property
    def _most_off_s(self) -> float:
        assert self._line is not None
        by_noise_s = OFF_DEVIATIONS * self.noise.total_s + self.noise.drift_s
        return max(ALWAYS_ALLOWED_S, min(by_noise_s, self._line.interval_s))

    @property
    def _is_exact(self) -> bool:
        return self.noise.total_s <= MOST_EXACT_S

    def _count_first(self, first: list[Tick]) -> None:
        """Counts the first ticks by their intervals once there are enough: one that is twice as long shows a lost tick."""
        if len(first) < FIRST_COUNTED:
            return
        self._first = None
        counted = counted_by_intervals(first)
        if not counted or counted[-1].number <= self.number:
            return
        self.number = counted[-1].number
        self._stretch.replace(counted)
        self._outliers.clear()
        self._gap = None
        self._meter.forget_ticks()
        self._fit_line()

    def _discard(self, number: int) -> None:
        if self._outliers and self._outliers[-1].number == number:
            self._outliers.pop()
        kept = self._stretch.ticks
        if len(kept) > 1 and kept[-1].number == number:
            self._stretch.replace(list(kept)[:-1])

    def _add_outlier(self, tick: Tick, off_s: float) -> None:
        """Adds a tick that is off the line. Once enough of them agree, they make a new line."""
        line = self._line
        assert line is not None
        if self._outliers and (self._outliers[-1].at_s > line.due_s(self._outliers[-1].number)) != (off_s > 0):
            self._outliers.clear()
        self._outliers.append(tick)
        if self._count_by_exact_dates():
            return
        if len(self._outliers) < (LATE_TICKS if off_s > 0 else EARLY_TICKS):
            return
        outliers, self._outliers = self._outliers, []
        self._gap = None
        off_by_s = median(each.at_s - line.due_s(each.number) for each in outliers)
        last = self._stretch.ticks[-1]
        before_s = last.at_s - line.due_s(last.number)
        if is_phase_jump(outliers, line, last):
            # Only what came at once can be lost ticks; a clock that wanders off has sent all of its ticks.
            lost = missing_ticks(off_by_s - before_s, line.interval_s, self.noise.total_s)
            before = list(self._stretch.ticks)[-GAP_TICKS:]
            self._shift(lost, off_by_s - lost * line.interval_s)
            outliers = [Tick(each.number + lost, each.at_s) for each in outliers]
            if lost < FEWEST_LOST:
                self._gap = MeasuredGap(before, outliers.copy(), lost)
        else:
            # The tempo changed at the last tick on time; those before it would bend the line.
            self._stretch.replace([last])
            # The old noise stays in force until it can be measured in the new tempo.
            self._meter.forget_ticks()
            self._count_gap_at_new_tempo(outliers)
        self._stretch.replace([*self._stretch.ticks, *outliers])
        self._fit_line()

    def _count_by_exact_dates(self) -> bool:
        """Counts the ticks that were lost, or came twice, where the last ticks are off by whole intervals; returns whether there were any."""
        line, outliers = self._line, self._outliers
        assert line is not None
        counted = counted_by_line(outliers, line) if self._is_exact else []
        if not counted:
            return False
        self.number = counted[-1].number
        kept = [tick for tick in self._stretch.ticks if tick.number < counted[0].number]
        self._stretch.replace([*kept, *counted])
        self._meter.forget_ticks()
        outliers.clear()
        self._fit_line()
        return True

    def _measure_gap_again(self, tick: Tick) -> None:
        """Measures a gap again once there are enough ticks after it: the first few show its length less well."""
        gap, line = self._gap, self._line
        assert gap is not None
        assert line is not None
        gap.after.append(tick)
        if not gap.is_complete:
            return
        self._gap = None
        lost = gap.missing_ticks(line.interval_s, self.noise.wander_s) - gap.lost
        if lost:
            self.number += lost
            self._line = TickLine(line.number + lost, line.at_s, line.interval_s)
            self._stretch.replace([Tick(number + lost, at_s) for number, at_s in self._stretch.ticks])
            self._meter.forget_ticks()

    def _shift(self, ticks: int, by_s: float) -> None:
        """Counts `ticks` more, and moves the line and its ticks by `by_s`."""
        assert self._line is not None
        self.number += ticks
        # Old ticks keep their numbers, as only the new ones were counted too low; their times move with the phase.
        self._stretch.replace([Tick(number, at_s + by_s) for number, at_s in self._stretch.ticks])
        self._line = self._line.moved(by_s)

    def _count_gap_at_new_tempo(self, outliers: list[Tick]) -> None:
        """Counts ticks lost at a change of tempo, and then drops the old ticks, which do not show the new tempo's phase."""
        assert self._line is not None
        interval_s = (outliers[-1].at_s - outliers[0].at_s) / (outliers[-1].number - outliers[0].number)
        if min(interval_s, self._line.interval_s) < SHORTEST_INTERVAL_S:
            return
        last = self._stretch.ticks[-1]
        gap_s = outliers[0].at_s - last.at_s
        missing = outliers[0].number - last.number
        if gap_s > LONG_GAP * missing * max(interval_s, self._line.interval_s):
            lost = max(round(gap_s / interval_s) - missing, 0)
            self.number += lost
            outliers[:] = [Tick(each.number + lost, each.at_s) for each in outliers]
            self._stretch.replace(())

    def _fit_line(self) -> None:
        """Fits the line to the longest stretch of ticks that agrees with every shorter one."""
        fitted = self._stretch.line(self.number, self.noise)
        if fitted is not None:
            self._line = follow_wander(fitted, self._stretch.ticks, self.noise)
