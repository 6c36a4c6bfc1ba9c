import os
import zlib
from datetime import timedelta
from pathlib import Path

import pytest

from server.errors import TakeError
from server.takes.journal.journal_file import JournalFile
from server.takes.journal.record_reader import read_records
from server.takes.journal.records import JournalEnded, Mark
from server.takes.take_ages import AGES_FILE, TakeAges
from server.takes.take_library import PruneResult, TakeLibrary, memory_path
from tests.server.takes.journals import NOW, write_journal

NO_LIMIT_BYTES = 1e12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "takes"


@pytest.fixture
def library(folder: Path) -> TakeLibrary:
    return TakeLibrary(folder)


def refusal(library: TakeLibrary, name: str) -> str:
    with pytest.raises(TakeError) as raised:
        library.find(name)
    return str(raised.value)


class TestCreateJournal:
    def test_names_the_journal_after_its_start(self, library: TakeLibrary, folder: Path) -> None:
        with library.create_journal(NOW) as file:
            assert file.path == folder / "2026-02-03-201500.jam"

    def test_never_opens_a_journal_that_exists(self, library: TakeLibrary) -> None:
        with library.create_journal(NOW) as first, library.create_journal(NOW) as second:
            assert first.path != second.path
            assert second.path.stem == "2026-02-03-201500-2"

    def test_raises_oserror_where_the_folder_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OSError, match=r"exists|directory"):
            TakeLibrary(tmp_path / "file").create_journal(NOW)


class TestEntries:
    def test_a_missing_folder_has_no_takes(self, library: TakeLibrary) -> None:
        assert library.entries() == []

    def test_come_in_order_of_time_with_their_summaries(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder, is_marked=True)
        write_journal(folder, days_ago=1, notes=2)
        yesterday, today = library.entries()
        assert (yesterday.id, yesterday.summary) == ("2026-02-02-201500", JournalEnded(2.0, 2, 2))
        assert (today.id, today.began_at) == ("2026-02-03-201500", "2026-02-03T20:15:00+00:00")
        assert today.summary == JournalEnded(4.0, 4, 4, (Mark("capture", 0.0, 4.0),))
        assert today.is_ended

    def test_a_jam_that_has_not_ended_is_summed_up_from_all_its_records(
        self, library: TakeLibrary, folder: Path
    ) -> None:
        write_journal(folder, is_ended=False, cut_bytes=3)
        (entry,) = library.entries()
        assert (entry.summary.heard_notes, entry.summary.played_notes, entry.is_ended) == (4, 4, False)

    def test_name_the_memory_file_and_count_its_bytes(self, library: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, memory=b"a memory")
        write_journal(folder, days_ago=1)
        without, remembered = library.entries()
        assert (without.memory_file, remembered.memory_file) == (None, memory_path(path))
        assert remembered.size_bytes == without.size_bytes + len(b"a memory") == path.stat().st_size + len(b"a memory")

    def test_a_file_that_is_no_journal_is_empty(self, library: TakeLibrary, folder: Path) -> None:
        folder.mkdir()
        (folder / "2026-01-01-000000.jam").write_bytes(b"\x00\xff" * 1000)
        (folder / "notes.txt").write_text("hello", encoding="utf-8")
        (entry,) = library.entries()
        assert entry.summary == JournalEnded(0.0, 0, 0)

    def test_a_folder_with_a_journals_name_is_skipped(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder)
        (folder / "2026-01-01-000000.jam").mkdir()
        assert len(library.entries()) == 1


class TestFind:
    def test_any_part_of_an_id_is_enough_if_only_one_jam_has_it(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder)
        write_journal(folder, days_ago=1)
        assert library.find("02-03").id == "2026-02-03-201500"

    def test_a_whole_id_is_found_even_if_another_contains_it(self, library: TakeLibrary) -> None:
        with library.create_journal(NOW), library.create_journal(NOW):
            assert library.find("2026-02-03-201500").id == "2026-02-03-201500"

    def test_a_missing_jam_is_an_error(self, library: TakeLibrary, folder: Path) -> None:
        assert refusal(library, "1999") == f"there is no jam 1999 in {folder}; `fours takes` lists those that there are"

    def test_a_name_that_fits_several_jams_is_an_error(self, library: TakeLibrary, folder: Path) -> None:
        for day in range(4):
            write_journal(folder, days_ago=day)
        assert refusal(library, "2026") == (
            "2026 fits 4 jams, 2026-01-31-201500, 2026-02-01-201500, 2026-02-02-201500 and others; give more of the id"
        )

    def test_the_last_is_the_newest_in_which_something_was_played(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder, days_ago=1)
        write_journal(folder, notes=0)
        assert library.last().id == "2026-02-02-201500"

    def test_an_empty_library_has_no_last_jam(self, library: TakeLibrary) -> None:
        with pytest.raises(TakeError, match="nothing was played yet"):
            library.last()

    def test_the_last_with_a_memory_may_be_an_earlier_jam(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder)
        with pytest.raises(TakeError, match=f"^nothing was remembered yet: there is no jam with a memory in {folder}$"):
            library.last(with_memory=True)
        write_journal(folder, days_ago=2, memory=b"a memory")
        write_journal(folder, days_ago=3, memory=b"a memory")
        assert library.last(with_memory=True).id == "2026-02-01-201500"

    def test_a_jam_is_found_by_its_journal_and_by_its_memory_file(
        self, library: TakeLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write_journal(folder, memory=b"a memory")
        (entry,) = library.entries()
        assert library.find_by_file(path) == library.find_by_file(memory_path(path)) == entry
        monkeypatch.chdir(folder)
        assert library.find_by_file(Path(memory_path(path).name)) == entry

    def test_a_file_of_no_jam_is_not_found(self, library: TakeLibrary, folder: Path, tmp_path: Path) -> None:
        path = write_journal(folder, memory=b"a memory")
        for other in (folder / "me.memory", path.with_suffix(".mid"), tmp_path / path.name):
            other.touch()
            assert library.find_by_file(other) is None


class TestRepair:
    def test_a_jam_that_was_killed_is_ended_at_its_last_whole_record(self, library: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, is_ended=False, is_marked=True, cut_bytes=5)
        whole = read_records(path.read_bytes()).records
        assert [entry.id for entry in library.repair()] == ["2026-02-03-201500"]
        contents = read_records(path.read_bytes())
        assert contents.records[:-1] == whole
        assert isinstance(contents.records[-1], JournalEnded)
        assert (contents.damaged_lines, library.entries()[0].is_ended, library.repair()) == (0, True, [])

    def test_a_damaged_journal_keeps_its_whole_records(self, library: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, is_ended=False)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        before = read_records(bytes(data))
        library.repair()
        after = read_records(path.read_bytes())
        assert (after.records[:-1], after.damaged_lines) == (before.records, 1)

    def test_an_empty_journal_is_removed(self, library: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, is_ended=False, notes=0)
        assert library.repair() == []
        assert not path.exists()

    def test_a_jam_that_goes_on_is_left_alone(self, library: TakeLibrary, folder: Path) -> None:
        with library.create_journal(NOW) as file:
            file.append(write_journal(folder, days_ago=1, is_ended=False).read_bytes()[:-3])
            assert [entry.id for entry in library.repair()] == ["2026-02-02-201500"]
            assert not next(entry for entry in library.entries() if entry.path == file.path).is_ended

    def test_a_partly_written_memory_file_is_removed(self, library: TakeLibrary, folder: Path) -> None:
        killed = write_journal(folder)
        with library.create_journal(NOW) as file:
            parts = [path.with_name(f".{memory_path(path).name}.4711") for path in (killed, file.path)]
            for part in parts:
                part.touch()
            library.repair()
            assert [part.exists() for part in parts] == [False, True]


class TestPrune:
    def test_old_jams_are_removed_unless_they_are_marked(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder, days_ago=40)
        write_journal(folder, days_ago=41, is_marked=True)
        write_journal(folder, days_ago=20)
        assert [entry.id for entry in library.prune(NOW, 30, NO_LIMIT_BYTES).removed] == ["2025-12-25-201500"]
        assert [entry.id for entry in library.entries()] == ["2025-12-24-201500", "2026-01-14-201500"]

    def test_the_oldest_are_removed_until_the_others_fit(self, library: TakeLibrary, folder: Path) -> None:
        paths = [write_journal(folder, days_ago=day, is_marked=day == 3) for day in (4, 3, 2, 1)]
        total_bytes = sum(path.stat().st_size for path in paths[1:])
        library.prune(NOW, 30, total_bytes - 1)
        assert [path.exists() for path in paths] == [False, True, False, True]

    def test_a_memory_file_counts_and_is_removed_with_its_jam(self, library: TakeLibrary, folder: Path) -> None:
        paths = [write_journal(folder, days_ago=day, memory=bytes(10_000)) for day in (2, 1)]
        assert len(library.prune(NOW, 30, 15_000).removed) == 1
        assert sorted(folder.glob("2*")) == [paths[1], memory_path(paths[1])]

    def test_a_jam_that_has_not_ended_stays(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder, days_ago=50, is_ended=False)
        assert library.prune(NOW, 30, 0.0) == PruneResult([], 0)

    def test_marked_jams_stay_and_their_size_is_returned(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder, is_marked=True, memory=bytes(1000))
        (entry,) = library.entries()
        assert library.prune(NOW, 30, 0.0) == PruneResult([], entry.size_bytes)


class TestWrongClock:
    """`prune` as starts call it; every jam is unmarked, and 30 days are kept."""

    def test_starts_with_the_clock_200_days_ahead_remove_no_jam_of_today(
        self, library: TakeLibrary, folder: Path
    ) -> None:
        path = write_journal(folder)
        for minutes in range(3):
            ahead = NOW + timedelta(days=200, minutes=minutes)
            assert library.prune(ahead, 30, NO_LIMIT_BYTES).removed == []
        assert library.prune(NOW + timedelta(days=1), 30, NO_LIMIT_BYTES).removed == []
        assert path.exists()

    def test_a_jam_of_1970_stays_as_long_as_any_other(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder, days_ago=20)
        path = write_journal(folder, days_ago=20_000)
        (folder / AGES_FILE).unlink()
        assert library.prune(NOW, 30, NO_LIMIT_BYTES).removed == []
        for day in range(1, 31):
            assert library.prune(NOW + timedelta(days=day), 30, NO_LIMIT_BYTES).removed == []
        removed = library.prune(NOW + timedelta(days=31), 30, NO_LIMIT_BYTES).removed
        assert path in [entry.path for entry in removed]

    def test_in_a_full_folder_the_jam_that_was_seen_first_is_removed_first_with_any_date(
        self, library: TakeLibrary, folder: Path
    ) -> None:
        old = write_journal(folder)
        library.prune(NOW, 30, NO_LIMIT_BYTES)
        library.prune(NOW + timedelta(days=1), 30, NO_LIMIT_BYTES)
        new = write_journal(folder, days_ago=20_000)
        TakeAges(1.0, NOW.timestamp(), {old.stem: 0.0}).write(folder)
        library.prune(NOW, 30, new.stat().st_size + 1)
        assert (old.exists(), new.exists()) == (False, True)

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "{}",
            "[" * 100_000,
            '{"day": NaN, "last_start_s": 0, "first_seen": {}}',
            '{"day": 1, "last_start_s": 1e999, "first_seen": {"x": "y"}}',
        ],
    )
    def test_a_damaged_file_of_ages_lets_all_jams_be_new(
        self, library: TakeLibrary, folder: Path, content: str
    ) -> None:
        write_journal(folder, days_ago=100)
        (folder / AGES_FILE).write_text(content, encoding="utf-8")
        assert library.prune(NOW, 30, NO_LIMIT_BYTES).removed == []


class TestFilesThatNoJamWrote:
    def test_a_pipe_and_a_file_of_gigabytes_are_passed_over(self, library: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder)
        os.mkfifo(folder / "2026-01-01-000000.jam")
        with (folder / "2026-01-01-000001.jam").open("wb") as file:
            file.truncate(1_000_000_000_000)
        assert library.repair() == []
        assert [entry.path for entry in library.entries()] == [path]

    @pytest.mark.parametrize(
        "text",
        [
            '["ended",1e999,0,0,[]]',
            '["ended",1,1e999,0,[]]',
            '["h",1e999,0,"903c50"]',
            '["begun",1,"soon",5,8]',
            "[" * 50_000,
        ],
        ids=lambda text: text[:20],
    )
    def test_absurd_values_with_a_right_checksum_stop_no_start(
        self, library: TakeLibrary, folder: Path, text: str
    ) -> None:
        path = write_journal(folder, is_ended=False)
        with path.open("ab") as file:
            file.write(b"%08x %s\n" % (zlib.crc32(text.encode()), text.encode()))
        (entry,) = library.repair()
        assert (entry.summary.at_s, entry.summary.heard_notes) == (4.0, 4)
        assert library.prune(NOW, 30, NO_LIMIT_BYTES).removed == []


class TestRemove:
    def test_removes_a_jam_even_if_it_is_marked(self, library: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder, is_marked=True)
        library.remove(library.find("2026"))
        assert not path.exists()

    def test_removes_the_memory_file_too(self, library: TakeLibrary, folder: Path) -> None:
        write_journal(folder, memory=b"a memory")
        library.remove(library.find("2026"))
        assert list(folder.glob("2*")) == []

    def test_a_jam_that_goes_on_is_not_removed(self, library: TakeLibrary) -> None:
        with library.create_journal(NOW) as file, pytest.raises(TakeError, match=r"still goes on; end it first"):
            library.remove(library.find(file.path.stem))

    def test_a_missing_journal_is_an_error(self, library: TakeLibrary, folder: Path) -> None:
        path = write_journal(folder)
        entry = library.find("2026")
        path.unlink()
        with pytest.raises(TakeError, match=r"cannot be removed: No such file"):
            library.remove(entry)


def test_a_closed_journal_can_be_removed(library: TakeLibrary) -> None:
    file = library.create_journal(NOW)
    assert isinstance(file, JournalFile)
    file.close()
    file.close()
    library.remove(library.find("2026"))
