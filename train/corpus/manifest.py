"""The `manifest.csv` of a corpus: which row is which file's; knows no music and no split.

A row's path is as seen from the manifest's folder. It may be written otherwise than on disk, as other systems do: with backslashes, in
another Unicode form (é as one letter or as e with an accent), in other case. A row that could be two files is refused.
"""

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from train.errors import CorpusError

MANIFEST_FILE = "manifest.csv"
# So many rows and files are named in a sentence.
NAMED = 5

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ManifestRows:
    """Each file's row; the rows that no file has, and the files in the same folders that have no row."""

    by_file: Mapping[Path, Row]
    without_file: Sequence[str] = ()
    without_row: Sequence[Path] = ()

    def check(self) -> None:
        """Raises CorpusError where rows fit no file while files have no row: they may be the same, and would be split anew."""
        if self.without_file and self.without_row:
            raise CorpusError(
                f"{MANIFEST_FILE} has rows for files that are not there: {_listed(self.without_file)}; and files that are there have no "
                f"row: {_listed([printable(file) for file in self.without_row])}; mend the rows, or take them away"
            )


def rows_of(files: Collection[Path], folders: Collection[Path]) -> ManifestRows:
    """The rows of files, from the manifests in these folders and the folders above; the one nearest to a file has the word.

    Raises CorpusError where a manifest is none, or where a row may be that of several files.
    """
    by_file: dict[Path, Row] = {}
    without_file: list[str] = []
    without_row: set[Path] = set()
    # From the outside in, so that the manifest nearest to a file is the last to say.
    for folder in sorted({*folders, *(folder.parent for folder in folders)}):
        manifest = _manifest_in(folder)
        if manifest is not None:
            matched, missing = manifest.match(files)
            by_file |= matched
            # One whose every row is about files that are nowhere, in the files' own folder, is theirs all the same.
            is_lost = folder in folders and not matched and len(missing) == len(manifest.rows)
            without_file += [path for path in missing if is_lost or manifest.is_about(path, files)]
            without_row |= {file for file in files if is_lost or manifest.has_rows_beside(file)}
    return ManifestRows(by_file, tuple(sorted(without_file)), tuple(sorted(without_row - by_file.keys())))


def printable(name: str | Path) -> str:
    """A name that can be printed and written, also if its bytes on disk are not UTF-8."""
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Manifest:
    path: Path
    rows: Sequence[Row]

    def has_rows_beside(self, file: Path) -> bool:
        """Whether rows are about the outermost folder that a file is in."""
        if not file.is_relative_to(self.path.parent):
            return False
        top = _top(file.relative_to(self.path.parent).as_posix())
        return any(_top(_path_of(row)) == top for row in self.rows)

    def is_about(self, path: str, files: Collection[Path]) -> bool:
        """Whether a row's path is about the outermost folder of one of the files."""
        folder = self.path.parent
        return any(_top(path) == _top(f.relative_to(folder).as_posix()) for f in files if f.is_relative_to(folder))

    def match(self, files: Collection[Path]) -> tuple[dict[Path, Row], list[str]]:
        """Each file's row, and the paths of rows for files that are neither among these nor anywhere."""
        folder = self.path.parent
        within = {file.relative_to(folder).as_posix(): file for file in files if file.is_relative_to(folder)}
        by_form, by_case = _by(within, _one_form), _by(within, _one_case)
        matched: dict[Path, Row] = {}
        missing: list[str] = []
        for row in self.rows:
            path = _path_of(row)
            candidates = (
                [within[path]] if path in within else by_form.get(_one_form(path)) or by_case.get(_one_case(path)) or []
            )
            if len(candidates) > 1:
                raise CorpusError(
                    f"{self.path} has a row {path}, which may be any of {_listed([printable(file) for file in candidates])}; write it as on disk"
                )
            if candidates:
                matched[candidates[0]] = row
            elif not (folder / path).exists():
                missing.append(path)
        return matched, missing


def _manifest_in(folder: Path) -> _Manifest | None:
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8-sig") as lines:
        table = csv.DictReader(lines, restval="")
        try:
            columns, rows = set(table.fieldnames or ()), list(table)
        except (UnicodeDecodeError, csv.Error) as error:
            raise CorpusError(f"{path} is no table in UTF-8 ({error}); save it as such") from error
    if not {"path", "split"} <= columns:
        raise CorpusError(f"{path} has no columns path and split; name them so, or take the file away")
    return _Manifest(path, rows)


def _path_of(row: Row) -> str:
    """A row's path with the slashes of this system."""
    return PurePosixPath(row["path"].strip().replace("\\", "/")).as_posix()


def _top(path: str) -> str:
    """The outermost folder of a path, however it is written; empty where it is a file alone."""
    first, slash, _ = path.partition("/")
    return _one_case(first) if slash else ""


def _one_form(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _one_case(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _by(within: Mapping[str, Path], form: Callable[[str], str]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path, file in within.items():
        found[form(path)].append(file)
    return found


def _listed(names: Sequence[str]) -> str:
    """The first of the names, and how many there are more."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
