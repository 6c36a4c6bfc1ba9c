import errno
import os
from pathlib import Path

import pytest

from server.takes.journal.journal_file import BACKLOG_BYTES, JournalFile, is_in_use


class FullDisk:
    """A disk that takes so many bytes, and then is full."""

    def __init__(self, free_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free_bytes = free_bytes
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor: int, data: bytes) -> int:
        if not self.free_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._write(descriptor, bytes(data[: self.free_bytes]))
        self.free_bytes -= written
        return written


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.jam"


def test_appended_lines_are_in_the_file_at_once(path: Path) -> None:
    with JournalFile(path) as file:
        file.append(b"one\n")
        file.append(b"two\n")
        assert path.read_bytes() == b"one\ntwo\n"
        file.sync()


def test_an_existing_file_is_not_opened(path: Path) -> None:
    path.touch()
    with pytest.raises(FileExistsError):
        JournalFile(path)


def test_it_is_in_use_until_it_is_closed(path: Path) -> None:
    with JournalFile(path):
        assert is_in_use(path)
    assert not is_in_use(path)


def test_a_disk_that_was_full_later_gets_the_rest_without_a_torn_record(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(6, monkeypatch)
    with JournalFile(path) as file:
        with pytest.raises(OSError, match="No space left"):
            file.append(b"one\ntwo\n")
        with pytest.raises(OSError, match="No space left"):
            file.append(b"three\n")
        assert path.read_bytes() == b"one\ntw"
        disk.free_bytes = 1000
        file.append(b"")
        assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_the_backlog_for_a_full_disk_is_limited_and_holds_whole_lines(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(0, monkeypatch)
    line = b"x" * 1023 + b"\n"
    with JournalFile(path) as file:
        for _ in range(2 * BACKLOG_BYTES // len(line)):
            with pytest.raises(OSError, match="No space left"):
                file.append(line)
        disk.free_bytes = 10 * BACKLOG_BYTES
        file.append(b"")
    assert path.read_bytes() == line * (BACKLOG_BYTES // len(line))
