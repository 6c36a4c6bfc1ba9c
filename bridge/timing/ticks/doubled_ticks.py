"""Detects a clock that arrives twice, for example through two cables: each tick has a copy right after it. Times in seconds.

A clock with two ticks in each audio buffer looks the same for a while. The closer the distance of its pairs is to the buffer's
length, the longer that lasts, and the longer detection waits.
"""

import math
from collections import deque

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

SINGLE_TICKS, COPIES_PER_SINGLE = 8, 16
"""After this many ticks without a copy, the clock counts as single again; each `COPIES_PER_SINGLE` copies make good for one of them. A single
clock with two or more ticks in most of its buffers must not count as doubled for ever."""

DOUBTED_TICKS = 2
"""After a new start, this many ticks without a copy are enough, as another clock may have started."""


class DoubledTicks:
    """Takes the date of every tick. Once the clock is known to be doubled, it reports which ticks are copies."""

    def __init__(self) -> None:
        self.is_doubled = False
        self._dates_s: deque[float] = deque(maxlen=2 * PAIRS + 1)
        self._runs = [0, 0]
        self._starts = [(0, 0.0), (0, 0.0)]
        self._parity = 0
        self._is_copied = True
        self._single_ticks = 0.0
        self.is_doubted = False
        """Whether it is not confirmed yet that the clock which was started last is doubled too."""

    def doubt(self) -> None:
        """Expects that another clock may have started, which may be single: pairs that came before say nothing of it."""
        self._dates_s.clear()
        self._runs = [0, 0]
        if self.is_doubled:
            self._single_ticks = SINGLE_TICKS - DOUBTED_TICKS
            self.is_doubted = True

    def is_copy(self, at_s: float) -> bool:
        """Adds the date of a tick; returns whether it is the copy of the last one."""
        last_s = self._dates_s[-1] if self._dates_s else None
        self._dates_s.append(at_s)
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
                self._runs = [0, 0]
        self._is_copied = False
        return False

    def detect(self, number: int) -> int | None:
        """Returns the last tick's number without copies if the clock turns out to be doubled with this tick, and else None.

        Call it after each tick, with the number that the tick was given.
        """
        if self.is_doubled or len(self._dates_s) < 2:
            return None
        parity = self._add_to_runs(number)
        if parity is None:
            return None
        self.is_doubled = self._is_copied = True
        self.is_doubted = False
        self._single_ticks = 0.0
        return self._starts[parity][0] + self._runs[parity] - 1

    def _add_to_runs(self, number: int) -> int | None:
        """Adds the last tick to a run of pairs; returns which of the two runs shows by now that the clock is doubled."""
        self._parity ^= 1
        parity = self._parity
        if self._dates_s[-1] - self._dates_s[-2] > self._most_copy_s():
            self._runs[parity] = 0
            return None
        if self._runs[parity] == 0:
            self._starts[parity] = (number - 1, self._dates_s[-1])
        self._runs[parity] += 1
        run, other = self._runs[parity], self._runs[1 - parity]
        _, since_s = self._starts[parity]
        if run < PAIRS or other >= run - 1 or run < self._enough_pairs(run, since_s):
            return None
        return parity

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
