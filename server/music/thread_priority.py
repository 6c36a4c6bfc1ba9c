"""Requests a higher priority for the music thread and for the whole program; where that is refused, nothing changes."""

import os
from contextlib import suppress

REALTIME_PRIORITY = 20
NICENESS = -10
"""Where it may, the program runs before ordinary ones: on a machine with too much to do, a thread of it that waits for the
processor in the middle of its work would keep the interpreter, and the music thread would wait for both."""


def request_realtime() -> None:
    """Requests real-time priority for the calling thread, which should sleep nearly always."""
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))


def request_high_priority() -> None:
    """Requests a higher priority for the calling thread and all threads and processes that it starts from now on."""
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, min(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
