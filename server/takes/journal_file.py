"""One journal on disk while its jam goes on: appended to, given to the disk now and then, and nobody else's; knows no record.

Its file is locked for as long as the process lives, so that whoever finds it unlocked and unended knows that its jam was
killed. A disk that is full is tried again: what could not be written waits, as far as there is room for it.
"""

import errno
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

if sys.platform != "win32":
    import fcntl

BACKLOG_BYTES = 1 << 20
"""What waits for a disk to have room again: some ten minutes of busy playing. Beyond it the newest is lost."""


class JournalFile:
    """Made by opening it; raises OSError where that cannot be done, or there is such a file already."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR, 0o644)
        _lock(self._descriptor)
        self._backlog = bytearray()

    def append(self, lines: bytes) -> None:
        """Hands whole lines to the system, where they survive the process. Raises OSError where it takes no more for now."""
        if len(self._backlog) + len(lines) <= BACKLOG_BYTES:
            self._backlog += lines
        while self._backlog:
            # A disk with little room takes a part of it; the rest must follow it, or a record would be torn.
            written = os.write(self._descriptor, self._backlog)
            if not written:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            del self._backlog[:written]

    def sync(self) -> None:
        """Waits until the disk has it, where it survives a power cut. Raises OSError."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Gives it back; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_in_use(path: Path) -> bool:
    """Whether a jam is still writing it."""
    with path.open("r+b") as file:
        return not _lock(file.fileno())


def _lock(descriptor: int) -> bool:
    """Locks it until it is closed; False where another has done so."""
    if sys.platform == "win32":  # there a second jam in the same folder sums the first one up too early, no more
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
