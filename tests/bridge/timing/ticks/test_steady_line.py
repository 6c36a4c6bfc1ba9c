from random import Random

import pytest

from bridge.timing.ticks.steady_line import FEWEST_POINTS, MOST_POINTS, POINT_TICKS, Point, SteadyLine

INTERVAL_S = 0.02
BEAT_S = POINT_TICKS * INTERVAL_S


def point(beat: int, off_s: float = 0.0) -> Point:
    return Point(beat * POINT_TICKS + 11.5, 5.0 + (beat * POINT_TICKS + 11.5) * INTERVAL_S + off_s)


def steady(beats: int, scatter_s: float = 0.0, seed: int = 0) -> SteadyLine:
    line, chance = SteadyLine(), Random(seed)
    for beat in range(beats):
        line.add(point(beat, chance.uniform(-scatter_s, scatter_s)))
    return line


def test_a_few_beats_make_no_line() -> None:
    assert steady(FEWEST_POINTS - 1).line is None


def test_the_line_goes_through_all_beats() -> None:
    line = steady(FEWEST_POINTS).line
    assert line is not None
    assert line.interval_s == pytest.approx(INTERVAL_S, abs=1e-12)
    assert line.due_s(1_000) == pytest.approx(25.0)


def test_over_a_minute_beats_that_scatter_hardly_move_the_tempo() -> None:
    for seed in range(5):
        line = steady(120, 0.0005, seed).line
        assert line is not None
        assert 2.5 / line.interval_s == pytest.approx(125.0, abs=0.001)


def test_one_beat_that_is_off_changes_nothing_and_a_second_one_ends_the_line() -> None:
    line = steady(60, 0.0002)
    line.add(point(60, 0.002))
    assert line.line is not None
    line.add(point(61, 0.002))
    assert line.line is None


def test_two_beats_that_are_off_to_different_sides_are_no_change() -> None:
    line = steady(60, 0.0002)
    line.add(point(60, 0.002))
    line.add(point(61, -0.002))
    assert line.line is not None


def test_a_rising_tempo_makes_no_line() -> None:
    line = SteadyLine()
    for beat in range(100):
        line.add(point(beat, -0.00002 * beat**2))
        assert line.line is None


def test_after_a_restart_the_line_is_that_of_later_beats() -> None:
    line = steady(60)
    line.restart()
    for beat in range(60, 60 + FEWEST_POINTS):
        assert line.line is None
        line.add(point(beat, 0.3))
    assert line.line is not None
    assert line.line.due_s(0) == pytest.approx(5.3)


def test_after_hours_the_line_is_as_exact_as_after_a_minute() -> None:
    line = steady(40 * MOST_POINTS).line
    assert line is not None
    assert line.interval_s == pytest.approx(INTERVAL_S, abs=1e-12)


def test_a_few_ticks_that_are_far_off_contradict_the_line_and_those_that_scatter_do_not() -> None:
    line = steady(60, 0.0002)
    on_time, off = point(60), point(60, 0.0015)
    assert not line.is_contradicted(on_time, on_time, 0.0005)
    assert line.is_contradicted(on_time, off, 0.0005)
    assert not line.is_contradicted(on_time, off, 0.0015)
    assert line.is_contradicted(off, on_time, 0.0005)
