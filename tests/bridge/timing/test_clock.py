import pytest

from bridge.timing.clock import Clock, ManualClock, MonotonicClock


def test_the_machines_clock_never_goes_back() -> None:
    clock: Clock = MonotonicClock()
    read = [clock.now_s() for _ in range(1000)]
    assert read == sorted(read)


def test_a_manual_clock_moves_only_by_advance() -> None:
    clock = ManualClock(2.0)
    assert clock.now_s() == 2.0
    clock.advance(0.5)
    assert clock.now_s() == clock.now_s() == 2.5


def test_a_manual_clock_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        ManualClock().advance(-0.1)


def test_waiting_for_the_machines_clock_never_returns_early() -> None:
    clock = MonotonicClock()
    at_s = clock.now_s() + 0.002
    clock.wait_until(at_s, spin_s=0.0005)
    assert at_s <= clock.now_s()


def test_waiting_for_a_manual_clock_returns_at_once() -> None:
    clock = ManualClock(2.0)
    clock.wait_until(3.0, spin_s=0.0005)
    assert clock.now_s() == 2.0
