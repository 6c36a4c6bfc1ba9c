from datetime import UTC, datetime, timedelta

import pytest

from server.takes.take_ages import TakeAges

NOW = datetime(2026, 2, 3, 20, 15, tzinfo=UTC)


def days_after(*starts: float) -> float:
    """How old a jam is that the first start saw, after starts on these days."""
    ages = TakeAges()
    for day in starts:
        ages = ages.at_start(NOW + timedelta(days=day), ["a"])
    return ages.days("a")


@pytest.mark.parametrize(
    ("starts", "days"),
    [
        ((0,), 0.0),
        ((0, 1, 3), 3.0),
        ((0, 7, 14), 14.0),
        ((0, 200), 7.0),  # the clock is ahead, or nobody played for long
        ((0, 200, 200.1, 200.2), 7.2),
        ((0, -20_000, 1), 7.0),  # 1970, and right again
        ((0, 200, 1, 2), 8.0),
    ],
)
def test_from_one_start_to_the_next_at_most_a_week_counts(starts: tuple[float, ...], days: float) -> None:
    assert days_after(*starts) == pytest.approx(days)


def test_a_jam_begins_at_the_start_that_first_sees_it() -> None:
    ages = TakeAges().at_start(NOW, ["a"]).at_start(NOW + timedelta(days=5), ["a", "1970"])
    assert (ages.days("a"), ages.days("1970"), ages.days("not there")) == (5.0, 0.0, 0.0)


def test_a_jam_that_is_gone_is_forgotten() -> None:
    assert TakeAges().at_start(NOW, ["a"]).at_start(NOW, ["b"]).first_seen == {"b": 0.0}
