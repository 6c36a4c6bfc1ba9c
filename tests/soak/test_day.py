"""Five minutes of the simulated day."""

from tests.soak.day import Day


def test_five_minutes_of_anything_breaks_no_promise() -> None:
    count = Day(random_seed=1).run(300.0)
    assert count.heard > 50
    assert count.played > 50
