"""Ports of python-rtmidi that are open, and how bytes get through them unharmed. Knows not how they were found."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Event, Thread

from bridge.errors import PortLost
from bridge.fault_counter import FaultCounter
from bridge.midi.ports import ClosedOnExit, Receiver
from bridge.midi.rtmidi_module import RawIn, RawOut
from bridge.timing.clock import Clock

logger_in = logging.getLogger("fours.midi.in")
logger_out = logging.getLogger("fours.midi.out")

JACK_DRAIN_S = 0.2
"""How long a port of JACK stays open after its last message. One that is taken away in the very cycle of its last
messages may lose them all: notes would hang. Two cycles of 4,096 frames, the longest in use, take 0.19 s. The other
systems are done when `send` returns."""

ACTIVE_POLL_S = 0.001
IDLE_POLL_S = 0.010
ACTIVE_FOR_S = 10.0
"""How often a polled input is looked at, and how long after the last note it still is looked at often: in a jam a note
waits a millisecond at most; between jams ten, and looking costs some 0.5 % of a core instead of 4."""


class PollRate:
    """How closely to listen, by how long nothing has been played in or out; shared by the ports of one system."""

    def __init__(self) -> None:
        self._last_s = float("-inf")

    def on_activity(self, at_s: float) -> None:
        """Something was played."""
        self._last_s = at_s

    def interval_s(self, now_s: float) -> float:
        """How long to wait before the next look."""
        return ACTIVE_POLL_S if now_s - self._last_s < ACTIVE_FOR_S else IDLE_POLL_S


class RtMidiInput(ClosedOnExit):
    """An open input; stamps each message on arrival and hands it on in a thread that is not the caller's."""

    def __init__(self, raw: RawIn, name: str, receiver: Receiver, clock: Clock) -> None:
        self._raw: RawIn | None = raw
        self._name = name
        self._receiver = receiver
        self._now_s = clock.now_s
        self.faults = FaultCounter(logger_in, name)

    @property
    def name(self) -> str:
        """Where others find it, or what it listens to."""
        return self._name

    def listen(self) -> None:
        """Begin to hear."""
        if self._raw is not None:
            self._raw.set_callback(self.on_rtmidi_event)

    def on_rtmidi_event(self, event: tuple[Sequence[int], float], _data: object = None) -> None:
        """Take one of RtMidi's events; the time that comes with it is a delta, and wrong on macOS."""
        self._deliver(event[0], self._now_s())

    def _deliver(self, data: Sequence[int], at_s: float) -> None:
        try:
            self._receiver(bytes(data), at_s)
        except Exception as error:  # noqa: BLE001 - an exception in here would end up on stderr, once per note
            self.faults.count(error)

    def close(self) -> None:
        """Stop listening and give the port back."""
        raw, self._raw = self._raw, None
        if raw is None:
            return
        # In this order: a message that arrives while the port goes would call into what is being taken apart.
        self._stop_listening(raw)
        raw.close_port()
        raw.delete()

    def _stop_listening(self, raw: RawIn) -> None:
        raw.cancel_callback()


class ArrivalEstimator:
    """When messages came that were found in a queue: between the look before and this one, and RtMidi's delta says where.

    JACK's deltas are exact to the cycle, but count from the message before, be it one that RtMidi keeps to itself. So
    they are believed as far as the looks allow, which leaves an error of some hundredths of a millisecond after a few.
    """

    def __init__(self) -> None:
        self._last_s: float | None = None

    def at_s(self, delta_s: float, not_before_s: float, now_s: float) -> float:
        """The second of the next message, found at `now_s`, `delta_s` after the one before, and not yet there before."""
        guess_s = now_s if self._last_s is None else self._last_s + delta_s
        self._last_s = min(max(guess_s, not_before_s), now_s)
        return self._last_s


class PolledInput(RtMidiInput):
    """An input of JACK, whose messages RtMidi queues, and a thread of ours fetches.

    A callback would run in JACK's own thread and wait there for Python's lock. Where it waits longer than a cycle
    (1.3 ms at 64 frames), JACK goes on, and RtMidi reads the rest of a chord from a buffer that is already cleared:
    the first message comes again in place of the others. With a busy thread beside it, that hit one chord in fifteen.
    """

    def __init__(self, raw: RawIn, name: str, receiver: Receiver, clock: Clock, attention: PollRate) -> None:
        super().__init__(raw, name, receiver, clock)
        self._poll_rate = attention
        self._closing = Event()
        self._thread = Thread(target=self._poll, args=(raw,), name="midi-in", daemon=True)

    def listen(self) -> None:
        """Begin to hear."""
        self._thread.start()

    def _poll(self, raw: RawIn) -> None:
        arrivals = ArrivalEstimator()
        looked_s = self._now_s()
        while not self._closing.wait(self._poll_rate.interval_s(self._now_s())):
            before_s, looked_s = looked_s, self._now_s()
            while (event := raw.get_message()) is not None:
                data, delta_s = event
                now_s = self._now_s()
                self._poll_rate.on_activity(now_s)
                self._deliver(data, arrivals.at_s(delta_s, before_s, now_s))

    def _stop_listening(self, raw: RawIn) -> None:
        self._closing.set()
        self._thread.join()


class RtMidiOutput(ClosedOnExit):
    """An open output. One thread at a time: closing it while another sends is up to its owner to avoid."""

    def __init__(
        self, raw: RawOut, name: str, failures: type[Exception], clock: Clock, attention: PollRate, drain_s: float
    ) -> None:
        # rtmidi crashes when a deleted port is used, hence None after closing.
        self._raw: RawOut | None = raw
        self._name = name
        self._failures = failures
        self._now_s = clock.now_s
        self._poll_rate = attention
        self._drain_s = drain_s
        self._last_sent_s = float("-inf")

    @property
    def name(self) -> str:
        """Where others find it, or what it plays to."""
        return self._name

    def send(self, data: bytes) -> None:
        """Send one whole message."""
        if self._raw is None:
            raise PortLost(f'MIDI output "{self._name}" is closed.')
        try:
            self._raw.send_message(data)
        except self._failures as error:
            raise PortLost(
                f'MIDI output "{self._name}" is gone ({error}). Connect it again, then restart the jam.'
            ) from error
        self._last_sent_s = self._now_s()
        self._poll_rate.on_activity(self._last_sent_s)
        if logger_out.isEnabledFor(logging.DEBUG):
            logger_out.debug("%s", data.hex(" "))

    def close(self) -> None:
        """Give the port back, when what was sent has gone out; where JACK has died, that takes RtMidi a second."""
        raw, self._raw = self._raw, None
        if raw is None:
            return
        left_s = self._last_sent_s + self._drain_s - self._now_s()
        if left_s > 0:
            Event().wait(left_s)
        raw.close_port()
        raw.delete()
