"""Requests another priority for a thread or for the whole program; where that is refused, nothing changes."""

import os
import sys
from contextlib import suppress

if sys.platform == "win32":
    from server.music import windows_priority

REALTIME_PRIORITY = 20
NICENESS = -10
"""Where it may, the program runs before ordinary ones: on a machine with too much to do, a thread of it that waits for the
processor in the middle of its work would keep the interpreter, and the music thread would wait for both."""
BACKGROUND_NICENESS = 10


def request_realtime() -> None:
    """Requests real-time priority for the calling thread, which should sleep nearly always, and wake-ups on time for the process."""
    if sys.platform == "win32":
        windows_priority.request_timers_of_a_millisecond()
        windows_priority.request_highest_thread_priority()
    elif hasattr(os, "sched_setscheduler"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))


def request_high_priority() -> None:
    """Requests a higher priority for the calling thread and all threads and processes that it starts from now on."""
    if sys.platform == "win32":
        windows_priority.request_process_priority(windows_priority.HIGH_PRIORITY_CLASS)
    else:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, min(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


def request_low_priority() -> None:
    """Requests that this process runs after ordinary programs, also if it was started by one that runs before them."""
    if sys.platform == "win32":
        windows_priority.request_process_priority(windows_priority.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        with suppress(OSError):
            os.nice(BACKGROUND_NICENESS - os.nice(0))


def is_realtime() -> bool | None:
    """Whether the calling thread has real-time priority; None where the system has no such question."""
    if sys.platform != "win32" and hasattr(os, "sched_getscheduler"):
        return os.sched_getscheduler(0) in {os.SCHED_FIFO, os.SCHED_RR}
    return None
