"""`Clock`: monotonic seconds, from the machine or set by hand. Knows no beats; nothing else in `bridge` reads a clock."""

import time
from typing import Protocol

MOST_MOVED_S = 0.01
"""Where a port's dates move by at most this, only what is known of them is another. By more, what they are counted by stood still."""


class Clock(Protocol):
    """A source of monotonic seconds. Any thread may use it.

    All parts of a jam share one clock: ports date messages by it, and the music thread sends notes by it. It runs at the
    speed of real time, or, as `ManualClock` does, only when it is moved.
    """

    def now_s(self) -> float:
        """Seconds since a fixed but unknown moment. Never goes back."""
        ...

    def wait_until(self, at_s: float, spin_s: float) -> None:
        """Returns at `at_s`, exact to the microsecond; at once where `at_s` is past, or the clock does not run by itself.

        It does not sleep, as a sleep may last too long. Until `spin_s` before `at_s` it lets other threads run; in the
        last `spin_s` it does not release the interpreter, as another thread might keep it for longer.
        """
        ...


class MonotonicClock:
    """The machine's own clock."""

    def now_s(self) -> float:
        """Seconds since some moment before the program started."""
        # perf_counter, not monotonic: before Python 3.13 the latter moves in steps of 15.6 ms on Windows.
        # On Linux and macOS both read the same clock.
        return time.perf_counter()

    def wait_until(self, at_s: float, spin_s: float) -> None:
        """See `Clock`."""
        while (left_s := at_s - time.perf_counter()) > 0.0:
            if left_s > spin_s:
                time.sleep(0)


class ManualClock:
    """A clock that only moves when `advance` is called; for tests and for export."""

    def __init__(self, now_s: float = 0.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        """The time that it was last set to."""
        return self._now_s

    def wait_until(self, at_s: float, spin_s: float) -> None:
        """Returns at once."""

    def advance(self, by_s: float) -> None:
        """Moves the clock on by `by_s` seconds. Raises ValueError where that is negative."""
        if by_s < 0:
            raise ValueError(f"a monotonic clock cannot go back, here by {-by_s} s")
        self._now_s += by_s
