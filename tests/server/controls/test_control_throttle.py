from collections.abc import Callable

import pytest

from server.controls.control_throttle import INTERVAL_S, ControlThrottle
from tests.server.recording_receiver import RecordingReceiver


class Loop:
    """Calls what is to be called later when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def later(self, in_s: float, deed: Callable[[], None]) -> None:
        assert in_s == INTERVAL_S
        self.waiting.append(deed)

    def tick(self) -> None:
        waiting, self.waiting = self.waiting, []
        for deed in waiting:
            deed()


@pytest.fixture
def band() -> RecordingReceiver:
    return RecordingReceiver()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def pace(band: RecordingReceiver, loop: Loop) -> ControlThrottle:
    return ControlThrottle(band, loop.later)


def test_a_single_change_goes_at_once(pace: ControlThrottle, band: RecordingReceiver) -> None:
    pace.change("tempo", 90.0)
    assert band.calls == ["tempo 90.0"]


def test_of_many_the_first_goes_at_once_and_then_the_latest_at_each_tick(
    pace: ControlThrottle, band: RecordingReceiver, loop: Loop
) -> None:
    for tempo in range(90, 100):
        pace.change("tempo", tempo)
    assert band.calls == ["tempo 90"]
    loop.tick()
    assert band.calls == ["tempo 90", "tempo 99"]
    pace.change("tempo", 100)
    pace.change("tempo", 101)
    loop.tick()
    assert band.calls == ["tempo 90", "tempo 99", "tempo 101"]


def test_two_controls_do_not_wait_for_each_other(pace: ControlThrottle, band: RecordingReceiver, loop: Loop) -> None:
    pace.change("tempo", 90)
    pace.change("key", "off")
    pace.change("tempo", 91)
    assert band.calls == ["tempo 90", "key off"]
    loop.tick()
    assert band.calls == ["tempo 90", "key off", "tempo 91"]


def test_an_action_waits_for_nothing_and_finds_everything_as_it_was_set(
    pace: ControlThrottle, band: RecordingReceiver, loop: Loop
) -> None:
    pace.change("answer_length", 4.0)
    pace.change("answer_length", 8.0)
    pace.act("respond")
    assert band.calls == ["answer_length 4.0", "answer_length 8.0", "respond"]
    loop.tick()
    assert len(band.calls) == 3


def test_at_rest_it_keeps_nothing_waiting(pace: ControlThrottle, band: RecordingReceiver, loop: Loop) -> None:
    pace.change("tempo", 90)
    loop.tick()
    assert loop.waiting == []
    pace.change("tempo", 91)
    assert band.calls == ["tempo 90", "tempo 91"]
    assert len(loop.waiting) == 1
