"""How often Python searches for garbage while a command starts, when nearly all that is created stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_USUAL_THRESHOLDS = gc.get_threshold()
STARTING_THRESHOLD = 50_000
"""New objects before a search. With Python's own number, 700, the searches take some 10 ms of each start."""


def search_seldom() -> None:
    """For every command: memory that is garbage waits longer, which only a process that runs for hours would notice."""
    gc.set_threshold(STARTING_THRESHOLD)


@contextmanager
def no_search() -> Iterator[None]:
    """No search at all while the block runs, unless `search_as_usual` is called in it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def search_as_usual() -> None:
    """Searches among what is created from now on, as often as Python does by itself."""
    # All objects up to here live as long as the process: a search through them would stop the music for 50 ms.
    gc.freeze()
    gc.set_threshold(*_USUAL_THRESHOLDS)
    gc.enable()
