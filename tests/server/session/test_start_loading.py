import asyncio
from threading import Event

import pytest

from model.errors import PackError
from server.config.config import Config
from server.music.packs.pack_loader import LoadedPack, load_pack
from server.session import start_loading
from server.session.start_loading import StoppedAtStart, load_first_pack

PATIENCE_S = 10


def load_dummy() -> LoadedPack:
    return load_pack("dummy", Config())


def test_the_pack_is_loaded_and_nothing_is_said() -> None:
    said: list[str] = []
    loaded = asyncio.run(load_first_pack("mine", load_dummy, asyncio.Event(), said.append))
    assert loaded.pack.name == "dummy"
    assert said == []


def test_what_is_wrong_with_the_pack_is_raised() -> None:
    def load() -> LoadedPack:
        raise PackError("pack mine is cut off")

    with pytest.raises(PackError, match="pack mine is cut off"):
        asyncio.run(load_first_pack("mine", load, asyncio.Event(), lambda _: None))


class TestADiskThatDoesNotAnswer:
    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(start_loading, "SAY_AFTER_S", 0.01)
        monkeypatch.setattr(start_loading, "GIVE_UP_AFTER_S", 0.02)
        monkeypatch.setattr(start_loading, "CLOSE_S", 0.0)

    def load(self, stop_at: str = "") -> list[str]:
        """Tries to load; a stop is requested when that is said."""
        said: list[str] = []
        answers = Event()

        def never() -> LoadedPack:
            answers.wait(PATIENCE_S)
            return load_dummy()

        async def start() -> None:
            stop = asyncio.Event()

            def say(line: str) -> None:
                said.append(line)
                if stop_at and line.startswith(stop_at):
                    stop.set()

            await load_first_pack("mine", never, stop, say)

        try:
            asyncio.run(start())
        finally:
            answers.set()
        return said

    def test_is_reported_and_a_stop_is_heard(self) -> None:
        with pytest.raises(StoppedAtStart):
            self.load(stop_at="Waiting for the disk with pack mine")

    def test_is_given_up_in_one_sentence(self) -> None:
        with pytest.raises(
            PackError, match=r"^pack mine or the folder of packs is on a disk that has not answered for "
        ):
            self.load()

    def test_that_answers_late_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(start_loading, "GIVE_UP_AFTER_S", PATIENCE_S)
        answers = Event()

        def slow() -> LoadedPack:
            answers.wait(PATIENCE_S)
            return load_dummy()

        loaded = asyncio.run(load_first_pack("mine", slow, asyncio.Event(), lambda _: answers.set()))
        assert loaded.pack.name == "dummy"
