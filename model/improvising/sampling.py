"""Samples one token from weights by temperature and top-p; knows no vocabulary, and takes the random number as an argument."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from model.engines.engine import Logits

Weights = npt.NDArray[np.float64]
"""How likely each token is, shape (vocabulary,); not below 0, and not all 0."""
Tokens = npt.NDArray[np.intp]

# The lowest logit, counted from that of the likeliest token: not far below it, probabilities become 0 in double
# precision.
LEAST_LOGIT = -600.0
# Where the squares of the logits sum to no more than this, as those of any sound network do, no two are that far apart and
# `exp` overflows for none: then they are taken as they are, which saves a third of the time.
HARMLESS_SQUARES = 300.0**2
# Below this, sums of weights would lose precision.
LEAST_SUM = 1e-200
_accumulate = np.add.accumulate
NOTHING_ALLOWED = "nothing is allowed: no token has any weight"


class TokenSampler:
    """Draws one token after another, each from weights of the same size, by temperature and top-p."""

    def __init__(self, size: int, temperature: float = 1.0, top_p: float = 1.0) -> None:
        self._temperature, self._top_p = temperature, top_p
        # A view of the sums finds a number in them in a fifth of the time that the array takes.
        self._sums = np.empty(size)
        self._sum_up_to: Sequence[float] = memoryview(self._sums)  # type: ignore[arg-type]

    def draw(self, weights: Weights, uniform: float) -> int:
        """The token that the random number `uniform`, in [0, 1), selects, out of those of the nucleus (`rank_tokens`).

        A token is drawn from all, which need not be sorted for it, and nearly always shows by its weight that it is of the nucleus. Where
        it is not, one of the nucleus is drawn instead. Raises ValueError where no token has any weight.
        """
        if self._temperature != 1.0:
            weights = _at_temperature(weights, self._temperature)
        sums = self._sum_up_to
        _accumulate(weights, 0, None, self._sums)
        total = sums[-1]
        if not total >= LEAST_SUM:
            if not total > 0.0:
                raise ValueError(NOTHING_ALLOWED)
            weights = weights / weights[weights.argmax()]
            _accumulate(weights, 0, None, self._sums)
            total = sums[-1]
        token = _token_at(sums, uniform * total, total)
        # All tokens outside the nucleus together hold no more than this.
        if weights.item(token) > (1.0 - self._top_p) * total:
            return token
        tokens, ranked_sums, ranked_total = rank_tokens(weights, 1.0, self._top_p)
        if ranked_sums.item(tokens.tolist().index(token)) <= ranked_total:
            return token
        # Where in the token's own part the number lies is as random as the number was.
        again = (uniform * total - (sums[token - 1] if token else 0.0)) / weights.item(token)
        return tokens.item(_token_at(memoryview(ranked_sums), min(max(again, 0.0), 1.0) * ranked_total, ranked_total))  # type: ignore[arg-type]


def rank_tokens(weights: Weights, temperature: float, top_p: float) -> tuple[Tokens, Weights, float]:
    """All tokens, the likeliest first, the sum of the probabilities up to each, both of shape (tokens,), and the sum of the nucleus.

    The weights, shape (vocabulary,), need not sum to 1. They are raised to the power of 1 / temperature. The nucleus is the smallest
    set of the likeliest tokens that hold `top_p` of all probability (Holtzman et al. 2020). Raises ValueError where no token has any
    weight.
    """
    if temperature != 1.0:
        weights = _at_temperature(weights, temperature)
    tokens = weights.argsort(kind="stable")[::-1]
    ranked = weights[tokens]
    highest = ranked.item(0)
    if not highest > 0.0:
        raise ValueError(NOTHING_ALLOWED)
    if highest < LEAST_SUM:
        ranked /= highest
    sums: Weights = np.add.accumulate(ranked)
    total = sums.item(-1)
    return tokens, sums, sums.item(int(sums.searchsorted(top_p * total))) if top_p < 1.0 else total


def _at_temperature(weights: Weights, temperature: float) -> Weights:
    highest = weights.item(weights.argmax())
    if not highest > 0.0:
        raise ValueError(NOTHING_ALLOWED)
    raised: Weights = weights / highest
    np.power(raised, 1.0 / temperature, raised)
    return raised


def _token_at(sums: Sequence[float], wanted: float, total: float) -> int:
    """The first token up to which the weights sum to more than is wanted. Rounding may have made that as high as the total."""
    return bisect_right(sums, wanted) if wanted < total else bisect_left(sums, total)


def within_reach(logits: Logits) -> Logits:
    """The logits moved, and the least likely ones raised, so that their exponentials are numbers above 0."""
    moved: Logits = np.maximum(logits - logits[logits.argmax()], LEAST_LOGIT)
    return moved


def softmax(logits: Logits) -> Weights:
    """The probabilities of the logits, shape (vocabulary,); each is above 0, so that any mask leaves a token with weight."""
    p: Weights = logits.astype(np.float64)
    if p.dot(p) > HARMLESS_SQUARES:
        p = within_reach(p).astype(np.float64)
    np.exp(p, p)
    p /= p.dot(ones(len(p)))
    return p


@cache
def ones(size: int) -> Weights:
    """To sum weights with: their product with these takes a third of the time of `sum`."""
    return np.ones(size)
