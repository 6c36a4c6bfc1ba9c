"""Ctrl-C between two steps, never within one: who is asked to stop ends what is in hand first; knows no training."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# A cluster asks with SIGTERM, some seconds before it kills.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Interrupt:
    """Whether someone asked to stop."""

    asked: bool = False


@contextmanager
def deferred_interrupts(*, second_at_once: bool = True) -> Iterator[Interrupt]:
    """Notes the first Ctrl-C and raises its KeyboardInterrupt at the end; a second one is raised at once.

    In any other thread than the main one, where no signal arrives, it only gives the note.
    """
    interrupt = Interrupt()

    def ask(*_: object) -> None:
        if interrupt.asked and second_at_once:
            raise KeyboardInterrupt
        interrupt.asked = True

    heard = SIGNALS if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, ask) for number in heard}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if interrupt.asked:
        raise KeyboardInterrupt
