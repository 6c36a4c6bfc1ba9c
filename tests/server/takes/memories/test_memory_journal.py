from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.approach import Approach
from model.memory.backoff import DEFAULT_BACKOFFS, Trust
from model.memory.context_kinds import kind_named
from model.memory.memory import Memory
from model.memory.memory_file import load_memories, save_memories
from model.tokens.vocabulary import PitchVocabulary
from server.takes.journal.record_encoder import RecordEncoder
from server.takes.journal.record_reader import read_records
from server.takes.journal.records import JournalBegun, MemoryBegun, MemoryHeard, Record
from server.takes.memories.memory_journal import MemoryJournal, recover_memories
from tests.tiny_pack import VOCABULARIES, random_walk


def empty_memories() -> dict[Approach, Memory]:
    return {approach: Memory(words, DEFAULT_BACKOFFS[approach]) for approach, words in VOCABULARIES.items()}


def as_read_back(records: list[Record]) -> tuple[Record, ...]:
    encoder = RecordEncoder()
    contents = read_records(b"".join(map(encoder.encode, records)))
    assert contents.damaged_lines == 0
    return contents.records


def contents_of(memories: Mapping[Approach, Memory]) -> dict[Approach, dict[bytes, bytes]]:
    return {approach: dict(memory.contexts()) for approach, memory in memories.items()}


def recovered(records: list[Record], path: Path) -> dict[Approach, dict[bytes, bytes]]:
    assert recover_memories(as_read_back(records), path)
    memories = empty_memories()
    load_memories(path, memories)
    return contents_of(memories)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "take.memory"


def hear(memories: Mapping[Approach, Memory], count: int, *, learn: bool = True) -> None:
    for memory in memories.values():
        for token in random_walk(memory.vocabulary.size, count):
            memory.hear(token, learn=learn)


def test_what_was_heard_is_recovered_from_records_of_any_moments(path: Path) -> None:
    memories = empty_memories()
    journal = MemoryJournal(lambda: memories)
    records = journal.new_records()
    for count in (3, 40, 1):
        hear(memories, count)
        hear(memories, count, learn=False)
        records += journal.new_records()
    assert journal.new_records() == []
    assert recovered(records, path) == contents_of(memories)


def test_it_holds_nothing_where_nothing_was_heard(path: Path) -> None:
    memories = empty_memories()
    records = MemoryJournal(lambda: memories).new_records()
    assert [type(record) for record in records] == [MemoryBegun, MemoryBegun]
    assert not recover_memories(as_read_back(records), path)
    assert not path.exists()


def test_a_plan_that_was_heard_and_undone_leaves_nothing(path: Path) -> None:
    memories = empty_memories()
    journal = MemoryJournal(lambda: memories)
    hear(memories, 10)
    marks = {approach: memory.snapshot() for approach, memory in memories.items()}
    hear(memories, 5)
    records = journal.new_records()
    for approach, memory in memories.items():
        memory.restore(marks[approach])
    records += journal.new_records()
    assert recovered(records, path) == contents_of(memories)
    hear(memories, 7)
    records += journal.new_records()
    assert recovered(records, path) == contents_of(memories)


CHORD_PLACES = (b"", bytes((0, 0, 7, 1, 12)), bytes((7, 1, 0, 0, 96)))
OVER_CHORDS = replace(
    DEFAULT_BACKOFFS["pitch"],
    chords=Trust(
        (kind_named("chord, 0 pitches"), kind_named("chord, 1 pitches")), (1.0, 2.0), variety=0.8, evidence=0.4
    ),
)


@given(data=st.data())
def test_it_follows_any_going_back_and_forth(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    memory = Memory(VOCABULARIES["pitch"], OVER_CHORDS)
    journal = MemoryJournal(lambda: {"pitch": memory})
    records, marks = journal.new_records(), [memory.snapshot()]
    for step in data.draw(st.lists(st.sampled_from(["hear", "back", "write", "forget"]), max_size=40)):
        if step == "hear":
            token, learn = data.draw(st.integers(0, memory.vocabulary.size - 1)), data.draw(st.booleans())
            place, chord_place = data.draw(st.sampled_from([None, 0, 24])), data.draw(st.sampled_from(CHORD_PLACES))
            memory.hear(token, place, chord_place, learn=learn)
            marks.append(memory.snapshot())
        elif step == "back":
            memory.restore(marks[data.draw(st.integers(0, len(marks) - 1))])
        elif step == "write":
            records += journal.new_records()
        else:
            memory.forget()
            marks = [memory.snapshot()]
    records += journal.new_records()
    path = tmp_path_factory.mktemp("memory") / "take.memory"
    assert recover_memories(as_read_back(records), path) == bool(len(memory))
    if len(memory):
        read = Memory(VOCABULARIES["pitch"], OVER_CHORDS)
        load_memories(path, {"pitch": read})
        assert dict(read.contexts()) == dict(memory.contexts())


def test_the_memory_that_a_jam_began_with_is_its_base(path: Path) -> None:
    memories = empty_memories()
    hear(memories, 100)
    save_memories(path, memories)
    for memory in memories.values():
        memory.load_contexts(list(memory.contexts()))
    journal = MemoryJournal(lambda: memories)
    records = journal.new_records()
    hear(memories, 30)
    records += journal.new_records()
    assert recovered(records, path) == contents_of(memories)


def test_many_thousand_tokens_take_a_few_bytes_each_and_are_recovered(path: Path) -> None:
    memories = empty_memories()
    journal = MemoryJournal(lambda: memories)
    records = journal.new_records()
    for _ in range(100):
        hear(memories, 50)
        records += journal.new_records()
    encoder = RecordEncoder()
    assert sum(len(encoder.encode(record)) for record in records) < 5 * 100 * 50 * 2
    assert recovered(records, path) == contents_of(memories)


def test_a_damaged_line_loses_only_what_it_held(path: Path) -> None:
    memories = empty_memories()
    journal = MemoryJournal(lambda: memories)
    records = journal.new_records()
    for _ in range(4):
        hear(memories, 20)
        records += journal.new_records()
    del records[4]
    assert recover_memories(as_read_back(records), path)


def test_tokens_outside_the_vocabulary_are_left_out(path: Path) -> None:
    begun = MemoryBegun("pitch", (60, 62), (), keeps_content=False)
    assert recover_memories([begun, MemoryHeard("pitch", 7, (1, 2, 1, 2, 100, -100), (None, 0, 12, 24, 36, 48))], path)


class TestTheFileOfTheJam:
    """`fours jam --remember FILE` saves its memories in FILE at its end; after a kill, the next start does."""

    LATER_S = 4e9
    """The journal was written to after everything else."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "evenings.memory"

    def recover(self, path: Path, file: Path, *, last_written_s: float = LATER_S, heard: int = 10) -> None:
        """Recovers a jam that heard some tokens and was to save them in `file`."""
        memories = empty_memories()
        journal = MemoryJournal(lambda: memories)
        hear(memories, heard)
        begun = JournalBegun("2026-02-03T20:15:00+01:00", 5.0, 8.0, str(file))
        assert recover_memories(as_read_back([begun, *journal.new_records()]), path, last_written_s)

    def test_gets_what_was_recovered(self, path: Path, file: Path) -> None:
        save_memories(file, empty_memories())
        self.recover(path, file)
        assert file.read_bytes() == path.read_bytes()

    def test_begins_where_the_killed_jam_was_the_first(self, path: Path, file: Path) -> None:
        self.recover(path, file)
        assert file.read_bytes() == path.read_bytes()

    def test_keeps_what_a_later_jam_has_saved(self, path: Path, file: Path) -> None:
        save_memories(file, empty_memories())
        before = file.read_bytes()
        self.recover(path, file, last_written_s=file.stat().st_mtime - 10.0)
        assert file.read_bytes() == before

    def test_of_another_vocabulary_stays_as_it_is(self, path: Path, file: Path) -> None:
        words = PitchVocabulary((60, 62))
        save_memories(file, {"pitch": Memory(words, DEFAULT_BACKOFFS["pitch"])})
        before = file.read_bytes()
        self.recover(path, file)
        assert file.read_bytes() == before

    def test_is_never_a_file_that_is_no_memory(self, path: Path, file: Path) -> None:
        file.write_text("a letter", encoding="utf-8")
        self.recover(path, file)
        assert file.read_text(encoding="utf-8") == "a letter"

    def test_in_a_folder_that_is_gone_is_left_out(self, path: Path, tmp_path: Path) -> None:
        self.recover(path, tmp_path / "gone" / "evenings.memory")
        assert path.exists()
