"""Sends the jam's messages to the output port, and ends all that sounds there. It knows no jam and no beats.

Every message passes through the ledger, so every note-on gets its note-off, and through the echo guard, so that what
comes back by a loop is recognised.
"""

import threading
from collections.abc import Callable, Collection

from bridge.errors import BridgeError
from bridge.midi.echo_guard import ECHO_WINDOW_S, EchoGuard
from bridge.midi.messages import Message, NoteOff, NoteOn, encode
from bridge.midi.ports import OutputPort
from bridge.timing.clock import Clock
from server.music.ledger import Ledger

ALL_CHANNELS = range(16)


class MessageSender:
    """Sends messages to one port. For the music thread only, except `end_notes_from_outside`.

    The methods that send one message raise what the port raises. Those that end notes pass each error to `on_error`
    instead, so that they always reach the end.
    """

    def __init__(self, output: OutputPort, clock: Clock, on_error: Callable[[Exception], None]) -> None:
        """Messages may be sent from now on; nobody else may send to `output`."""
        self._output = output
        self._clock = clock
        self._on_error = on_error
        self._ledger = Ledger(self._send, lambda: output.overruns)
        # A message leaves one latency after it is due; an echo may take one cycle of the audio system more to come back.
        # A server may change its period, or come back with another one, so the latency is asked for each time.
        self._echo = EchoGuard(lambda: ECHO_WINDOW_S + output.lead_s + 2 * output.latency_s)
        self._due_s: float | None = None
        """When the message that is being sent is due; None for one that is not planned."""
        self._port_lock = threading.Lock()  # for the watchdog of a thread that hangs; nobody else contends for it
        self.is_lost = False
        """Whether the port was lost at the last `check_port`, or is known to have been lost since."""

    @property
    def pending_note_offs(self) -> tuple[NoteOff, ...]:
        """The note-offs that would end every note that sounds."""
        return self._ledger.pending_note_offs

    @property
    def next_repeat_s(self) -> float | None:
        """When `repeat_releases` has something to do next; None where it has nothing, or the port is lost."""
        return None if self.is_lost else self._ledger.next_repeat_s

    @property
    def is_doubtful(self) -> bool:
        """Whether messages that ended notes lately may be lost."""
        return self._ledger.is_doubtful(self._clock.now_s())

    def check_port(self) -> bool:
        """Looks whether the port is lost or back, and returns whether that has changed since the last call."""
        was_lost, self.is_lost = self.is_lost, self._output.is_lost
        return self.is_lost != was_lost

    def is_echo(self, data: bytes, at_s: float) -> bool:
        """Whether the bytes received at `at_s` are an echo of a note-on or a clock message that was sent."""
        return self._echo.is_echo(data, at_s)

    def send(self, message: Message) -> None:
        """Sends a message at once."""
        self._ledger.post(message, self._clock.now_s())

    def send_at(self, message: Message, due_s: float) -> None:
        """Sends a message that is due at `due_s`; one that is late is sent at once."""
        self._due_s = due_s
        try:
            self._ledger.post(message, max(due_s, self._clock.now_s()))
        finally:
            self._due_s = None

    def send_clock(self, data: bytes, due_s: float) -> None:
        """Sends a MIDI clock message that is due at `due_s`."""
        self._echo.record_sent(data, self._clock.now_s())
        self._send_bytes(data, due_s)

    def release_all(self, channels: Collection[int] = ()) -> None:
        """Ends every note that sounds, and lets pedals go on all channels used and on `channels`."""
        try:
            self._ledger.release_all(self._clock.now_s(), channels)
        except Exception as error:  # noqa: BLE001  a lost port takes no note-off
            self._on_error(error)

    def release_after_loss(self) -> None:
        """Ends every note that may sound on a port that was lost and is back, on all channels."""
        try:
            self._ledger.release_after_loss(self._clock.now_s(), ALL_CHANNELS)
        except Exception as error:  # noqa: BLE001  it may be lost again
            self._on_error(error)

    def repeat_releases(self, at_s: float, held_pitches: Collection[int], *, holds_pedal: bool) -> None:
        """Sends again, at `at_s`, what ended notes a little while ago, except what the player holds: see `Ledger`."""
        try:
            self._ledger.repeat_due(at_s, held_pitches, holds_pedal=holds_pedal)
        except Exception as error:  # noqa: BLE001  as above
            self._on_error(error)

    def end_notes_from_outside(self) -> bool:
        """Ends every note that sounds while the music thread hangs; False where it hangs in the port. For another thread."""
        if not self._port_lock.acquire(blocking=False):
            return False
        try:
            for message in self._ledger.releases:
                self._output.send(encode(message))
        except (BridgeError, RuntimeError):  # the port is lost; or the thread goes on, and changes what sounds
            return False
        finally:
            self._port_lock.release()
        return True

    def _send(self, message: Message) -> None:
        data = encode(message)
        if isinstance(message, NoteOn):
            self._echo.record_sent(data, self._clock.now_s())
        self._send_bytes(data, self._due_s)

    def _send_bytes(self, data: bytes, due_s: float | None) -> None:
        with self._port_lock:
            self._output.send(data, due_s)
