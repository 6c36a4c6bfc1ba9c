"""The follower against a stub of AbletonOSC, over real UDP ports of this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bridge.timing.clock import ManualClock
from server.config.config import LiveSection
from server.controls.control_store import ControlStore, FailedChange
from server.controls.control_table import Settings, Value
from server.remote.live_set.live_set import ASK_EVERY_S, SILENT_AFTER_S
from server.remote.live_set.live_set_follower import LiveSetFollower
from tests.server.jam_process import free_port
from tests.server.remote.live_set.ableton_stub import AbletonStub

TIMEOUT_S = 20.0


class Receiver:
    """Stands for the music thread; keeps what it is told."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, Value]] = []

    def change(self, control: str, value: Value) -> None:
        self.changes.append((control, value))

    def act(self, action: str) -> None:
        raise AssertionError(action)


class Case:
    """A follower, what it is connected to, and what it said."""

    def __init__(self, settings: Settings) -> None:
        self.config = LiveSection(port=free_port(), reply_port=free_port())
        self.clock = ManualClock()
        self.receiver = Receiver()
        self.controls = ControlStore(settings, self.receiver, {})
        self.said: list[FailedChange] = []
        self.controls.add_failure_listener(self.said.append)
        self.stub = AbletonStub(self.config.reply_port, self.config.port)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        async with LiveSetFollower(self.config, self.controls, self.receiver, self.clock):
            yield

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Waits until something is so; time does not pass for the follower."""
        async with asyncio.timeout(TIMEOUT_S):
            while not is_so():  # noqa: ASYNC110  what it waits for is told by no event
                await asyncio.sleep(0.01)


def run(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(steps)


def test_the_key_is_that_of_the_set_and_follows_it() -> None:
    async def steps() -> None:
        case = Case(Settings(key="live"))
        case.stub.values |= {"root_note": 2, "scale_name": "Dorian"}
        async with case.stub.running(), case.following():
            await case.until(lambda: case.receiver.changes == [("key", "D dorian")])
            case.stub.change("root_note", 5)
            await case.until(lambda: case.receiver.changes[1:] == [("key", "F dorian")])
            assert case.controls.value("key") == "live"
            assert case.controls.value("tempo") == 120.0
        assert case.said == []

    run(steps())


def test_the_tempo_is_that_of_the_set_where_it_is_wanted() -> None:
    async def steps() -> None:
        case = Case(Settings(tempo_from="live"))
        case.stub.values["tempo"] = 93.5
        async with case.stub.running(), case.following():
            await case.until(lambda: case.controls.value("tempo") == 93.5)
            case.stub.change("tempo", 141.0)
            await case.until(lambda: case.controls.value("tempo") == 141.0)
            # Beyond what a jam plays at: the last one stays.
            case.stub.change("tempo", 999.0)
            case.stub.change("tempo", 80.0)
            await case.until(lambda: case.controls.value("tempo") == 80.0)
        assert ("key", "C major") not in case.receiver.changes

    run(steps())


def test_a_control_that_is_set_to_live_while_playing_is_followed_and_then_left() -> None:
    async def steps() -> None:
        case = Case(Settings())
        async with case.stub.running(), case.following():
            case.controls.set("key", "live")
            await case.until(lambda: case.receiver.changes == [("key", "live"), ("key", "C major")])
            case.controls.set("key", "A minor")
            await case.until(lambda: not case.stub.listened)
            case.stub.change("root_note", 7)
            case.controls.set("key", "live")
            await case.until(lambda: case.receiver.changes[-1] == ("key", "G major"))
        assert case.receiver.changes[2:] == [("key", "A minor"), ("key", "live"), ("key", "G major")]

    run(steps())


def test_live_that_is_gone_is_said_once_and_the_key_is_then_the_one_that_is_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def steps() -> None:
        case = Case(Settings(key="live"))
        async with case.following():
            async with case.stub.running():
                await case.until(lambda: case.receiver.changes == [("key", "C major")])
            case.clock.advance(SILENT_AFTER_S + 1)
            await case.until(lambda: case.receiver.changes[1:] == [("key", "live")])
            case.clock.advance(60)
            async with case.stub.running():
                case.clock.advance(ASK_EVERY_S)
                await case.until(lambda: case.receiver.changes[2:] == [("key", "C major")])
                await case.until(lambda: case.stub.listened == {"tempo", "root_note", "scale_name"})
        (said,) = case.said
        assert said.control == "key"
        assert said.sentence.startswith("Ableton Live does not answer at port")
        assert "the key is the one that is heard in your playing" in said.sentence

    run(steps())
    assert len(caplog.records) == 1


def test_where_only_the_tempo_follows_a_set_that_is_gone_nothing_is_said_of_the_key() -> None:
    async def steps() -> None:
        case = Case(Settings(key="C minor", tempo_from="live"))
        case.stub.values.clear()
        async with case.stub.running(), case.following():
            await case.until(lambda: len(case.stub.asked) > 0)
            case.clock.advance(SILENT_AFTER_S + 1)
            await case.until(lambda: len(case.said) == 1)
        (said,) = case.said
        assert said.control == "tempo_from"
        assert said.sentence.endswith("until then the set's tempo is not followed.")
        assert case.receiver.changes == []

    run(steps())


def test_where_key_and_tempo_follow_a_set_that_is_gone_whoever_set_each_is_told_what_it_means_for_it() -> None:
    async def steps() -> None:
        case = Case(Settings())
        case.controls.set("key", "live", "panel 1")
        case.controls.set("tempo_from", "live", "panel 2")
        case.stub.values.clear()
        async with case.stub.running(), case.following():
            await case.until(lambda: len(case.stub.asked) > 0)
            case.clock.advance(SILENT_AFTER_S + 1)
            await case.until(lambda: len(case.said) == 2)
            # One who joins later is told, too, and nobody a second time.
            case.controls.set("tempo_from", "live", "panel 3")
        assert [(said.control, said.origin) for said in case.said] == [
            ("key", "panel 1"),
            ("tempo_from", "panel 2"),
            ("tempo_from", "panel 3"),
        ]
        assert "the key is the one that is heard" in case.said[0].sentence
        assert "tempo" not in case.said[0].sentence

    run(steps())


def test_a_scale_that_is_no_key_here_is_no_matter_where_only_the_tempo_follows_the_set() -> None:
    async def steps() -> None:
        case = Case(Settings(key="C minor", tempo_from="live"))
        case.stub.values |= {"scale_name": "Whole Tone", "tempo": 93.5}
        async with case.stub.running(), case.following():
            await case.until(lambda: case.controls.value("tempo") == 93.5)
            # What comes in first is taken first, so the scale is known once another tempo is.
            case.stub.change("scale_name", "Whole Tone")
            case.stub.change("tempo", 99.0)
            await case.until(lambda: case.controls.value("tempo") == 99.0)
        assert case.said == []

    run(steps())


def test_live_that_never_answers_is_said_once_and_the_key_stays_the_one_that_is_heard() -> None:
    async def steps() -> None:
        case = Case(Settings(key="live"))
        case.stub.values.clear()
        async with case.stub.running(), case.following():
            await case.until(lambda: len(case.stub.asked) > 0)
            case.clock.advance(SILENT_AFTER_S + 1)
            await case.until(lambda: len(case.said) == 1)
            before = len(case.stub.asked)
            case.clock.advance(ASK_EVERY_S)
            await case.until(lambda: len(case.stub.asked) > before)
        assert len(case.said) == 1
        assert case.receiver.changes == []

    run(steps())


def test_a_scale_that_is_no_key_here_is_named() -> None:
    async def steps() -> None:
        case = Case(Settings(key="live"))
        case.stub.values["scale_name"] = "Whole Tone"
        async with case.stub.running(), case.following():
            await case.until(lambda: len(case.said) == 1)
            assert '"Whole Tone" is no key here' in case.said[0].sentence
            case.stub.change("scale_name", "Minor")
            await case.until(lambda: case.receiver.changes == [("key", "C minor")])

    run(steps())


def test_a_port_that_another_program_has_is_said_and_the_jam_goes_on() -> None:
    async def steps() -> None:
        case = Case(Settings(key="live"))
        taken = AbletonStub(0, case.config.reply_port)
        async with taken.running(), case.following():
            await case.until(lambda: len(case.said) == 1)
            assert case.said[0].sentence.startswith("Ableton Live cannot be followed: OSC port")
            case.controls.set("key", "A minor")
        assert case.receiver.changes == [("key", "A minor")]

    run(steps())
