"""Ctrl-C while a command starts: it ends without a traceback; imports nothing but the standard library."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit status after Ctrl-C, as a shell expects."""


@contextmanager
def ended_at_once() -> Iterator[None]:
    """While the block runs, Ctrl-C ends the process at once and in silence, as SIGTERM does: there is nothing to close yet."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a script's background process ignores it
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if previous is None else previous)
