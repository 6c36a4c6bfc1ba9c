"""MIDI clock out: which of its messages are due, each at its beat. No I/O and no time but beats; knows not who hears it.

Ticks go out all the time, so that whoever follows has the tempo before the song starts. Start and continue go out in
the middle between two ticks, as it is the next tick that they are about.
"""

import math
from dataclasses import dataclass

from bridge.timing.midi_clock import CONTINUE, SONG_POSITION, START, STOP, TICK, TICKS_PER_BEAT, TICKS_PER_SIXTEENTH
from bridge.timing.timeline import Timeline

TICK_BEATS = 1 / TICKS_PER_BEAT
MAX_SIXTEENTH = 0x3FFF
"""The furthest song position that fits its 14 bits."""

MAX_TICKS_AT_ONCE = 2 * TICKS_PER_BEAT
"""After a longer pause than these take, as of a machine that slept, ticks are left out: nobody can follow a flood."""


@dataclass(frozen=True, slots=True)
class TimedBytes:
    """A message, and the beat it was due at."""

    data: bytes
    beat: float


class ClockSender:
    """Sends clock to one output; its song begins at the bar line at which it was started."""

    def __init__(self, timeline: Timeline, beat: float) -> None:
        self._origin_beat = timeline.bar_line_at_or_after(beat)  # a beat on which a tick falls
        self._next_tick = math.ceil((beat - self._origin_beat) * TICKS_PER_BEAT)  # counted from there
        self._pending: list[TimedBytes] = []
        self._song_start_tick = 0  # the tick of the song's beginning, where it has begun
        self._stopped_at_tick = 0  # the song's tick at which it goes on
        self.is_playing = False

    def start(self, timeline: Timeline, beat: float) -> None:
        """Starts the song at the next bar line that leaves time to say so."""
        line = timeline.bar_line_at_or_after(beat + TICK_BEATS)
        # Ticks fall on bar lines: where the song was moved, the last interval before the line is a little off.
        ticks = math.ceil((line - self._beat_of(self._next_tick)) * TICKS_PER_BEAT - 0.5)
        first = self._next_tick + max(ticks, 1)
        self._origin_beat = line - first * TICK_BEATS
        self._song_start_tick = first
        self._schedule_start(first, bytes([START]))

    def resume(self, beat: float) -> None:
        """Goes on where it was stopped, from the next sixteenth on, as song position knows no finer place."""
        sixteenth = min(-(-self._stopped_at_tick // TICKS_PER_SIXTEENTH), MAX_SIXTEENTH)
        first = max(math.ceil((beat - self._origin_beat) * TICKS_PER_BEAT) + 1, self._next_tick + 1)
        self._song_start_tick = first - sixteenth * TICKS_PER_SIXTEENTH
        position = bytes([SONG_POSITION, sixteenth & 0x7F, sixteenth >> 7])
        self._schedule_start(first, position, bytes([CONTINUE]))

    def stop(self, beat: float) -> None:
        """Stops the song now; ticks go on."""
        self._pending = [TimedBytes(bytes([STOP]), beat)]
        if self.is_playing:
            self._stopped_at_tick = max(self._next_tick - self._song_start_tick, 0)
        self.is_playing = False

    def advance(self, beat: float) -> list[TimedBytes]:
        """Every message due up to `beat`, in order."""
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
        """The next beat at which something is due."""
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
