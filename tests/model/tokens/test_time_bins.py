import re
from collections import Counter
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.notes import CHORD_BEATS
from model.tokens.time_bins import (
    GRID_PER_BEAT,
    MUSICAL_TICKS,
    BinChoice,
    TimeBins,
    add_missing_bins,
    choose_bins,
    commonest_bins,
    musical_bins,
    quantile_bins,
)

QUARTERS_AND_TRIPLETS = [1.0] * 5 + [0.5] * 4 + [1 / 3] * 3 + [2.0] * 2 + [4.0]
ANY_SHIFT = st.floats(min_value=0.001, max_value=64.0)
COUNTS = st.integers(min_value=1, max_value=40)
# As in a corpus: few values, each of them often.
SHIFT_COUNTS = st.dictionaries(
    st.integers(60, 2000).map(lambda ticks: ticks / 960), st.integers(1, 30), min_size=1, max_size=30
)
NO_RHYTHM = "no time between any two onsets: there is nothing to learn rhythm from"


class TestCommonest:
    def test_the_commonest_shifts_are_bins_of_their_own_in_rising_order(self) -> None:
        assert commonest_bins(Counter(QUARTERS_AND_TRIPLETS), 3).shifts == (8 / 24, 0.5, 1.0)

    def test_two_bins_divide_halfway(self) -> None:
        assert commonest_bins(Counter([0.5, 1.0, 2.0]), 3).edges == (0.75, 1.5)

    def test_of_two_equally_common_shifts_the_shorter_gets_a_bin(self) -> None:
        assert commonest_bins(Counter([2.0, 1.0]), 1).shifts == (1.0,)

    def test_played_timing_is_counted_on_the_grid(self) -> None:
        assert commonest_bins(Counter([0.49, 0.5, 0.51, 1.0, 1.0]), 1).shifts == (0.5,)

    def test_fewer_different_shifts_than_requested_give_fewer_bins(self) -> None:
        assert len(commonest_bins(Counter(QUARTERS_AND_TRIPLETS), 32)) == 5

    def test_a_shift_shorter_than_half_a_tick_of_the_grid_gets_no_bin(self) -> None:
        assert commonest_bins(Counter([0.01, 0.01, 1.0]), 2).shifts == (1.0,)

    @pytest.mark.parametrize("shifts", [[], [0.0, 0.0], [0.01]])
    def test_music_without_rhythm_is_an_error(self, shifts: list[float]) -> None:
        with pytest.raises(ValueError, match=f"^{NO_RHYTHM}$"):
            commonest_bins(Counter(shifts), 8)


class TestQuantile:
    def test_quantiles_that_fall_on_one_value_are_one_bin(self) -> None:
        bins = quantile_bins(Counter([0.5] * 90 + [1.0] * 10), 32)
        assert bins == TimeBins((0.5, 1.0), (0.75,))

    def test_a_bin_plays_its_median_so_score_music_stays_on_the_grid(self) -> None:
        assert quantile_bins(Counter([0.5, 0.5, 0.5, 0.75, 4.0]), 1).shifts == (0.5,)

    def test_played_timing_is_brought_to_the_grid(self) -> None:
        assert quantile_bins(Counter([0.24, 0.26, 0.98, 1.02]), 2) == TimeBins((0.25, 1.0), ((0.26 + 0.98) / 2,))

    def test_without_a_grid_the_median_is_not_rounded(self) -> None:
        assert quantile_bins(Counter([0.24, 0.26, 0.98, 1.02]), 2, grid=None).shifts == (0.25, 1.0)

    def test_shifts_that_round_to_one_tick_are_one_bin(self) -> None:
        assert quantile_bins(Counter([0.49, 0.5, 0.51, 0.98, 1.0, 1.02]), 6) == TimeBins(
            (0.5, 1.0), ((0.51 + 0.98) / 2,)
        )

    def test_without_a_grid_shifts_that_differ_by_rounding_alone_are_one_bin(self) -> None:
        assert quantile_bins(Counter([64.0, 63.99999999999999]), 2, grid=None).shifts == (63.99999999999999,)

    def test_a_third_of_a_beat_falls_into_its_bin_for_any_rounding(self) -> None:
        bins = quantile_bins(Counter([4 / 3 - 1, 1.0] * 8), 4)
        assert bins.index(1 / 3) == bins.index(4 / 3 - 1) == bins.index(7 / 3 - 2) == 0

    def test_the_shortest_shift_is_a_tick_of_the_grid(self) -> None:
        assert quantile_bins(Counter([0.001]), 4).shifts == (1 / GRID_PER_BEAT,)

    @pytest.mark.parametrize("shifts", [[], [0.0]])
    def test_music_without_rhythm_is_an_error(self, shifts: list[float]) -> None:
        with pytest.raises(ValueError, match=f"^{NO_RHYTHM}$"):
            quantile_bins(Counter(shifts), 8)

    def test_an_even_number_of_shifts_has_its_median_between_the_middle_two(self) -> None:
        assert quantile_bins({0.5: 2, 1.0: 1, 3.0: 1}, 1, grid=None).shifts == (0.75,)
        assert quantile_bins({0.5: 2, 1.0: 2, 3.0: 1}, 1, grid=None).shifts == (1.0,)

    def test_means_lie_between_note_values(self) -> None:
        assert quantile_bins({0.5: 3, 4.0: 1}, 1, grid=None, middle="mean").shifts == (1.375,)

    @given(st.floats(0.001, 64.0), st.integers(1, 10**9))
    def test_a_mean_of_one_value_is_that_value_however_often_it_comes(self, shift: float, times: int) -> None:
        assert quantile_bins({shift: times}, 8, grid=None, middle="mean").shifts == (shift,)

    def test_a_billion_shifts_cost_no_more_than_one(self) -> None:
        assert quantile_bins({0.5: 10**9, 1.0: 10**9}, 2) == TimeBins((0.5, 1.0), (0.75,))

    @given(SHIFT_COUNTS, COUNTS)
    def test_counts_of_shifts_give_the_same_bins_as_the_whole_list(self, shifts: dict[float, int], count: int) -> None:
        every = np.array(sorted(Counter(shifts).elements()))
        uppers = np.unique(np.quantile(every, np.linspace(0.0, 1.0, count + 1)[1:], method="lower"))
        bin_of = np.searchsorted(uppers, every)
        members = [every[bin_of == index] for index in range(len(uppers))]
        halfway = [(float(a[-1]) + float(b[0])) / 2 for a, b in pairwise(members)]
        medians = quantile_bins(shifts, count, grid=None)
        assert medians.shifts == tuple(float(np.median(inside)) for inside in members)
        assert list(medians.edges) == halfway
        means = quantile_bins(shifts, count, grid=None, middle="mean")
        assert means.shifts == pytest.approx([float(np.mean(inside)) for inside in members], rel=1e-12)
        assert list(means.edges) == halfway

    @given(
        st.lists(ANY_SHIFT, min_size=1, max_size=60),
        COUNTS,
        st.sampled_from([GRID_PER_BEAT, None]),
        st.sampled_from(["median", "mean"]),
    )
    def test_the_shift_that_a_bin_plays_falls_into_that_bin(
        self, shifts: list[float], count: int, grid: int | None, middle: Literal["median", "mean"]
    ) -> None:
        bins = quantile_bins(Counter(shifts), count, grid, middle)
        assert len(bins) <= count
        assert [bins.index(shift) for shift in bins.shifts] == list(range(len(bins)))


class TestMusical:
    def test_the_simplest_note_values_come_first(self) -> None:
        assert musical_bins(4).shifts == (0.25, 0.5, 1.0, 2.0)
        assert {1.5, 0.75, 1 / 3, 2 / 3, 4.0, 3.0} <= set(musical_bins(10).shifts)

    @pytest.mark.parametrize("count", [1, 2, 16, 32, 99])
    def test_there_are_as_many_bins_as_requested_if_there_are_enough_shifts(self, count: int) -> None:
        assert len(musical_bins(count)) == min(count, len(MUSICAL_TICKS), 32)

    def test_all_shifts_are_longer_than_a_chord_spread_and_at_most_two_bars(self) -> None:
        shifts = musical_bins(32).shifts
        assert min(shifts) > CHORD_BEATS
        assert max(shifts) == 8.0


def test_each_choice_has_its_bins() -> None:
    shifts = {0.5: 6, 0.53: 1, 3.0: 3}
    bins = {choice: choose_bins(shifts, choice, 2) for choice in get_args(BinChoice)}
    assert bins["commonest"] == commonest_bins(shifts, 2)
    assert bins["quantile"] == quantile_bins(shifts, 2)
    assert bins["quantile-mean"] == quantile_bins(shifts, 2, grid=None, middle="mean")
    assert bins["musical"] == musical_bins(2)
    assert len(set(bins.values())) == 4


class TestAddMissingBins:
    BINS = TimeBins((0.5, 1.0), (0.6,))

    def test_a_shift_that_is_common_enough_and_has_no_bin_gets_one(self) -> None:
        grown = add_missing_bins(self.BINS, {0.5: 70, 1 / 3: 20, 2.0: 9, 1.5: 1}, min_share=0.05)
        assert grown.shifts == (1 / 3, 0.5, 1.0, 2.0)
        assert grown.edges == pytest.approx((5 / 12, 0.75, 1.5))

    def test_shifts_that_have_a_bin_already_add_none(self) -> None:
        assert add_missing_bins(self.BINS, {0.5: 5, 0.51: 5, 0.99: 5, 4.0: 1}, min_share=0.1) is self.BINS

    @pytest.mark.parametrize("shifts", [{}, {0.0: 3}, {0.01: 3}])
    def test_music_without_rhythm_adds_no_bin(self, shifts: dict[float, int]) -> None:
        assert add_missing_bins(self.BINS, shifts, min_share=0.0) is self.BINS

    @given(SHIFT_COUNTS, SHIFT_COUNTS, COUNTS, st.floats(0.0, 1.0))
    def test_no_bin_is_lost(
        self, before: dict[float, int], after: dict[float, int], count: int, min_share: float
    ) -> None:
        for choice in get_args(BinChoice):
            bins = choose_bins(before, choice, count)
            grown = add_missing_bins(bins, after, min_share)
            assert set(bins.shifts) <= set(grown.shifts)
            assert [grown.index(shift) for shift in grown.shifts] == list(range(len(grown)))

    @given(SHIFT_COUNTS, COUNTS)
    def test_without_a_min_share_every_shift_has_a_bin_less_than_a_tick_away(
        self, shifts: dict[float, int], count: int
    ) -> None:
        grown = add_missing_bins(musical_bins(count), shifts, min_share=0.0)
        assert all(abs(grown.shifts[grown.index(shift)] - shift) <= 0.5 / GRID_PER_BEAT + 1e-9 for shift in shifts)


class TestAnyBins:
    @given(st.lists(ANY_SHIFT.filter(lambda shift: shift > 0.03), min_size=1, max_size=60), COUNTS, ANY_SHIFT)
    def test_any_shift_falls_into_the_nearest_bin(self, shifts: list[float], count: int, shift: float) -> None:
        bins = commonest_bins(Counter(shifts), count)
        distance = abs(bins.shifts[bins.index(shift)] - shift)
        assert distance == min(abs(played - shift) for played in bins.shifts)

    @given(st.lists(ANY_SHIFT.filter(lambda shift: shift > 0.03), min_size=1, max_size=60), COUNTS)
    def test_what_is_played_lies_on_the_grid(self, shifts: list[float], count: int) -> None:
        for bins in (commonest_bins(Counter(shifts), count), quantile_bins(Counter(shifts), count)):
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
            ((0.0, 1.0), (0.5,), "a time bin must move the clock: its shift is above 0, and 10,000 at most"),
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
