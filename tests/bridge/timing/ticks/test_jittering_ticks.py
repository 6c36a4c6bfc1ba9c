import pytest

from bridge.timing.ticks.jittering_ticks import JitteringTicks

INTERVAL_S = 0.02


def after(*times_s: float) -> JitteringTicks:
    ticks = JitteringTicks()
    for at_s in times_s:
        ticks.tick(at_s)
    return ticks


def regular(count: int, from_s: float = 1.0, interval_s: float = INTERVAL_S) -> list[float]:
    return [from_s + tick * interval_s for tick in range(count)]


def next_due_s(ticks: JitteringTicks) -> float:
    assert ticks.line is not None
    return ticks.line.due_s(ticks.number + 1)


def test_ticks_are_numbered_from_0() -> None:
    assert after(*regular(5)).number == 4


def test_one_late_tick_proves_nothing() -> None:
    steady = after(*regular(48))
    before = steady.line
    steady.tick(1.0 + 48 * INTERVAL_S + 0.009)
    assert steady.line == before
    steady.tick(1.0 + 49 * INTERVAL_S)
    assert next_due_s(steady) == pytest.approx(1.0 + 50 * INTERVAL_S)


@pytest.mark.parametrize("lost", [{1}, {2}, {3}, {2, 3}, {1, 4}, {1, 2, 3, 4}, {3, 5}, {2, 9}])
def test_a_tick_that_is_lost_among_the_first_ones_is_counted_a_beat_later_where_dates_are_exact(lost: set[int]) -> None:
    ticks = after(*(at_s for number, at_s in enumerate(regular(32)) if number not in lost))
    assert ticks.number == 31
    assert next_due_s(ticks) == pytest.approx(1.0 + 32 * INTERVAL_S)


def test_a_clock_that_steps_to_half_its_tempo_at_once_has_lost_no_tick() -> None:
    ticks = after(*regular(3), *regular(32, 1.0 + 4 * INTERVAL_S, 2 * INTERVAL_S))
    assert ticks.number == 34


def test_four_ticks_in_a_row_late_by_whole_intervals_mean_lost_ticks() -> None:
    ticks = after(*regular(48), *regular(4, 1.0 + 50 * INTERVAL_S))
    assert ticks.number == 53
    assert next_due_s(ticks) == pytest.approx(1.0 + 54 * INTERVAL_S)


def test_four_ticks_in_a_row_late_by_less_than_an_interval_mean_a_new_phase() -> None:
    ticks = after(*regular(48), *regular(4, 1.0 + 48.4 * INTERVAL_S))
    assert ticks.number == 51
    assert next_due_s(ticks) == pytest.approx(1.0 + 52.4 * INTERVAL_S)


def test_four_late_ticks_out_of_phase_mean_a_pause_without_lost_ticks() -> None:
    ticks = after(*regular(48), *regular(4, 1.0 + 49.75 * INTERVAL_S))
    assert ticks.number == 51
    assert next_due_s(ticks) == pytest.approx(1.0 + 53.75 * INTERVAL_S)


def test_ticks_that_come_later_and_later_mean_a_new_tempo() -> None:
    ticks = after(*regular(48), *regular(5, 1.0 + 47 * INTERVAL_S + 0.03, 0.03))
    assert ticks.number == 52
    assert ticks.line is not None
    assert ticks.line.interval_s == pytest.approx(0.03)


def test_ticks_lost_at_a_change_of_tempo_are_counted() -> None:
    ticks = after(*regular(48), *regular(6, 1.0 + 47 * INTERVAL_S + 2 * 0.04, 0.04))
    assert ticks.number == 54
    assert ticks.line is not None
    assert ticks.line.interval_s == pytest.approx(0.04)


def test_of_ticks_that_arrive_together_the_last_one_is_on_time() -> None:
    ticks = after(*regular(48), *[1.0 + 53 * INTERVAL_S] * 6)
    assert ticks.number == 53
    assert next_due_s(ticks) == pytest.approx(1.0 + 54 * INTERVAL_S)


def test_a_single_copy_of_a_tick_is_not_counted() -> None:
    times_s = sorted([*regular(60), 1.0 + 47.1 * INTERVAL_S])
    ticks = after(*times_s)
    assert ticks.number == 59
    assert next_due_s(ticks) == pytest.approx(1.0 + 60 * INTERVAL_S, abs=0.0005)


def test_after_resume_the_tempo_stays_and_the_phase_is_new() -> None:
    ticks = after(*regular(48))
    ticks.resume(9.0, lost=7)
    assert not ticks.is_on_time(9.01)
    assert ticks.is_on_time(9.0)
    ticks.tick(9.0)
    assert ticks.number == 55
    assert next_due_s(ticks) == pytest.approx(9.0 + INTERVAL_S)


def test_after_resume_before_the_first_line_old_ticks_are_dropped() -> None:
    ticks = after(1.0, 1.02)
    ticks.resume(9.0)
    for at_s in regular(4, 9.0, 0.03):
        ticks.tick(at_s)
    assert ticks.line is not None
    assert ticks.line.interval_s == pytest.approx(0.03)


def test_ticks_lost_again_and_again_are_counted_where_dates_are_exact() -> None:
    """In an overrun after another, as on a busy machine at 64 frames: a tick comes through here and there."""
    come_through = [*range(48), 49, 51, 52, 53, 57, 59, 60, 61, 62, 64, 65, 66, 67, 68, 69, 70]
    ticks = after(*(1.0 + number * INTERVAL_S for number in come_through))
    assert ticks.number == 70
    assert next_due_s(ticks) == pytest.approx(1.0 + 71 * INTERVAL_S)


def test_lost_ticks_are_counted_where_the_next_ones_come_a_cycle_late_and_dates_are_exact() -> None:
    come_through = [*range(48), 51, 52.5, 53.5, *range(54, 72)]
    ticks = after(*(1.0 + number * INTERVAL_S for number in come_through))
    assert ticks.number == 71
    assert next_due_s(ticks) == pytest.approx(1.0 + 72 * INTERVAL_S)


def test_several_overruns_at_once_are_no_change_of_tempo_where_dates_are_exact() -> None:
    """Of fourteen ticks five come through, and no two of the first four with as many lost before them."""
    come_through = [*range(48), 49, 52, 55, 57, *range(58, 72)]
    ticks = after(*(1.0 + number * INTERVAL_S for number in come_through))
    assert ticks.number == 71
    assert next_due_s(ticks) == pytest.approx(1.0 + 72 * INTERVAL_S)


def test_half_the_tempo_is_not_taken_for_every_other_tick_lost() -> None:
    ticks = after(*regular(48), *regular(24, 1.0 + 49 * INTERVAL_S, 2 * INTERVAL_S))
    assert ticks.number == 71
    assert ticks.line is not None
    assert ticks.line.interval_s == pytest.approx(2 * INTERVAL_S)


def test_copies_are_left_out_however_often_they_come_where_dates_are_exact() -> None:
    """In an overrun JACK delivers a cycle's messages once more."""
    dates_s = [1.0 + number * INTERVAL_S for number in range(200)]
    copied = sorted([*dates_s, *(at_s + 0.0001 for at_s in dates_s[60::13])])
    ticks = after(*copied)
    assert ticks.number == 199
    assert next_due_s(ticks) == pytest.approx(1.0 + 200 * INTERVAL_S)


def test_a_tick_that_comes_again_a_buffer_later_is_not_counted_where_dates_are_exact() -> None:
    """JACK delivers a cycle's messages again, a period later, where their sender missed the next cycle."""
    ticks = after(*regular(60), 1.0 + 59.5 * INTERVAL_S, *regular(60, 1.0 + 60 * INTERVAL_S))
    assert ticks.number == 119
    assert next_due_s(ticks) == pytest.approx(1.0 + 120 * INTERVAL_S)
