"""`write_whole`: writes a file that appears whole or not at all. Knows no format."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from model.named_file import check_regular_file

LONGEST_PART = 50
"""How many characters of a file's name the hidden one beside it has: with the number of the process it must fit into a name."""


def write_whole(path: Path, content: bytes, *, is_synced: bool = False) -> None:
    """Writes the content beside the file first, then puts it there; where that fails, the file is as it was.

    A link stays a link, and a file that is there keeps its permissions. With `is_synced` the disk has the content before it
    replaces what is there, so a power cut loses neither. Raises OSError where the place cannot be written.
    """
    target = replaceable(path)
    partial = target.with_name(f".{target.name[:LONGEST_PART]}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        if is_synced:
            with partial.open("r+b") as file:
                os.fsync(file.fileno())
        with suppress(OSError):  # nothing is there, or the file system knows no permissions
            shutil.copymode(target, partial)
        partial.replace(target)
    finally:
        with suppress(OSError):  # of two errors the first one says what was wrong
            partial.unlink(missing_ok=True)


def replaceable(path: Path) -> Path:
    """The file that a path leads to, through any links; it need not exist.

    Raises OSError where a folder, a pipe or a device is there: a device would be replaced by a file, and a pipe may be waited for
    without end.
    """
    with suppress(FileNotFoundError):
        check_regular_file(path)
    try:
        return path.resolve()
    except RuntimeError as error:  # links that go in circles
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
