"""Packs are loaded in a thread of their own: here each step waits until the test lets it go on."""

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest

from model.approach import Approach
from model.errors import PackError
from model.improvising.improviser import Improviser
from model.notes import Note
from model.pack.dummy_pack import DummyPack
from server.config.config import Config
from server.music.packs.pack_loader import PLAYS_PLAINLY, LoadedPack, check_pack_exists, load_pack
from server.music.packs.pack_switcher import PackSwitcher

PATIENCE_S = 10
HEARD = ((Note(60, 0.0, 0.5, 80), True), (Note(62, 0.5, 0.5, 80), False))


class FakeReceiver:
    """A music thread that records its replacement models."""

    def __init__(self) -> None:
        self.replacements: SimpleQueue[tuple[Mapping[Approach, Improviser], int]] = SimpleQueue()

    def wait_for_quiet(self, quiet_s: float, at_most_s: float) -> None:
        pass

    def sounded_notes(self, at_most_s: float) -> tuple[int, Sequence[tuple[Note, bool]]]:
        return 2, HEARD

    def replace_improvisers(self, improvisers: Mapping[Approach, Improviser], heard_count: int) -> None:
        self.replacements.put((improvisers, heard_count))


class Loader:
    """Loads the dummy pack under any name, once `may_load` is set; a name that begins with "bad" cannot be loaded."""

    def __init__(self) -> None:
        self.started: SimpleQueue[str] = SimpleQueue()
        self.may_load = Event()

    def load(self, name: str, before_step: Callable[[], None]) -> LoadedPack:
        self.started.put(name)
        before_step()
        assert self.may_load.wait(PATIENCE_S)
        if name.startswith("bad"):
            raise PackError(f"pack {name} is cut off")
        return load_pack("dummy", Config(), before_step)


@pytest.fixture
def loader() -> Iterator[Loader]:
    loader = Loader()
    yield loader
    loader.may_load.set()


def exists(name: str) -> None:
    if name == "none such":
        raise PackError("there is no pack named none such")


class Switching:
    def __init__(self, loader: Loader, exists: Callable[[str], None] = exists) -> None:
        self.receiver = FakeReceiver()
        self.failures: SimpleQueue[tuple[str, str, str]] = SimpleQueue()
        self.switcher = PackSwitcher(
            loader.load,
            exists,
            self.receiver,
            lambda name, current_name, error: self.failures.put((name, current_name, str(error))),
            "first",
        )


def test_a_pack_takes_over_once_it_is_loaded_and_has_heard_the_latest_notes(loader: Loader) -> None:
    switching = Switching(loader)
    switching.switcher.switch_to("second", 120.0)
    assert loader.started.get(timeout=PATIENCE_S) == "second"
    assert switching.receiver.replacements.empty()
    loader.may_load.set()
    improvisers, heard_count = switching.receiver.replacements.get(timeout=PATIENCE_S)
    assert heard_count == 2
    assert [improviser.snapshot().cursor.onset_beats for improviser in improvisers.values()] == [0.5, 0.5]


def test_what_an_older_pack_cannot_do_is_said_when_it_takes_over(
    loader: Loader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(LoadedPack, "remark", PLAYS_PLAINLY)
    switching = Switching(loader)
    loader.may_load.set()
    switching.switcher.switch_to("older", 120.0)
    switching.receiver.replacements.get(timeout=PATIENCE_S)
    switching.switcher.close()
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        f"pack dummy: {PLAYS_PLAINLY}"
    ]


def test_only_a_trained_pack_without_phrasing_is_an_older_one(tiny_pack: Path) -> None:
    assert load_pack(str(tiny_pack), Config()).remark == PLAYS_PLAINLY
    assert load_pack("songbook", Config()).remark == ""
    assert load_pack("dummy", Config()).remark == ""


def test_a_pack_that_does_not_exist_is_refused_at_once(loader: Loader) -> None:
    switching = Switching(loader)
    with pytest.raises(PackError, match="there is no pack named none such"):
        switching.switcher.switch_to("none such", 120.0)
    assert loader.started.empty()


def test_a_fault_in_a_pack_is_reported_later_with_the_name_of_the_pack_that_stays(loader: Loader) -> None:
    switching = Switching(loader)
    loader.may_load.set()
    switching.switcher.switch_to("second", 120.0)
    switching.receiver.replacements.get(timeout=PATIENCE_S)
    switching.switcher.switch_to("bad one", 120.0)
    assert switching.failures.get(timeout=PATIENCE_S) == ("bad one", "second", "pack bad one is cut off")
    switching.switcher.switch_to("third", 120.0)
    assert switching.receiver.replacements.get(timeout=PATIENCE_S)


def test_of_many_requests_during_loading_only_the_last_one_is_loaded(loader: Loader) -> None:
    switching = Switching(loader)
    switching.switcher.switch_to("first one", 120.0)
    assert loader.started.get(timeout=PATIENCE_S) == "first one"
    for number in range(20):
        switching.switcher.switch_to(f"pack {number}", 120.0)
    loader.may_load.set()
    assert switching.receiver.replacements.get(timeout=PATIENCE_S)
    assert loader.started.get(timeout=PATIENCE_S) == "pack 19"
    assert loader.started.empty()
    assert switching.receiver.replacements.empty()


def test_a_disk_that_never_answers_holds_nobody_up(loader: Loader) -> None:
    asked: SimpleQueue[str] = SimpleQueue()
    answers = Event()

    def dead_disk(name: str) -> None:
        asked.put(name)
        answers.wait(PATIENCE_S)

    switching = Switching(loader, dead_disk)
    for _ in range(20):
        switching.switcher.switch_to("on a dead disk", 120.0)
    # Only the first waited for the disk, a tenth of a second.
    assert asked.qsize() == 1
    assert all(
        thread is None or thread.daemon for thread in (switching.switcher._checking, switching.switcher._loading)
    )
    answers.set()


def test_the_check_of_the_session_finds_the_packs_that_there_are() -> None:
    check_pack_exists("dummy", Config())
    check_pack_exists("songbook", Config())
    with pytest.raises(PackError, match="there is no pack named songbok and no such folder; did you mean songbook"):
        check_pack_exists("songbok", Config())


def test_each_engine_is_a_step_of_its_own() -> None:
    steps: list[int] = []
    loaded = load_pack("dummy", Config(), lambda: steps.append(1))
    assert isinstance(loaded.pack, DummyPack)
    assert len(steps) == 3
    loaded.improvisers(120.0, lambda: steps.append(1))
    assert len(steps) == 7


def test_a_pack_is_freed_by_the_loading_thread_and_only_when_nothing_uses_it_any_more(loader: Loader) -> None:
    freed_by: SimpleQueue[str] = SimpleQueue()
    switching = Switching(loader)
    loader.may_load.set()
    switching.switcher.switch_to("second", 120.0)
    playing = list(switching.receiver.replacements.get(timeout=PATIENCE_S)[0].values())
    for improviser in playing:
        weakref.finalize(improviser, lambda: freed_by.put(threading.current_thread().name))
    del improviser
    switching.switcher.switch_to("third", 120.0)
    switching.receiver.replacements.get(timeout=PATIENCE_S)
    switching.switcher.switch_to("fourth", 120.0)  # by then the loading thread has looked for what it can free
    switching.receiver.replacements.get(timeout=PATIENCE_S)
    assert freed_by.empty()
    playing.clear()
    assert [freed_by.get(timeout=PATIENCE_S) for _ in range(2)] == ["packs", "packs"]
    switching.switcher.close()


def test_closed_while_a_pack_loads_it_waits_for_that_step_and_replaces_nothing(loader: Loader) -> None:
    switching = Switching(loader)
    switching.switcher.switch_to("second", 120.0)
    assert loader.started.get(timeout=PATIENCE_S) == "second"
    loader.may_load.set()
    switching.switcher.close()
    assert switching.switcher._loading is not None
    assert not switching.switcher._loading.is_alive()
    assert switching.failures.empty()
