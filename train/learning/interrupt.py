"""Delays Ctrl-C until the current step has ended; knows no training."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# A cluster sends SIGTERM some seconds before it kills the process.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Interrupt:
    """Whether a stop was requested."""

    requested: bool = False


@contextmanager
def deferred_interrupts(*, second_at_once: bool = True) -> Iterator[Interrupt]:
    """Records the first Ctrl-C, and raises its KeyboardInterrupt at the end of the block.

    A second one is raised at once.

    With `second_at_once=False` a second one is recorded only. On any other thread than the main one, which gets no
    signals, only the block itself can set `requested`.
    """
    interrupt = Interrupt()

    def on_signal(*_: object) -> None:
        if interrupt.requested and second_at_once:
            raise KeyboardInterrupt
        interrupt.requested = True

    signals = SIGNALS if threading.current_thread() is threading.main_thread() else ()
    previous_handlers = {number: signal.signal(number, on_signal) for number in signals}
    try:
        yield interrupt
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if interrupt.requested:
        raise KeyboardInterrupt
