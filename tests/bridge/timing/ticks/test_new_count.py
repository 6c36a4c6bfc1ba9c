import pytest

from bridge.timing.ticks.new_count import MOST_TICKS, NewCount
from bridge.timing.ticks.tick import TickLine


def counted(dates_s: list[float], number: int = 9) -> NewCount:
    new = NewCount(number)
    new.dates_s = dates_s
    return new


STEADY = [1.0 + 0.02 * tick for tick in range(12)]


def test_ticks_on_a_line_by_their_numbers_lost_none() -> None:
    assert counted(STEADY).is_confirmed(21, TickLine(21, 1.22, 0.02), None)


def test_ticks_that_seem_lost_by_the_new_count_too_are_lost() -> None:
    assert not counted(STEADY).is_confirmed(22, TickLine(22, 1.22, 0.02), None)


def test_a_tick_that_was_lost_among_the_first_leaves_those_before_it_off_the_line() -> None:
    assert not counted([0.98, *STEADY[1:]]).is_confirmed(21, TickLine(21, 1.22, 0.02), None)


def test_in_a_buffer_ticks_may_be_off_the_line_by_its_length() -> None:
    assert counted([0.98, *STEADY[1:]]).is_confirmed(21, TickLine(21, 1.22, 0.02), buffer_s=0.0213)


def test_without_a_line_nothing_is_confirmed() -> None:
    assert not counted(STEADY).is_confirmed(21, None, None)


@pytest.mark.parametrize(("ticks", "number", "is_due"), [(12, 21, False), (12, 23, True), (5, 16, False)])
def test_ticks_are_counted_again_as_soon_as_some_seem_lost(
    ticks: int,
    number: int,
    is_due: bool,  # noqa: FBT001  a column of the table
) -> None:
    assert counted(STEADY[:ticks]).is_recount_due(number) == is_due


def test_ticks_that_seem_lost_still_are_counted_again_only_now_and_then() -> None:
    new = counted([1.0 + 0.02 * tick for tick in range(12)])
    due = []
    for _ in range(MOST_TICKS - 12):
        new.dates_s.append(new.dates_s[-1] + 0.02)
        if new.is_recount_due(9 + len(new.dates_s) + 1):
            due.append(len(new.dates_s))
    assert due == [13, 24, 48, 96]
    assert new.is_over
