"""What a jam remembers, from one evening to the next: read at its start, written at its end; knows no music thread.

It is saved with the take. A jam may begin with what an earlier one remembered, which stays as it is, or with a file that is
kept from jam to jam.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from model.errors import MemoryFileError
from model.memory.memory_file import load_memories, save_memories
from server.errors import TakeError
from server.jam.jam import Jam
from server.takes.take_library import MEMORY_SUFFIX, TakeEntry, TakeLibrary

LAST = "last"

Say = Callable[[str], None]


def find_memory_origin(name: str, shelf: TakeLibrary, say: Say) -> Path | TakeEntry | None:
    """The file or the earlier take that a jam is to begin with; None where the last is asked for and there is none yet.

    It is a file where there is one of that name, or the name has a suffix or a folder in it; else a take. The files of a take are
    the take, or they would be written over. Raises TakeError where no take fits the name, or several do.
    """
    path = Path(name)
    if path.is_file() or path.suffix or path.name != name:
        return shelf.find_by_file(path) or path
    if name == LAST:
        try:
            return shelf.last(with_memory=True)
        except TakeError as error:
            say(f"Memory     {error}. The jam starts without it")
            return None
    try:
        return shelf.find(name)
    except TakeError as error:
        raise TakeError(f"{error}. A file is named with a suffix: {name}{MEMORY_SUFFIX}") from error


def load_take_memory(take: TakeEntry, jam: Jam, say: Say) -> None:
    """The jam begins with what the take's jam remembered, if it can; to be called before the music thread has it."""
    if take.memory_file is None:
        say(f"Memory     jam {take.id} has none. The jam starts without it")
        return
    try:
        load_memories(take.memory_file, jam.memories)
        say(f"Memory     of jam {take.id}")
    except MemoryFileError as error:
        say(f"Memory     {error}. The jam starts without it")


@contextmanager
def kept_in_file(path: Path, jam: Jam, say: Say) -> Iterator[None]:
    """The jam begins with what the file holds, if there is one, and the file ends with what the jam holds.

    To be entered before the music thread has the jam, and left when it has it no more. A file that cannot be used is said,
    and kept: the jam then starts without it, and what it heard goes to another one beside it.
    """
    if path.exists():
        try:
            load_memories(path, jam.memories)
            say(f"Memory     {path}")
        except MemoryFileError as error:
            path = _beside(path)
            say(f"Memory     {error}. The jam starts without it; what it hears goes to {path}")
    else:
        say(f"Memory     {path}, which begins now")
    words = {approach: memory.vocabulary for approach, memory in jam.memories.items()}
    yield
    if path.exists() and words != {approach: memory.vocabulary for approach, memory in jam.memories.items()}:
        path = _beside(path)
        say(f"Memory     another pack spells music in other words: what was heard since goes to {path}")
    try:
        save_memories(path, jam.memories)
    except MemoryFileError as error:
        say(f"{error}; choose another file")


def save_take_memory(path: Path, jam: Jam, say: Say) -> None:
    """Writes what the jam remembers, if anything, where it belongs beside the jam's journal.

    To be called when the music thread has the jam no more.
    """
    if not any(len(memory) for memory in jam.memories.values()):
        return
    try:
        save_memories(path, jam.memories)
    except MemoryFileError as error:
        say(f"{error}; the take is kept without it")


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}-new{path.suffix}")
