"""Loads memories at the start of a jam and saves them at its end; knows no music thread.

A jam's memories are saved beside its journal. A jam may start with the memories of an earlier take, which stay as they
are, or with a file that every jam reads and writes.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from model.approach import Approach
from model.errors import MemoryFileError
from model.memory.memory_file import load_memories, save_memories
from model.named_file import path_fault, shown_path
from model.tokens.vocabulary import Vocabulary
from server.errors import TakeError
from server.jam.jam import Jam
from server.takes.file_lock import lock
from server.takes.take_library import MEMORY_SUFFIX, TakeEntry, TakeLibrary, tell_recovered

LAST = "last"
SAVE_TRIES, SAVE_RETRY_S = 100, 0.01

Say = Callable[[str], None]


def find_memory_origin(name: str, library: TakeLibrary, say: Say) -> Path | TakeEntry | None:
    """Returns the file or the take that a jam gets its memories from; None if `name` is "last" and there is no take yet.

    `name` means a file if that file exists, or if the name has a suffix or a folder in it; otherwise it means a take. The
    path of a take's own file means the take, because a jam would overwrite a file. What a killed jam remembered is
    recovered first. Raises TakeError if no take matches the name, several do, or no file can have it.
    """
    tell_recovered(library.repair(), say)
    path = Path(name)
    if fault := path_fault(path):
        raise TakeError(f"{shown_path(path)} {fault}; name a file such as me{MEMORY_SUFFIX}, or a take")
    if path.suffix or path.name != name or _is_file(path):
        return library.find_by_file(path) or path
    if name == LAST:
        try:
            return library.last(with_memory=True)
        except TakeError as error:
            say(f"Memory     {error}. The jam starts without it")
            return None
    try:
        return library.find(name)
    except TakeError as error:
        raise TakeError(f"{error}. A file is named with a suffix: {name}{MEMORY_SUFFIX}") from error


def load_take_memory(take: TakeEntry, jam: Jam, say: Say) -> None:
    """Loads the take's memories into the jam; if that is not possible, it only reports it.

    Call it before the music thread runs the jam.
    """
    if take.memory_file is None:
        say(f"Memory     jam {take.id} has none. The jam starts without it")
        return
    try:
        load_memories(take.memory_file, jam.memories)
        say(f"Memory     of jam {take.id}")
    except MemoryFileError as error:
        say(f"Memory     {error}. The jam starts without it")


@contextmanager
def memories_in_file(path: Path, jam: Jam, say: Say) -> Iterator[Path]:
    """Loads the memories of a file into the jam on entry, if the file exists, and saves the jam's memories in it on exit.

    Yields the path of the file that it saves them in. Nothing is written where the jam has heard nothing.

    Enter it before the music thread runs the jam, and leave it when the thread has ended. A file that cannot be used is
    reported and left as it is: the jam then starts without it, and its memories go to a new file beside it. So they do where
    another jam has saved its own in the file meanwhile.
    """
    wanted, version = path, _version(path)
    if _is_there(path):
        try:
            load_memories(path, jam.memories)
            say(f"Memory     {path}")
        except MemoryFileError as error:
            path, version = _free_name_beside(wanted), None
            say(f"Memory     {error}. The jam starts without it; what it hears goes to {path}")
    else:
        say(f"Memory     {path}, a new memory")
    vocabularies, state = _vocabularies(jam), _learning_state(jam)
    yield path
    # A pack that was loaded meanwhile may have other vocabularies; the old file stays readable with the old pack.
    is_of_another_pack = vocabularies != _vocabularies(jam)
    # Nor does a start that fails leave a file, or write the one there without the contexts that its pack does not count.
    if not (any(map(len, jam.memories.values())) if is_of_another_pack else state != _learning_state(jam)):
        return
    with _saving_alone(wanted.parent):
        if _is_there(path) and is_of_another_pack:
            path = _free_name_beside(wanted)
            say(f"Memory     the memory of the pack that plays now does not fit this file; it is saved in {path}")
        elif _is_there(path) and version != _version(path):
            written, path = path, _free_name_beside(wanted)
            say(f"Memory     another jam has written {written} meanwhile; the memory of this one is saved in {path}")
        try:
            save_memories(path, jam.memories)
        except MemoryFileError as error:
            say(f"{error}; choose another file")


def save_take_memory(path: Path, jam: Jam, say: Say) -> None:
    """Writes what the jam remembers, if anything, to `path`, the memory file beside the jam's journal.

    A failure is only reported. Call it when the music thread has ended.
    """
    if not any(len(memory) for memory in jam.memories.values()):
        return
    try:
        save_memories(path, jam.memories)
    except MemoryFileError as error:
        say(f"{error}; the take is kept without it")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder where this user may not look
        return False


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # as above: to read it fails, and that is told
        return True


@contextmanager
def _saving_alone(folder: Path) -> Iterator[None]:
    """Jams that end at the same time save one after another, so that each sees what another has saved; waits a second at most."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders, and where there is none, saving says so
        descriptor = None
    try:
        for _ in range(SAVE_TRIES):
            if descriptor is None or lock(descriptor):
                break
            threading.Event().wait(SAVE_RETRY_S)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _version(path: Path) -> tuple[int, int, int] | None:
    """What changes where the file is written, as it is written whole; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _free_name_beside(path: Path) -> Path:
    """`me-new.memory`, or where that is there `me-new-2.memory`, and so on: a jam never writes over what an earlier one heard."""
    names = (f"{path.stem}-new{'' if number == 1 else f'-{number}'}{path.suffix}" for number in count(1))
    return next(free for name in names if not _is_taken(free := path.with_name(name)))


def _is_taken(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except OSError:  # then nothing can be saved there, and the end of the jam says so
        return False


def _vocabularies(jam: Jam) -> Mapping[Approach, Vocabulary]:
    return {approach: memory.vocabulary for approach, memory in jam.memories.items()}


def _learning_state(jam: Jam) -> Mapping[Approach, tuple[int, int]]:
    """For each approach how many tokens its memory has heard, and how many contexts it holds; one of them changes where it learns or forgets."""
    return {approach: (memory.snapshot().position, len(memory)) for approach, memory in jam.memories.items()}
