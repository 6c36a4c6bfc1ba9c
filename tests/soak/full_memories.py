"""A file of memories that are full: they have heard random notes, which repeat nothing, until they drop the oldest."""

from pathlib import Path
from random import Random

from model.approach import APPROACHES, Approach
from model.memory.memory import Memory
from model.memory.memory_file import save_memories
from model.pack.pack import open_pack
from server.controls.control_table import Settings


def full_memories(path: Path, random_seed: int) -> Path:
    """Writes the file, for the pack that plays by default; returns its path. Takes some seconds."""
    pack, random = open_pack(Settings().pack), Random(random_seed)
    memories: dict[Approach, Memory] = {approach: pack.memory(approach) for approach in APPROACHES}
    for memory in memories.values():
        pitches, size = len(memory.vocabulary.pitches), memory.vocabulary.size
        while len(memory) < memory.capacity:
            memory.hear(random.randrange(1, 1 + pitches), random.randrange(96))
            if memory.time_comes:
                memory.hear(random.randrange(1 + pitches, size), random.randrange(96))
    save_memories(path, memories)
    return path
