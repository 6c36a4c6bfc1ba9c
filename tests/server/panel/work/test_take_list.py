from pathlib import Path

import pytest

from server.errors import TakeError
from server.panel.work.take_list import TakeList
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


def test_the_newest_jam_comes_first_and_is_followed_by_its_marks(takes: TakeList) -> None:
    listings = takes.listings()
    assert listings[0].id == TODAY
    assert listings[1].id == f"{TODAY}:1"
    assert listings[-1].id == YESTERDAY
    assert [listing.notes is None for listing in listings] == [":" in listing.id for listing in listings]


def test_each_take_is_fetched_by_the_id_of_its_listing(takes: TakeList, folder: Path) -> None:
    for listing in takes.listings():
        assert takes.as_midi(listing.id).startswith(b"MThd")
    assert takes.as_midi(f"{TODAY}:1") == journal_as_midi(folder / f"{TODAY}.jam", 1)


@pytest.mark.parametrize("name", ["none", f"{TODAY}:9", f"{TODAY}:x", "../../etc/passwd", ""])
def test_an_unknown_id_is_an_error(takes: TakeList, name: str) -> None:
    with pytest.raises(TakeError):
        takes.as_midi(name)


def test_a_folder_that_is_not_there_has_no_takes(tmp_path: Path) -> None:
    assert TakeList(TakeLibrary(tmp_path / "none")).listings() == []
