"""The folder of journals, one for each jam: listing, finding, mending, pruning and removing them; knows no music.

A journal is named after when its jam began. One that ends with what it comes to is read from its ends alone. What the jam
remembered lies beside it, by the same name, and goes where it goes.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from server.errors import TakeError
from server.takes.journal import JournalBegun, JournalContents, JournalEnded, RecordEncoder, read_line, read_records
from server.takes.journal_file import JournalFile, is_in_use
from server.takes.take_summary import TakeSummary

JOURNAL_SUFFIX, MEMORY_SUFFIX = ".jam", ".memory"
STEM_FORMAT = "%Y-%m-%d-%H%M%S"
# Where the first record and the last are found; a jam with hundreds of marks is read whole instead.
HEAD_BYTES, TAIL_BYTES = 512, 8192


@dataclass(frozen=True, slots=True)
class TakeEntry:
    """One jam, as it is listed."""

    id: str
    path: Path
    began_at: str
    summary: JournalEnded
    size_bytes: int
    """In bytes, with its memory."""
    is_ended: bool
    """Whether it was seen to its end: not by a jam that goes on, nor by one that was killed."""
    memory_file: Path | None
    """What it remembered, where it was seen to its end and there was anything."""


@dataclass(frozen=True, slots=True)
class PruneResult:
    """What was removed to make room, and how much of it marked jams take, which are never removed by themselves."""

    removed: list[TakeEntry]
    marked_bytes: int


class TakeLibrary:
    """A folder of journals, which may not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create_journal(self, at: datetime) -> JournalFile:
        """A new journal. Raises OSError where the folder takes none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = at.strftime(STEM_FORMAT)
        for name in (stem, *(f"{stem}-{number}" for number in range(2, 100))):
            with suppress(FileExistsError):
                return JournalFile(self.folder / f"{name}{JOURNAL_SUFFIX}")
        raise FileExistsError(f"there are a hundred journals of {stem}")

    def entries(self) -> list[TakeEntry]:
        """All that can be read, the oldest first."""
        found = []
        for path in self._paths():
            with suppress(OSError):  # removed meanwhile, or another's
                found.append(_read_entry(path))
        return found

    def find(self, name: str) -> TakeEntry:
        """The jam whose id is `name` or the only one to have it in its own. Raises TakeError."""
        named = [path for path in self._paths() if name in path.stem]
        exact = [path for path in named if path.stem == name]
        fitting = exact or named
        if len(fitting) == 1:
            try:
                return _read_entry(fitting[0])
            except OSError as error:
                raise TakeError(f"{fitting[0]} cannot be read: {error.strerror}") from error
        if fitting:
            raise TakeError(
                f"{name} fits {len(fitting)} jams, {_shortened(path.stem for path in fitting)}; give more of the id"
            )
        raise TakeError(f"there is no jam {name} in {self.folder}; `fours takes` lists those that there are")

    def last(self, *, with_memory: bool = False) -> TakeEntry:
        """The newest in which something was played; of those with a memory, where one is wanted. Raises TakeError."""
        for path in reversed(self._paths()):
            with suppress(OSError):
                row = _read_entry(path)
                if (row.summary.heard_notes or row.summary.played_notes) and (row.memory_file or not with_memory):
                    return row
        if with_memory:
            raise TakeError(f"nothing was remembered yet: there is no jam with a memory in {self.folder}")
        raise TakeError(f"nothing was played yet: there is no jam in {self.folder}")

    def find_by_file(self, path: Path) -> TakeEntry | None:
        """The jam whose journal or memory this file is; None where it is another's."""
        is_one = path.suffix in {JOURNAL_SUFFIX, MEMORY_SUFFIX} and path.with_suffix(JOURNAL_SUFFIX).is_file()
        return self.find(path.stem) if is_one and path.parent.resolve() == self.folder.resolve() else None

    def remove(self, row: TakeEntry) -> None:
        """Removes a jam for good. Raises TakeError where it still goes on, or cannot be removed."""
        try:
            if is_in_use(row.path):
                raise TakeError(f"jam {row.id} still goes on; end it first")
            _remove_files(row.path)
        except OSError as error:
            raise TakeError(f"{row.path} cannot be removed: {error.strerror}") from error

    def repair(self) -> list[TakeEntry]:
        """Sums up the journals of jams that were killed, and removes what is empty; the rows of those that were mended."""
        mended = []
        for path in self._paths():
            with suppress(OSError):
                if _read_end(path) is None and not is_in_use(path) and _repair(path):
                    mended.append(_read_entry(path))
        self._remove_partial_memories()
        return mended

    def prune(self, now: datetime, keep_days: float, keep_bytes: float) -> PruneResult:
        """Removes unmarked jams that are too old, then the oldest of them while all take too much room."""
        rows = self.entries()
        room = sum(row.size_bytes for row in rows)
        oldest = (now - timedelta(days=keep_days)).strftime(STEM_FORMAT)
        removed = []
        for row in rows:
            if row.summary.marks or not row.is_ended or not (row.id < oldest or room > keep_bytes):
                continue
            with suppress(OSError):
                _remove_files(row.path)
                room -= row.size_bytes
                removed.append(row)
        return PruneResult(removed, sum(row.size_bytes for row in rows if row.summary.marks))

    def _remove_partial_memories(self) -> None:
        """Removes what is left of memories whose writers were killed: a part, by a hidden name."""
        for part in self.folder.glob(f".*{MEMORY_SUFFIX}.*"):
            with suppress(OSError):
                if not is_in_use(self.folder / f"{part.name[1:].partition('.')[0]}{JOURNAL_SUFFIX}"):
                    part.unlink()

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{JOURNAL_SUFFIX}")) if self.folder.is_dir() else []


def memory_path(journal: Path) -> Path:
    """Where that which its jam remembers belongs."""
    return journal.with_suffix(MEMORY_SUFFIX)


def read_journal(path: Path) -> JournalContents:
    """All that a journal holds. Raises TakeError where it cannot be read."""
    try:
        return read_records(path.read_bytes())
    except OSError as error:
        raise TakeError(f"{path} cannot be read: {error.strerror}") from error


def _read_entry(path: Path) -> TakeEntry:
    with path.open("rb") as file:
        begun = read_line(file.read(HEAD_BYTES).partition(b"\n")[0])
    ended = _read_end(path)
    summed = ended or _summary_of(read_records(path.read_bytes()))
    began_at = begun.at if isinstance(begun, JournalBegun) else ""
    size = path.stat().st_size
    memory: Path | None = memory_path(path)
    try:
        size += memory_path(path).stat().st_size
    except FileNotFoundError:
        memory = None
    return TakeEntry(path.stem, path, began_at, summed, size, ended is not None, memory)


def _remove_files(journal: Path) -> None:
    """The memory first: a journal without one is still listed, and a memory without a journal would never be."""
    memory_path(journal).unlink(missing_ok=True)
    journal.unlink()


def _read_end(path: Path) -> JournalEnded | None:
    """What a journal says at its end that it comes to."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - TAIL_BYTES, 0))
        lines = file.read().split(b"\n")
    # A whole journal ends with the end of a line, after which there is nothing.
    last = read_line(lines[-2]) if len(lines) > 1 and not lines[-1] else None
    return last if isinstance(last, JournalEnded) else None


def _summary_of(found: JournalContents) -> JournalEnded:
    return _summarise(found).journal_end()


def _summarise(found: JournalContents) -> TakeSummary:
    tally = TakeSummary()
    for record in found.records:
        tally.add(record)
    return tally


def _repair(path: Path) -> bool:
    """Ends a journal that was cut off at its last whole record; False where there was nothing in it, and it is gone."""
    found = read_records(path.read_bytes())
    tally = _summarise(found)
    if tally.is_empty and not found.damaged_lines:
        path.unlink()
        return False
    with path.open("r+b") as file:
        file.truncate(found.whole_bytes)
        file.seek(0, os.SEEK_END)
        file.write(RecordEncoder().encode(tally.journal_end()))
    return True


def _shortened(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:3]) + (" and others" if len(shown) > 3 else "")
