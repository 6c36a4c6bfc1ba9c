import asyncio
from contextlib import suppress
from threading import Event

import pytest

from bridge.midi.messages import ControlChange, NoteOff, NoteOn
from server.music.watchdog import CHECK_EVERY_S, CHECKS_UNTIL_HUNG, Watchdog
from tests.server.music_thread_harness import MusicThreadHarness

PATIENCE_S = 10


class FakeThread:
    """A music thread that stays at one point of its work."""

    def __init__(self) -> None:
        self.progress: int | None = 1
        self.is_idle = False
        self.can_send = True
        self.ended_count = 0

    def end_notes_from_outside(self) -> bool:
        self.ended_count += 1
        return self.can_send


@pytest.fixture
def thread() -> FakeThread:
    return FakeThread()


def test_a_thread_without_progress_for_a_second_is_silenced_and_reported_once(
    thread: FakeThread, caplog: pytest.LogCaptureFixture
) -> None:
    watchdog = Watchdog(thread)
    assert CHECK_EVERY_S * CHECKS_UNTIL_HUNG == 1.0
    for _ in range(CHECKS_UNTIL_HUNG):
        watchdog.check()
    assert thread.ended_count == 0
    for _ in range(20):
        watchdog.check()
    assert thread.ended_count == 1
    assert [record.message for record in caplog.records] == [
        "the music thread hangs; all sounding notes were ended. If it stays so, end the jam and start it again"
    ]
    thread.progress = 2
    watchdog.check()
    assert caplog.records[-1].message == "the music thread works again"


def test_if_the_port_hangs_too_the_report_says_that_notes_may_go_on_sounding(
    thread: FakeThread, caplog: pytest.LogCaptureFixture
) -> None:
    thread.can_send = False
    watchdog = Watchdog(thread)
    for _ in range(CHECKS_UNTIL_HUNG + 1):
        watchdog.check()
    assert "notes may go on sounding" in caplog.text


@pytest.mark.parametrize("waits", [True, False])
def test_a_thread_that_waits_or_goes_on_is_left_alone(
    thread: FakeThread, caplog: pytest.LogCaptureFixture, *, waits: bool
) -> None:
    watchdog = Watchdog(thread)
    for number in range(20):
        thread.progress = None if waits else number
        watchdog.check()
    assert thread.ended_count == 0
    assert not caplog.records


def test_a_thread_that_has_nothing_planned_is_looked_at_less_often(thread: FakeThread) -> None:
    watchdog = Watchdog(thread)
    while_notes_may_sound_s = watchdog.next_check_in_s
    thread.is_idle = True
    assert (while_notes_may_sound_s, watchdog.next_check_in_s) == (CHECK_EVERY_S, 1.0)


def test_it_checks_while_it_is_entered(thread: FakeThread, caplog: pytest.LogCaptureFixture) -> None:
    async def watch() -> None:
        async with Watchdog(thread):
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), CHECK_EVERY_S * (CHECKS_UNTIL_HUNG + 2))

    asyncio.run(watch())
    assert thread.ended_count == 1
    assert caplog.records


class TestTheMusicThread:
    def test_is_silenced_from_outside_while_a_command_keeps_it(self) -> None:
        harness = MusicThreadHarness()
        music_thread = harness.music_thread
        hangs, may_go_on = Event(), Event()

        def hang(*_: object) -> None:
            hangs.set()
            may_go_on.wait(PATIENCE_S)

        progress_before = music_thread.progress
        was_idle = music_thread.is_idle
        music_thread.start()
        harness.run_on_jam(lambda _: music_thread._live_jam._sender._ledger.post(NoteOn(72, 80)))
        harness.run_on_jam(hang)
        assert hangs.wait(PATIENCE_S)
        rounds = [music_thread.progress, music_thread.progress]
        is_idle = music_thread.is_idle
        before = len(harness.output.sent)
        assert music_thread.end_notes_from_outside()
        ended = [message for message, _ in harness.sent_with_repeats[before:]]
        may_go_on.set()
        music_thread.stop()
        assert rounds[0] == rounds[1]
        assert (was_idle, is_idle) == (True, False)
        assert ended[0] == NoteOff(72)
        assert (progress_before, music_thread.progress) == (None, None)

    def test_that_hangs_in_the_port_is_not_joined_there(self) -> None:
        harness = MusicThreadHarness()
        hangs, may_go_on = Event(), Event()

        def hang(_data: bytes, _due_s: float | None = None) -> None:
            hangs.set()
            may_go_on.wait(PATIENCE_S)

        harness.output.send = hang  # type: ignore[method-assign,assignment]
        harness.music_thread.start()
        harness.music_thread.send_control_change(ControlChange(21, 64))
        assert hangs.wait(PATIENCE_S)
        assert not harness.music_thread.end_notes_from_outside()
        may_go_on.set()
        harness.music_thread.stop()

    def test_of_a_lost_port_sends_nothing_and_raises_nothing(self) -> None:
        harness = MusicThreadHarness()
        harness.music_thread._live_jam._sender._ledger.post(NoteOn(60, 80))
        harness.output.disconnect()
        assert not harness.music_thread.end_notes_from_outside()
