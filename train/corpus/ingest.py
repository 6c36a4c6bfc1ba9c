"""Reads many music files in worker processes, through the cache; survives files that crash the parser."""

import gc
import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from train.corpus.cache import Cache
from train.corpus.reading import LineSelection, Reading, read_file
from train.errors import CorpusError

FILES_AT_ONCE = 64
BATCHES_AHEAD_PER_WORKER = 2
# A shard is written when it holds this many files or notes: large, so that there are few, and small enough for memory.
FILES_PER_SHARD = 4096
NOTES_PER_SHARD = 4_000_000
_CRASHED = "the MIDI parser crashed on it"

OnProgress = Callable[[int], None]


def ingest(
    paths: Sequence[Path],
    choice: LineSelection,
    cache: Cache,
    workers: int = 2,
    on_progress: OnProgress = lambda _: None,
) -> list[Reading]:
    """The readings of the files, in the same order. Files that are not in the cache yet are read into it.

    `on_progress` is called with the number of files done. Raises OutputError where the cache cannot be written.
    """
    found: list[tuple[str, str]] = []
    new: list[Reading] = []
    notes = 0
    batches = [tuple(paths[begin : begin + FILES_AT_ONCE]) for begin in range(0, len(paths), FILES_AT_ONCE)]
    for batch in _in_workers(batches, choice, cache.known, workers):
        found += [(reading.sha256, reading.reason) for reading in batch]
        read = [reading for reading in batch if reading.sha256 and not reading.known]
        new += read
        notes += sum(len(line) for reading in read for line in reading.lines)
        if len(new) >= FILES_PER_SHARD or notes >= NOTES_PER_SHARD:
            cache.add(new)
            new, notes = [], 0
        on_progress(len(found))
    cache.add(new)
    return [cache.get(sha256) if sha256 else Reading("", reason=reason) for sha256, reason in found]


_known: frozenset[str] = frozenset()


def _remember(known: frozenset[str]) -> None:
    """Runs once in each worker process; stores the hashes of files that need not be parsed."""
    global _known  # noqa: PLW0603  a worker process has no other place
    _known = known
    # Imported modules stay, and readings contain no cycles: the search for cycles would take a tenth of the time.
    gc.freeze()
    gc.disable()


def _read_batch(paths: tuple[Path, ...], choice: LineSelection) -> list[Reading]:
    return [read_file(path, choice, _known) for path in paths]


def _pool(workers: int, known: frozenset[str]) -> ProcessPoolExecutor:
    # Spawned and not forked, as threads of torch do not survive a fork.
    return ProcessPoolExecutor(workers, get_context("spawn"), _remember, (known,))


def _in_workers(
    batches: Sequence[tuple[Path, ...]], choice: LineSelection, known: frozenset[str], workers: int
) -> Iterator[list[Reading]]:
    """The batches' readings in order, few of them at a time."""
    waiting = deque(batches)
    while waiting:
        running: deque[tuple[tuple[Path, ...], Future[list[Reading]]]] = deque()
        with _pool(min(workers, len(waiting)), known) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < workers * BATCHES_AHEAD_PER_WORKER:
                        # Removed only once it is submitted, as the pool may be broken.
                        running.append((waiting[0], pool.submit(_read_batch, waiting[0], choice)))
                        waiting.popleft()
                    yield running[0][1].result()
                    running.popleft()
            except BrokenProcessPool:
                # A file crashed its worker, which ended all running batches: find the file, then continue.
                for batch, future in running:
                    finished = future.done() and future.exception() is None
                    yield future.result() if finished else _read_apart(batch, choice)


def _read_apart(paths: tuple[Path, ...], choice: LineSelection) -> list[Reading]:
    """The readings of files of which one may crash the parser: they are read in a new process, and after a crash each
    half again.
    """
    started = False
    try:
        with _pool(1, frozenset()) as pool:
            started = pool.submit(_read_batch, (), choice).result() == []
            return pool.submit(_read_batch, paths, choice).result()
    except BrokenProcessPool as error:
        if not started:
            raise CorpusError("no process can be started to read MIDI files") from error
        if len(paths) == 1:
            return [Reading(hashlib.sha256(paths[0].read_bytes()).hexdigest(), reason=_CRASHED)]
        half = len(paths) // 2
        return _read_apart(paths[:half], choice) + _read_apart(paths[half:], choice)
