import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import BridgeError, LinkMissing
from bridge.midi.memory_ports import MemoryOutput, MemorySystem
from bridge.timing import link_clock
from bridge.timing.clock import MonotonicClock
from server.config.config import Config, OscSection, PanelSection, TakesSection
from server.session import session as session_module
from server.session.session import Session
from tests.server.jam_process import free_port

AFTER_THE_OUTPUT = (
    "_adopt_offset",
    "_open_link",
    "_open_osc",
    "_open_memory",
    "_open_recorder",
    "_open_music_thread",
    "_open_controllers",
    "_open_panel",
    "_open_seed",
)
"""The steps of a start that follow the opening of the output, in their order."""


@pytest.fixture
def midi_system(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemorySystem]:
    """The ports of the sessions of a test, in memory; at the end of the test all of them must be closed."""
    system = MemorySystem(clock=MonotonicClock())
    monkeypatch.setattr(session_module, "open_midi_system", lambda _api, _clock: system)
    yield system
    assert len(system.opened_outputs) == 1
    assert not any(port.is_open for port in system.opened_outputs)
    assert not any(port.is_open for port in system.opened_inputs)


def session_of(folder: Path, **controls: str) -> Session:
    """A session that records into `folder`, with a panel and OSC on ports of its own."""
    config = Config(
        osc=OscSection(port=free_port(), reply_port=free_port(), advertise="off"),
        panel=PanelSection(on=False),
        takes=TakesSection(folder=str(folder)),
        controls={"pack": "dummy", **controls},
    )
    clock = MonotonicClock()
    return Session(config, 0, lambda _line: None, clock, clock.now_s(), config_file=folder / "config.toml")


async def start(session: Session) -> None:
    async with session:
        pass


def music_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "music"]


def test_a_start_without_the_link_library_closes_the_output(
    tmp_path: Path, midi_system: MemorySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_library(_tempo_bpm: float) -> link_clock.RawLink:
        raise LinkMissing("Ableton Link is an extra that is not installed.")

    monkeypatch.setattr(link_clock, "create_peer", no_library)
    with pytest.raises(LinkMissing):
        asyncio.run(start(session_of(tmp_path, clock="link")))
    assert [port.is_open for port in midi_system.opened_outputs] == [False]


@pytest.mark.parametrize("step", AFTER_THE_OUTPUT)
@pytest.mark.usefixtures("midi_system")
def test_a_start_that_fails_closes_the_ports_that_were_open_and_ends_the_music_thread(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise BridgeError(step)

    monkeypatch.setattr(Session, step, fail)
    with pytest.raises(BridgeError, match=step):
        asyncio.run(start(session_of(tmp_path)))
    assert music_threads() == []


@pytest.mark.usefixtures("midi_system")
def test_at_the_end_the_music_thread_stops_before_its_output_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_at_close: list[int] = []

    class WatchedOutput(MemoryOutput):
        def close(self) -> None:
            running_at_close.append(len(music_threads()))
            super().close()

    monkeypatch.setattr("bridge.midi.memory_ports.MemoryOutput", WatchedOutput)

    async def play() -> None:
        async with session_of(tmp_path):
            assert len(music_threads()) == 1

    asyncio.run(play())
    assert running_at_close == [0]
