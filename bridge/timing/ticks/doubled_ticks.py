"""Detects a clock that arrives twice, for example through two cables: each tick has a copy right after it. Times in seconds.

A clock with two ticks in each audio buffer looks the same for a while. The closer the distance of its pairs is to the buffer's
length, the longer that lasts, and the longer detection waits; pairs from before a step of tempo do not count. Where ticks came one by one before, and come in pairs at the same tempo
now, they are held up on their way, and not copied.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

COPY_S, COPY_SHARE = 0.004, 0.3
"""How long after a tick its copy may come: in seconds, and as a share of the time between pairs."""

FIRST_DATES = 12
"""How many dates it takes until the time between pairs is known."""

PAIRS = 24
"""This many pairs in a row are not a coincidence."""

SLIPS = 2.0
"""Pairs that a buffer makes slip apart after 1 / (their distance from the buffer's length, as a share of it) pairs. Detection
waits for this many times that number."""

BUFFERS_S = tuple(frames / rate for frames in (256, 512, 1_024, 2_048) for rate in (44_100, 48_000, 96_000))
MOST_IN_BUFFER = 4
"""The buffers that are considered as a cause of pairs, and how many pairs one of them may hold."""

STEADY_SINGLE_TICKS = 24
"""After this many ticks in a row that came one by one, it is known how far apart single ticks are."""

SAME_TEMPO = 0.1
"""By how much, as a share, the time of the pairs may differ from that of as many single ticks."""

FORGET_AFTER_S = 2.0
"""After a silence as long as this, another song may follow, at another tempo and through other cables."""

SINGLE_TICKS, COPIES_PER_SINGLE = 8, 16
"""After this many ticks without a copy, the clock counts as single again; each `COPIES_PER_SINGLE` copies make good for one of them. A single
clock with two or more ticks in most of its buffers must not count as doubled for ever."""

DOUBTED_TICKS = 2
"""After a new start, this many ticks without a copy are enough, as another clock may have started."""


MOST_MARKS = 64
"""How many dates of a run of pairs are kept. In a longer run they are farther apart."""


@dataclass(slots=True)
class PairRun:
    """Pairs in a row."""

    number: int = 0
    """The number of the first tick."""
    pairs: int = 0
    _marks: list[tuple[int, float]] = field(default_factory=list)
    _pairs_apart: int = 1

    @property
    def since_s(self) -> float:
        """The date of the first copy."""
        return self._marks[0][1]

    def add(self, number: int, copy_s: float) -> None:
        """Adds a pair: the number of its tick, and the date of the copy."""
        if self.pairs == 0:
            self.number = number
        if self.pairs % self._pairs_apart == 0:
            self._marks.append((self.pairs, copy_s))
        if len(self._marks) > MOST_MARKS:
            del self._marks[1::2]
            self._pairs_apart *= 2
        self.pairs += 1

    def clear(self) -> None:
        """Ends the run."""
        self.pairs, self._pairs_apart = 0, 1
        self._marks.clear()

    def is_of_one_tempo(self, last_s: float, most_off_s: float) -> bool:
        """Whether all pairs until the last one, at `last_s`, are this near to where one tempo puts them."""
        pair_s = (last_s - self.since_s) / max(self.pairs - 1, 1)
        return all(abs(at_s - self.since_s - pair * pair_s) <= most_off_s for pair, at_s in self._marks)


class DoubledTicks:
    """Takes the date of every tick. Once the clock is known to be doubled, it reports which ticks are copies."""

    def __init__(self) -> None:
        self.is_doubled = False
        self._dates_s: deque[float] = deque(maxlen=2 * PAIRS + 1)
        self._runs = (PairRun(), PairRun())
        self._parity = 0
        self._is_copied = True
        self._single_ticks = 0.0
        self._apart = 0
        self._single_s: float | None = None  # the time between ticks when they last came one by one
        self.is_doubted = False
        """Whether it is not confirmed yet that the clock which was started last is doubled too."""

    def doubt(self) -> None:
        """Expects that another clock may have started, which may be single: pairs that came before say nothing of it."""
        self._dates_s.clear()
        self._clear_runs()
        if self.is_doubled:
            self._single_ticks = SINGLE_TICKS - DOUBTED_TICKS
            self.is_doubted = True

    def is_copy(self, at_s: float) -> bool:
        """Adds the date of a tick; returns whether it is the copy of the last one."""
        last_s = self._dates_s[-1] if self._dates_s else None
        self._dates_s.append(at_s)
        self._measure_single_ticks(at_s, last_s)
        if not self.is_doubled:
            return False
        if self.is_doubted and last_s is not None and self._add_to_runs(0) is not None:
            self.is_doubted = False
            self._single_ticks = 0.0
        is_near = last_s is not None and at_s - last_s <= self._most_copy_s()
        if is_near and not self._is_copied:
            self._is_copied = True
            if not self.is_doubted:
                self._single_ticks = max(self._single_ticks - 1 / COPIES_PER_SINGLE, 0.0)
            return True
        if not self._is_copied:
            self._single_ticks += 1
            if self._single_ticks >= SINGLE_TICKS:
                self.is_doubled = False
                self._clear_runs()
        self._is_copied = False
        return False

    def detect(self, number: int) -> int | None:
        """Returns the last tick's number without copies if the clock turns out to be doubled with this tick, and else None.

        Call it after each tick, with the number that the tick was given.
        """
        if self.is_doubled or len(self._dates_s) < 2:
            return None
        run = self._add_to_runs(number)
        if run is None:
            return None
        self.is_doubled = self._is_copied = True
        self.is_doubted = False
        self._single_ticks = 0.0
        return run.number + run.pairs - 1

    def _clear_runs(self) -> None:
        for run in self._runs:
            run.clear()

    def _add_to_runs(self, number: int) -> PairRun | None:
        """Adds the last tick to one of the two runs of pairs; returns it if it shows by now that the clock is doubled."""
        self._parity ^= 1
        run, other = self._runs[self._parity], self._runs[1 - self._parity]
        last_s = self._dates_s[-1]
        if last_s - self._dates_s[-2] > self._most_copy_s():
            run.clear()
            return None
        run.add(number - 1, last_s)
        if (
            run.pairs < PAIRS
            or other.pairs >= run.pairs - 1
            or run.pairs < self._enough_pairs(run.pairs, run.since_s)
            or self._are_single_ticks(run.pairs, run.since_s)
        ):
            return None
        if not run.is_of_one_tempo(last_s, self._longest_wait_s()):
            run.clear()
            return None
        return run

    def _measure_single_ticks(self, at_s: float, last_s: float | None) -> None:
        if last_s is None or at_s - last_s > FORGET_AFTER_S:
            self._apart, self._single_s = 0, None
            return
        self._apart = 0 if at_s - last_s <= self._most_copy_s() else self._apart + 1
        if self._apart >= STEADY_SINGLE_TICKS:
            self._single_s = (at_s - self._dates_s[-1 - STEADY_SINGLE_TICKS]) / STEADY_SINGLE_TICKS

    def _are_single_ticks(self, run: int, since_s: float) -> bool:
        """Whether pairs are two ticks that are held up together, by how far apart ticks were when they came one by one."""
        if self._single_s is None:
            return False
        span_s, expected_s = self._dates_s[-1] - since_s, 2 * run * self._single_s
        # Of ticks that come many at once, the last ones may be waited for.
        return abs(span_s - expected_s) <= SAME_TEMPO * expected_s + self._longest_wait_s()

    def _longest_wait_s(self) -> float:
        return max(later - earlier for earlier, later in pairwise(self._dates_s))

    def _most_copy_s(self) -> float:
        # The first few dates do not show how far apart pairs are: they may all be in one buffer.
        return min(COPY_S, COPY_SHARE * self._pair_s()) if len(self._dates_s) > FIRST_DATES else COPY_S

    def _pair_s(self) -> float:
        return 2 * (self._dates_s[-1] - self._dates_s[0]) / max(len(self._dates_s) - 1, 1)

    def _enough_pairs(self, run: int, since_s: float) -> float:
        """How many pairs in a row rule out a buffer as their cause, by how far the nearest buffer's length is at least."""
        span_s = self._dates_s[-1] - since_s
        pair_s = span_s / max(run - 1, 1)
        off = min(
            max(abs(count * pair_s - buffer_s) - count * buffer_s / max(run - 1, 1), 0.0) / buffer_s
            for buffer_s in BUFFERS_S
            for count in range(1, MOST_IN_BUFFER + 1)
        )
        return SLIPS / off if off else math.inf
