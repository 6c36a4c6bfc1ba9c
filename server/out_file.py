"""The files that a user names to be written: whether a name will do, before anything is made for it, and what is said where it cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.named_file import path_fault, shown_path
from server.errors import ExportError

MIDI_SUFFIXES, PICTURE_SUFFIXES = (".mid", ".midi", ".smf"), (".png",)


def check_out(path: Path, suffixes: tuple[str, ...], example: str) -> None:
    """Raises ExportError for a folder, for a name that no file can have, and for a name that says that the file is of another kind than those of `suffixes`.

    A name without a suffix is as good as any. `example` is a name to propose.
    """
    if fault := path_fault(path):
        raise ExportError(f"{shown_path(path)} {fault}; choose another name, such as {example}")
    with write_errors_translated(path):  # in a folder where this user may not look
        is_folder = path.is_dir()
    if is_folder:
        raise ExportError(f"{path} is a folder; name a file, such as {path / example}")
    if path.suffix and path.suffix.lower() not in suffixes:
        raise ExportError(f"{path} cannot be written: what is written is a {suffixes[0]} file, such as {example}")


@contextmanager
def write_errors_translated(path: Path) -> Iterator[None]:
    """Raises ExportError instead of any OSError of writing `path`."""
    try:
        yield
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}; choose another place") from error
