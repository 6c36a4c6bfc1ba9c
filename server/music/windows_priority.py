"""Windows' priorities and the resolution of its timers, by kernel32 and winmm; what Windows refuses leaves all as it was.

The functions and numbers are those of processthreadsapi.h, winbase.h and timeapi.h.
"""

import ctypes
from collections.abc import Callable
from contextlib import suppress

HIGH_PRIORITY_CLASS = 0x80
BELOW_NORMAL_PRIORITY_CLASS = 0x4000
THREAD_PRIORITY_TIME_CRITICAL = 15
THIS_PROCESS, THIS_THREAD = ctypes.c_void_p(-1), ctypes.c_void_p(-2)
"""The handles that GetCurrentProcess and GetCurrentThread return."""
TIMER_MS = 1

LoadLibrary = Callable[[str], ctypes.CDLL]


def _load(name: str) -> ctypes.CDLL:
    """Windows' calling convention for its own functions. Raises AttributeError on other systems."""
    library: ctypes.CDLL = getattr(ctypes, "WinDLL")(name)  # noqa: B009  other systems' types have no such name
    return library


def request_process_priority(priority_class: int, load: LoadLibrary = _load) -> None:
    """Puts this process into a priority class."""
    with suppress(OSError, AttributeError):
        load("kernel32").SetPriorityClass(THIS_PROCESS, priority_class)


def request_highest_thread_priority(load: LoadLibrary = _load) -> None:
    """Puts the calling thread before all others of its process's priority class."""
    with suppress(OSError, AttributeError):
        load("kernel32").SetThreadPriority(THIS_THREAD, THREAD_PRIORITY_TIME_CRITICAL)


def request_timers_of_a_millisecond(load: LoadLibrary = _load) -> None:
    """From now until the process ends, threads that wait wake up to the millisecond.

    By default Windows looks only every 15.6 ms whether the time of a waiting thread is over, and notes would be as late.
    """
    with suppress(OSError, AttributeError):
        load("winmm").timeBeginPeriod(TIMER_MS)
