"""Converts between JACK's frames and the program's seconds: dates incoming messages, and places outgoing ones. No I/O.

JACK works in cycles. In each, a client reads the messages that came in and writes those that go out, each with its
frame, counted from the first of the cycle. JACK reports when a cycle began, from a loop that follows its own wake-ups:
exact to 0.02 ms, but after an overrun off by up to as much as the server stood still, and swinging to and fro for ten seconds
and more. So it is checked against the times at which our callback was really called.

A message is dated `latency_s`, one period, earlier than its frame, and is sent `latency_s` later than it is due. So no
message has a date after the moment at which it is read, a message that is sent when it is due never misses its frame,
and a note that is due with a clock tick goes out on the frame of that tick: the two latencies cancel. That holds where the
dates of frames move between the tick and the note, too: what waits moves with them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.timing.clock import MOST_MOVED_S

MAX_LATENESS_S = 0.1
"""A note-on that would be later than this is left out: after a standstill all missed notes would begin at once."""
MAX_QUEUE_LENGTH = 4096
"""In messages; a jam has a few dozen waiting at most."""
SHRINK_AFTER_S = 2.0
"""The latency becomes shorter only after this long without a message: within music the change would be heard as a jump.
"""
STARTS_KEPT = 16
"""Even on a busy machine, one cycle in sixteen is started on time."""
STARTS_NEEDED = 4
"""With fewer, all may have been started late."""
DISTRUST_S = 0.001
"""JACK's date of a cycle is no longer used when it differs by this from the date by the starts of cycles."""
TRUST_AGAIN_S, TRUST_AGAIN_AFTER_S = 0.0002, 4.0
"""It is used again once it has differed by less than this for so long: on its way to and fro it passes the right date several times.
The loop of JACK swings by 0.8 radians a second, so where it is within 0.2 ms for four seconds it stays so."""
STANDSTILL_S = 0.0005
"""Starts that are all later than those before by more than this may show that the server stood still."""
STANDSTILL_STARTS, STANDSTILL_STARTS_ALONE = 2, 3
"""So many of them in a row show it: those that agree with JACK's dates; or, after an overrun, those that agree with each other."""
SAME_START_S = 0.0003
"""How far apart starts may be that agree with each other."""
FRAME_NUMBERS = 2**32
"""JACK counts frames with 32 bits, which at 48 kHz lasts a day."""
UNKNOWN_S = float("-inf")
"""Frame 0 where it is not known: so far from any other second that nothing moves by the difference."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle of JACK: the second of its first frame, how many frames it has, how long one is, and the second of frame 0."""

    starts_s: float
    frames: int
    frame_s: float
    frame_zero_s: float = 0.0
    """It moves after an overrun, as JACK does not count the frames that it missed."""

    @property
    def ends_s(self) -> float:
        """The second at which the next cycle begins."""
        return self.starts_s + self.frames * self.frame_s

    def second_of(self, offset: int) -> float:
        """The second of the frame at `offset` in this cycle."""
        return self.starts_s + offset * self.frame_s

    def offset_of(self, at_s: float) -> int:
        """The offset of the frame nearest to a second; of the first or last frame where the second is outside the cycle."""
        return min(max(round((at_s - self.starts_s) / self.frame_s), 0), self.frames - 1)


class CycleDates:
    """Dates cycles: by JACK's dates where these agree with the starts of cycles, otherwise by those starts alone."""

    def __init__(self) -> None:
        self._last_number = 0
        self._total = 0
        """The first frame of the last cycle, counted without the wrap of JACK's 32 bits."""
        self._rate = 0
        self._rate_since, self._rate_since_s = 0, 0.0
        """The frame from which on the sample rate is that of now, and how many seconds the frames before it lasted."""
        self._frame_zeros_s: deque[float] = deque(maxlen=STARTS_KEPT)
        """The second of frame 0, by the start of each of the last cycles."""
        self.is_jack_trusted = True
        self._agrees_since_s: float | None = None
        """Since when JACK's dates, which are not trusted, have been right."""
        self._starts_since_overrun = STARTS_KEPT
        self.gaps = 0
        """How often cycles were missed, or the period or the sample rate has changed."""
        self.is_repeat = False
        """Whether the last cycle has the frames of the one before, as some have right after an overrun."""

    def on_overrun(self) -> None:
        """Records that the server reported an overrun; it may have stood still. May be called in another thread."""
        self._starts_since_overrun = 0

    def date(self, number: int, frame: int, frames: int, rate: int, by_jack_s: float | None, now_s: float) -> Cycle:
        """Dates cycle `number`, whose first frame is `frame`; JACK dates it `by_jack_s`, and its callback began at `now_s`.

        `frames` is the period, `rate` the sample rate. Cycles may be left out between two calls.
        """
        passed = (frame - self._total) % FRAME_NUMBERS
        self.is_repeat = passed == 0
        is_other_rate = rate != self._rate
        if is_other_rate:
            self._change_rate(rate)
        if passed != (number - self._last_number) * frames or is_other_rate:
            # After an overrun, and with another period or sample rate, earlier starts no longer apply.
            self._frame_zeros_s.clear()
            self.gaps += 1
        self._last_number, self._total = number, self._total + passed
        # Seconds from frame 0, each frame at the rate of its time: PipeWire changes the rate of a server that goes on.
        from_zero_s = self._rate_since_s + (self._total - self._rate_since) / rate
        self._frame_zeros_s.append(now_s - from_zero_s)
        self._starts_since_overrun += 1
        self._forget_starts_before_standstill(None if by_jack_s is None else by_jack_s - from_zero_s)
        # The minimum, as a cycle is started on time or late, and never early.
        by_starts_s = min(self._frame_zeros_s) + from_zero_s
        if by_jack_s is None:
            return Cycle(by_starts_s, frames, 1 / rate, by_starts_s - from_zero_s)
        self._judge_jack(by_jack_s - by_starts_s, now_s)
        starts_s = by_jack_s if self.is_jack_trusted else by_starts_s
        return Cycle(starts_s, frames, 1 / rate, starts_s - from_zero_s)

    def _judge_jack(self, off_s: float, now_s: float) -> None:
        """Decides whether JACK's dates are used, the last of which is `off_s` later than that by the starts."""
        if len(self._frame_zeros_s) < STARTS_NEEDED:
            # A single start shows that a date is too late, but not that one is too early.
            self.is_jack_trusted &= off_s < DISTRUST_S
        elif self.is_jack_trusted:
            self.is_jack_trusted = abs(off_s) < DISTRUST_S
        elif abs(off_s) < TRUST_AGAIN_S:
            if self._agrees_since_s is None:
                self._agrees_since_s = now_s
            self.is_jack_trusted = now_s - self._agrees_since_s >= TRUST_AGAIN_AFTER_S
        if self.is_jack_trusted or abs(off_s) >= TRUST_AGAIN_S:
            self._agrees_since_s = None

    def _change_rate(self, rate: int) -> None:
        """From the last cycle on, frames last as long as at this rate."""
        if self._rate:
            self._rate_since_s += (self._total - self._rate_since) / self._rate
            self._rate_since = self._total
        self._rate = rate

    def _forget_starts_before_standstill(self, by_jack_s: float | None) -> None:
        """Where the whole server stood still, no cycle is missed and frame 0 is later: what was before no longer applies.

        `by_jack_s` is frame 0 as JACK dates it. Alone it is no evidence, as JACK's dates may be wrong after an overrun,
        and neither are starts that are late, as they may be so on a busy machine.
        """
        if self._frame_zeros_s[-1] - min(self._frame_zeros_s) < STANDSTILL_S:
            return
        starts_s = tuple(self._frame_zeros_s)
        for count in (STANDSTILL_STARTS, STANDSTILL_STARTS_ALONE):
            before_s, latest_s = starts_s[:-count], starts_s[-count:]
            if not before_s or min(latest_s) - min(before_s) < STANDSTILL_S:
                return
            if count == STANDSTILL_STARTS:
                agree = by_jack_s is not None and all(abs(start_s - by_jack_s) < DISTRUST_S for start_s in latest_s)
            else:
                agree = (
                    count <= self._starts_since_overrun < STARTS_KEPT and max(latest_s) - min(latest_s) < SAME_START_S
                )
            if agree:
                self._frame_zeros_s.clear()
                self._frame_zeros_s.extend(latest_s)
                return


class Latency:
    """By how much dates are earlier than frames: the longest recent period, so that a shorter one moves no music."""

    def __init__(self) -> None:
        self._longest_s = 0.0
        self._last_message_s = float("-inf")

    def on_message(self, at_s: float) -> None:
        """Records that a message was read or written."""
        self._last_message_s = at_s

    def at_s(self, now_s: float, period_s: float) -> float:
        """The latency at this moment, in seconds."""
        if period_s > self._longest_s or now_s - self._last_message_s > SHRINK_AFTER_S:
            self._longest_s = period_s
        return self._longest_s


class SendQueue:
    """Messages that wait for their cycle. None overtakes another, so a note-off never comes before its note-on."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._last_due_s, self._zero_s = float("-inf"), UNKNOWN_S
        self.too_late = 0
        """How many note-ons were left out because they would have been too late."""
        self.dropped = 0
        """How many messages were dropped because the queue was full."""

    def __len__(self) -> int:
        return len(self._waiting)

    def move_to(self, zero_s: float) -> None:
        """Takes the second of frame 0, one latency earlier, as it is now: where it has moved, what waits moves with it.

        Where it has moved by more than `MOST_MOVED_S`, the server stood still, and what waits is late.
        """
        moved_s, self._zero_s = _moved_s(self._zero_s, zero_s), zero_s
        if moved_s and self._waiting:
            self._waiting = deque((due_s + moved_s, data) for due_s, data in self._waiting)
            self._last_due_s += moved_s

    def put(self, due_s: float, data: bytes, zero_s: float = UNKNOWN_S) -> None:
        """Adds a message that is due at `due_s`, or with the message before it if that is due later.

        `zero_s` is frame 0 as it was known to the sender, see `move_to`.
        """
        due_s += _moved_s(zero_s, self._zero_s)
        if len(self._waiting) >= MAX_QUEUE_LENGTH and not _ends_sound(data):
            self.dropped += 1
            return
        self._last_due_s = max(due_s, self._last_due_s) if self._waiting else due_s
        self._waiting.append((self._last_due_s, data))

    def take(self, cycle: Cycle, latency_s: float) -> Iterator[tuple[int, bytes]]:
        """Removes and yields the messages of this cycle, with their offsets; late messages get the first frame."""
        while self._waiting:
            due_s, data = self._waiting[0]
            frame_s = due_s + latency_s
            if frame_s >= cycle.ends_s - cycle.frame_s / 2:
                return
            self._waiting.popleft()
            if cycle.starts_s - frame_s > MAX_LATENESS_S and _is_note_on(data):
                self.too_late += 1
                continue
            yield cycle.offset_of(frame_s), data

    def without_late(
        self, written: Sequence[tuple[int, bytes]], cycle: Cycle, now_s: float
    ) -> Sequence[tuple[int, bytes]]:
        """The messages of a cycle that may still go out now that they are written: this process may have stood still since it took them."""
        if now_s - cycle.ends_s <= MAX_LATENESS_S:
            return written
        kept = [(offset, data) for offset, data in written if not _is_note_on(data)]
        self.too_late += len(written) - len(kept)
        return kept

    def put_back(self, data: bytes, cycle: Cycle, latency_s: float) -> None:
        """Puts back the message that was taken last and found no room in its cycle; it is the first of the next cycle."""
        self._waiting.appendleft((cycle.ends_s - latency_s, data))

    def clear(self) -> None:
        """Removes all messages."""
        self._waiting.clear()


def _moved_s(before_s: float, now_s: float) -> float:
    """By how much frame 0 has moved, and what waits for a frame with it."""
    moved_s = now_s - before_s
    return moved_s if abs(moved_s) <= MOST_MOVED_S else 0.0


def _is_note_on(data: bytes) -> bool:
    return data[0] >> 4 == 9 and len(data) > 2 and data[2] > 0


def _ends_sound(data: bytes) -> bool:
    """Whether a message may end a note: a note-off, or a control change such as that of a pedal."""
    return data[0] >> 4 == 8 or (data[0] >> 4 == 9 and not _is_note_on(data)) or data[0] >> 4 == 11
