"""Open ports of python-rtmidi, and how bytes get through them undamaged. Does not know how the ports were found."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Event, Thread

from bridge.errors import PortFull, PortLost
from bridge.fault_counter import FaultCounter
from bridge.midi.ports import BasePort, Receiver
from bridge.midi.rtmidi_module import RawIn, RawOut, RawPort
from bridge.timing.clock import Clock
from bridge.timing.ticks.tick import BufferSide

logger_in = logging.getLogger("fours.midi.in")
logger_out = logging.getLogger("fours.midi.out")

JACK_DRAIN_S = 0.2
"""How long a JACK port stays open after its last message. A port that is closed in the cycle of its last messages may
lose them all, and notes would hang. Two cycles of 4,096 frames, the longest in use, take 0.19 s. On other systems a
message is out when `send` returns."""

JACK_RING_BYTES = 16_384
"""How much RtMidi holds for JACK's next cycle. When it is full, RtMidi waits for room and holds Python's interpreter:
forever, if the server is gone."""
JACK_LENGTH_BYTES = 4
"""What RtMidi adds to each message there."""

ACTIVE_POLL_S = 0.001
IDLE_POLL_S = 0.010
ACTIVE_FOR_S = 10.0
"""How often an input is polled, and for how long after the last note it is still polled often. While music is played a
note waits a millisecond at most; otherwise ten, where polling costs some 0.5 % of a core instead of 4 %."""


ABANDONED: list[RawPort] = []
"""Ports of a JACK server that is gone. libjack has freed their clients when it looked for the next server, so closing
them, as Python would for an object that nobody holds, crashes the process."""


class PollRate:
    """How often to poll, by the time since the last message in or out. Shared by the ports of one system."""

    def __init__(self) -> None:
        self._last_s = float("-inf")

    def on_activity(self, at_s: float) -> None:
        """Records that a message was received or sent at `at_s`."""
        self._last_s = at_s

    def interval_s(self, now_s: float) -> float:
        """How long to wait before the next poll."""
        return ACTIVE_POLL_S if now_s - self._last_s < ACTIVE_FOR_S else IDLE_POLL_S


class RtMidiInput(BasePort):
    """An open input. Gives each message the time of its arrival, and delivers it in RtMidi's thread."""

    def __init__(self, raw: RawIn, name: str, receiver: Receiver, clock: Clock, description: str = "rtmidi") -> None:
        self._raw: RawIn | None = raw
        self._name = name
        self.description = description
        self._receiver = receiver
        self._now_s = clock.now_s
        self.faults = FaultCounter(logger_in, name)

    @property
    def name(self) -> str:
        """See `Port`."""
        return self._name

    def listen(self) -> None:
        """Starts to receive."""
        if self._raw is not None:
            self._raw.set_callback(self.on_rtmidi_event)

    def on_rtmidi_event(self, event: tuple[Sequence[int], float], _data: object = None) -> None:
        """RtMidi's callback. The event's own time is not used: it is a delta, and wrong on macOS."""
        self._deliver(event[0], self._now_s())

    def _deliver(self, data: Sequence[int], at_s: float) -> None:
        try:
            self._receiver(bytes(data), at_s)
        except Exception as error:  # noqa: BLE001 - RtMidi would print an exception to stderr, once per note
            self.faults.count(error)

    def close(self) -> None:
        """Stops receiving, and closes the port."""
        raw, self._raw = self._raw, None
        if raw is None:
            return
        # In this order: a message that arrives while the port closes would call into an object that is being destroyed.
        self._stop_listening(raw)
        raw.close_port()
        raw.delete()

    def abandon(self) -> None:
        """Stops receiving, and leaves the port as it is: see `ABANDONED`."""
        raw, self._raw = self._raw, None
        if raw is not None:
            self._stop_listening(raw)
            ABANDONED.append(raw)

    def _stop_listening(self, raw: RawIn) -> None:
        raw.cancel_callback()


class ArrivalEstimator:
    """Estimates when a polled message arrived: between the previous poll and this one, at the place that RtMidi's delta gives.

    JACK's deltas are exact to the cycle, but count from the previous message, which may be one that RtMidi does not
    deliver. So a delta is used within the limits of the two polls. After a few messages the error is some hundredths of
    a millisecond.
    """

    def __init__(self) -> None:
        self._last_s: float | None = None

    def at_s(self, delta_s: float, not_before_s: float, now_s: float) -> float:
        """The arrival time of the next message: found at `now_s`, `delta_s` after the previous one, and later than
        `not_before_s`.
        """
        guess_s = now_s if self._last_s is None else self._last_s + delta_s
        self._last_s = min(max(guess_s, not_before_s), now_s)
        return self._last_s


class PolledInput(RtMidiInput):
    """A JACK input: RtMidi queues its messages, and a thread of ours polls the queue.

    A callback would run in JACK's own thread, and wait there for Python's lock. If it waits longer than a cycle (1.3 ms
    at 64 frames), JACK goes on, and RtMidi reads the rest of a chord from a buffer that is already cleared: the first
    message is delivered again in place of the others. With another busy thread, this hit one chord in fifteen.
    """

    tick_side: BufferSide = "start"
    """RtMidi dates all messages of a cycle by the time at which JACK called it, which is the start of that cycle."""

    def __init__(
        self, raw: RawIn, name: str, receiver: Receiver, clock: Clock, poll_rate: PollRate, description: str = "rtmidi"
    ) -> None:
        super().__init__(raw, name, receiver, clock, description)
        self._poll_rate = poll_rate
        self._closing = Event()
        self._thread = Thread(target=self._poll, args=(raw,), name="midi-in", daemon=True)

    def listen(self) -> None:
        """Starts to receive."""
        self._thread.start()

    def _poll(self, raw: RawIn) -> None:
        arrivals = ArrivalEstimator()
        polled_s = self._now_s()
        while not self._closing.wait(self._poll_rate.interval_s(self._now_s())):
            previous_s, polled_s = polled_s, self._now_s()
            while (event := raw.get_message()) is not None:
                data, delta_s = event
                now_s = self._now_s()
                self._poll_rate.on_activity(now_s)
                self._deliver(data, arrivals.at_s(delta_s, previous_s, now_s))

    def _stop_listening(self, raw: RawIn) -> None:
        self._closing.set()
        self._thread.join()


class RtMidiOutput(BasePort):
    """An open output. Used from one thread at a time: its owner must not close it while another thread sends."""

    def __init__(
        self,
        raw: RawOut,
        name: str,
        error_types: type[Exception],
        clock: Clock,
        poll_rate: PollRate,
        drain_s: float,
        description: str = "rtmidi",
    ) -> None:
        # None after closing, as rtmidi crashes when a deleted port is used.
        self._raw: RawOut | None = raw
        self._name = name
        self._error_types = error_types
        self.description = description
        self._now_s = clock.now_s
        self._poll_rate = poll_rate
        self._drain_s = drain_s
        self._last_sent_s = float("-inf")
        self._room_bytes: int | None = None
        """How much can be sent before the server has to be seen again; None where sending never waits."""

    @property
    def name(self) -> str:
        """See `Port`."""
        return self._name

    def send(self, data: bytes, due_s: float | None = None) -> None:
        """Sends one whole message at once, as RtMidi cannot schedule. Raises PortLost where the port is closed or gone."""
        if self._raw is None:
            raise PortLost(f'MIDI output "{self._name}" is closed.')
        if self._room_bytes is not None:
            self._room_bytes -= len(data) + JACK_LENGTH_BYTES
            if self._room_bytes < 0:
                raise PortFull(f'MIDI output "{self._name}" is full: the JACK server takes no more messages.')
        try:
            self._raw.send_message(data)
        except self._error_types as error:
            raise PortLost(f'MIDI output "{self._name}" is gone ({error}). Connect it again.') from error
        self._last_sent_s = self._now_s()
        self._poll_rate.on_activity(self._last_sent_s)
        if logger_out.isEnabledFor(logging.DEBUG):
            logger_out.debug("%s", data.hex(" "))

    def mark_server_alive(self) -> None:
        """Records that JACK's server is running, and so has taken what was sent.

        From the first call on, sending is bounded.
        """
        # Half, as what was sent within the present cycle may still be there.
        self._room_bytes = JACK_RING_BYTES // 2

    def abandon(self) -> None:
        """Sends nothing more, and leaves the port as it is: see `ABANDONED`."""
        raw, self._raw = self._raw, None
        if raw is not None:
            ABANDONED.append(raw)

    def close(self) -> None:
        """Closes the port once all sent messages are out. Where JACK has died, RtMidi takes a second for it."""
        raw, self._raw = self._raw, None
        if raw is None:
            return
        left_s = self._last_sent_s + self._drain_s - self._now_s()
        if left_s > 0:
            Event().wait(left_s)
        raw.close_port()
        raw.delete()
