from pathlib import Path

from model.approach import APPROACHES
from model.memory.memory_file import load_memories
from model.pack.pack import open_pack
from server.controls.control_table import Settings
from tests.soak.full_memories import full_memories


def test_full_memories_hold_all_that_memories_can(tmp_path: Path) -> None:
    path = full_memories(tmp_path / "full.memory", random_seed=1)
    pack = open_pack(Settings().pack)
    memories = {approach: pack.memory(approach) for approach in APPROACHES}
    load_memories(path, memories)
    assert [len(memory) for memory in memories.values()] == [memory.capacity for memory in memories.values()]
