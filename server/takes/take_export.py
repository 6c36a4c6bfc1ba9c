"""A take from the shelf as a `.mid` file; knows the shelf and the disk, and leaves the music to `server.takes.take`."""

from contextlib import suppress
from pathlib import Path

from model.files.midi_writer import as_midi_file, write_whole
from server.errors import ExportError, TakeError
from server.takes.take import read_recording, song_from, take_from
from server.takes.take_library import TakeEntry, TakeLibrary, read_journal


def export_take(shelf: TakeLibrary, name: str, out: Path) -> Path:
    """Writes a jam by its id, or one of its marks by `id:number`. Raises TakeError and ExportError."""
    jam, colon, mark = name.partition(":")
    if not colon:
        return _export(shelf.find(jam), None, out)
    with suppress(ValueError):
        return _export(shelf.find(jam), int(mark), out)
    raise TakeError(f"a mark is a number, such as {jam}:1, not {mark!r}")


def export_last(shelf: TakeLibrary, out: Path) -> Path:
    """Writes the last jam, or the last mark in it where it has some. Raises TakeError and ExportError."""
    row = shelf.last()
    return _export(row, len(row.summary.marks) or None, out)


def journal_as_midi(path: Path, mark: int | None = None) -> bytes:
    """The content of the `.mid` file of a journal, or of one of its marks. Raises TakeError."""
    return as_midi_file(song_from(take_from(read_recording(read_journal(path).records), mark)))


def _export(row: TakeEntry, mark: int | None, out: Path) -> Path:
    if out.is_dir():
        raise ExportError(f"{out} is a folder; name a file, such as {out / 'take.mid'}")
    data = journal_as_midi(row.path, mark)
    try:
        write_whole(out, data)
    except OSError as error:
        raise ExportError(f"{out} cannot be written: {error.strerror or error}; choose another place") from error
    return out
