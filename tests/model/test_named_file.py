import os
import sys
from pathlib import Path

import pytest

from model.named_file import path_fault, read_regular_file, shown_path

needs_pipes = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")


def complaint(path: Path, at_most_bytes: int | None = None) -> str:
    with pytest.raises(OSError) as caught:  # noqa: PT011  its text is what the test is about
        read_regular_file(path, at_most_bytes)
    return str(caught.value.strerror)


def test_the_content_of_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "tune").write_bytes(b"notes")
    assert read_regular_file(tmp_path / "tune", 5) == b"notes"


@needs_pipes
def test_a_pipe_that_nobody_writes_into_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    assert complaint(tmp_path / "pipe") == complaint(tmp_path / "link") == "it is a pipe or a device, and no file"


@needs_pipes
def test_a_device_that_has_no_end_is_refused() -> None:
    assert complaint(Path("/dev/zero")) == "it is a pipe or a device, and no file"


def test_a_folder_a_missing_file_and_one_that_is_too_large_are_refused(tmp_path: Path) -> None:
    (tmp_path / "tune").write_bytes(b"notes")
    assert complaint(tmp_path) == "Is a directory"
    assert complaint(tmp_path / "none") == "No such file or directory"
    assert complaint(tmp_path / "tune", 4) == "it has more than 4 bytes"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a\0b", "has a zero byte, which no path can have"),
        ("a\ud800b", "has a character that no path can have"),
        (f"folder/{'é' * 128}.txt", "is too long: a name in a path has at most 255 bytes"),
        ("folder/" * 1000, "is too long: a name in a path has at most 255 bytes"),
    ],
    ids=["zero byte", "half a pair", "name", "path"],
)
def test_a_name_that_no_file_can_have_is_refused(name: str, fault: str) -> None:
    assert path_fault(name) == fault
    assert complaint(Path(name)) == f"it {fault}"


def test_a_name_as_long_as_the_disk_takes_is_read(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 251}.txt"
    path.write_bytes(b"notes")
    assert path_fault(path) is None
    assert read_regular_file(path) == b"notes"


def test_a_path_is_shown_without_zero_bytes_and_cut_short() -> None:
    assert shown_path("a\0b") == r"a\0b"
    assert len(shown_path("x" * 1000)) < 300
