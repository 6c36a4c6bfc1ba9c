"""Writes a take from the library as a `.mid` file; `server.takes.take` makes the music of it."""

from contextlib import suppress
from pathlib import Path

from model.files.midi.midi_writer import as_midi_file
from model.whole_file import write_whole
from server.errors import TakeError
from server.out_file import MIDI_SUFFIXES, check_out, write_errors_translated
from server.takes.songs.take_song import song_from
from server.takes.take import read_recording, take_from
from server.takes.take_library import TakeEntry, TakeLibrary, read_journal


def export_take(library: TakeLibrary, name: str, out: Path) -> Path:
    """Writes a jam to `out`; `name` is its id, or `id:number` for one of its marks. Returns `out`.

    Raises TakeError if there is no such take, and ExportError if the file cannot be written.
    """
    return _export(*find_take(library, name), out)


def export_last(library: TakeLibrary, out: Path) -> Path:
    """Writes the last jam, or its last mark if it has any. Returns and raises what `export_take` does."""
    entry = library.last()
    return _export(entry, len(entry.summary.marks) or None, out)


def find_take(library: TakeLibrary, name: str) -> tuple[TakeEntry, int | None]:
    """The jam of an id, and with `id:number` the number of one of its marks, from 1. Raises TakeError if there is none."""
    jam, colon, mark = name.partition(":")
    if not colon:
        return library.find(jam), None
    with suppress(ValueError):
        return library.find(jam), int(mark)
    raise TakeError(f"a mark is a number, such as {jam}:1, not {mark!r}")


def journal_as_midi(path: Path, mark: int | None = None) -> bytes:
    """The bytes of a `.mid` file of a journal, or of the mark of that number, counted from 1.

    Raises TakeError if the journal cannot be read, has no such mark, or nothing was played in it.
    """
    return as_midi_file(song_from(take_from(read_recording(read_journal(path).records), mark)))


def _export(entry: TakeEntry, mark: int | None, out: Path) -> Path:
    check_out(out, MIDI_SUFFIXES, "take.mid")
    data = journal_as_midi(entry.path, mark)
    with write_errors_translated(out):
        write_whole(out, data)
    return out
