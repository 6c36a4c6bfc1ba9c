"""The memory of a jam in files: one that is kept from jam to jam, and one beside each journal."""

import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from model.approach import APPROACHES
from model.memory.memory_file import load_memories, save_memories
from model.pack.dummy_pack import DummyPack
from server.config.config import Config
from server.errors import TakeError
from server.music.packs.pack_loader import load_pack
from server.takes.file_lock import lock
from server.takes.memories.memory_store import find_memory_origin, load_take_memory, memories_in_file, save_take_memory
from server.takes.take_library import TakeLibrary, memory_path
from tests.server.takes.journals import write_journal
from tests.server.takes.memories.memory_jam import RIFF, MemoryJam


class TestMemoryFile:
    def test_the_file_keeps_what_was_heard_and_the_next_jam_begins_with_it(self, tmp_path: Path) -> None:
        file, lines = tmp_path / "me.memory", list[str]()
        first, second = MemoryJam(), MemoryJam()
        with memories_in_file(file, first.jam, lines.append):
            first.play(RIFF)
            first.do_all_work()
        with memories_in_file(file, second.jam, lines.append):
            assert [dict(memory.contexts()) for memory in second.memories.values()] == [
                dict(memory.contexts()) for memory in first.memories.values()
            ]
        assert lines == [f"Memory     {file}, a new memory", f"Memory     {file}"]

    def test_a_broken_file_is_reported_and_kept_and_the_jam_starts_without_it(self, tmp_path: Path) -> None:
        file, lines = tmp_path / "me.memory", list[str]()
        file.write_bytes(b"a letter")
        memory_jam = MemoryJam()
        with memories_in_file(file, memory_jam.jam, lines.append):
            memory_jam.play(RIFF)
            memory_jam.do_all_work()
        assert len(lines) == 1
        assert str(file) in lines[0]
        assert file.read_bytes() == b"a letter"
        assert (tmp_path / "me-new.memory").is_file()

    def test_a_second_jam_beside_a_broken_file_leaves_the_memory_of_the_first(self, tmp_path: Path) -> None:
        file, lines, heard = tmp_path / "me.memory", list[str](), list[bytes]()
        file.write_bytes(b"a letter")
        for name in ("me-new.memory", "me-new-2.memory", "me-new-3.memory"):
            memory_jam = MemoryJam()
            with memories_in_file(file, memory_jam.jam, lines.append):
                memory_jam.play(RIFF[len(heard) :])
                memory_jam.do_all_work()
            assert lines[-1].endswith(f"what it hears goes to {tmp_path / name}")
            heard.append((tmp_path / name).read_bytes())
        assert heard[0] == (tmp_path / "me-new.memory").read_bytes() != heard[1]

    def test_two_jams_at_once_beside_a_broken_file_both_keep_what_they_heard(self, tmp_path: Path) -> None:
        file, lines = tmp_path / "me.memory", list[str]()
        file.write_bytes(b"a letter")
        one, other = MemoryJam(), MemoryJam()
        with memories_in_file(file, one.jam, lines.append), memories_in_file(file, other.jam, lines.append):
            for memory_jam in (one, other):
                memory_jam.play(RIFF)
                memory_jam.do_all_work()
        assert {path.name for path in tmp_path.iterdir()} == {"me.memory", "me-new.memory", "me-new-2.memory"}
        assert lines[-1].endswith(f"is saved in {tmp_path / 'me-new-2.memory'}")

    @pytest.mark.parametrize("is_new", [True, False])
    def test_two_jams_at_once_with_one_file_both_keep_what_they_heard(self, tmp_path: Path, *, is_new: bool) -> None:
        file, lines = tmp_path / "me.memory", list[str]()
        one, other, earlier = MemoryJam(), MemoryJam(), MemoryJam()
        if not is_new:
            with memories_in_file(file, earlier.jam, lines.append):
                earlier.play(RIFF)
                earlier.do_all_work()
        with memories_in_file(file, one.jam, lines.append), memories_in_file(file, other.jam, lines.append):
            one.play(RIFF)
            other.play(RIFF[1:])
            for memory_jam in (one, other):
                memory_jam.do_all_work()
        assert lines[-1].endswith(
            f"has written {file} meanwhile; the memory of this one is saved in {tmp_path / 'me-new.memory'}"
        )
        for saved, memory_jam in ((file, other), (tmp_path / "me-new.memory", one)):
            again = MemoryJam()
            with memories_in_file(saved, again.jam, lines.append):
                assert [dict(memory.contexts()) for memory in again.jam.memories.values()] == [
                    dict(memory.contexts()) for memory in memory_jam.jam.memories.values()
                ]

    @pytest.mark.skipif(sys.platform == "win32", reason="no folder can be locked there")
    def test_a_jam_that_ends_while_another_saves_waits_for_it(self, tmp_path: Path) -> None:
        file, lines = tmp_path / "me.memory", list[str]()
        one, other = MemoryJam(), MemoryJam()
        for memory_jam in (one, other):
            memory_jam.play(RIFF)
        other.do_all_work()
        descriptor = os.open(tmp_path, os.O_RDONLY)
        assert lock(descriptor)

        def save() -> None:
            save_memories(file, other.jam.memories)
            os.close(descriptor)

        with memories_in_file(file, one.jam, lines.append):
            one.do_all_work()
            saving = threading.Timer(0.1, save)
            saving.start()
        saving.join()
        assert lines[-1].endswith(f"is saved in {tmp_path / 'me-new.memory'}")

    def test_jams_that_end_with_another_pack_leave_each_others_memories(self, tmp_path: Path) -> None:
        file, lines = tmp_path / "me.memory", list[str]()
        for _ in range(3):
            memory_jam = MemoryJam()
            with memories_in_file(file, memory_jam.jam, lines.append):
                memory_jam.play(RIFF)
                memory_jam.do_all_work()
                if file.exists():
                    memory_jam.jam.replace_improvisers(load_pack("dummy", Config()).improvisers(120.0))
                    memory_jam.do_all_work()
        assert {path.name for path in tmp_path.iterdir()} == {"me.memory", "me-new.memory", "me-new-2.memory"}

    def test_a_jam_that_heard_nothing_writes_no_file(self, tmp_path: Path) -> None:
        with memories_in_file(tmp_path / "me.memory", MemoryJam().jam, list[str]().append):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_a_jam_that_heard_nothing_leaves_the_file_as_it_is(self, tmp_path: Path) -> None:
        file, memory_jam = tmp_path / "me.memory", MemoryJam()
        with memories_in_file(file, memory_jam.jam, list[str]().append):
            memory_jam.play(RIFF)
            memory_jam.do_all_work()
        os.utime(file, (0, 0))
        with memories_in_file(file, MemoryJam().jam, list[str]().append):
            pass
        assert file.stat().st_mtime == 0

    def test_what_a_jam_forgot_is_forgotten_in_the_file(self, tmp_path: Path) -> None:
        file, memory_jam, again = tmp_path / "me.memory", MemoryJam(), MemoryJam()
        with memories_in_file(file, memory_jam.jam, list[str]().append):
            memory_jam.play(RIFF)
            memory_jam.do_all_work()
        with memories_in_file(file, again.jam, list[str]().append):
            for memory in again.memories.values():
                memory.forget()
        load_memories(file, memory_jam.memories)
        assert not any(map(len, memory_jam.memories.values()))

    def test_a_file_that_cannot_be_written_is_reported(self, tmp_path: Path) -> None:
        lines: list[str] = []
        memory_jam = MemoryJam()
        with memories_in_file(tmp_path / "nowhere" / "me.memory", memory_jam.jam, lines.append):
            memory_jam.play(RIFF)
            memory_jam.do_all_work()
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
        assert sentence.startswith("Memory     takes/2026-02-03-201500.memory is not a memory file, or is damaged")
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

    @pytest.mark.parametrize("suffix", ["", ".memory", ".jam", "/me", ".memory/me.jam"])
    @pytest.mark.parametrize("name", ["x" * 300, "a\0b"], ids=["long", "zero byte"])
    def test_a_name_that_no_file_can_have_is_refused(self, library: TakeLibrary, name: str, suffix: str) -> None:
        with pytest.raises(TakeError, match=r"name a file such as me\.memory, or a take$") as raised:
            find_memory_origin(f"{name}{suffix}", library, pytest.fail)
        assert "\0" not in str(raised.value)

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
