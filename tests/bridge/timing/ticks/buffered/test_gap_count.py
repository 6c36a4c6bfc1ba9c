import math

import pytest

from bridge.timing.ticks.buffered.gap_count import TICKS_AFTER, GapCount
from bridge.timing.ticks.tick import Tick

INTERVAL_S, BUFFER_S = 0.0256, 0.0213
GAP = 288


def in_buffers(first: int, count: int, late_s: float = 0.0) -> list[Tick]:
    """Ticks with the middle of their buffers as dates."""
    return [
        Tick(number, (math.floor((1.0 + number * INTERVAL_S + late_s) / BUFFER_S) + 0.5) * BUFFER_S)
        for number in range(first, first + count)
    ]


def gap(late_s: float, lost: int = 1) -> GapCount:
    return GapCount(in_buffers(0, GAP), in_buffers(GAP, 4, late_s), lost, BUFFER_S, 0.0)


def weighed(late_s: float, lost: int = 1, count: int = TICKS_AFTER) -> GapCount:
    weighing = gap(late_s, lost)
    for tick in in_buffers(GAP + 4, count - 4, late_s):
        weighing.tick(tick)
    return weighing


def test_a_tick_that_was_lost_stays_lost() -> None:
    assert weighed(INTERVAL_S).likely_lost == 1


def test_a_pause_that_is_nearly_a_tick_long_counts_as_a_lost_one_until_the_phase_shows_it() -> None:
    late_s = INTERVAL_S + 0.05 * BUFFER_S
    assert gap(late_s).likely_lost == 1
    found = weighed(late_s)
    assert found.likely_lost == 0
    assert not found.is_open


def test_a_pause_of_exactly_a_tick_cannot_be_told_from_a_lost_one() -> None:
    found = weighed(INTERVAL_S, count=TICKS_AFTER - 1)
    assert found.is_open
    assert found.likely_lost == 1


def test_after_twice_the_ticks_before_the_gap_it_is_no_longer_weighed() -> None:
    assert not weighed(INTERVAL_S, count=TICKS_AFTER + 1).is_open


@pytest.mark.parametrize("lost", [0, 1, 3])
def test_another_number_of_lost_ticks_is_found_by_the_ticks_after_the_gap(lost: int) -> None:
    assert weighed(2 * INTERVAL_S, lost).likely_lost == 2


def test_the_lines_after_a_pause_have_the_tempo_from_before_it() -> None:
    late_s = 1.5 * INTERVAL_S
    found = weighed(late_s)
    at_s, interval_s = found.count(0).middle
    assert interval_s == pytest.approx(INTERVAL_S, abs=0.00001)
    assert at_s == pytest.approx(1.0 + found.last * INTERVAL_S + late_s, abs=0.001)


def test_where_the_ticks_before_a_gap_fit_no_line_nothing_is_said() -> None:
    unsteady = [Tick(number, at_s + 0.03 * (number % 2)) for number, at_s in in_buffers(0, GAP)]
    weighing = GapCount(unsteady, in_buffers(GAP, 4, INTERVAL_S), 1, BUFFER_S, 0.0)
    assert not weighing.is_known
    assert weighing.likely_lost == 1


def test_where_the_ticks_after_a_gap_fit_no_line_the_count_stays() -> None:
    weighing = gap(INTERVAL_S)
    weighing.tick(Tick(GAP + 4, 1.0 + (GAP + 9) * INTERVAL_S))
    assert not weighing.is_open
    assert weighing.likely_lost == 1


def test_ticks_that_were_held_up_before_a_gap_say_nothing_of_it() -> None:
    held_up = [Tick(number, 1.0) for number in range(GAP)]
    assert not GapCount(held_up, in_buffers(GAP, 4), 1, BUFFER_S, 0.0).is_known
