import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.bins import GRID_PER_BEAT, TimeBins, commonest_bins, quantile_bins

QUARTERS_AND_TRIPLETS = [1.0] * 5 + [0.5] * 4 + [1 / 3] * 3 + [2.0] * 2 + [4.0]
ANY_SHIFT = st.floats(min_value=0.001, max_value=64.0)
COUNTS = st.integers(min_value=1, max_value=40)
NO_RHYTHM = "no time between any two onsets: there is nothing to learn rhythm from"


class TestCommonest:
    def test_the_commonest_shifts_are_bins_of_their_own_in_rising_order(self) -> None:
        assert commonest_bins(QUARTERS_AND_TRIPLETS, 3).shifts == (8 / 24, 0.5, 1.0)

    def test_two_bins_divide_halfway(self) -> None:
        assert commonest_bins([0.5, 1.0, 2.0], 3).edges == (0.75, 1.5)

    def test_of_two_shifts_as_common_the_shorter_is_kept(self) -> None:
        assert commonest_bins([2.0, 1.0], 1).shifts == (1.0,)

    def test_played_timing_is_counted_on_the_grid(self) -> None:
        assert commonest_bins([0.49, 0.5, 0.51, 1.0, 1.0], 1).shifts == (0.5,)

    def test_fewer_different_shifts_than_asked_for_give_fewer_bins(self) -> None:
        assert len(commonest_bins(QUARTERS_AND_TRIPLETS, 32)) == 5

    def test_a_shift_shorter_than_half_a_tick_of_the_grid_is_no_bin(self) -> None:
        assert commonest_bins([0.01, 0.01, 1.0], 2).shifts == (1.0,)

    @pytest.mark.parametrize("shifts", [[], [0.0, 0.0], [0.01]])
    def test_music_without_rhythm_is_an_error(self, shifts: list[float]) -> None:
        with pytest.raises(ValueError, match=f"^{NO_RHYTHM}$"):
            commonest_bins(shifts, 8)


class TestQuantile:
    def test_quantiles_that_fall_on_one_value_are_one_bin(self) -> None:
        bins = quantile_bins([0.5] * 90 + [1.0] * 10, 32)
        assert bins == TimeBins((0.5, 1.0), (0.75,))

    def test_a_bin_plays_its_median_so_score_music_stays_on_the_grid(self) -> None:
        assert quantile_bins([0.5, 0.5, 0.5, 0.75, 4.0], 1).shifts == (0.5,)

    def test_played_timing_is_brought_to_the_grid(self) -> None:
        assert quantile_bins([0.24, 0.26, 0.98, 1.02], 2) == TimeBins((0.25, 1.0), ((0.26 + 0.98) / 2,))

    def test_the_old_way_leaves_the_median_where_it_is(self) -> None:
        assert quantile_bins([0.24, 0.26, 0.98, 1.02], 2, grid=None).shifts == (0.25, 1.0)

    def test_shifts_that_come_to_one_place_on_the_grid_are_one_bin(self) -> None:
        assert quantile_bins([0.49, 0.5, 0.51, 0.98, 1.0, 1.02], 6) == TimeBins((0.5, 1.0), ((0.51 + 0.98) / 2,))

    def test_a_third_of_a_beat_stays_in_its_bin_however_it_was_rounded(self) -> None:
        bins = quantile_bins([4 / 3 - 1, 1.0] * 8, 4)
        assert bins.index(1 / 3) == bins.index(4 / 3 - 1) == bins.index(7 / 3 - 2) == 0

    def test_the_shortest_shift_is_a_tick_of_the_grid(self) -> None:
        assert quantile_bins([0.001], 4).shifts == (1 / GRID_PER_BEAT,)

    @pytest.mark.parametrize("shifts", [[], [0.0]])
    def test_music_without_rhythm_is_an_error(self, shifts: list[float]) -> None:
        with pytest.raises(ValueError, match=f"^{NO_RHYTHM}$"):
            quantile_bins(shifts, 8)

    @given(st.lists(ANY_SHIFT, min_size=1, max_size=60), COUNTS, st.sampled_from([GRID_PER_BEAT, None]))
    def test_each_bin_reads_what_it_plays(self, shifts: list[float], count: int, grid: int | None) -> None:
        bins = quantile_bins(shifts, count, grid)
        assert len(bins) <= count
        assert [bins.index(shift) for shift in bins.shifts] == list(range(len(bins)))


class TestAnyBins:
    @given(st.lists(ANY_SHIFT.filter(lambda shift: shift > 0.03), min_size=1, max_size=60), COUNTS, ANY_SHIFT)
    def test_any_shift_falls_into_the_nearest_bin(self, shifts: list[float], count: int, shift: float) -> None:
        bins = commonest_bins(shifts, count)
        distance = abs(bins.shifts[bins.index(shift)] - shift)
        assert distance == min(abs(played - shift) for played in bins.shifts)

    @given(st.lists(ANY_SHIFT.filter(lambda shift: shift > 0.03), min_size=1, max_size=60), COUNTS)
    def test_what_is_played_lies_on_the_grid(self, shifts: list[float], count: int) -> None:
        for bins in (commonest_bins(shifts, count), quantile_bins(shifts, count)):
            assert all((shift * GRID_PER_BEAT).is_integer() for shift in bins.shifts)
            assert all(a < b for a, b in pairwise(bins.shifts))

    def test_a_shift_on_an_edge_falls_into_the_bin_below(self) -> None:
        bins = TimeBins((0.5, 1.0), (0.75,))
        assert [bins.index(0.75), bins.index(0.7500001)] == [0, 1]

    def test_a_very_long_rest_falls_into_the_longest_bin(self) -> None:
        assert TimeBins((0.5, 1.0), (0.75,)).index(1e9) == 1

    @pytest.mark.parametrize(
        ("shifts", "edges", "complaint"),
        [
            ((), (), "0 bins need -1 edges, not 0"),
            ((0.5, 1.0), (), "2 bins need 1 edges, not 0"),
            ((0.0, 1.0), (0.5,), "a time bin must move the clock: its shift must be above 0"),
            ((1.0, 1.0), (1.0,), "the bins' shifts must rise"),
            ((0.5, 1.0), (1.0,), "an edge must lie between the shifts of its two bins"),
            ((0.5, 1.0), (0.4,), "an edge must lie between the shifts of its two bins"),
            ((0.5, 1.0), (float("nan"),), "an edge must lie between the shifts of its two bins"),
        ],
    )
    def test_bins_that_contradict_themselves_are_an_error(
        self, shifts: tuple[float, ...], edges: tuple[float, ...], complaint: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
            TimeBins(shifts, edges)
