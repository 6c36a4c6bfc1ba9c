"""Checks and reads a file that someone named, on the command line or in a message; knows no format.

A name may be that of a pipe: to open one waits until someone writes into it, which may be never.
"""

import errno
import os
import stat
from pathlib import Path

from model.errors import cut_short

LONGEST_FILE_NAME, LONGEST_PATH = 255, 4000
"""In bytes: the limits of common file systems."""
LONGEST_SHOWN = 250


def path_fault(path: Path | str) -> str | None:
    """Why no file can have this path, in words that follow it in a sentence; None where one can. Asks no disk."""
    text = str(path)
    if "\0" in text:
        return "has a zero byte, which no path can have"
    try:
        parts = [os.fsencode(part) for part in Path(text).parts]
    except UnicodeEncodeError:  # half of a surrogate pair
        return "has a character that no path can have"
    if any(len(part) > LONGEST_FILE_NAME for part in parts) or sum(map(len, parts)) > LONGEST_PATH:
        return f"is too long: a name in a path has at most {LONGEST_FILE_NAME} bytes"
    return None


def shown_path(path: Path | str) -> str:
    """A path for a sentence: without zero bytes, where many programs would take the sentence to end, and of bounded length."""
    return cut_short(str(path).replace("\0", "\\0"), LONGEST_SHOWN)


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
    size_bytes = check_regular_file(path)
    if at_most_bytes is not None and size_bytes > at_most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {at_most_bytes:,} bytes")
    return path.read_bytes()


def check_regular_file(path: Path) -> int:
    """The size of a file in bytes. Raises OSError, whose `strerror` says why, where there is none, or a pipe, a device or a folder."""
    if fault := path_fault(path):
        raise OSError(errno.EINVAL, f"it {fault}")
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, and no file")
    return status.st_size
