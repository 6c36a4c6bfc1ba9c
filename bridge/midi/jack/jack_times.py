"""When JACK's cycles begin, by our clock: JACK's own times of them, and how far our clock is ahead of JACK's."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from bridge.midi.jack.jack_frames import Cycle, CycleDates
from bridge.timing.clock import MonotonicClock

if TYPE_CHECKING:
    import jack

CLOCK_READINGS = 5

Microseconds = ctypes.c_uint64


class JackTimes:
    """Dates the cycles of a client; `pointer` is that of the client in the library."""

    def __init__(self, library: ctypes.PyDLL, client: jack.Client, pointer: int) -> None:
        self._library, self._client, self._pointer = library, client, ctypes.c_void_p(pointer)
        self._dates = CycleDates()
        self._clock = MonotonicClock()
        # Functions that JACK-Client does not wrap.
        self._cycle_times = library.jack_get_cycle_times
        library.jack_get_time.restype = Microseconds
        self._cycle_start_us, self._next_start_us = Microseconds(), Microseconds()
        self._frame, self._period_us = ctypes.c_uint32(), ctypes.c_float()
        values = (self._frame, self._cycle_start_us, self._next_start_us, self._period_us)
        self._references = tuple(ctypes.byref(value) for value in values)
        self._offset_s = 0.0
        self.measure_offset()

    @property
    def gaps(self) -> int:
        """How often cycles were missed, or the period or the sample rate has changed."""
        return self._dates.gaps

    @property
    def is_repeat(self) -> bool:
        """Whether the cycle that was dated last has the frames of the one before."""
        return self._dates.is_repeat

    def on_overrun(self) -> None:
        """Records that the server reported an overrun. May be called in another thread."""
        self._dates.on_overrun()

    def measure_offset(self) -> None:
        """Measures how far our clock is ahead of JACK's. On Linux they are the same clock."""
        readings = []
        for _ in range(CLOCK_READINGS):
            before_s = self._clock.now_s()
            jack_s = float(self._library.jack_get_time()) / 1e6
            after_s = self._clock.now_s()
            readings.append((after_s - before_s, (before_s + after_s) / 2 - jack_s))
        # The reading that took the least time is the most exact.
        self._offset_s = min(readings)[1]

    def date_cycle(self, number: int, frames: int, rate: int) -> Cycle:
        """Dates the cycle that runs, with its number, period and sample rate. To be called in JACK's thread."""
        now_s = self._clock.now_s()
        if self._cycle_times(self._pointer, *self._references):
            # In its first cycles JACK has no times yet.
            return self._dates.date(number, self._client.last_frame_time, frames, rate, None, now_s)
        by_jack_s = self._cycle_start_us.value / 1e6 + self._offset_s
        return self._dates.date(number, self._frame.value, frames, rate, by_jack_s, now_s)
