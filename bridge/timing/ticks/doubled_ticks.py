"""Tells a clock that comes twice, as by two cables, from one that is twice as fast: each tick has a copy right after it. Seconds.

A clock of which two ticks fall into each audio buffer looks the same for a while. It does so for the longer, the nearer the pairs
are to a buffer apart, so that for so long nothing is said.
"""

import math
from collections import deque

COPY_S, COPY_SHARE = 0.004, 0.3
"""How long after a tick its copy may come, in seconds and of the time between pairs."""

FIRST_DATES = 12

PAIRS = 24
"""So many in a row are no accident."""

SLIPS = 2.0
"""A pair that a buffer makes slips after as many pairs as it is parts off the buffer; so many times that are waited for."""

BUFFERS_S = tuple(frames / rate for frames in (256, 512, 1_024, 2_048) for rate in (44_100, 48_000, 96_000))
MOST_IN_BUFFER = 4
"""Buffers that make pairs, and how many pairs in one."""

ALONE_TICKS = 8
"""After so many ticks in a row without a copy the clock is single again."""


class DoubledTicks:
    """Takes the date of every tick that comes; says which is a copy once the clock is known to be doubled."""

    def __init__(self) -> None:
        self.is_doubled = False
        self._dates_s: deque[float] = deque(maxlen=2 * PAIRS + 1)
        self._runs = [0, 0]
        self._starts = [(0, 0.0), (0, 0.0)]
        self._parity = 0
        self._is_copied = True
        self._alone = 0

    def is_copy(self, at_s: float) -> bool:
        """Whether this tick is the copy of the last one."""
        last_s = self._dates_s[-1] if self._dates_s else None
        self._dates_s.append(at_s)
        if not self.is_doubled or last_s is None:
            return False
        is_near = at_s - last_s <= self._near_s()
        if is_near and not self._is_copied:
            self._is_copied = True
            self._alone = 0
            return True
        if not self._is_copied:
            self._alone += 1
            if self._alone >= ALONE_TICKS:
                self.is_doubled = False
                self._runs = [0, 0]
        self._is_copied = False
        return False

    def found(self, number: int) -> int | None:
        """The number that the last tick has if the clock turns out to be doubled just now; None where it does not.

        To be asked after each tick, with the number that it was given.
        """
        if self.is_doubled or len(self._dates_s) < 2:
            return None
        self._parity ^= 1
        parity = self._parity
        if self._dates_s[-1] - self._dates_s[-2] > self._near_s():
            self._runs[parity] = 0
            return None
        if self._runs[parity] == 0:
            self._starts[parity] = (number - 1, self._dates_s[-1])
        self._runs[parity] += 1
        run, other = self._runs[parity], self._runs[1 - parity]
        first_number, since_s = self._starts[parity]
        if run < PAIRS or other >= run - 1 or run < self._enough_pairs(run, since_s):
            return None
        self.is_doubled = self._is_copied = True
        return first_number + run - 1

    def _near_s(self) -> float:
        # Of the first few it is not known how far pairs are apart: they may all be in one buffer.
        return min(COPY_S, COPY_SHARE * self._pair_s()) if len(self._dates_s) > FIRST_DATES else COPY_S

    def _pair_s(self) -> float:
        return 2 * (self._dates_s[-1] - self._dates_s[0]) / max(len(self._dates_s) - 1, 1)

    def _enough_pairs(self, run: int, since_s: float) -> float:
        """How many pairs in a row are no buffer's, by how far a buffer is from what these are apart, as far as that is known."""
        span_s = self._dates_s[-1] - since_s
        pair_s = span_s / max(run - 1, 1)
        off = min(
            max(abs(count * pair_s - buffer_s) - count * buffer_s / max(run - 1, 1), 0.0) / buffer_s
            for buffer_s in BUFFERS_S
            for count in range(1, MOST_IN_BUFFER + 1)
        )
        return SLIPS / off if off else math.inf
