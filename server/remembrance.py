"""What a jam remembers, from one evening to the next: read at its start, written at its end; knows no music thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from model.errors import MemoryFileError
from model.remembered import load_memories, save_memories
from server.jam import Jam

Say = Callable[[str], None]


@contextmanager
def remembering(path: Path, jam: Jam, say: Say) -> Iterator[None]:
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


def keep_memory(path: Path, jam: Jam, say: Say) -> None:
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
