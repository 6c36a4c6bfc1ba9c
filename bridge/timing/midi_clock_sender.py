"""MIDI clock out: which messages are due, each at its beat. Does no I/O, and knows no time except beats.

Ticks are sent all the time, so that a follower has the tempo before the song starts. Start and continue are sent halfway
between two ticks, as they take effect at the next tick (MIDI 1.0).
"""

import math
from dataclasses import dataclass

from bridge.timing.clock_messages import CONTINUE, SONG_POSITION, START, STOP, TICK, TICKS_PER_BEAT, TICKS_PER_SIXTEENTH
from bridge.timing.timeline import Timeline

TICK_BEATS = 1 / TICKS_PER_BEAT
MAX_SIXTEENTH = 0x3FFF
"""The highest song position, which has 14 bits (MIDI 1.0)."""

MAX_TICKS_AT_ONCE = 2 * TICKS_PER_BEAT
"""After a longer pause than this many ticks (the machine slept), the late ticks are skipped: no device could follow them."""


@dataclass(frozen=True, slots=True)
class TimedBytes:
    """The bytes of a message, and the beat at which they are due."""

    data: bytes
    beat: float


class ClockSender:
    """MIDI clock for one output. The song begins at the bar line at which it was started. Used from one thread."""

    def __init__(self, timeline: Timeline, beat: float) -> None:
        self._origin_beat = timeline.bar_line_at_or_after(beat)  # a beat with a tick
        self._next_tick = math.ceil((beat - self._origin_beat) * TICKS_PER_BEAT)  # counted from the origin
        self._pending: list[TimedBytes] = []
        self._song_start_tick = 0  # the tick at which the song began
        self._stopped_at_tick = 0  # the song's tick from which it continues
        self.is_playing = False

    def start(self, timeline: Timeline, beat: float) -> None:
        """Starts the song at the next bar line that leaves time to send the start message."""
        line = timeline.bar_line_at_or_after(beat + TICK_BEATS)
        # A tick falls on each bar line: where the song was moved, the last interval before the line differs a little.
        ticks = math.ceil((line - self._beat_of(self._next_tick)) * TICKS_PER_BEAT - 0.5)
        first = self._next_tick + max(ticks, 1)
        self._origin_beat = line - first * TICK_BEATS
        self._song_start_tick = first
        self._schedule_start(first, bytes([START]))

    def resume(self, beat: float) -> None:
        """Continues where the song was stopped, from the next sixteenth on, as song position has no finer unit."""
        sixteenth = min(-(-self._stopped_at_tick // TICKS_PER_SIXTEENTH), MAX_SIXTEENTH)
        first = max(math.ceil((beat - self._origin_beat) * TICKS_PER_BEAT) + 1, self._next_tick + 1)
        self._song_start_tick = first - sixteenth * TICKS_PER_SIXTEENTH
        position = bytes([SONG_POSITION, sixteenth & 0x7F, sixteenth >> 7])
        self._schedule_start(first, position, bytes([CONTINUE]))

    def stop(self, beat: float) -> None:
        """Stops the song now. Ticks continue."""
        self._pending = [TimedBytes(bytes([STOP]), beat)]
        if self.is_playing:
            self._stopped_at_tick = max(self._next_tick - self._song_start_tick, 0)
        self.is_playing = False

    def advance(self, beat: float) -> list[TimedBytes]:
        """Returns every message due up to `beat`, in order. Each message is returned once."""
        self._skip_late_ticks(beat)
        due = []
        while (wake_at := self.wake_at()) <= beat:
            if self._pending and self._pending[0].beat <= self._beat_of(self._next_tick):
                due.append(self._pending.pop(0))
            else:
                due.append(TimedBytes(bytes([TICK]), wake_at))
                self._next_tick += 1
        return due

    def wake_at(self) -> float:
        """The next beat at which a message is due."""
        tick = self._beat_of(self._next_tick)
        return min(tick, self._pending[0].beat) if self._pending else tick

    def _schedule_start(self, first: int, *messages: bytes) -> None:
        stopped = [due for due in self._pending if due.data == bytes([STOP])]
        self._pending = stopped + [TimedBytes(data, self._beat_of(first) - TICK_BEATS / 2) for data in messages]
        self.is_playing = True

    def _beat_of(self, tick: int) -> float:
        return self._origin_beat + tick * TICK_BEATS

    def _skip_late_ticks(self, beat: float) -> None:
        late = math.floor((beat - self._beat_of(self._next_tick)) * TICKS_PER_BEAT)
        if late > MAX_TICKS_AT_ONCE:
            self._next_tick += late
