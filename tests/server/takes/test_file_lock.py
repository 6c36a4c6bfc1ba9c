"""The lock of this system is held by another process in the tests of the journal; here is that of Windows, by a stand-in of its function."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.takes.file_lock import LOCKED_AT, lock, lock_a_byte
from server.takes.journal.journal_file import OPEN_FLAGS

LK_NBLCK = 2  # of sys/locking.h


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "journal", OPEN_FLAGS, 0o644)
    os.write(descriptor, b'{"began": 1}\n')
    yield descriptor
    os.close(descriptor)


def failing(number: int) -> Callable[[int, int, int], None]:
    def locking(_descriptor: int, _mode: int, _size: int) -> None:
        raise OSError(number, os.strerror(number))

    return locking


def test_windows_locks_one_byte_that_no_journal_reaches(journal: int) -> None:
    locked: list[tuple[int, int, int]] = []

    def locking(descriptor: int, mode: int, size: int) -> None:
        locked.append((os.lseek(descriptor, 0, os.SEEK_CUR), mode, size))

    assert lock_a_byte(journal, locking)
    assert locked == [(LOCKED_AT, LK_NBLCK, 1)]
    assert LOCKED_AT + 1 < 2**31  # its position is a C long
    os.write(journal, b"more\n")
    os.lseek(journal, 0, os.SEEK_SET)
    assert os.read(journal, 100) == b'{"began": 1}\nmore\n'


def test_a_journal_that_another_jam_has_locked_on_windows_is_in_use(journal: int) -> None:
    assert not lock_a_byte(journal, failing(errno.EACCES))


def test_a_file_system_without_locks_counts_as_not_in_use(journal: int) -> None:
    assert lock_a_byte(journal, failing(errno.EINVAL))


def test_the_lock_of_this_system_is_taken_once(journal: int, tmp_path: Path) -> None:
    assert lock(journal)
    with (tmp_path / "journal").open("r+b") as second:
        assert not lock(second.fileno())
