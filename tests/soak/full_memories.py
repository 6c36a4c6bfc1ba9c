"""A file of memories that are full: they have heard random phrases, each a few times with a note changed, until they drop the oldest."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from model.approach import APPROACHES, Approach
from model.memory.memory import Memory
from model.memory.memory_file import save_memories
from model.pack.pack import open_pack
from server.controls.control_table import Settings

PHRASE_NOTES, TIMES_HEARD = 8, 3
PLACES = 96


def full_memories(path: Path, random_seed: int) -> Path:
    """Writes the file, for the pack that plays by default; returns its path. Takes some seconds."""
    pack, random = open_pack(Settings().pack), Random(random_seed)
    memories: dict[Approach, Memory] = {approach: pack.memory(approach) for approach in APPROACHES}
    for memory in memories.values():
        first_time, size = 1 + len(memory.vocabulary.pitches), memory.vocabulary.size
        notes = _notes(random, first_time, size)
        while len(memory) < memory.capacity:
            note, time, place = next(notes)
            memory.hear(note, place)
            if memory.time_comes:
                memory.hear(time, place)
    save_memories(path, memories)
    return path


def _notes(random: Random, first_time: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Notes without end: each the token of a note, that of a time, where there are any, and a place in the bar."""

    def note() -> tuple[int, int, int]:
        return (
            random.randrange(1, first_time),
            random.randrange(first_time, max(size, first_time + 1)),
            random.randrange(PLACES),
        )

    while True:
        phrase = [note() for _ in range(PHRASE_NOTES)]
        for _ in range(TIMES_HEARD):
            yield from phrase
            phrase[random.randrange(PHRASE_NOTES)] = note()
