from collections.abc import Callable

import pytest

from server.controls.control_throttle import INTERVAL_S, ControlThrottle
from tests.server.recording_receiver import RecordingReceiver


class ManualLoop:
    """A clock for tests: collects the calls for later, and makes them at `tick`."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> None:
        assert delay_s == INTERVAL_S
        self.waiting.append(callback)

    def tick(self) -> None:
        waiting, self.waiting = self.waiting, []
        for callback in waiting:
            callback()


@pytest.fixture
def receiver() -> RecordingReceiver:
    return RecordingReceiver()


@pytest.fixture
def loop() -> ManualLoop:
    return ManualLoop()


@pytest.fixture
def throttle(receiver: RecordingReceiver, loop: ManualLoop) -> ControlThrottle:
    return ControlThrottle(receiver, loop.call_later)


def test_a_single_change_is_passed_on_at_once(throttle: ControlThrottle, receiver: RecordingReceiver) -> None:
    throttle.change("tempo", 90.0)
    assert receiver.calls == ["tempo 90.0"]


def test_of_many_changes_the_first_is_passed_on_at_once_and_then_the_latest_at_each_tick(
    throttle: ControlThrottle, receiver: RecordingReceiver, loop: ManualLoop
) -> None:
    for tempo in range(90, 100):
        throttle.change("tempo", tempo)
    assert receiver.calls == ["tempo 90"]
    loop.tick()
    assert receiver.calls == ["tempo 90", "tempo 99"]
    throttle.change("tempo", 100)
    throttle.change("tempo", 101)
    loop.tick()
    assert receiver.calls == ["tempo 90", "tempo 99", "tempo 101"]


def test_each_control_is_throttled_on_its_own(
    throttle: ControlThrottle, receiver: RecordingReceiver, loop: ManualLoop
) -> None:
    throttle.change("tempo", 90)
    throttle.change("key", "off")
    throttle.change("tempo", 91)
    assert receiver.calls == ["tempo 90", "key off"]
    loop.tick()
    assert receiver.calls == ["tempo 90", "key off", "tempo 91"]


def test_an_action_is_passed_on_at_once_after_the_changes_that_wait(
    throttle: ControlThrottle, receiver: RecordingReceiver, loop: ManualLoop
) -> None:
    throttle.change("answer_length", 4.0)
    throttle.change("answer_length", 8.0)
    throttle.act("respond")
    assert receiver.calls == ["answer_length 4.0", "answer_length 8.0", "respond"]
    loop.tick()
    assert len(receiver.calls) == 3


def test_it_sets_no_timer_while_nothing_changes(
    throttle: ControlThrottle, receiver: RecordingReceiver, loop: ManualLoop
) -> None:
    throttle.change("tempo", 90)
    loop.tick()
    assert loop.waiting == []
    throttle.change("tempo", 91)
    assert receiver.calls == ["tempo 90", "tempo 91"]
    assert len(loop.waiting) == 1
