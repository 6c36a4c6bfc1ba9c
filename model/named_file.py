"""Reads a file that someone named, on the command line or in a message; knows no format.

A name may be that of a pipe: to open one waits until someone writes into it, which may be never.
"""

import errno
import os
import stat
from pathlib import Path


def expand_home(text: str) -> Path:
    """The path that a text means, where `~` stands for a home folder. Raises OSError where no user has that one."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise OSError(
            errno.EINVAL, "it begins with the home folder of a user whom this system does not know"
        ) from error


def read_regular_file(path: Path, at_most_bytes: int | None = None) -> bytes:
    """The content of a file. Raises OSError, whose `strerror` says why it cannot be read: also for a pipe, a device and a folder.

    A file of more than `at_most_bytes` is refused before it is read.
    """
    try:
        status = path.stat()
    except ValueError as error:  # a zero byte, or half of a surrogate pair
        raise OSError(errno.EINVAL, "no file can have this name") from error
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device; name a file")
    if at_most_bytes is not None and status.st_size > at_most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {at_most_bytes:,} bytes")
    return path.read_bytes()
