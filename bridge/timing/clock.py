"""Monotonic seconds, from the machine or by hand. Knows no beats; nothing else in `bridge` reads a clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """Something that tells monotonic seconds."""

    def now_s(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    def wait_until(self, at_s: float, keep_s: float) -> None:
        """Returns at `at_s`, to the microsecond, without sleeping; a clock that stands still returns at once.

        Other threads have the interpreter until `keep_s` before, and not then, when they might keep it for longer.
        """
        ...


class MonotonicClock:
    """The machine's own clock."""

    def now_s(self) -> float:
        """Seconds since some moment before the program began."""
        # perf_counter, not monotonic: before Python 3.13 the latter moves in steps of 15.6 ms on Windows.
        # On Linux and macOS both read the same clock.
        return time.perf_counter()

    def wait_until(self, at_s: float, keep_s: float) -> None:
        """As the protocol says."""
        while (left_s := at_s - time.perf_counter()) > 0.0:
            if left_s > keep_s:
                time.sleep(0)


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now_s: float = 0.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        """The second it was last moved to."""
        return self._now_s

    def wait_until(self, at_s: float, keep_s: float) -> None:
        """Nobody waits for what only a hand moves."""

    def advance(self, by_s: float) -> None:
        """Move on by `by_s` seconds."""
        if by_s < 0:
            raise ValueError(f"a monotonic clock does not go back, and was told to by {-by_s} s")
        self._now_s += by_s
