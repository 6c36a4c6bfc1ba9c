"""Samples one token from weights by temperature and top-p; knows no vocabulary, and takes the random number as an argument."""

import numpy as np
import numpy.typing as npt

from model.engines.engine import Logits

Weights = npt.NDArray[np.float64]
"""How likely each token is, shape (vocabulary,); not below 0, and not all 0."""

# Next to the likeliest token, as a logit: any lower one would be a probability of 0 in double precision before long.
LEAST_LOGIT = -600.0


def sampling_probabilities(weights: Weights, temperature: float, top_p: float) -> Weights:
    """The probabilities to sample from; both shapes are (vocabulary,).

    The weights need not sum to 1, and a token of weight 0 gets no probability. They are raised to the power of 1 / temperature,
    and cut to the nucleus: the smallest set of the likeliest tokens whose probabilities add up to `top_p` (Holtzman et al. 2020).
    At least one token always remains. Raises ValueError where no token has any weight.
    """
    highest = weights.max()
    if not highest > 0.0:
        raise ValueError("nothing is allowed: no token has any weight")
    p: Weights = (weights / highest) ** (1.0 / temperature)
    p /= p.sum()
    if top_p < 1.0:
        likeliest_first = np.argsort(-p, kind="stable")
        cumulative_before = np.cumsum(p[likeliest_first]) - p[likeliest_first]
        cut = cumulative_before >= top_p
        cut[0] = False
        p[likeliest_first[cut]] = 0.0
        p /= p.sum()
    return p


def softmax(logits: Logits) -> Weights:
    """The probabilities of the logits, shape (vocabulary,); each is above 0, so that any mask leaves a token with weight."""
    p: Weights = np.exp(np.maximum(logits.astype(np.float64) - logits.max(), LEAST_LOGIT))
    p /= p.sum()
    return p


def draw_token(p: Weights, uniform: float) -> int:
    """The token that the random number `uniform`, in [0, 1), selects. A token of probability 0 is never drawn."""
    cumulative = np.cumsum(p)
    return int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right").clip(max=np.flatnonzero(p)[-1]))
