"""Samples one token from weights by temperature and top-p; knows no vocabulary, and takes the random number as an argument."""

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


def rank_tokens(weights: Weights, temperature: float, top_p: float) -> tuple[Tokens, Weights, float]:
    """All tokens, the likeliest first, the sum of the probabilities up to each, both of shape (tokens,), and the sum to sample from.

    The weights, shape (vocabulary,), need not sum to 1. They are raised to the power of 1 / temperature, and cut to the
    nucleus: the smallest set of the likeliest tokens that hold `top_p` of all probability (Holtzman et al. 2020). The third value
    is the sum of that set; it is not 1. Raises ValueError where no token has any weight.
    """
    tokens = weights.argsort(kind="stable")[::-1]
    ranked = weights[tokens]
    highest = ranked.item(0)
    if not highest > 0.0:
        raise ValueError("nothing is allowed: no token has any weight")
    if temperature != 1.0:
        ranked /= highest
        np.power(ranked, 1.0 / temperature, out=ranked)
    elif highest < LEAST_SUM:
        ranked /= highest
    sums: Weights = np.add.accumulate(ranked)
    total = sums.item(-1)
    return tokens, sums, sums.item(int(sums.searchsorted(top_p * total))) if top_p < 1.0 else total


def within_reach(logits: Logits) -> Logits:
    """The logits moved, and the least likely ones raised, so that their exponentials are numbers above 0."""
    moved: Logits = np.maximum(logits - logits[logits.argmax()], LEAST_LOGIT)
    return moved


def softmax(logits: Logits) -> Weights:
    """The probabilities of the logits, shape (vocabulary,); each is above 0, so that any mask leaves a token with weight."""
    p: Weights = logits.astype(np.float64)
    if p.dot(p) > HARMLESS_SQUARES:
        p = within_reach(p)
    np.exp(p, p)
    p /= p.dot(ones(len(p)))
    return p


def draw_token(tokens: Tokens, sums: Weights, total: float, uniform: float) -> int:
    """The token that the random number `uniform`, in [0, 1), selects. A token of probability 0 is never drawn."""
    wanted = uniform * total
    # Rounding may have made the product as high as the total.
    return tokens.item(int(sums.searchsorted(wanted, "right") if wanted < total else sums.searchsorted(total)))


@cache
def ones(size: int) -> Weights:
    """To sum weights with: their product with these takes a third of the time of `sum`."""
    return np.ones(size)
