"""What tests let run in processes of their own, in a module that is quick to import there."""

import os
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

from train.corpus import ingest
from train.corpus.cache import Cache
from train.corpus.reading import LineSelection, Reading

CRASHING_FILE = "crash.mid"


def read_or_crash(paths: tuple[Path, ...], choice: LineSelection) -> list[Reading]:
    """Stands in for a parser that takes its process down with it, as we know no bytes that take symusic down."""
    if any(path.name == CRASHING_FILE for path in paths):
        os._exit(1)
    return ingest._read_batch(paths, choice)


def die(_: frozenset[str]) -> None:
    """Stands in for a system that starts no process."""
    os._exit(1)


def add_two_by_two(folder: Path, readings: Sequence[Reading], start: Barrier) -> None:
    """Adds readings to a cache, once all are there who do."""
    cache = Cache(folder, LineSelection())
    start.wait()
    for begin in range(0, len(readings), 2):
        cache.add(readings[begin : begin + 2])
