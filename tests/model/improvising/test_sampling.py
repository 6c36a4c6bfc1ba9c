import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.engines.engine import Logits
from model.improvising.sampling import TokenSampler, Weights, rank_tokens, softmax

FIVE_THREE_TWO = np.log(np.array([0.2, 0.5, 0.3], np.float32))
SOME_LOGITS = arrays(np.float32, 12, elements=st.floats(-30, 30, width=32))
MASKS = arrays(np.bool_, 12).filter(lambda mask: bool(mask.any()))
TEMPERATURES = st.floats(0.05, 4.0)
SHARES = st.floats(0.0, 1.0)


def sampling_probabilities(weights: Weights, temperature: float, top_p: float) -> Weights:
    """The probability of each token to be drawn."""
    tokens, sums, total = rank_tokens(weights, temperature, top_p)
    p = np.zeros(len(weights))
    p[tokens] = np.diff(np.minimum(sums, total), prepend=0.0) / total
    return p


def draw(p: list[float], uniform: float) -> int:
    return TokenSampler(len(p)).draw(np.array(p), uniform)


def probabilities_of(logits: Logits, temperature: float = 1.0, top_p: float = 1.0) -> list[float]:
    p: list[float] = sampling_probabilities(softmax(logits), temperature, top_p).tolist()
    return p


def masked(logits: Logits, mask: np.typing.NDArray[np.bool_]) -> Weights:
    return softmax(np.where(mask, logits, logits[mask].max())) * mask


class TestTemperature:
    def test_at_one_the_probabilities_are_the_networks(self) -> None:
        assert probabilities_of(FIVE_THREE_TWO) == pytest.approx([0.2, 0.5, 0.3])

    def test_near_zero_the_likeliest_token_is_certain(self) -> None:
        assert probabilities_of(FIVE_THREE_TWO, temperature=0.01) == pytest.approx([0.0, 1.0, 0.0])

    def test_when_very_high_all_tokens_are_equally_likely(self) -> None:
        assert probabilities_of(FIVE_THREE_TWO, temperature=1e6) == pytest.approx([1 / 3, 1 / 3, 1 / 3])

    def test_at_a_half_probabilities_are_squared(self) -> None:
        assert probabilities_of(FIVE_THREE_TWO, temperature=0.5) == pytest.approx(
            [0.04 / 0.38, 0.25 / 0.38, 0.09 / 0.38]
        )

    def test_large_logits_do_not_overflow(self) -> None:
        assert probabilities_of(np.array([1e30, 0.0, -1e30], np.float32), temperature=0.05) == [1.0, 0.0, 0.0]


class TestTopP:
    @pytest.mark.parametrize(
        ("top_p", "kept"),
        [
            (1.0, [0.2, 0.5, 0.3]),
            (0.81, [0.2, 0.5, 0.3]),
            (0.79, [0.0, 0.625, 0.375]),
            (0.51, [0.0, 0.625, 0.375]),
            (0.49, [0.0, 1.0, 0.0]),
            (0.0, [0.0, 1.0, 0.0]),
        ],
    )
    def test_the_smallest_set_of_tokens_that_reaches_top_p_remains(self, top_p: float, kept: list[float]) -> None:
        assert probabilities_of(FIVE_THREE_TWO, top_p=top_p) == pytest.approx(kept)

    def test_a_set_that_reaches_top_p_exactly_is_enough(self) -> None:
        assert probabilities_of(np.zeros(4, np.float32), top_p=0.5) == [0.0, 0.0, 0.5, 0.5]

    def test_top_p_applies_after_the_temperature(self) -> None:
        assert probabilities_of(FIVE_THREE_TWO, temperature=0.5, top_p=0.65) == pytest.approx([0.0, 1.0, 0.0])

    @given(SOME_LOGITS, MASKS, TEMPERATURES, SHARES)
    def test_without_its_least_likely_token_the_nucleus_is_below_top_p(
        self, logits: Logits, mask: np.typing.NDArray[np.bool_], temperature: float, top_p: float
    ) -> None:
        weights = masked(logits, mask)
        whole = sampling_probabilities(weights, temperature, 1.0)
        kept = whole[sampling_probabilities(weights, temperature, top_p) > 0]
        assert kept.sum() >= top_p - 1e-9
        assert len(kept) == 1 or kept.sum() - kept.min() < top_p + 1e-9


class TestMask:
    @given(SOME_LOGITS, MASKS, TEMPERATURES, SHARES)
    def test_tokens_that_are_not_allowed_have_probability_zero(
        self, logits: Logits, mask: np.typing.NDArray[np.bool_], temperature: float, top_p: float
    ) -> None:
        p = sampling_probabilities(masked(logits, mask), temperature, top_p)
        assert (p[~mask] == 0.0).all()
        assert p.sum() == pytest.approx(1.0)

    def test_the_likeliest_token_counts_for_nothing_where_it_is_not_allowed(self) -> None:
        weights = softmax(FIVE_THREE_TWO) * np.array([True, False, True])
        assert sampling_probabilities(weights, 1.0, 1.0).tolist() == pytest.approx([0.4, 0.0, 0.6])

    def test_weights_that_are_all_zero_are_an_error(self) -> None:
        with pytest.raises(ValueError, match=r"^nothing is allowed: no token has any weight$"):
            sampling_probabilities(np.zeros(3), 1.0, 1.0)

    def test_weights_need_not_sum_to_one(self) -> None:
        assert sampling_probabilities(np.array([4.0, 0.0, 6.0]), 1.0, 1.0).tolist() == pytest.approx([0.4, 0.0, 0.6])

    def test_very_small_weights_are_still_compared(self) -> None:
        assert sampling_probabilities(np.array([1e-300, 3e-300]), 0.5, 1.0).tolist() == pytest.approx([0.1, 0.9])

    def test_the_weights_are_not_changed(self) -> None:
        weights = np.array([0.2, 0.5, 0.3])
        sampling_probabilities(weights, 0.7, 0.5)
        assert weights.tolist() == [0.2, 0.5, 0.3]


class TestDraw:
    @pytest.mark.parametrize(("uniform", "token"), [(0.0, 0), (0.24, 0), (0.25, 2), (0.74, 2), (0.75, 3), (0.999, 3)])
    def test_each_token_is_drawn_for_its_share_of_the_unit_interval(self, uniform: float, token: int) -> None:
        assert draw([0.25, 0.0, 0.5, 0.25, 0.0], uniform) == token

    @given(SOME_LOGITS, MASKS, SHARES, st.floats(0.0, 1.0, exclude_max=True))
    def test_a_token_of_probability_zero_is_never_drawn(
        self, logits: Logits, mask: np.typing.NDArray[np.bool_], top_p: float, uniform: float
    ) -> None:
        weights = masked(logits, mask)
        assert weights[TokenSampler(len(weights), 1.0, top_p).draw(weights, uniform)] > 0.0

    @given(SOME_LOGITS, MASKS, TEMPERATURES, SHARES)
    def test_tokens_of_the_nucleus_are_drawn_as_often_as_they_are_likely(
        self, logits: Logits, mask: np.typing.NDArray[np.bool_], temperature: float, top_p: float
    ) -> None:
        weights, count = masked(logits, mask), 2000
        sampler = TokenSampler(len(weights), temperature, top_p)
        drawn = [sampler.draw(weights, (number + 0.5) / count) for number in range(count)]
        expected = sampling_probabilities(weights, temperature, top_p)
        shares = np.bincount(drawn, minlength=len(weights)) / count
        # The part of each token that is drawn from again may miss a number of this grid for each other token.
        assert np.abs(shares - expected).max() <= (len(weights) + 1) / count
        assert not shares[expected == 0.0].any()

    @pytest.mark.parametrize("uniform", [0.0, 0.5, np.nextafter(1.0, 0.0)])
    def test_the_only_token_is_always_drawn(self, uniform: float) -> None:
        assert draw([0.0, 0.0, 1.0, 0.0], uniform) == 2


@given(arrays(np.float32, 12, elements=st.floats(-1e4, 1e4, width=32)))
def test_probabilities_are_the_same_function_of_logits_near_zero_and_far_from_it(logits: Logits) -> None:
    exact = logits.astype(np.float64)
    exact = np.exp(np.maximum(exact - exact.max(), -600.0))
    p = softmax(logits)
    assert p.tolist() == pytest.approx((exact / exact.sum()).tolist(), rel=1e-9)
    assert (p > 0.0).all()


def test_tiny_weights_are_drawn_as_large_ones_are() -> None:
    large = np.array([0.2, 0.5, 0.3])
    for scale in (1e-150, 1e-290):
        for temperature in (0.5, 1.0):
            tiny = sampling_probabilities(large * scale, temperature, 1.0)
            assert tiny.tolist() == pytest.approx(sampling_probabilities(large, temperature, 1.0).tolist())
