"""Reads a music file of any format as a score; the only reader in the project. Chooses the format by the file's suffix.

| suffix | format | read by |
|---|---|---|
| `.mid` `.midi` `.kar` `.rmi` | standard MIDI files | `midi_reader` |
| `.musicxml` `.xml` `.mxl` | MusicXML, plain or packed | `musicxml` |
| `.abc` | ABC notation | `abc_notation` |
"""

from pathlib import Path

from model.errors import UnreadableError
from model.files.midi.midi_reader import read_midi
from model.files.score import FileScore
from model.named_file import read_regular_file

MIDI_SUFFIXES = frozenset({".mid", ".midi", ".kar", ".rmi"})
MUSICXML_SUFFIXES = frozenset({".musicxml", ".xml", ".mxl"})
ABC_SUFFIXES = frozenset({".abc"})
MUSIC_SUFFIXES = MIDI_SUFFIXES | MUSICXML_SUFFIXES | ABC_SUFFIXES


def read_score(path: Path) -> FileScore:
    """The content of a file. Raises UnreadableError, whose text follows the file's name, if nothing can be read."""
    try:
        content = read_regular_file(path)
    except OSError as error:
        raise UnreadableError(f"cannot be read ({error.strerror or error})") from error
    return score_of(content, path.suffix)


def score_of(content: bytes, suffix: str = ".mid") -> FileScore:
    """The score in the content of a file with this suffix. Raises UnreadableError."""
    if not content:
        raise UnreadableError("is empty")
    if suffix.lower() in MUSICXML_SUFFIXES:
        from model.files.musicxml import read_musicxml

        return read_musicxml(content)
    if suffix.lower() in ABC_SUFFIXES:
        from model.files.abc_notation import read_abc

        return read_abc(content)
    return read_midi(content)
