"""The folder of journals, one for each jam: lists, finds, repairs, prunes and removes them; knows no music.

A journal is named after the time at which its jam began. Of a journal that has its last record, only the two ends are
read. The jam's memory file lies beside it under the same name, and is removed together with it.
"""

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from model.errors import MemoryFileError
from server.errors import TakeError
from server.takes.journal.journal_file import JournalFile, is_in_use
from server.takes.journal.record_encoder import RecordEncoder
from server.takes.journal.record_reader import read_line, read_records
from server.takes.journal.records import JournalBegun, JournalContents, JournalEnded
from server.takes.memories.memory_journal import recover_memories
from server.takes.take_ages import TakeAges
from server.takes.take_summary import TakeSummary

JOURNAL_SUFFIX, MEMORY_SUFFIX = ".jam", ".memory"
STEM_FORMAT = "%Y-%m-%d-%H%M%S"
# The first and the last record fit into these; of a jam with hundreds of marks the whole journal is read instead.
HEAD_BYTES, TAIL_BYTES = 32_768, 8192
LARGEST_BYTES = 256_000_000
"""A hundred hours of busy playing. A larger file is not a journal of ours, and is not read."""


@dataclass(frozen=True, slots=True)
class TakeEntry:
    """One jam in the list of takes."""

    id: str
    """The name of the journal without its suffix."""
    path: Path
    began_at: str
    """Wall-clock time, ISO 8601; empty if the first record is damaged."""
    summary: JournalEnded
    size_bytes: int
    """The journal and its memory file together."""
    is_ended: bool
    """Whether the journal has its last record: not while the jam goes on, nor if it was killed."""
    memory_file: Path | None
    """What the jam remembered; None if that was nothing, or if it has not ended: then `repair` makes it from the journal.

    Of a jam that began with a memory and has not ended, it holds that memory.
    """


@dataclass(frozen=True, slots=True)
class PruneResult:
    """The jams that were removed, and how much room the marked jams take, which are never removed automatically."""

    removed: list[TakeEntry]
    marked_bytes: int


class TakeLibrary:
    """The journals in one folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create_journal(self, began: datetime) -> JournalFile:
        """Creates a journal that is named after `began`. Raises OSError if that fails."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = began.strftime(STEM_FORMAT)
        for name in (stem, *(f"{stem}-{number}" for number in range(2, 100))):
            with suppress(FileExistsError):
                return JournalFile(self.folder / f"{name}{JOURNAL_SUFFIX}")
        raise FileExistsError(f"there are a hundred journals of {stem}")

    def entries(self) -> list[TakeEntry]:
        """All journals that can be read, the oldest first."""
        entries = []
        for path in self._paths():
            with suppress(OSError):  # removed meanwhile, or not readable for this user
                entries.append(_read_entry(path))
        return entries

    def find(self, name: str) -> TakeEntry:
        """The jam with the id `name`, or else the only jam whose id contains `name`.

        Raises TakeError if there is none, if several match, or if its journal cannot be read.
        """
        containing = [path for path in self._paths() if name in path.stem]
        exact = [path for path in containing if path.stem == name]
        matches = exact or containing
        if len(matches) == 1:
            try:
                return _read_entry(matches[0])
            except OSError as error:
                raise TakeError(f"{matches[0]} cannot be read: {error.strerror}") from error
        if matches:
            raise TakeError(
                f"{name} fits {len(matches)} jams, {_shortened(path.stem for path in matches)}; give more of the id"
            )
        raise TakeError(f"there is no jam {name} in {self.folder}; `fours takes` lists those that there are")

    def last(self, *, with_memory: bool = False) -> TakeEntry:
        """The newest jam in which something was played; if `with_memory`, the newest such jam that has a memory file.

        Raises TakeError if there is none.
        """
        for path in reversed(self._paths()):
            with suppress(OSError):
                entry = _read_entry(path)
                has_notes = entry.summary.heard_notes or entry.summary.played_notes
                if has_notes and (entry.memory_file or not with_memory):
                    return entry
        if with_memory:
            raise TakeError(f"nothing was remembered yet: there is no jam with a memory in {self.folder}")
        raise TakeError(f"nothing was played yet: there is no jam in {self.folder}")

    def find_by_file(self, path: Path) -> TakeEntry | None:
        """The jam that this journal or memory file belongs to; None if it is not a file of this library."""
        if path.suffix not in {JOURNAL_SUFFIX, MEMORY_SUFFIX}:
            return None
        try:
            is_ours = path.with_suffix(JOURNAL_SUFFIX).is_file() and path.parent.samefile(self.folder)
        except OSError:  # no file can have this name, or this user may not look there
            return None
        return self.find(path.stem) if is_ours else None

    def remove(self, entry: TakeEntry) -> None:
        """Removes a jam for good. Raises TakeError if the jam still goes on, or its files cannot be removed."""
        try:
            if is_in_use(entry.path):
                raise TakeError(f"jam {entry.id} still goes on; end it first")
            _remove_files(entry.path)
        except OSError as error:
            raise TakeError(f"{entry.path} cannot be removed: {error.strerror}") from error

    def repair(self) -> list[TakeEntry]:
        """Adds the last record to the journals of jams that were killed, and removes empty ones.

        What was remembered in a jam that was killed is written into its memory file, and into the one that the jam was to save at
        its end. Returns the entries of the repaired journals.
        """
        repaired = []
        for path in self._paths():
            with suppress(OSError):
                if _read_end(path) is None and not is_in_use(path) and _repair(path):
                    repaired.append(_read_entry(path))
        self._remove_partial_memories()
        return repaired

    def prune(self, now: datetime, keep_days: float, keep_bytes: float) -> PruneResult:
        """Removes unmarked jams that are too old, then the oldest of the others until all jams fit into `keep_bytes`.

        Marked jams and jams that have not ended stay. How old a jam is, `TakeAges` counts: a wrong clock makes none old.
        """
        entries = self.entries()
        ages = TakeAges.read(self.folder).at_start(now, (entry.id for entry in entries))
        with suppress(OSError):  # then the next start counts from the last one that could write them
            ages.write(self.folder)
        total_bytes = sum(entry.size_bytes for entry in entries)
        removed = []
        for entry in sorted(entries, key=lambda entry: -ages.days(entry.id)):  # of one age, by date
            is_old = ages.days(entry.id) > keep_days
            if entry.summary.marks or not entry.is_ended or not (is_old or total_bytes > keep_bytes):
                continue
            with suppress(OSError):
                _remove_files(entry.path)
                total_bytes -= entry.size_bytes
                removed.append(entry)
        return PruneResult(removed, sum(entry.size_bytes for entry in entries if entry.summary.marks))

    def _remove_partial_memories(self) -> None:
        """Removes partly written memory files, which have hidden names, of processes that were killed while writing."""
        for part in self.folder.glob(f".*{MEMORY_SUFFIX}.*"):
            with suppress(OSError):
                if not is_in_use(self.folder / f"{part.name[1:].partition('.')[0]}{JOURNAL_SUFFIX}"):
                    part.unlink()

    def _paths(self) -> list[Path]:
        try:
            # Only files: opening a pipe of that name would wait without end.
            return sorted(path for path in self.folder.glob(f"*{JOURNAL_SUFFIX}") if path.is_file())
        except OSError:  # this user may not look there
            return []


def tell_recovered(repaired: Sequence[TakeEntry], say: Callable[[str], None]) -> None:
    """Says which jams were cut off, if any were."""
    if repaired:
        say(f"Recovered  {shortened_ids(repaired)}, cut off before the end")


def shortened_ids(entries: Sequence[TakeEntry]) -> str:
    """The ids of the first jams, and how many more there are."""
    shown = [entry.id for entry in entries[:3]]
    return ", ".join(shown) + (f" and {len(entries) - 3} more" if len(entries) > 3 else "")


def memory_path(journal: Path) -> Path:
    """Where the memory file of a journal belongs."""
    return journal.with_suffix(MEMORY_SUFFIX)


def read_journal(path: Path) -> JournalContents:
    """Everything that a journal holds. Raises TakeError if the file cannot be read."""
    try:
        return _read_records(path)
    except OSError as error:
        raise TakeError(f"{path} cannot be read: {error.strerror}") from error


def _read_entry(path: Path) -> TakeEntry:
    with path.open("rb") as file:
        begun = read_line(file.read(HEAD_BYTES).partition(b"\n")[0])
    end = _read_end(path)
    summary = end or _summarise(_read_records(path)).journal_end()
    began_at = begun.at if isinstance(begun, JournalBegun) else ""
    size_bytes = path.stat().st_size
    memory_file: Path | None = memory_path(path)
    try:
        size_bytes += memory_path(path).stat().st_size
    except FileNotFoundError:
        memory_file = None
    return TakeEntry(path.stem, path, began_at, summary, size_bytes, end is not None, memory_file)


def _remove_files(journal: Path) -> None:
    # The memory file first: if the second step fails, a journal alone is still listed, but a memory alone never is.
    memory_path(journal).unlink(missing_ok=True)
    journal.unlink()


def _read_end(path: Path) -> JournalEnded | None:
    """The last record of a journal; None if the journal has no whole one."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - TAIL_BYTES, 0))
        lines = file.read().split(b"\n")
    # A whole journal ends with a line end, so that the last item of the split is empty.
    last = read_line(lines[-2]) if len(lines) > 1 and not lines[-1] else None
    return last if isinstance(last, JournalEnded) else None


def _read_records(path: Path) -> JournalContents:
    """Everything that a journal holds. Raises OSError."""
    if path.stat().st_size > LARGEST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return read_records(path.read_bytes())


def _summarise(contents: JournalContents) -> TakeSummary:
    summary = TakeSummary()
    for record in contents.records:
        summary.add(record)
    return summary


def _repair(path: Path) -> bool:
    """Cuts a journal off after its last whole line and adds the last record. An empty journal is removed: then False."""
    contents = _read_records(path)
    summary = _summarise(contents)
    if summary.is_empty and not contents.damaged_lines:
        _remove_files(path)
        return False
    with suppress(MemoryFileError):  # the take is kept without it
        recover_memories(contents.records, memory_path(path), path.stat().st_mtime)
    with path.open("r+b") as file:
        file.truncate(contents.whole_bytes)
        file.seek(0, os.SEEK_END)
        file.write(RecordEncoder().encode(summary.journal_end()))
    return True


def _shortened(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:3]) + (" and others" if len(shown) > 3 else "")
