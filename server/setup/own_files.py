"""The files that `fours setup` wrote, and a list of them: what is not on the list, or was edited since, is never touched."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from model.named_file import read_regular_file
from server.errors import SetupError

LIST_NAME = "setup.json"
MADE_FOLDER = "folder"
"""What the list has in place of a hash for a folder that we made."""


class OwnFiles:
    """Writes and removes files, and keeps the hash of each that it wrote in `list_folder`."""

    def __init__(self, list_folder: Path) -> None:
        self._list_file = list_folder / LIST_NAME

    def write(self, files: Mapping[Path, bytes]) -> list[Path]:
        """Writes the files that differ from what is there; returns those.

        Raises SetupError, and writes nothing, if one of them exists and is not ours, or was edited, or if the list cannot be written.
        If a file cannot be written, those before it are on the list.
        """
        hashes = self._hashes()
        there = {path: _content(path) for path in files}
        to_write = {path: content for path, content in files.items() if there[path] != content}
        for path in to_write:
            if there[path] is not None:
                self._check_is_ours(path, hashes)
        if to_write:
            # Before any file: one that is not on the list would count as another's.
            self._write_list(hashes)
        try:
            for path, content in to_write.items():
                _write_and_list(path, content, hashes)
        finally:
            if to_write:
                self._write_list(hashes)
        return list(to_write)

    def remove(self, folder: Path, names: Mapping[Path, bytes]) -> tuple[list[Path], list[Path]]:
        """Removes the files among `names` that we wrote; returns those that are gone, and those that were edited and stay.

        Folders below `folder` that we made, and that are then empty, go too. Raises SetupError if one cannot be removed; it stays
        on the list.
        """
        hashes = self._hashes()
        before = dict(hashes)
        gone, kept = [], []
        try:
            for path in names:
                if str(path) in hashes:
                    content = _content(path)
                    if content is not None and _hash(content) != hashes[str(path)]:
                        kept.append(path)
                        continue
                    _remove(path)
                    del hashes[str(path)]
                    gone.append(path)
                _remove_made_folders(path, folder, hashes)
        finally:
            if hashes != before:
                self._write_list(hashes)
        return gone, kept

    def _write_list(self, hashes: Mapping[str, str]) -> None:
        _write(self._list_file, json.dumps(hashes, indent=2).encode())

    def _hashes(self) -> dict[str, str]:
        try:
            hashes = json.loads(read_regular_file(self._list_file))
        except (OSError, ValueError):
            # Without the list no file counts as ours, and none is touched.
            return {}
        return {str(path): str(hash_) for path, hash_ in hashes.items()} if isinstance(hashes, dict) else {}

    def _check_is_ours(self, path: Path, hashes: Mapping[str, str]) -> None:
        if str(path) not in hashes:
            raise SetupError(
                f"{path} is there already and was not written by fours; move it away, or name another folder with --to"
            )
        if _hash(_content(path) or b"") != hashes[str(path)]:
            raise SetupError(f"{path} was edited since fours wrote it; move it away, or name another folder with --to")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_and_list(path: Path, content: bytes, hashes: dict[str, str]) -> None:
    """Writes a file, and adds it and the folders that it needed to the list; where it cannot be written, what there is of it."""
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        _write(path, content)
    finally:
        hashes.update((str(folder), MADE_FOLDER) for folder in made if folder.is_dir())
        # A full disk leaves a part of a file, which is ours, too.
        with suppress(SetupError):
            part = _content(path)
            if part is not None:
                hashes[str(path)] = _hash(part)


def _remove_made_folders(path: Path, folder: Path, hashes: dict[str, str]) -> None:
    """Removes the folders of a file, up to `folder`, that we made and that are empty now, and takes them off the list."""
    for parent in path.parents[: path.parents.index(folder)]:
        if hashes.get(str(parent)) != MADE_FOLDER or (parent.is_dir() and any(parent.iterdir())):
            return
        if parent.is_dir():
            _remove(parent)
        del hashes[str(parent)]


def _content(path: Path) -> bytes | None:
    """What the file holds; None where there is none. Raises SetupError for what is no file, and for one that may not be read."""
    try:
        return read_regular_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror or error}") from error


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise SetupError(f"{path} cannot be removed: {error.strerror or error}") from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror or error}") from error
