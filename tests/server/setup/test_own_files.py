"""The files that setup writes, where one of them can be written, read or removed and the next one cannot."""

from pathlib import Path

import pytest

from server.errors import SetupError
from server.setup.own_files import LIST_NAME, OwnFiles

CONTENT = b"-- a script"


@pytest.fixture
def own_files(tmp_path: Path) -> OwnFiles:
    return OwnFiles(tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A DAW's folder in which a second file cannot be written, as a file stands where its folder would be."""
    folder = tmp_path / "daw"
    folder.mkdir()
    (folder / "Templates").write_text("no folder")
    return folder


def files_in(folder: Path) -> dict[Path, bytes]:
    return {folder / "Scripts" / "a.lua": CONTENT, folder / "Templates" / "b.template": CONTENT}


def test_files_before_one_that_cannot_be_written_are_removed_later(own_files: OwnFiles, folder: Path) -> None:
    first, second = files_in(folder)
    with pytest.raises(SetupError, match=r"b\.template cannot be written"):
        own_files.write(files_in(folder))
    assert first.read_bytes() == CONTENT
    assert own_files.remove(folder, files_in(folder)) == ([first], [])
    assert list(folder.iterdir()) == [second.parent]


def test_files_before_one_that_cannot_be_written_are_ours_in_the_next_run(own_files: OwnFiles, folder: Path) -> None:
    first, second = files_in(folder)
    with pytest.raises(SetupError):
        own_files.write(files_in(folder))
    second.parent.unlink()
    newer = dict.fromkeys(files_in(folder), b"-- a newer script")
    assert own_files.write(newer) == [first, second]
    assert own_files.remove(folder, newer) == ([first, second], [])
    assert list(folder.iterdir()) == []


def test_the_part_of_a_file_that_a_full_disk_took_is_ours(
    own_files: OwnFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "daw" / "a.lua"
    write_bytes = Path.write_bytes

    def write_a_part(to: Path, content: bytes) -> int:
        if to != path:
            return write_bytes(to, content)
        write_bytes(to, content[:2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_a_part)
        with pytest.raises(SetupError, match="No space left on device"):
            own_files.write({path: CONTENT})
    assert own_files.write({path: CONTENT}) == [path]
    assert path.read_bytes() == CONTENT


def test_nothing_is_written_where_the_list_of_files_cannot_be(own_files: OwnFiles, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    path = tmp_path / "daw" / "a.lua"
    with pytest.raises(SetupError, match=rf"{LIST_NAME} cannot be written"):
        own_files.write({path: CONTENT})
    assert not path.parent.exists()


def test_a_folder_where_a_file_would_be_is_refused_in_one_sentence(own_files: OwnFiles, tmp_path: Path) -> None:
    path = tmp_path / "a.lua"
    path.mkdir()
    with pytest.raises(SetupError, match=r"a\.lua cannot be read"):
        own_files.write({path: CONTENT})


def test_files_before_one_that_cannot_be_removed_are_off_the_list_and_it_stays_on_it(
    own_files: OwnFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = files_in(tmp_path / "daw")
    first, second = files
    own_files.write(files)
    unlink = Path.unlink

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        if path == second:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(SetupError, match=r"b\.template cannot be removed: Permission denied"):
            own_files.remove(tmp_path / "daw", files)
    assert not first.exists()
    assert own_files.remove(tmp_path / "daw", files) == ([second], [])
