"""A day of playing into a memory: whether it keeps to its capacity, how much space that takes, and the time of a token.

Four notes per second for 24 hours, most of them new: riffs of 4 to 24 notes, each played a few times, with a quarter of the
notes changed at random. Every second or two a plan of 16 tokens is heard and undone.
"""

import gc
import time
import tracemalloc
from collections.abc import Iterator

import numpy as np

from bench.table import show
from model.approach import APPROACHES, Approach
from model.memory.memory import Memory
from model.pack.pack import open_pack
from model.tokens.vocabulary import EventVocabulary
from server.controls.control_table import Settings

HOURS, NOTES_PER_S = 24, 4
REPORTED_HOURS = (1, 2, 6, 12, 24)
PLAN_TOKENS = 16


def run() -> None:
    """Prints, for both approaches and after some hours, the contexts in memory, and the time to mix and hear a token."""
    rows = []
    for approach in APPROACHES:
        memory = open_pack(Settings().pack).memory(approach)
        rows += [(approach, *row) for row in _day(memory, approach)]
        rows.append((approach, "of memory", f"{_full_size_bytes(approach) / 1e6:.0f} MB when full", "", "", "", ""))
    show(
        f"{HOURS} hours of {NOTES_PER_S} notes a second, one thread",
        ("approach", "after", "contexts", "median ms", "p99 ms", "mean ms", "taking a plan back, ms a token"),
        rows,
    )


def _day(memory: Memory, approach: Approach) -> Iterator[tuple[str, ...]]:
    p = np.random.default_rng(1).dirichlet(np.full(memory.vocabulary.size, 0.3))
    tokens = _endless_tokens(memory, approach)
    per_hour = 3600 * NOTES_PER_S * (2 if approach == "event" else 1)
    for hour in range(1, HOURS + 1):
        durations_s, restore_s = [], []
        for count in range(per_hour):
            token = next(tokens)
            started_s = time.perf_counter()
            memory.mix(p)
            memory.hear(token)
            durations_s.append(time.perf_counter() - started_s)
            assert len(memory) <= memory.capacity
            if count % (NOTES_PER_S * 4) == 0:
                mark = memory.snapshot()
                for planned in range(1, 1 + PLAN_TOKENS):
                    memory.hear(planned)
                started_s = time.perf_counter()
                memory.restore(mark)
                restore_s.append((time.perf_counter() - started_s) / PLAN_TOKENS)
        if hour in REPORTED_HOURS:
            median, p99 = np.percentile(np.array(durations_s) * 1000, [50, 99])
            times = (median, p99, np.mean(durations_s) * 1000, np.median(restore_s) * 1000)
            yield f"{hour} h", f"{len(memory):,}", *(f"{value:.4f}" for value in times)


def _endless_tokens(memory: Memory, approach: Approach) -> Iterator[int]:
    """An endless stream of tokens."""
    random = np.random.default_rng(0)
    vocabulary = memory.vocabulary
    pitches = len(vocabulary.pitches)
    times = vocabulary.size - 1 - pitches
    while True:
        length = int(random.integers(4, 25))
        riff = random.integers(20, pitches - 20, length)
        shifts = random.integers(0, max(times, 1), length)
        for _ in range(int(random.integers(1, 5))):
            changed = np.where(random.random(length) < 0.25, random.integers(20, pitches - 20, length), riff)
            for pitch, shift in zip(changed.tolist(), shifts.tolist(), strict=True):
                yield 1 + pitch
                if approach == "event":
                    assert isinstance(vocabulary, EventVocabulary)
                    yield vocabulary.first_time_token + shift


def _full_size_bytes(approach: Approach) -> int:
    """The size of a full memory, by tracemalloc."""
    gc.collect()
    tracemalloc.start()
    memory = open_pack(Settings().pack).memory(approach)
    tokens = _endless_tokens(memory, approach)
    while len(memory) < memory.capacity:
        memory.hear(next(tokens))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size
