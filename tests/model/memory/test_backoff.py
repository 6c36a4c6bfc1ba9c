import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.memory.backoff import DEFAULT_BACKOFFS, MAX_FOLLOWERS, Trust, with_odds
from model.memory.context_kinds import PITCH_KINDS, ContextKind, kind_named

EVEN = (2.0,) * len(PITCH_KINDS)
PLAIN = Trust(PITCH_KINDS, EVEN, variety=0.0, evidence=1.0)
TRUSTS = [PLAIN, *(trust for each in DEFAULT_BACKOFFS.values() for trust in (each.notes, each.times) if trust)]


def escapes(trust: Trust, strength: float) -> list[list[list[float]]]:
    """The share of the forecast that each context leaves to those before it, by its n and its number of distinct followers."""
    counts = range(1, MAX_FOLLOWERS + 1)
    growths = [
        [1.0] * (MAX_FOLLOWERS + 1),
        *([1.0, *(trust.growth(n, distinct) for distinct in counts)] for n in counts),
    ]
    return [[[1.0 / (1.0 + odds * growth) for growth in row] for row in growths] for odds in trust.odds(strength)]


class TestEscapes:
    def test_without_variety_it_is_a_plain_dirichlet_back_off(self) -> None:
        for level in escapes(PLAIN, 0.5):
            assert [level[n][1] for n in (1, 2, 8)] == pytest.approx([2 / 3, 2 / 4, 2 / 10])

    @pytest.mark.parametrize("strength", [0.2, 0.5, 0.8])
    def test_with_a_share_of_the_odds_each_context_leaves_that_share_of_the_odds(self, strength: float) -> None:
        before, after = (escapes(PLAIN, each)[0][4][1] for each in (strength, with_odds(strength, 0.25)))
        assert after / (1.0 - after) == pytest.approx(0.25 * before / (1.0 - before))

    def test_no_odds_change_a_memory_that_is_off_or_alone(self) -> None:
        assert [with_odds(strength, 0.25) for strength in (0.0, 1.0)] == [0.0, 1.0]

    def test_each_context_has_its_own_concentration(self) -> None:
        trust = Trust(PITCH_KINDS[:2], (1.0, 3.0), variety=0.0, evidence=1.0)
        assert [level[1][1] for level in escapes(trust, 0.5)] == pytest.approx([1 / 2, 3 / 4])

    @pytest.mark.parametrize("trust", TRUSTS)
    def test_more_evidence_leaves_less_to_the_network_and_more_variety_more(self, trust: Trust) -> None:
        for level in escapes(trust, 0.5):
            by_n = [level[n][2] for n in range(2, MAX_FOLLOWERS + 1)]
            assert by_n == sorted(by_n, reverse=True)
            by_variety = [level[8][different] for different in range(1, 9)]
            assert by_variety == sorted(by_variety)

    @given(
        st.sampled_from(TRUSTS),
        st.integers(0, 10),
        st.integers(1, MAX_FOLLOWERS),
        st.floats(0.0, 1.0),
        st.floats(0.0, 1.0),
    )
    def test_a_stronger_memory_leaves_less_to_the_network(
        self, trust: Trust, level: int, n: int, one: float, other: float
    ) -> None:
        weaker, stronger = sorted((one, other))
        assert 0.0 < escapes(trust, stronger)[level][n][1] <= escapes(trust, weaker)[level][n][1] <= 1.0

    @given(st.sampled_from(TRUSTS), st.floats(-1.0, 0.0))
    def test_at_strength_zero_all_is_left_to_the_network(self, trust: Trust, strength: float) -> None:
        assert {chance for level in escapes(trust, strength) for row in level for chance in row} == {1.0}


class TestBadNumbers:
    def test_a_missing_concentration_is_an_error(self) -> None:
        with pytest.raises(
            ValueError, match=r"^a memory has 16 kinds of context here, and as many concentrations, not 15$"
        ):
            Trust(PITCH_KINDS, EVEN[:-1], 0.5, 0.5)

    def test_a_concentration_of_zero_is_an_error(self) -> None:
        with pytest.raises(ValueError, match=r"^the concentrations of a memory are from 1e-06 to 1,000,000$"):
            Trust(PITCH_KINDS, (*EVEN[:-1], 0.0), 0.5, 0.5)


class TestNames:
    @pytest.mark.parametrize("trust", TRUSTS)
    def test_a_kind_is_found_by_its_name(self, trust: Trust) -> None:
        assert [kind_named(str(kind)) for kind in trust.kinds] == list(trust.kinds)

    def test_a_name_says_what_the_context_holds(self) -> None:
        assert str(ContextKind("times", 3, has_place=True)) == "place, 3 times"
        assert str(ContextKind("intervals", 4)) == "4 intervals"

    @pytest.mark.parametrize(
        "name", ["", "3", "3 notes", "-1 times", "33 times", "x times", "place 3 times", "3 times, place"]
    )
    def test_a_name_of_no_kind_is_an_error(self, name: str) -> None:
        with pytest.raises(ValueError, match=r"^there is no context "):
            kind_named(name)
