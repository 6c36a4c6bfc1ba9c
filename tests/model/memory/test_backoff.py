import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.memory.backoff import DEFAULT_BACKOFFS, MAX_FOLLOWERS, ORDERS, Backoff

EVEN = (2.0,) * len(ORDERS)
PLAIN = Backoff(EVEN, EVEN, variety=0.0, evidence=1.0)
BACKOFFS = st.sampled_from([PLAIN, *DEFAULT_BACKOFFS.values()])


class TestEscapes:
    def test_without_variety_it_is_a_plain_dirichlet_back_off(self) -> None:
        for level in PLAIN.escapes(0.5):
            assert [level[n][1] for n in (1, 2, 8)] == pytest.approx([2 / 3, 2 / 4, 2 / 10])

    def test_intervals_and_tokens_alternate(self) -> None:
        backoff = Backoff((1.0,) * 8, (3.0,) * 8, variety=0.0, evidence=1.0)
        assert [level[1][1] for level in backoff.escapes(0.5)] == pytest.approx([1 / 2, 3 / 4] * 8)

    @pytest.mark.parametrize("backoff", DEFAULT_BACKOFFS.values())
    def test_more_evidence_leaves_less_to_the_network_and_more_variety_more(self, backoff: Backoff) -> None:
        for level in backoff.escapes(0.5):
            by_n = [level[n][2] for n in range(2, MAX_FOLLOWERS + 1)]
            assert by_n == sorted(by_n, reverse=True)
            by_variety = [level[8][different] for different in range(1, 9)]
            assert by_variety == sorted(by_variety)

    @given(BACKOFFS, st.integers(0, 15), st.integers(1, MAX_FOLLOWERS), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
    def test_a_stronger_memory_leaves_less_to_the_network(
        self, backoff: Backoff, level: int, n: int, one: float, other: float
    ) -> None:
        weaker, stronger = sorted((one, other))
        assert 0.0 < backoff.escapes(stronger)[level][n][1] <= backoff.escapes(weaker)[level][n][1] <= 1.0

    @given(BACKOFFS, st.floats(-1.0, 0.0))
    def test_at_strength_zero_all_is_left_to_the_network(self, backoff: Backoff, strength: float) -> None:
        assert {chance for level in backoff.escapes(strength) for row in level for chance in row} == {1.0}


class TestBadNumbers:
    def test_a_missing_concentration_is_an_error(self) -> None:
        with pytest.raises(
            ValueError, match=r"^a memory has 8 lengths of context, and as many concentrations of either"
        ):
            Backoff(EVEN[:-1], EVEN, 0.5, 0.5)

    def test_a_concentration_of_zero_is_an_error(self) -> None:
        with pytest.raises(ValueError, match=r"^the concentrations of a memory must be above 0$"):
            Backoff(EVEN, (*EVEN[:-1], 0.0), 0.5, 0.5)
