from bridge.timing.ticks.exact_dates import counted_by_intervals, counted_by_line
from bridge.timing.ticks.tick import Tick, TickLine

INTERVAL_S = 0.02


def dated(*places: float) -> list[Tick]:
    """Ticks that were counted one by one, from 5 on, at dates that are so many intervals after the first."""
    return [Tick(5 + index, 1.0 + place * INTERVAL_S) for index, place in enumerate(places)]


def test_ticks_are_numbered_by_their_dates() -> None:
    counted = counted_by_intervals(dated(0, 1, 2, 4, 5, 6, 9, 10, 11, 12))
    assert [number for number, _ in counted] == [5, 6, 7, 9, 10, 11, 14, 15, 16, 17]
    assert [at_s for _, at_s in counted] == [at_s for _, at_s in dated(0, 1, 2, 4, 5, 6, 9, 10, 11, 12)]


def test_ticks_that_all_come_twice_are_not_counted_by_their_copies() -> None:
    twice = [Tick(number, number // 2 * 0.025 + number % 2 * 0.0003) for number in range(24)]
    assert counted_by_intervals(twice) == []


def test_dates_that_pause_between_two_ticks_do_not_number_them() -> None:
    assert counted_by_intervals(dated(0, 1, 2, 3.4, 4.4, 5.4, 6.4, 7.4)) == []


def test_a_tick_that_came_twice_is_no_interval() -> None:
    assert counted_by_intervals(dated(0, 1, 2, 2, 3, 4, 5, 6, 7)) == []


def test_a_few_ticks_show_no_usual_interval() -> None:
    assert counted_by_intervals(dated(0, 1, 2, 4)) == []


def test_ticks_that_come_late_after_lost_ones_do_not_hide_these() -> None:
    assert counted_by_line(dated(1.5, 2.5, 3, 4), TickLine(5, 1.0, INTERVAL_S)) == [Tick(8, 1.06), Tick(9, 1.08)]


def test_a_tick_that_is_late_before_lost_ones_does_not_hide_these() -> None:
    assert counted_by_line(dated(0.3, 2, 3), TickLine(5, 1.0, INTERVAL_S)) == [Tick(7, 1.04), Tick(8, 1.06)]
    assert counted_by_line(dated(1.14, 5, 6), TickLine(5, 1.0, INTERVAL_S)) == [Tick(10, 1.1), Tick(11, 1.12)]


def test_ticks_that_are_less_late_than_lost_ones_make_them_show_another_tempo() -> None:
    assert counted_by_line(dated(1 / 3, 1 + 2 / 3, 3, 4), TickLine(5, 1.0, INTERVAL_S)) == []
