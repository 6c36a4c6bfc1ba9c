import pytest

from train.evaluation.measures import Quartiles
from train.report.charts import Mark, Scale, draw_curve, draw_strip


class TestScale:
    def test_the_least_lies_at_the_left_and_the_greatest_at_the_right_with_a_margin(self) -> None:
        scale = Scale.of([2.0, 4.0, 3.0])
        assert 0 < scale.at(2.0) < 10
        assert scale.at(3.0) == 50.0
        assert 90 < scale.at(4.0) < 100

    def test_equal_numbers_lie_in_the_middle(self) -> None:
        assert Scale.of([1.0, 1.0]).at(1.0) == 50.0


def test_a_strip_is_a_band_with_marks_over_it() -> None:
    strip = draw_strip(Scale(0.0, 10.0), Quartiles(2.0, 4.0, 6.0), {"event": Quartiles(4.5, 5.0, 7.0)})
    assert (strip.low, strip.median, strip.high) == (20.0, 40.0, 60.0)
    assert strip.marks == (Mark("event", at=50.0, low=45.0, high=70.0),)


def test_a_curve_runs_from_the_first_value_to_the_last_lower_ones_lower() -> None:
    curve = draw_curve([3.0, 2.0, 1.0, 1.5, 2.0], marked=2)
    points = [tuple(map(float, point.split(","))) for point in curve.path.removeprefix("M").split("L")]
    assert [x for x, _ in points] == [0.0, 25.0, 50.0, 75.0, 100.0]
    assert (curve.marked_x, curve.marked_y) == points[2] == max(points, key=lambda point: point[1])
    assert curve.lowest < 1.0
    assert curve.highest > 3.0
    assert points[1][1] == pytest.approx(50.0)
