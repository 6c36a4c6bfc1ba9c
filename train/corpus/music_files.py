"""Finds the music files in a folder and its subfolders, by the suffixes that the reader of music files knows.

Links to folders are followed. No folder is searched twice, so a circle of links ends.
"""

import os
from operator import attrgetter
from pathlib import Path

from model.files.score_reader import MUSIC_SUFFIXES

# Other documents are XML, too; a score names its root element near the beginning.
PLAIN_XML = ".xml"
SCORE_ROOTS = (b"<score-partwise", b"<score-timewise")
ROOT_WITHIN_BYTES = 4096


def music_files_in(folder: Path) -> list[Path]:
    """The files of music in a folder, in the order of their names.

    A subfolder that cannot be listed is one of them, so that it is missed by name, as a file that cannot be read.
    """
    found: list[Path] = []
    searched: set[tuple[int, int]] = set()
    _is_new(folder, searched)  # a link may lead back to it

    def add_unlisted(error: OSError) -> None:
        found.append(Path(error.filename))

    for place, folders, names in os.walk(folder, onerror=add_unlisted, followlinks=True):
        # In order, so that of two paths to a folder the same one is taken each time.
        folders[:] = [name for name in sorted(folders) if _is_new(Path(place) / name, searched)]
        found += [path for name in names if is_music(path := Path(place) / name)]
    return sorted(found, key=attrgetter("parts"))


def is_music(path: Path) -> bool:
    """Whether this is a file with a suffix of music files; of `.xml` files, whether it is a score.

    A link that leads nowhere counts, so that the file is missed by name.
    """
    suffix = path.suffix.lower()
    if suffix not in MUSIC_SUFFIXES or not (path.is_file() or _leads_nowhere(path)):
        return False
    return suffix != PLAIN_XML or _is_score(path)


def _is_new(folder: Path, searched: set[tuple[int, int]]) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False  # a broken link
    identity = (status.st_dev, status.st_ino)
    is_new = identity not in searched
    searched.add(identity)
    return is_new


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _is_score(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            beginning = file.read(ROOT_WITHIN_BYTES)
    except OSError:
        return False
    return any(root in beginning for root in SCORE_ROOTS)
