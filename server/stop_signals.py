"""What asks a process to end: the first signal asks it to close properly; knows nothing of what there is to close.

Who asks often asks twice: `timeout` tells a process and then its group, a terminal that closes hangs up twice, and Ctrl-C
is hit again. What comes so soon after the first is the same wish. Whoever asks once more after that will not wait: the
process ends at once, which is the way out of one that hangs.
"""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from bridge.timing.clock import Clock

# Ctrl-C, a supervisor, and a terminal window that is closed; Windows has no SIGHUP.
STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
SAME_REQUEST_S = 2.0
"""A jam closes in less, even where it has much to write; and nobody who waits for one that hangs is kept long."""

SignalHandler = Callable[[int, FrameType | None], object] | int | None


class StopSignals:
    """Listens while it is entered, and, once it was asked to stop, for as long as the process lives; for the main thread."""

    def __init__(self, clock: Clock, on_stop: Callable[[], object]) -> None:
        """`stop` is called once, in the main thread, between any two of its instructions."""
        self._clock = clock
        self._on_stop = on_stop
        self._first_request_s: float | None = None
        self._previous_handlers: list[tuple[signal.Signals, SignalHandler]] = []

    def __enter__(self) -> Self:
        # Not through the event loop: one that hangs would not hear the last of them, and one that closes forgets them all.
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
