"""The journal file of a running jam: appended to, flushed to the disk, and locked; knows nothing of what is in a record.

The file is locked as long as the process lives. A journal without a last record and without a lock therefore belongs to
a jam that was killed. If the disk is full, writing is tried again: lines that could not be written wait in memory, up
to a limit.
"""

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from server.takes.file_lock import lock

BACKLOG_BYTES = 1 << 20
"""How much may wait in memory until the disk has room again: some ten minutes of busy playing. Beyond that, new lines
are lost."""

READ_BYTES = 1 << 16
OPEN_FLAGS = os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR | getattr(os, "O_BINARY", 0)
"""Windows would otherwise write two bytes for each end of a line, also in the middle of a memory's bytes."""


class JournalFile:
    """Creates the file and locks it. Raises OSError if that fails, or if the file exists already.

    One thread at a time may use it; closing it releases the lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, OPEN_FLAGS, 0o644)
        lock(self._descriptor)
        self._backlog = bytearray()

    def append(self, lines: bytes) -> None:
        """Hands whole lines to the operating system; from then on they survive the process.

        First it writes the lines that are still waiting. Raises OSError if the disk takes no more for now; the lines
        then wait for the next call.
        """
        if len(self._backlog) + len(lines) <= BACKLOG_BYTES:
            self._backlog += lines
        while self._backlog:
            # A disk with little room may take only a part; the rest must follow directly, or the record is torn.
            written = os.write(self._descriptor, self._backlog)
            if not written:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            del self._backlog[:written]

    @property
    def is_in_place(self) -> bool:
        """Whether the file is still found at its path: not if it, or its folder, was removed, renamed or replaced."""
        try:
            there, ours = self.path.stat(), os.fstat(self._descriptor)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def content(self) -> bytes:
        """All that was appended, also if the file was removed, and without what still waits. Raises OSError."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)  # lines are appended at the end, wherever it is read
        chunks = []
        while chunk := os.read(self._descriptor, READ_BYTES):
            chunks.append(chunk)
        return b"".join(chunks)

    @property
    def waiting(self) -> bytes:
        """The lines that the disk has not taken yet."""
        return bytes(self._backlog)

    def sync(self) -> None:
        """Waits until everything written is on the disk, where it survives a power cut. Raises OSError."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Closes the file and releases its lock; a second call does nothing."""
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
    """Whether a running jam still writes to this journal. Raises OSError."""
    with path.open("r+b") as file:
        return not lock(file.fileno())
