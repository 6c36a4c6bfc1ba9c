from pathlib import Path

import pytest

from server.errors import TakeError
from server.panel.take_list import TakeList
from server.takes.take_export import journal_as_midi
from server.takes.take_library import TakeLibrary
from tests.server.takes.journals import write_journal

TODAY, YESTERDAY = "2026-02-03-201500", "2026-02-02-201500"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "takes"
    write_journal(folder, is_marked=True)
    write_journal(folder, days_ago=1)
    return folder


@pytest.fixture
def takes(folder: Path) -> TakeList:
    return TakeList(TakeLibrary(folder))


def test_the_newest_jam_is_first_and_after_it_what_is_marked_in_it(takes: TakeList) -> None:
    rows = takes.rows()
    assert rows[0].id == TODAY
    assert rows[1].id == f"{TODAY}:1"
    assert rows[-1].id == YESTERDAY
    assert [row.notes is None for row in rows] == [":" in row.id for row in rows]


def test_each_is_fetched_by_the_id_that_it_is_listed_with(takes: TakeList, folder: Path) -> None:
    for row in takes.rows():
        assert takes.midi(row.id).startswith(b"MThd")
    assert takes.midi(f"{TODAY}:1") == journal_as_midi(folder / f"{TODAY}.jam", 1)


@pytest.mark.parametrize("name", ["none", f"{TODAY}:9", f"{TODAY}:x", "../../etc/passwd", ""])
def test_what_is_not_there_is_said(takes: TakeList, name: str) -> None:
    with pytest.raises(TakeError):
        takes.midi(name)


def test_of_no_folder_there_are_none(tmp_path: Path) -> None:
    assert TakeList(TakeLibrary(tmp_path / "none")).rows() == []
