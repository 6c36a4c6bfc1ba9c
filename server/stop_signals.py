"""The signals that ask a process to stop: the first one requests a proper close; knows nothing of what there is to close.

One request often sends several signals: `timeout` signals a process and then its group, a terminal that closes sends
SIGHUP twice, and users press Ctrl-C again. So a signal soon after the first one belongs to the same request. A later
one ends the process at once, which is the way out if the process hangs.
"""

import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

from bridge.timing.clock import Clock

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

# Ctrl-C, a supervisor, a terminal window that closes, and Ctrl-\; Windows has neither of the last two, but Ctrl-Break.
STOP_SIGNAL_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")


def stop_signals_of(system: object) -> tuple[signal.Signals, ...]:
    """The signals that stop a jam, of a system's module `signal`."""
    return tuple(getattr(system, name) for name in STOP_SIGNAL_NAMES if hasattr(system, name))


STOP_SIGNALS = stop_signals_of(signal)
SAME_REQUEST_S = 2.0
"""Longer than a jam takes to close, even if it has much to write, and short enough for a user whose jam hangs."""

SignalHandler = Callable[[int, FrameType | None], object] | int | None

BYTES_READ = 4096


@contextmanager
def waking_at_signals(loop: "AbstractEventLoop") -> Iterator[None]:
    """Signals wake this loop: Python runs their handlers in the main thread, between two instructions, and not while it waits.

    A signal that comes as the loop begins to wait, or to another thread, interrupts no wait. Main thread only.
    """
    if sys.platform == "win32":  # asyncio's loops do it there themselves
        yield
        return
    reading, writing = socket.socketpair()
    with closing(reading), closing(writing):
        reading.settimeout(0)
        writing.settimeout(0)
        loop.add_reader(reading, reading.recv, BYTES_READ)
        previous = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)
            loop.remove_reader(reading)


class StopSignals:
    """Handles the signals while it is entered; after the first signal, for the rest of the process. Main thread only."""

    def __init__(self, clock: Clock, on_stop: Callable[[], object]) -> None:
        """`on_stop` is called once, as a signal handler: in the main thread, between any two bytecode instructions."""
        self._clock = clock
        self._on_stop = on_stop
        self._first_request_s: float | None = None
        self._previous_handlers: list[tuple[signal.Signals, SignalHandler]] = []

    def __enter__(self) -> Self:
        # Not with asyncio's signal handlers: a loop that hangs would not run them, and a loop that closes removes them.
        self._previous_handlers = [(number, signal.signal(number, self._receive)) for number in STOP_SIGNALS]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._first_request_s is None:
            for number, handler in self._previous_handlers:
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        now_s = self._clock.now_s()
        if self._first_request_s is None:
            self._first_request_s = now_s
            self._on_stop()
        elif now_s - self._first_request_s > SAME_REQUEST_S:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
