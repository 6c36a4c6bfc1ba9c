import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.errors import UnreadableError
from model.files.score_reader import MUSIC_SUFFIXES, read_score
from train.corpus.music_files import is_music, music_files_in
from train.corpus.reading import LineSelection, read_file


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in music_files_in(folder)]


def test_every_file_of_music_is_found_in_all_subfolders_and_in_order(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("b.mid", "a/z/c.MXL", "a/d.abc", "readme.md", "a/picture.png")))
    (tmp_path / "folder.mid").mkdir()
    assert names(tmp_path) == ["a/d.abc", "a/z/c.MXL", "b.mid"]


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "a.mid")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "here") == ["link/a.mid"]


def test_circular_links_end_and_no_folder_is_searched_twice(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "one.mid", tmp_path / "top.mid")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert [name.rsplit("/", 1)[-1] for name in names(tmp_path)] == ["one.mid", "top.mid"]


def test_a_link_to_a_file_that_is_gone_is_found_so_that_it_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.mid").symlink_to(tmp_path / "elsewhere.mid")
    (tmp_path / "itself.mid").symlink_to(tmp_path / "itself.mid")
    os.mkfifo(tmp_path / "pipe.mid")
    assert names(tmp_path) == ["gone.mid", "itself.mid"]
    assert read_file(tmp_path / "gone.mid", LineSelection()).reason == "cannot be read (No such file or directory)"


def test_a_folder_that_cannot_be_listed_is_found_so_that_it_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    (tmp_path / "tune.mid").touch()
    list_folder = os.scandir

    def refuse(folder: str) -> Iterator[os.DirEntry[str]]:
        if Path(folder) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return list_folder(folder)

    monkeypatch.setattr(os, "scandir", refuse)  # root may read every folder
    assert music_files_in(tmp_path) == [locked, tmp_path / "tune.mid"]
    with pytest.raises(UnreadableError, match="cannot be read"):
        read_score(locked)


def test_a_name_that_is_not_utf_8_is_accepted(tmp_path: Path) -> None:
    touch(Path(str(tmp_path) + "/\udcff.mid"))
    assert len(music_files_in(tmp_path)) == 1


@pytest.mark.parametrize(
    ("content", "is_score"),
    [
        ('<?xml version="1.0"?>\n<score-partwise version="3.1">', True),
        ("<score-timewise>", True),
        ("<project/>", False),
    ],
)
def test_of_plain_xml_only_a_score_is_music(content: str, *, is_score: bool, tmp_path: Path) -> None:
    path = tmp_path / "file.xml"
    path.write_text(content, encoding="utf-8")
    assert ".xml" in MUSIC_SUFFIXES
    assert is_music(path) is is_score
