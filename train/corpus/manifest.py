"""The `manifest.csv` of a corpus: finds the row of each file. Knows no music and no split.

The path in a row is relative to the folder of the manifest. It may be written differently from the path on disk, as
other systems write it: with backslashes, in another Unicode form (é as one letter, or as e with an accent), or in other
case. A row that fits two files is refused.
"""

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from model.named_file import path_fault
from train.errors import CorpusError

MANIFEST_FILE = "manifest.csv"
# How many rows or files are named in a sentence.
NAMED = 5

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ManifestRows:
    """The row of each file, the rows without a file, and the files in the same folders without a row."""

    by_file: Mapping[Path, Row]
    without_file: Sequence[str] = ()
    without_row: Sequence[Path] = ()

    def check(self) -> None:
        """Raises CorpusError if there are rows without a file and files without a row: they may belong together, and
        would be split differently.
        """
        if self.without_file and self.without_row:
            raise CorpusError(
                f"{MANIFEST_FILE} has rows for files that are not there: {_listed(self.without_file)}; and files that are there have no "
                f"row: {_listed([printable(file) for file in self.without_row])}; correct the rows, or delete them"
            )


def rows_of(files: Collection[Path], folders: Collection[Path]) -> ManifestRows:
    """The rows of the files, from the manifests in these folders and the folders above.

    Of several, the manifest nearest to the file counts.

    Raises CorpusError if a manifest cannot be read, or if a row fits several files.
    """
    by_file: dict[Path, Row] = {}
    without_file: list[str] = []
    without_row: set[Path] = set()
    # From the outermost folder inwards, so that the manifest nearest to a file replaces the others.
    for folder in sorted({*folders, *(folder.parent for folder in folders)}):
        manifest = _manifest_in(folder)
        if manifest is not None:
            matched, missing = manifest.match(files)
            by_file |= matched
            # A manifest in the files' own folder counts, too, if none of its files exists.
            is_lost = folder in folders and not matched and len(missing) == len(manifest.rows)
            without_file += [path for path in missing if is_lost or manifest.is_about(path, files)]
            without_row |= {file for file in files if is_lost or manifest.has_rows_beside(file)}
    return ManifestRows(by_file, tuple(sorted(without_file)), tuple(sorted(without_row - by_file.keys())))


def printable(name: str | Path) -> str:
    """The name of a file as text that can be printed and written, even if its bytes on disk are not UTF-8."""
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Manifest:
    path: Path
    rows: Sequence[Row]

    def has_rows_beside(self, file: Path) -> bool:
        """Whether rows name the outermost folder that a file is in."""
        if not file.is_relative_to(self.path.parent):
            return False
        top = _top(file.relative_to(self.path.parent).as_posix())
        return any(_top(_path_of(row)) == top for row in self.rows)

    def is_about(self, path: str, files: Collection[Path]) -> bool:
        """Whether the path of a row is in the outermost folder of one of the files."""
        folder = self.path.parent
        return any(_top(path) == _top(f.relative_to(folder).as_posix()) for f in files if f.is_relative_to(folder))

    def match(self, files: Collection[Path]) -> tuple[dict[Path, Row], list[str]]:
        """The row of each file, and the paths of rows whose file is neither among these nor on disk."""
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
                    f"{self.path} has a row {path}, which fits several files: {_listed([printable(file) for file in candidates])}; write it as on disk"
                )
            if candidates:
                matched[candidates[0]] = row
            elif path_fault(folder / path) or not (folder / path).exists():
                missing.append(path)
        return matched, missing


def _manifest_in(folder: Path) -> _Manifest | None:
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return None
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            table = csv.DictReader(lines, restval="")
            columns, rows = set(table.fieldnames or ()), list(table)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror or error})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path} is not a table in UTF-8 ({error}); save it in UTF-8") from error
    if not {"path", "split"} <= columns:
        raise CorpusError(f"{path} has no columns path and split; name its columns so, or delete the file")
    return _Manifest(path, rows)


def _path_of(row: Row) -> str:
    """The path of a row, with the slashes of this system."""
    return PurePosixPath(row["path"].strip().replace("\\", "/")).as_posix()


def _top(path: str) -> str:
    """The outermost folder of a path, with slashes or backslashes; empty if the path is only a file name."""
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
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
