import os
import sys
from pathlib import Path

import pytest

from model.whole_file import write_whole

on_unix = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither pipes in folders nor permissions as these"
)


def test_a_file_is_written_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    for content in (b"one", b"another"):
        write_whole(tmp_path / "a.mid", content, is_synced=True)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.mid": content}


@on_unix
def test_a_link_stays_a_link_and_its_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    target = tmp_path / "music" / "a.mid"
    target.write_bytes(b"old")
    target.chmod(0o640)
    (tmp_path / "link.mid").symlink_to("music/a.mid")
    write_whole(tmp_path / "link.mid", b"new")
    assert (tmp_path / "link.mid").is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o640)
    assert list((tmp_path / "music").iterdir()) == [target]


@on_unix
def test_a_link_that_leads_to_no_file_yet_gets_one(tmp_path: Path) -> None:
    (tmp_path / "link.mid").symlink_to("a.mid")
    write_whole(tmp_path / "link.mid", b"new")
    assert ((tmp_path / "link.mid").is_symlink(), (tmp_path / "a.mid").read_bytes()) == (True, b"new")


@on_unix
def test_neither_a_pipe_nor_a_device_nor_links_in_a_circle_are_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "circle").symlink_to("circle")
    for name in ("pipe", "null", "circle"):
        with pytest.raises(OSError, match=r"it is a pipe or a device|symbolic links"):
            write_whole(tmp_path / name, b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "null", "circle"}
    assert Path("/dev/null").is_char_device()


def test_a_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "a.mid").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "a.mid", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mid"]


def test_a_name_of_255_bytes_is_written(tmp_path: Path) -> None:
    path = tmp_path / f"{'é' * 125}x.mid"
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
