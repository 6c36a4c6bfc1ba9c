"""Locks a file as long as it is open; the system releases the lock when the process ends, however it ends."""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCKED_AT = 2**31 - 2
"""Where Windows' lock lies, which is on bytes and keeps others from reading them: far behind the end of any journal. Its function
takes no larger position."""
LOCK_AT_ONCE = 2
"""LK_NBLCK of Windows' sys/locking.h: locks, or fails at once."""
TAKEN = (errno.EACCES, errno.EDEADLK)
"""The errors by which Windows reports that another process has the lock."""


def lock(descriptor: int) -> bool:
    """Locks a file until it is closed; False if another process holds the lock. Where files cannot be locked, True."""
    if sys.platform == "win32":
        return lock_a_byte(descriptor, msvcrt.locking)
    else:  # noqa: RET505  mypy checks one of the two, by the system that it checks for
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:  # any other: this file system has no locks
            return not isinstance(error, BlockingIOError)
        return True


def lock_a_byte(descriptor: int, locking: Callable[[int, int, int], None]) -> bool:
    """Like `lock`, with a function such as `msvcrt.locking`, which locks bytes from the file's position on."""
    with suppress(OSError):
        os.lseek(descriptor, LOCKED_AT, os.SEEK_SET)
        try:
            locking(descriptor, LOCK_AT_ONCE, 1)
        except OSError as error:
            return error.errno not in TAKEN
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    return True
