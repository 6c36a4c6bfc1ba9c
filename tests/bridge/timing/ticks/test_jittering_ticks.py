import pytest

from bridge.timing.ticks.jittering_ticks import JitteringTicks

INTERVAL_S = 0.02


def after(*times_s: float) -> JitteringTicks:
    line = JitteringTicks()
    for at_s in times_s:
        line.tick(at_s)
    return line


def regular(count: int, from_s: float = 1.0, interval_s: float = INTERVAL_S) -> list[float]:
    return [from_s + tick * interval_s for tick in range(count)]


def next_due_s(line: JitteringTicks) -> float:
    assert line.line is not None
    return line.line.due_s(line.number + 1)


def test_ticks_are_numbered_from_0() -> None:
    assert after(*regular(5)).number == 4


def test_one_late_tick_proves_nothing() -> None:
    steady = after(*regular(48))
    before = steady.line
    steady.tick(1.0 + 48 * INTERVAL_S + 0.009)
    assert steady.line == before
    steady.tick(1.0 + 49 * INTERVAL_S)
    assert next_due_s(steady) == pytest.approx(1.0 + 50 * INTERVAL_S)


def test_four_late_ticks_in_a_row_a_whole_interval_late_are_ticks_that_were_lost() -> None:
    line = after(*regular(48), *regular(4, 1.0 + 50 * INTERVAL_S))
    assert line.number == 53
    assert next_due_s(line) == pytest.approx(1.0 + 54 * INTERVAL_S)


def test_four_late_ticks_in_a_row_by_less_are_another_phase() -> None:
    line = after(*regular(48), *regular(4, 1.0 + 48.4 * INTERVAL_S))
    assert line.number == 51
    assert next_due_s(line) == pytest.approx(1.0 + 52.4 * INTERVAL_S)


def test_four_late_ticks_beside_their_phase_are_a_clock_that_stood_still_and_lost_none() -> None:
    line = after(*regular(48), *regular(4, 1.0 + 49.75 * INTERVAL_S))
    assert line.number == 51
    assert next_due_s(line) == pytest.approx(1.0 + 53.75 * INTERVAL_S)


def test_ticks_that_come_later_and_later_are_another_tempo() -> None:
    line = after(*regular(48), *regular(5, 1.0 + 47 * INTERVAL_S + 0.03, 0.03))
    assert line.number == 52
    assert line.line is not None
    assert line.line.interval_s == pytest.approx(0.03)


def test_another_tempo_after_lost_ticks_counts_those_too() -> None:
    line = after(*regular(48), *regular(6, 1.0 + 47 * INTERVAL_S + 2 * 0.04, 0.04))
    assert line.number == 54
    assert line.line is not None
    assert line.line.interval_s == pytest.approx(0.04)


def test_of_ticks_that_come_together_the_last_tells_the_time() -> None:
    line = after(*regular(48), *[1.0 + 53 * INTERVAL_S] * 6)
    assert line.number == 53
    assert next_due_s(line) == pytest.approx(1.0 + 54 * INTERVAL_S)


def test_a_tick_that_came_twice_is_taken_back() -> None:
    times_s = sorted([*regular(60), 1.0 + 47.1 * INTERVAL_S])
    line = after(*times_s)
    assert line.number == 59
    assert next_due_s(line) == pytest.approx(1.0 + 60 * INTERVAL_S, abs=0.0005)


def test_resumed_it_keeps_the_tempo_in_another_phase() -> None:
    line = after(*regular(48))
    line.resume(9.0, lost=7)
    assert not line.is_on_time(9.01)
    assert line.is_on_time(9.0)
    line.tick(9.0)
    assert line.number == 55
    assert next_due_s(line) == pytest.approx(9.0 + INTERVAL_S)


def test_resumed_before_there_was_a_line_it_begins_anew() -> None:
    line = after(1.0, 1.02)
    line.resume(9.0)
    for at_s in regular(4, 9.0, 0.03):
        line.tick(at_s)
    assert line.line is not None
    assert line.line.interval_s == pytest.approx(0.03)
