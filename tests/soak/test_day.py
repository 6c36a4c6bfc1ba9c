"""Eight minutes of the simulated day."""

from tests.soak.day import Day


def test_eight_minutes_of_anything_breaks_no_promise() -> None:
    count = Day(random_seed=1).run(500.0)
    assert count.heard > 100
    assert count.played > 50
