"""What a jam remembers of its player, and how answers use it."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.midi.messages import NoteOn
from model.approach import APPROACHES, Approach
from model.improvising.improviser import create_improviser
from model.improvising.novelty import longest_repeat, outline_of
from model.memory.backoff import DEFAULT_BACKOFFS
from model.memory.memory import Memory
from model.memory.memory_file import load_memories, save_memories
from model.notes import Note
from model.pack.dummy_pack import DummyPack
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from server.controls.control_table import Settings, Value
from server.errors import TakeError
from server.jam.jam import Jam
from server.jam.jam_output import TimedMessage
from server.takes.memory_store import find_memory_origin, kept_in_file, load_take_memory, save_take_memory
from server.takes.take_library import TakeLibrary, memory_path
from tests.engines import RandomEngine
from tests.music import exercise, line
from tests.server.jams import as_played, do_all_work, run_jam_until
from tests.server.takes.journals import write_journal
from tests.tiny_pack import VOCABULARIES

RIFF = line(60, 63, 65, 66, 65, 63, 60, 58, 60, 63, 65, 66, 70, 66, 65, 63)


class MemoryJam:
    """A jam of untrained networks, each with a memory."""

    def __init__(self, approach: Approach = "pitch", **controls: Value) -> None:
        words: dict[Approach, PitchVocabulary | EventVocabulary] = dict(VOCABULARIES)
        self.memories = {name: Memory(words[name], DEFAULT_BACKOFFS[name]) for name in APPROACHES}
        improvisers = {
            name: create_improviser(RandomEngine(words[name].size, 3), words[name], self.memories[name])
            for name in APPROACHES
        }
        settings = Settings(approach=approach, answer_length=16.0)
        for name, value in controls.items():
            settings = settings.with_value(name, value)
        self.jam = Jam(improvisers, settings, 1)
        self.beat = 0.0

    def play(self, notes: Sequence[Note]) -> None:
        begins = self.beat
        for timed in as_played(notes):
            self.run_until(begins + timed.beat)
            self.jam.receive(timed.message, begins + timed.beat)

    def run_until(self, beat: float) -> list[TimedMessage]:
        self.beat = beat
        return run_jam_until(self.jam, beat)

    def next_answer_pitches(self) -> list[int]:
        """Runs through the next answer, and returns its pitches."""
        return [item.message.pitch for item in self.run_until(self.beat + 20.0) if isinstance(item.message, NoteOn)]

    def do_all_work(self) -> None:
        do_all_work(self.jam)


def test_a_phrase_played_again_and_again_comes_back_in_answers() -> None:
    memory_jam = MemoryJam(memory=1.0, novelty=32, temperature=0.3)
    for _ in range(6):
        memory_jam.play(RIFF[:8])
        memory_jam.jam.act("stop", memory_jam.beat)
    memory_jam.play(RIFF[:8])
    riff = [note.pitch for note in RIFF[:8]]
    intervals = longest_repeat(memory_jam.next_answer_pitches(), [riff * 3])
    assert intervals >= 7


def test_without_memory_it_is_the_network_alone() -> None:
    answers = []
    for times in (1, 6):
        memory_jam = MemoryJam(memory=0.0)
        for _ in range(times):
            memory_jam.play(RIFF[:8])
            memory_jam.jam.act("stop", memory_jam.beat)
        memory_jam.play(RIFF)
        memory_jam.do_all_work()
        answers.append(memory_jam.jam.from_memory)
    assert {share for answer in answers for share in answer} == {0.0}


def test_each_planned_note_has_its_share_of_memory() -> None:
    memory_jam = MemoryJam(memory=0.9, temperature=0.3)
    for _ in range(6):
        memory_jam.play(RIFF[:8])
        memory_jam.jam.act("stop", memory_jam.beat)
    memory_jam.play(RIFF[:8])
    memory_jam.do_all_work()
    assert len(memory_jam.jam.from_memory) == len(memory_jam.jam.plan) > 0
    assert max(memory_jam.jam.from_memory) > 0.5


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize("novelty", [1, 3, 8])
def test_no_answer_repeats_more_intervals_in_a_row_than_novelty_allows(approach: Approach, novelty: int) -> None:
    memory_jam = MemoryJam(approach, memory=1.0, novelty=novelty, temperature=0.2, quantize="off")
    phrase = [note.pitch for note in RIFF]
    for _ in range(3):
        memory_jam.play(RIFF)
        onset_pitches = [
            Note(item.message.pitch, item.beat, 0.0, 80)
            for item in memory_jam.run_until(memory_jam.beat + 20.0)
            if isinstance(item.message, NoteOn)
        ]
        assert longest_repeat(outline_of(onset_pitches), [phrase]) <= novelty


def test_nor_does_an_answer_during_which_faders_move() -> None:
    memory_jam = MemoryJam(memory=1.0, novelty=3, temperature=0.2)
    memory_jam.play(RIFF)
    onset_pitches: list[int] = []
    for tick in range(80):
        came = memory_jam.run_until(memory_jam.beat + 0.25)
        onset_pitches += [item.message.pitch for item in came if isinstance(item.message, NoteOn)]
        memory_jam.jam.change("temperature", 0.2 + tick / 1000, memory_jam.beat)
    assert len(onset_pitches) > 20
    assert longest_repeat(onset_pitches, [[note.pitch for note in RIFF]]) <= 3


@pytest.mark.parametrize(("learn_from", "grows"), [("player", False), ("both", True)])
def test_its_own_answers_are_remembered_where_the_control_asks_for_it(learn_from: str, *, grows: bool) -> None:
    memory_jam = MemoryJam(learn_from=learn_from)
    memory_jam.play(RIFF)
    memory_jam.do_all_work()
    before = {name: len(memory) for name, memory in memory_jam.memories.items()}
    memory_jam.next_answer_pitches()
    memory_jam.do_all_work()
    assert all((len(memory) > before[name]) == grows for name, memory in memory_jam.memories.items())


def test_forget_clears_the_memories_and_the_answer_goes_on() -> None:
    memory_jam = MemoryJam(memory=0.9)
    memory_jam.play(exercise(32))
    memory_jam.run_until(memory_jam.beat + 3.0)
    memory_jam.jam.act("forget", memory_jam.beat)
    assert [len(memory) for memory in memory_jam.memories.values()] == [0, 0]
    assert len(memory_jam.next_answer_pitches()) > 10
    assert [len(memory) for memory in memory_jam.memories.values()] == [0, 0]


class TestMemoryFile:
    def test_the_file_keeps_what_was_heard_and_the_next_jam_begins_with_it(self, tmp_path: Path) -> None:
        file, lines = tmp_path / "me.memory", list[str]()
        first, second = MemoryJam(), MemoryJam()
        with kept_in_file(file, first.jam, lines.append):
            first.play(RIFF)
            first.do_all_work()
        with kept_in_file(file, second.jam, lines.append):
            assert [dict(memory.contexts()) for memory in second.memories.values()] == [
                dict(memory.contexts()) for memory in first.memories.values()
            ]
        assert lines == [f"Memory     {file}, which begins now", f"Memory     {file}"]

    def test_a_broken_file_is_reported_and_kept_and_the_jam_starts_without_it(self, tmp_path: Path) -> None:
        file, lines = tmp_path / "me.memory", list[str]()
        file.write_bytes(b"a letter")
        memory_jam = MemoryJam()
        with kept_in_file(file, memory_jam.jam, lines.append):
            memory_jam.play(RIFF)
            memory_jam.do_all_work()
        assert len(lines) == 1
        assert str(file) in lines[0]
        assert file.read_bytes() == b"a letter"
        assert (tmp_path / "me-new.memory").is_file()

    def test_a_file_that_cannot_be_written_is_reported(self, tmp_path: Path) -> None:
        lines: list[str] = []
        with kept_in_file(tmp_path / "nowhere" / "me.memory", MemoryJam().jam, lines.append):
            pass
        assert "cannot be written" in lines[-1]
        assert lines[-1].endswith("; choose another file")


class TestMemoryBesideAJournal:
    def test_holds_all_that_the_jam_remembers(self, tmp_path: Path) -> None:
        memory_jam, lines = MemoryJam(), list[str]()
        memory_jam.play(RIFF)
        memory_jam.do_all_work()
        save_take_memory(tmp_path / "take.memory", memory_jam.jam, lines.append)
        read = MemoryJam().memories
        load_memories(tmp_path / "take.memory", read)
        assert [dict(memory.contexts()) for memory in read.values()] == [
            dict(memory.contexts()) for memory in memory_jam.memories.values()
        ]
        assert lines == []

    def test_is_not_written_where_nothing_is_remembered(self, tmp_path: Path) -> None:
        save_take_memory(tmp_path / "take.memory", MemoryJam().jam, pytest.fail)
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_is_reported_in_a_sentence_and_leaves_no_partial_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def raise_disk_full(_: Path, __: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Path, "write_bytes", raise_disk_full)
        path, memory_jam, lines = tmp_path / "take.memory", MemoryJam(), list[str]()
        memory_jam.play(RIFF)
        memory_jam.do_all_work()
        save_take_memory(path, memory_jam.jam, lines.append)
        assert lines == [
            f"what was heard cannot be written to {path} (No space left on device); the take is kept without it"
        ]
        assert list(tmp_path.iterdir()) == []


class TestMemoryOfAnEarlierTake:
    """The jam begins with what an earlier one remembered, and does not change that file."""

    @pytest.fixture
    def library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TakeLibrary:
        monkeypatch.chdir(tmp_path)
        return TakeLibrary(Path("takes"))

    def test_the_jam_begins_with_it(self, library: TakeLibrary) -> None:
        earlier, later, lines = MemoryJam(), MemoryJam(), list[str]()
        earlier.play(RIFF)
        earlier.do_all_work()
        save_take_memory(memory_path(write_journal(library.folder)), earlier.jam, lines.append)
        load_take_memory(library.last(), later.jam, lines.append)
        assert [dict(memory.contexts()) for memory in later.memories.values()] == [
            dict(memory.contexts()) for memory in earlier.memories.values()
        ]
        assert lines == ["Memory     of jam 2026-02-03-201500"]

    def test_a_take_without_memory_is_reported_and_the_jam_starts_without(self, library: TakeLibrary) -> None:
        write_journal(library.folder)
        memory_jam, lines = MemoryJam(), list[str]()
        load_take_memory(library.last(), memory_jam.jam, lines.append)
        assert lines == ["Memory     jam 2026-02-03-201500 has none. The jam starts without it"]

    def test_a_broken_memory_is_reported_and_the_jam_starts_without(self, library: TakeLibrary) -> None:
        write_journal(library.folder, memory=b"a letter")
        memory_jam, lines = MemoryJam(), list[str]()
        load_take_memory(library.last(), memory_jam.jam, lines.append)
        (sentence,) = lines
        assert sentence.startswith("Memory     takes/2026-02-03-201500.memory is no remembered jam, or is damaged")
        assert sentence.endswith(". The jam starts without it")

    def test_a_memory_of_another_vocabulary_is_reported_and_the_jam_starts_without(self, library: TakeLibrary) -> None:
        path = memory_path(write_journal(library.folder))
        save_memories(path, {name: DummyPack().memory(name) for name in APPROACHES})
        memory_jam, lines = MemoryJam(), list[str]()
        load_take_memory(library.last(), memory_jam.jam, lines.append)
        (sentence,) = lines
        assert sentence.startswith(f"Memory     {path} was heard with another pitch vocabulary than this pack's; ")
        assert sentence.endswith(". The jam starts without it")


class TestMemoryOrigin:
    @pytest.fixture
    def library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TakeLibrary:
        monkeypatch.chdir(tmp_path)
        write_journal(Path("takes"), memory=b"a memory")
        write_journal(Path("takes"), days_ago=1, memory=b"a memory")
        return TakeLibrary(Path("takes"))

    @pytest.mark.parametrize("name", ["me.memory", "./me", "nowhere/me"])
    def test_is_a_file_where_its_name_has_a_suffix_or_a_folder(self, library: TakeLibrary, name: str) -> None:
        assert find_memory_origin(name, library, pytest.fail) == Path(name)

    @pytest.mark.parametrize("name", ["me", "last", "2026-02-03-201500"])
    def test_is_a_file_where_there_is_one(self, library: TakeLibrary, name: str) -> None:
        Path(name).touch()
        assert find_memory_origin(name, library, pytest.fail) == Path(name)

    @pytest.mark.parametrize(
        "name", ["2026-02-02-201500", "02-02", "takes/2026-02-02-201500.memory", "takes/2026-02-02-201500.jam"]
    )
    def test_is_a_take_by_any_part_of_its_id_or_by_a_file_of_it(self, library: TakeLibrary, name: str) -> None:
        assert find_memory_origin(name, library, pytest.fail) == library.find("2026-02-02")

    def test_is_the_last_take_that_has_a_memory(self, library: TakeLibrary) -> None:
        memory_path(library.last().path).unlink()
        assert find_memory_origin("last", library, pytest.fail) == library.find("2026-02-02")

    def test_is_none_before_the_first_take_and_that_is_reported(self, tmp_path: Path) -> None:
        lines: list[str] = []
        assert find_memory_origin("last", TakeLibrary(tmp_path / "none"), lines.append) is None
        (sentence,) = lines
        assert sentence.startswith("Memory     nothing was remembered yet: there is no jam with a memory in ")
        assert sentence.endswith(". The jam starts without it")

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("me", "there is no jam me in takes; `fours takes` lists those that there are."),
            ("2026", "2026 fits 2 jams, 2026-02-02-201500, 2026-02-03-201500; give more of the id."),
        ],
    )
    def test_an_unknown_name_is_reported_in_one_sentence(self, library: TakeLibrary, name: str, sentence: str) -> None:
        with pytest.raises(TakeError) as raised:
            find_memory_origin(name, library, pytest.fail)
        assert str(raised.value) == f"{sentence} A file is named with a suffix: {name}.memory"


def test_another_pack_of_the_same_vocabulary_takes_the_memory_over() -> None:
    memory_jam, other = MemoryJam(), MemoryJam()
    memory_jam.play(RIFF)
    memory_jam.do_all_work()
    known = [dict(memory.contexts()) for memory in memory_jam.memories.values()]
    memory_jam.jam.replace_improvisers({name: other.jam._models[name] for name in APPROACHES})
    memory_jam.do_all_work()
    assert [dict(memory.contexts()) for memory in other.memories.values()] == known
    assert memory_jam.jam.memories == other.memories
