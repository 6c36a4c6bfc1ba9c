import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.echo_guard import ECHO_WINDOW_S, EchoGuard

NOTE = bytes([0x90, 60, 100])
OTHER_NOTE = bytes([0x90, 64, 100])


@pytest.fixture
def guard() -> EchoGuard:
    return EchoGuard()


def test_an_equal_message_within_the_window_is_an_echo(guard: EchoGuard) -> None:
    guard.record_sent(NOTE, 1.0)
    assert guard.is_echo(NOTE, 1.0 + ECHO_WINDOW_S - 0.001)


def test_an_equal_message_after_the_window_is_no_echo(guard: EchoGuard) -> None:
    guard.record_sent(NOTE, 1.0)
    assert not guard.is_echo(NOTE, 1.0 + ECHO_WINDOW_S + 0.001)


def test_a_message_received_before_it_was_sent_is_no_echo(guard: EchoGuard) -> None:
    guard.record_sent(NOTE, 1.0)
    assert not guard.is_echo(NOTE, 0.999)
    assert guard.is_echo(NOTE, 1.001)


def test_other_bytes_are_no_echo(guard: EchoGuard) -> None:
    guard.record_sent(NOTE, 1.0)
    assert not guard.is_echo(OTHER_NOTE, 1.001)


def test_each_message_sent_has_one_echo(guard: EchoGuard) -> None:
    guard.record_sent(NOTE, 1.0)
    assert [guard.is_echo(NOTE, 1.001), guard.is_echo(NOTE, 1.002)] == [True, False]


def test_echoes_can_come_in_another_order(guard: EchoGuard) -> None:
    guard.record_sent(NOTE, 1.0)
    guard.record_sent(OTHER_NOTE, 1.001)
    assert guard.is_echo(OTHER_NOTE, 1.002)
    assert guard.is_echo(NOTE, 1.003)


def test_old_messages_are_dropped(guard: EchoGuard) -> None:
    for beat in range(10_000):
        guard.record_sent(NOTE, beat * 0.5)
    assert len(guard._sent) == 1


@given(st.lists(st.floats(0, 0.01), max_size=20))
def test_in_a_full_loop_every_message_is_an_echo_once(gaps_s: list[float]) -> None:
    guard, at_s = EchoGuard(), 0.0
    for gap_s in gaps_s:
        at_s += gap_s
        guard.record_sent(NOTE, at_s)
        assert guard.is_echo(NOTE, at_s + 0.005)
    assert not guard.is_echo(NOTE, at_s + 0.005)
