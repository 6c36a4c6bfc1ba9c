import pytest

from bridge.timing.ticks.buffered.feasible_lines import MOST_CORNERS, FeasibleLines


def lines() -> FeasibleLines:
    return FeasibleLines.within(1.0, 1.2, 0.5, 0.7)


def test_the_middle_of_all_lines_is_the_middle_of_the_bounds() -> None:
    assert lines().middle == pytest.approx((1.1, 0.6))


def test_each_line_advances_by_its_own_interval() -> None:
    carried = lines()
    carried.advance(3)
    assert carried.middle == pytest.approx((2.9, 0.6))
    assert (carried.earliest_s, carried.latest_s) == pytest.approx((2.5, 3.3))


def test_a_window_keeps_the_lines_that_pass_through_it() -> None:
    cut = lines()
    cut.advance()
    assert cut.keep_between(1.7, 1.9)
    assert (cut.earliest_s, cut.latest_s) == pytest.approx((1.7, 1.9))


def test_two_windows_far_apart_narrow_the_interval() -> None:
    known = lines()
    known.advance(10)
    assert known.keep_between(7.05, 7.15)
    shortest_s, longest_s = known.intervals_s
    assert (shortest_s, longest_s) == pytest.approx((0.585, 0.615))
    assert known.middle == pytest.approx((7.1, 0.6), abs=1e-9)


def test_a_window_that_no_line_passes_through_changes_nothing() -> None:
    kept = lines()
    assert not kept.keep_between(1.3, 1.4)
    assert kept.middle == pytest.approx((1.1, 0.6))


def test_cutting_a_copy_leaves_the_original_unchanged() -> None:
    original = lines()
    copy = original.copy()
    assert copy.keep_between(1.0, 1.05)
    assert original.latest_s == pytest.approx(1.2)


def test_relaxing_widens_the_bounds_a_little() -> None:
    relaxed = lines()
    relaxed.relax(0.1, relaxed.middle)
    assert (relaxed.earliest_s, relaxed.latest_s) == pytest.approx((0.99, 1.21))


def test_a_single_line_has_a_middle() -> None:
    assert FeasibleLines.within(1.0, 1.0, 0.5, 0.5).middle == pytest.approx((1.0, 0.5))


def test_the_number_of_corners_is_limited_and_the_true_line_is_kept() -> None:
    # An interval that is nearly a whole number of buffers: each window cuts a little off both ends.
    known = FeasibleLines.within(-0.5, 0.5, 0.5, 1.5)
    for tick in range(1, 200):
        known.advance()
        assert known.keep_between(tick - 0.5, tick + 0.5)
        assert len(known._corners) <= MOST_CORNERS
    shortest_s, longest_s = known.intervals_s
    assert shortest_s <= 1.0 - 0.9 / 199
    assert longest_s >= 1.0 + 0.9 / 199
