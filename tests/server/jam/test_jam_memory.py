"""What a jam learns of its player, and hands back changed."""

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


class Partner:
    """A jam of networks that know nothing, each with a memory."""

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
            self.until(begins + timed.beat)
            self.jam.receive(timed.message, begins + timed.beat)

    def until(self, beat: float) -> list[TimedMessage]:
        self.beat = beat
        return run_jam_until(self.jam, beat)

    def answered(self) -> list[int]:
        """The next answer's pitches."""
        return [item.message.pitch for item in self.until(self.beat + 20.0) if isinstance(item.message, NoteOn)]

    def think(self) -> None:
        do_all_work(self.jam)


def test_what_you_play_over_and_over_comes_back() -> None:
    partner = Partner(memory=1.0, novelty=32, temperature=0.3)
    for _ in range(6):
        partner.play(RIFF[:8])
        partner.jam.act("stop", partner.beat)
    partner.play(RIFF[:8])
    riff = [note.pitch for note in RIFF[:8]]
    intervals = longest_repeat(partner.answered(), [riff * 3])
    assert intervals >= 7


def test_without_memory_it_is_the_network_alone() -> None:
    answers = []
    for times in (1, 6):
        partner = Partner(memory=0.0)
        for _ in range(times):
            partner.play(RIFF[:8])
            partner.jam.act("stop", partner.beat)
        partner.play(RIFF)
        partner.think()
        answers.append(partner.jam.from_memory)
    assert {share for answer in answers for share in answer} == {0.0}


def test_each_planned_note_says_how_much_of_it_is_memory() -> None:
    partner = Partner(memory=0.9, temperature=0.3)
    for _ in range(6):
        partner.play(RIFF[:8])
        partner.jam.act("stop", partner.beat)
    partner.play(RIFF[:8])
    partner.think()
    assert len(partner.jam.from_memory) == len(partner.jam.plan) > 0
    assert max(partner.jam.from_memory) > 0.5


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize("novelty", [1, 3, 8])
def test_no_answer_repeats_more_intervals_in_a_row_than_it_may(approach: Approach, novelty: int) -> None:
    partner = Partner(approach, memory=1.0, novelty=novelty, temperature=0.2, quantize="off")
    phrase = [note.pitch for note in RIFF]
    for _ in range(3):
        partner.play(RIFF)
        begun = [
            Note(item.message.pitch, item.beat, 0.0, 80)
            for item in partner.until(partner.beat + 20.0)
            if isinstance(item.message, NoteOn)
        ]
        assert longest_repeat(outline_of(begun), [phrase]) <= novelty


def test_nor_where_faders_move_in_the_middle_of_it() -> None:
    partner = Partner(memory=1.0, novelty=3, temperature=0.2)
    partner.play(RIFF)
    begun: list[int] = []
    for tick in range(80):
        came = partner.until(partner.beat + 0.25)
        begun += [item.message.pitch for item in came if isinstance(item.message, NoteOn)]
        partner.jam.change("temperature", 0.2 + tick / 1000, partner.beat)
    assert len(begun) > 20
    assert longest_repeat(begun, [[note.pitch for note in RIFF]]) <= 3


@pytest.mark.parametrize(("learn_from", "grows"), [("player", False), ("both", True)])
def test_its_own_answers_are_remembered_by_choice(learn_from: str, *, grows: bool) -> None:
    partner = Partner(learn_from=learn_from)
    partner.play(RIFF)
    partner.think()
    before = {name: len(memory) for name, memory in partner.memories.items()}
    partner.answered()
    partner.think()
    assert all((len(memory) > before[name]) == grows for name, memory in partner.memories.items())


def test_forget_forgets_and_goes_on_playing() -> None:
    partner = Partner(memory=0.9)
    partner.play(exercise(32))
    partner.until(partner.beat + 3.0)
    partner.jam.act("forget", partner.beat)
    assert [len(memory) for memory in partner.memories.values()] == [0, 0]
    assert len(partner.answered()) > 10
    assert [len(memory) for memory in partner.memories.values()] == [0, 0]


class TestFromOneEveningToTheNext:
    def test_the_file_ends_with_what_was_heard_and_the_next_jam_begins_with_it(self, tmp_path: Path) -> None:
        file, said = tmp_path / "me.memory", list[str]()
        first, second = Partner(), Partner()
        with kept_in_file(file, first.jam, said.append):
            first.play(RIFF)
            first.think()
        with kept_in_file(file, second.jam, said.append):
            assert [dict(memory.contexts()) for memory in second.memories.values()] == [
                dict(memory.contexts()) for memory in first.memories.values()
            ]
        assert said == [f"Memory     {file}, which begins now", f"Memory     {file}"]

    def test_one_that_is_broken_is_said_and_kept_and_the_jam_starts_without_it(self, tmp_path: Path) -> None:
        file, said = tmp_path / "me.memory", list[str]()
        file.write_bytes(b"a letter")
        partner = Partner()
        with kept_in_file(file, partner.jam, said.append):
            partner.play(RIFF)
            partner.think()
        assert len(said) == 1
        assert str(file) in said[0]
        assert file.read_bytes() == b"a letter"
        assert (tmp_path / "me-new.memory").is_file()

    def test_a_place_that_cannot_be_written_is_said(self, tmp_path: Path) -> None:
        said: list[str] = []
        with kept_in_file(tmp_path / "nowhere" / "me.memory", Partner().jam, said.append):
            pass
        assert "cannot be written" in said[-1]
        assert said[-1].endswith("; choose another file")


class TestBesideAJournal:
    def test_is_all_that_the_jam_remembers(self, tmp_path: Path) -> None:
        partner, said = Partner(), list[str]()
        partner.play(RIFF)
        partner.think()
        save_take_memory(tmp_path / "take.memory", partner.jam, said.append)
        read = Partner().memories
        load_memories(tmp_path / "take.memory", read)
        assert [dict(memory.contexts()) for memory in read.values()] == [
            dict(memory.contexts()) for memory in partner.memories.values()
        ]
        assert said == []

    def test_is_nothing_where_nothing_is_remembered(self, tmp_path: Path) -> None:
        save_take_memory(tmp_path / "take.memory", Partner().jam, pytest.fail)
        assert list(tmp_path.iterdir()) == []

    def test_of_a_disk_that_is_full_is_said_in_a_sentence_and_leaves_nothing_half_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: Path, __: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Path, "write_bytes", full)
        path, partner, said = tmp_path / "take.memory", Partner(), list[str]()
        partner.play(RIFF)
        partner.think()
        save_take_memory(path, partner.jam, said.append)
        assert said == [
            f"what was heard cannot be written to {path} (No space left on device); the take is kept without it"
        ]
        assert list(tmp_path.iterdir()) == []


class TestFromAnEarlierTake:
    """The jam begins with what an earlier one remembered, and leaves it as it was."""

    @pytest.fixture
    def shelf(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TakeLibrary:
        monkeypatch.chdir(tmp_path)
        return TakeLibrary(Path("takes"))

    def test_it_knows_what_that_one_heard(self, shelf: TakeLibrary) -> None:
        earlier, later, said = Partner(), Partner(), list[str]()
        earlier.play(RIFF)
        earlier.think()
        save_take_memory(memory_path(write_journal(shelf.folder)), earlier.jam, said.append)
        load_take_memory(shelf.last(), later.jam, said.append)
        assert [dict(memory.contexts()) for memory in later.memories.values()] == [
            dict(memory.contexts()) for memory in earlier.memories.values()
        ]
        assert said == ["Memory     of jam 2026-02-03-201500"]

    def test_one_that_has_no_memory_is_said_and_the_jam_starts_without(self, shelf: TakeLibrary) -> None:
        write_journal(shelf.folder)
        partner, said = Partner(), list[str]()
        load_take_memory(shelf.last(), partner.jam, said.append)
        assert said == ["Memory     jam 2026-02-03-201500 has none. The jam starts without it"]

    def test_one_whose_memory_is_broken_is_said_and_the_jam_starts_without(self, shelf: TakeLibrary) -> None:
        write_journal(shelf.folder, memory=b"a letter")
        partner, said = Partner(), list[str]()
        load_take_memory(shelf.last(), partner.jam, said.append)
        (sentence,) = said
        assert sentence.startswith("Memory     takes/2026-02-03-201500.memory is no remembered jam, or is damaged")
        assert sentence.endswith(". The jam starts without it")

    def test_one_that_was_heard_in_other_words_is_said_and_the_jam_starts_without(self, shelf: TakeLibrary) -> None:
        path = memory_path(write_journal(shelf.folder))
        save_memories(path, {name: DummyPack().memory(name) for name in APPROACHES})
        partner, said = Partner(), list[str]()
        load_take_memory(shelf.last(), partner.jam, said.append)
        (sentence,) = said
        assert sentence.startswith(f"Memory     {path} was heard with another pitch vocabulary than this pack's; ")
        assert sentence.endswith(". The jam starts without it")


class TestWhatItBeginsWith:
    @pytest.fixture
    def shelf(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TakeLibrary:
        monkeypatch.chdir(tmp_path)
        write_journal(Path("takes"), memory=b"a memory")
        write_journal(Path("takes"), days_ago=1, memory=b"a memory")
        return TakeLibrary(Path("takes"))

    @pytest.mark.parametrize("name", ["me.memory", "./me", "nowhere/me"])
    def test_is_a_file_where_its_name_has_a_suffix_or_a_folder(self, shelf: TakeLibrary, name: str) -> None:
        assert find_memory_origin(name, shelf, pytest.fail) == Path(name)

    @pytest.mark.parametrize("name", ["me", "last", "2026-02-03-201500"])
    def test_is_a_file_where_there_is_one(self, shelf: TakeLibrary, name: str) -> None:
        Path(name).touch()
        assert find_memory_origin(name, shelf, pytest.fail) == Path(name)

    @pytest.mark.parametrize(
        "name", ["2026-02-02-201500", "02-02", "takes/2026-02-02-201500.memory", "takes/2026-02-02-201500.jam"]
    )
    def test_is_a_take_by_any_part_of_its_id_or_by_a_file_of_it(self, shelf: TakeLibrary, name: str) -> None:
        assert find_memory_origin(name, shelf, pytest.fail) == shelf.find("2026-02-02")

    def test_is_the_last_take_that_has_a_memory(self, shelf: TakeLibrary) -> None:
        memory_path(shelf.last().path).unlink()
        assert find_memory_origin("last", shelf, pytest.fail) == shelf.find("2026-02-02")

    def test_is_nothing_on_the_first_evening_of_all_and_says_so(self, tmp_path: Path) -> None:
        said: list[str] = []
        assert find_memory_origin("last", TakeLibrary(tmp_path / "none"), said.append) is None
        (sentence,) = said
        assert sentence.startswith("Memory     nothing was remembered yet: there is no jam with a memory in ")
        assert sentence.endswith(". The jam starts without it")

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("me", "there is no jam me in takes; `fours takes` lists those that there are."),
            ("2026", "2026 fits 2 jams, 2026-02-02-201500, 2026-02-03-201500; give more of the id."),
        ],
    )
    def test_that_is_no_take_is_one_sentence(self, shelf: TakeLibrary, name: str, sentence: str) -> None:
        with pytest.raises(TakeError) as raised:
            find_memory_origin(name, shelf, pytest.fail)
        assert str(raised.value) == f"{sentence} A file is named with a suffix: {name}.memory"


def test_another_pack_of_the_same_words_remembers_too() -> None:
    partner, other = Partner(), Partner()
    partner.play(RIFF)
    partner.think()
    known = [dict(memory.contexts()) for memory in partner.memories.values()]
    partner.jam.replace_improvisers({name: other.jam._models[name] for name in APPROACHES})
    partner.think()
    assert [dict(memory.contexts()) for memory in other.memories.values()] == known
    assert partner.jam.memories == other.memories
