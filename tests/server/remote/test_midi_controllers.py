"""When the feedback of controllers runs: only while values are pending."""

import asyncio
from collections.abc import Callable

from bridge.midi.messages import ControlChange
from bridge.timing.clock import ManualClock
from server.config.config import MidiSection
from server.controls.control_store import ControlStore
from server.controls.control_table import Settings
from server.remote.midi_controllers import TICK_S, MidiControllers
from server.remote.pending_updates import FLASH_S
from tests.server.recording_receiver import RecordingReceiver

LENGTH_CC, RESPOND_CC = 22, 23


class Timers:
    """In place of the asyncio loop's timers: the one that is pending runs when it is told to."""

    def __init__(self) -> None:
        self.pending: list[Callable[[], None]] = []

    def call_later(self, _in_s: float, callback: Callable[[], None]) -> asyncio.Handle:
        self.pending.append(callback)
        return asyncio.Handle(callback, (), asyncio.get_running_loop())

    def run(self) -> None:
        for callback in [self.pending.pop() for _ in range(len(self.pending))]:
            callback()


def test_feedback_runs_until_all_is_sent_and_not_before_the_next_change() -> None:
    async def test() -> None:
        clock, timers, sent = ManualClock(), Timers(), list[ControlChange]()
        asyncio.get_running_loop().call_later = timers.call_later  # type: ignore[method-assign,assignment]
        config = MidiSection(cc={"answer_length": LENGTH_CC, "respond": RESPOND_CC}, cc_feedback=True)
        controls = ControlStore(Settings(), RecordingReceiver(), {})
        controllers = MidiControllers(config, controls, lambda _data, _at_s: None, sent.append, clock)
        async with controllers:
            assert {message.controller for message in sent} == {LENGTH_CC, RESPOND_CC}
            assert not timers.pending
            sent.clear()
            controls.set("respond", 1.0)
            assert len(timers.pending) == 1
            timers.run()
            assert [message.value for message in sent] == [127]
            assert len(timers.pending) == 1
            clock.advance(FLASH_S + TICK_S)
            timers.run()
            assert [message.value for message in sent] == [127, 0]
            assert not timers.pending

    asyncio.run(test())
