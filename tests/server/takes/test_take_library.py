from pathlib import Path

import pytest

from server.errors import TakeError
from server.takes.journal import JournalEnded, Mark, read_records
from server.takes.journal_file import JournalFile
from server.takes.take_library import PruneResult, TakeLibrary, memory_path
from tests.server.takes.journals import NOW, write_journal

GREAT = 1e12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "takes"


@pytest.fixture
def shelf(folder: Path) -> TakeLibrary:
    return TakeLibrary(folder)


def refusal(shelf: TakeLibrary, name: str) -> str:
    with pytest.raises(TakeError) as raised:
        shelf.find(name)
    return str(raised.value)


class TestANewJournal:
    def test_is_named_after_when_it_began(self, shelf: TakeLibrary, folder: Path) -> None:
        with shelf.create_journal(NOW) as file:
            assert file.path == folder / "2026-02-03-201500.jam"

    def test_is_never_anothers(self, shelf: TakeLibrary) -> None:
        with shelf.create_journal(NOW) as first, shelf.create_journal(NOW) as second:
            assert first.path != second.path
            assert second.path.stem == "2026-02-03-201500-2"

    def test_in_a_place_that_is_a_file_is_an_oserror(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OSError, match=r"exists|directory"):
            TakeLibrary(tmp_path / "file").create_journal(NOW)


class TestRows:
    def test_of_no_folder_are_none(self, shelf: TakeLibrary) -> None:
        assert shelf.entries() == []

    def test_come_in_the_order_of_time_with_what_each_jam_comes_to(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder, is_marked=True)
        write_journal(folder, days_ago=1, notes=2)
        yesterday, today = shelf.entries()
        assert (yesterday.id, yesterday.summary) == ("2026-02-02-201500", JournalEnded(2.0, 2, 2))
        assert (today.id, today.began_at) == ("2026-02-03-201500", "2026-02-03T20:15:00+00:00")
        assert today.summary == JournalEnded(4.0, 4, 4, (Mark("capture", 0.0, 4.0),))
        assert today.is_ended

    def test_of_a_jam_that_was_not_ended_is_read_from_all_of_it(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder, is_ended=False, cut=3)
        (row,) = shelf.entries()
        assert (row.summary.heard_notes, row.summary.played_notes, row.is_ended) == (4, 4, False)

    def test_tell_where_what_a_jam_remembered_is_and_count_its_bytes(self, shelf: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, memory=b"a memory")
        write_journal(folder, days_ago=1)
        without, remembered = shelf.entries()
        assert (without.memory_file, remembered.memory_file) == (None, memory_path(path))
        assert remembered.size_bytes == without.size_bytes + len(b"a memory") == path.stat().st_size + len(b"a memory")

    def test_what_is_no_journal_has_nothing_in_it(self, shelf: TakeLibrary, folder: Path) -> None:
        folder.mkdir()
        (folder / "2026-01-01-000000.jam").write_bytes(b"\x00\xff" * 1000)
        (folder / "notes.txt").write_text("hello", encoding="utf-8")
        (row,) = shelf.entries()
        assert row.summary == JournalEnded(0.0, 0, 0)

    def test_a_folder_by_that_name_hides_no_other(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder)
        (folder / "2026-01-01-000000.jam").mkdir()
        assert len(shelf.entries()) == 1


class TestFind:
    def test_any_part_of_an_id_will_do_where_it_is_the_only_one(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder)
        write_journal(folder, days_ago=1)
        assert shelf.find("02-03").id == "2026-02-03-201500"

    def test_an_id_is_itself_even_where_another_has_it_in_its_own(self, shelf: TakeLibrary) -> None:
        with shelf.create_journal(NOW), shelf.create_journal(NOW):
            assert shelf.find("2026-02-03-201500").id == "2026-02-03-201500"

    def test_one_that_is_not_there(self, shelf: TakeLibrary, folder: Path) -> None:
        assert refusal(shelf, "1999") == f"there is no jam 1999 in {folder}; `fours takes` lists those that there are"

    def test_one_that_fits_several(self, shelf: TakeLibrary, folder: Path) -> None:
        for day in range(4):
            write_journal(folder, days_ago=day)
        assert refusal(shelf, "2026") == (
            "2026 fits 4 jams, 2026-01-31-201500, 2026-02-01-201500, 2026-02-02-201500 and others; give more of the id"
        )

    def test_the_last_is_the_newest_in_which_something_was_played(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder, days_ago=1)
        write_journal(folder, notes=0)
        assert shelf.last().id == "2026-02-02-201500"

    def test_there_is_no_last_where_there_is_none(self, shelf: TakeLibrary) -> None:
        with pytest.raises(TakeError, match="nothing was played yet"):
            shelf.last()

    def test_the_last_with_a_memory_may_be_an_earlier_one(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder)
        with pytest.raises(TakeError, match=f"^nothing was remembered yet: there is no jam with a memory in {folder}$"):
            shelf.last(with_memory=True)
        write_journal(folder, days_ago=2, memory=b"a memory")
        write_journal(folder, days_ago=3, memory=b"a memory")
        assert shelf.last(with_memory=True).id == "2026-02-01-201500"

    def test_a_journal_and_its_memory_are_known_by_their_paths(
        self, shelf: TakeLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write_journal(folder, memory=b"a memory")
        (row,) = shelf.entries()
        assert shelf.find_by_file(path) == shelf.find_by_file(memory_path(path)) == row
        monkeypatch.chdir(folder)
        assert shelf.find_by_file(Path(memory_path(path).name)) == row

    def test_what_is_no_jams_is_nobodys(self, shelf: TakeLibrary, folder: Path, tmp_path: Path) -> None:
        path = write_journal(folder, memory=b"a memory")
        for other in (folder / "me.memory", path.with_suffix(".mid"), tmp_path / path.name):
            other.touch()
            assert shelf.find_by_file(other) is None


class TestMend:
    def test_a_jam_that_was_killed_is_ended_at_its_last_whole_record(self, shelf: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, is_ended=False, is_marked=True, cut=5)
        whole = read_records(path.read_bytes()).records
        assert [row.id for row in shelf.repair()] == ["2026-02-03-201500"]
        found = read_records(path.read_bytes())
        assert found.records[:-1] == whole
        assert isinstance(found.records[-1], JournalEnded)
        assert (found.damaged_lines, shelf.entries()[0].is_ended, shelf.repair()) == (0, True, [])

    def test_one_that_is_damaged_keeps_what_is_whole(self, shelf: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, is_ended=False)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        before = read_records(bytes(data))
        shelf.repair()
        after = read_records(path.read_bytes())
        assert (after.records[:-1], after.damaged_lines) == (before.records, 1)

    def test_one_in_which_nothing_happened_is_removed(self, shelf: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, is_ended=False, notes=0)
        assert shelf.repair() == []
        assert not path.exists()

    def test_one_that_still_goes_on_is_left_alone(self, shelf: TakeLibrary, folder: Path) -> None:
        with shelf.create_journal(NOW) as file:
            file.append(write_journal(folder, days_ago=1, is_ended=False).read_bytes()[:-3])
            assert [row.id for row in shelf.repair()] == ["2026-02-02-201500"]
            assert not next(row for row in shelf.entries() if row.path == file.path).is_ended

    def test_what_is_left_of_a_memory_that_was_being_written_is_removed(self, shelf: TakeLibrary, folder: Path) -> None:
        killed = write_journal(folder)
        with shelf.create_journal(NOW) as file:
            parts = [path.with_name(f".{memory_path(path).name}.4711") for path in (killed, file.path)]
            for part in parts:
                part.touch()
            shelf.repair()
            assert [part.exists() for part in parts] == [False, True]


class TestPrune:
    def test_what_is_too_old_is_removed_but_nothing_that_is_marked(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder, days_ago=40)
        write_journal(folder, days_ago=41, is_marked=True)
        write_journal(folder, days_ago=20)
        assert [row.id for row in shelf.prune(NOW, 30, GREAT).removed] == ["2025-12-25-201500"]
        assert [row.id for row in shelf.entries()] == ["2025-12-24-201500", "2026-01-14-201500"]

    def test_while_all_take_too_much_room_the_oldest_go(self, shelf: TakeLibrary, folder: Path) -> None:
        paths = [write_journal(folder, days_ago=day, is_marked=day == 3) for day in (4, 3, 2, 1)]
        room = sum(path.stat().st_size for path in paths[1:])
        shelf.prune(NOW, 30, room - 1)
        assert [path.exists() for path in paths] == [False, True, False, True]

    def test_a_memory_takes_room_and_goes_with_its_jam(self, shelf: TakeLibrary, folder: Path) -> None:
        paths = [write_journal(folder, days_ago=day, memory=bytes(10_000)) for day in (2, 1)]
        assert len(shelf.prune(NOW, 30, 15_000).removed) == 1
        assert sorted(folder.iterdir()) == [paths[1], memory_path(paths[1])]

    def test_one_that_still_goes_on_stays(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder, days_ago=50, is_ended=False)
        assert shelf.prune(NOW, 30, 0.0) == PruneResult([], 0)

    def test_what_is_marked_stays_and_its_room_is_told(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder, is_marked=True, memory=bytes(1000))
        (row,) = shelf.entries()
        assert shelf.prune(NOW, 30, 0.0) == PruneResult([], row.size_bytes)


class TestRemove:
    def test_takes_it_away_marked_or_not(self, shelf: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, is_marked=True)
        shelf.remove(shelf.find("2026"))
        assert not path.exists()

    def test_takes_what_it_remembered_away_too(self, shelf: TakeLibrary, folder: Path) -> None:
        write_journal(folder, memory=b"a memory")
        shelf.remove(shelf.find("2026"))
        assert list(folder.iterdir()) == []

    def test_one_that_still_goes_on_is_refused(self, shelf: TakeLibrary) -> None:
        with shelf.create_journal(NOW) as file, pytest.raises(TakeError, match=r"still goes on; end it first"):
            shelf.remove(shelf.find(file.path.stem))

    def test_one_that_is_gone_is_a_sentence(self, shelf: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder)
        row = shelf.find("2026")
        path.unlink()
        with pytest.raises(TakeError, match=r"cannot be removed: No such file"):
            shelf.remove(row)


def test_a_closed_journal_is_nobodys(shelf: TakeLibrary) -> None:
    file = shelf.create_journal(NOW)
    assert isinstance(file, JournalFile)
    file.close()
    file.close()
    shelf.remove(shelf.find("2026"))
