"""JACK's frames and the program's seconds: the dates of what arrives, and the frames of what is to be sent. Does no I/O.

JACK works in cycles. In each, a client reads what came in and writes what goes out, each message with its frame counted
from the cycle's first. JACK says when a cycle began, as a loop that follows its wake-ups sees it: to 0.02 ms, and after
an overrun up to 26 ms off for seconds. So that is checked against when cycles were really begun.

Every date is `latency_s`, one period, earlier than its frame, and everything sent sounds `latency_s` later than it is due.
A message that arrives is therefore never dated later than the moment it is read, a message that is handed over when it
is due never misses its frame, and a note that is due with a tick goes out on that tick's frame: the two cancel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

TOO_LATE_S = 0.1
"""A note that would begin later than this is left out: after a standstill all missed notes would begin at once."""
LONGEST_QUEUE = 4096
"""More messages than this do not wait; a jam has a few dozen at most."""
QUIET_S = 2.0
"""After so long without a message the latency may become shorter again: a change in the music would be heard as a jump."""
BEGINNINGS = 16
"""One cycle in sixteen is begun in time even on a busy machine."""
FEWEST_BEGINNINGS = 4
"""Fewer may all have been late."""
DISAGREE_S = 0.001
"""So far JACK's date of a cycle may be from when cycles are begun before it is no longer believed, and..."""
AGREE_S = 0.0002
"""...so near it has to come to be believed again."""
FRAME_NUMBERS = 2**32
"""JACK counts frames in 32 bits: at 48 kHz for a day."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle of JACK: when its first frame is, in the program's seconds, and how long its frames are."""

    starts_s: float
    frames: int
    frame_s: float

    @property
    def ends_s(self) -> float:
        """When the next cycle begins."""
        return self.starts_s + self.frames * self.frame_s

    def second_of(self, offset: int) -> float:
        """The second of a frame, counted from the first of this cycle."""
        return self.starts_s + offset * self.frame_s

    def offset_of(self, at_s: float) -> int:
        """The frame nearest to a second, or the first or last where that is not in this cycle."""
        return min(max(round((at_s - self.starts_s) / self.frame_s), 0), self.frames - 1)


class CycleDates:
    """Dates cycles: as JACK does where that agrees with when they were begun, else by those beginnings alone."""

    def __init__(self) -> None:
        self._last_number = 0
        self._total = 0
        """The frame of the last cycle, as if JACK's numbers had no end."""
        self._zeros_s: deque[float] = deque(maxlen=BEGINNINGS)
        self.is_by_jack = True

    def date(self, number: int, frame: int, frames: int, rate: int, by_jack_s: float | None, now_s: float) -> Cycle:
        """Cycle `number`, with `frame` as its first: at `by_jack_s` if JACK is believed, and really begun at `now_s`."""
        passed = (frame - self._total) % FRAME_NUMBERS
        if passed != (number - self._last_number) * frames:
            # An overrun, or another period: what was is no measure of what is.
            self._zeros_s.clear()
        self._last_number, self._total = number, self._total + passed
        self._zeros_s.append(now_s - self._total / rate)
        # A cycle is begun late or in time, and never early.
        by_beginnings_s = min(self._zeros_s) + self._total / rate
        if by_jack_s is None:
            return Cycle(by_beginnings_s, frames, 1 / rate)
        if len(self._zeros_s) >= FEWEST_BEGINNINGS:
            apart_s = abs(by_jack_s - by_beginnings_s)
            self.is_by_jack = apart_s < (DISAGREE_S if self.is_by_jack else AGREE_S)
        return Cycle(by_jack_s if self.is_by_jack else by_beginnings_s, frames, 1 / rate)


class Latency:
    """By how much dates are earlier than frames: the longest period of late, so that a shorter one moves no music."""

    def __init__(self) -> None:
        self._longest_s = 0.0
        self._last_message_s = float("-inf")

    def notice(self, at_s: float) -> None:
        """A message was read or written."""
        self._last_message_s = at_s

    def at_s(self, now_s: float, period_s: float) -> float:
        """What it is now, in seconds."""
        if period_s > self._longest_s or now_s - self._last_message_s > QUIET_S:
            self._longest_s = period_s
        return self._longest_s


class SendQueue:
    """Messages that wait for their cycle. None ever overtakes another, so a note's end never comes before its beginning."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._last_due_s = float("-inf")
        self.too_late = 0
        """How many notes were left out as they would have begun too late."""
        self.dropped = 0
        """How many messages found the queue full."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, due_s: float, data: bytes) -> None:
        """To be written at `due_s`, or with the message before it where that is later."""
        if len(self._waiting) >= LONGEST_QUEUE and not _ends_a_note(data):
            self.dropped += 1
            return
        self._last_due_s = max(due_s, self._last_due_s) if self._waiting else due_s
        self._waiting.append((self._last_due_s, data))

    def take(self, cycle: Cycle, latency_s: float) -> Iterator[tuple[int, bytes]]:
        """What is to be written in this cycle, with its frame; what is late goes first."""
        while self._waiting:
            due_s, data = self._waiting[0]
            frame_s = due_s + latency_s
            if frame_s >= cycle.ends_s - cycle.frame_s / 2:
                return
            self._waiting.popleft()
            if cycle.starts_s - frame_s > TOO_LATE_S and _begins_a_note(data):
                self.too_late += 1
                continue
            yield cycle.offset_of(frame_s), data

    def put_back(self, data: bytes, cycle: Cycle, latency_s: float) -> None:
        """The last message taken found no room in its cycle: it goes first in the next."""
        self._waiting.appendleft((cycle.ends_s - latency_s, data))

    def clear(self) -> None:
        """Nothing waits any more."""
        self._waiting.clear()


def _begins_a_note(data: bytes) -> bool:
    return data[0] >> 4 == 9 and len(data) > 2 and data[2] > 0


def _ends_a_note(data: bytes) -> bool:
    return data[0] >> 4 == 8 or (data[0] >> 4 == 9 and not _begins_a_note(data)) or data[0] >> 4 == 11
