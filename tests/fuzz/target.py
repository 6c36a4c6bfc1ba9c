"""`FuzzTarget`: supplies valid inputs to start from, and reads any input as the program does.

A target fails by raising an exception. Errors with which the program refuses input are caught, and their length is checked.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

LONGEST_SENTENCE = 1000

Run = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class FuzzTarget:
    """A target. `seeds` returns valid inputs. `open` takes a folder and a stack that closes what it opens, and returns a function
    that reads one input at a time."""

    name: str
    seeds: Callable[[], Sequence[bytes]]
    open: Callable[[Path, ExitStack], Run]
    short_run: int = 1500
    """The number of inputs that take a few seconds."""

    @contextmanager
    def opened(self) -> Iterator[Run]:
        """Opens the target for the block; yields the function that reads one input."""
        folder_in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  a disk would be slow
        with TemporaryDirectory(prefix="fours-fuzz-", dir=folder_in_memory) as folder, ExitStack() as stack:
            yield self.open(Path(folder), stack)


def check_sentence(error: Exception, longest: int = LONGEST_SENTENCE) -> None:
    """Checks that the text of a refusal is one that can be read."""
    assert 0 < len(str(error)) <= longest, f"{type(error).__name__} of {len(str(error))} characters"
