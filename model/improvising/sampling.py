"""Samples one token from logits by temperature, top-p and a mask; knows no vocabulary, and takes the random number as an argument."""

import numpy as np
import numpy.typing as npt

from model.engines.engine import Logits


def sampling_probabilities(
    logits: Logits, temperature: float, top_p: float, allowed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """The probabilities to sample from; all shapes are (vocabulary,).

    Logits are masked to the `allowed` tokens, divided by the temperature, and cut to the nucleus: the smallest set of the
    likeliest tokens whose probabilities add up to `top_p` (Holtzman et al. 2020). At least one token always remains.
    Raises ValueError where no token is allowed.
    """
    if not allowed.any():
        raise ValueError("nothing is allowed: the mask holds no token")
    scaled = np.where(allowed, logits.astype(np.float64) / temperature, -np.inf)
    p: npt.NDArray[np.float64] = np.exp(scaled - scaled.max())
    p /= p.sum()
    if top_p < 1.0:
        likeliest_first = np.argsort(-p, kind="stable")
        cumulative_before = np.cumsum(p[likeliest_first]) - p[likeliest_first]
        cut = cumulative_before >= top_p
        cut[0] = False
        p[likeliest_first[cut]] = 0.0
        p /= p.sum()
    return p


def softmax(logits: Logits) -> npt.NDArray[np.float64]:
    """The probabilities of the logits, shape (vocabulary,)."""
    p: npt.NDArray[np.float64] = np.exp(logits.astype(np.float64) - logits.max())
    p /= p.sum()
    return p


def draw_token(p: npt.NDArray[np.float64], uniform: float) -> int:
    """The token that the random number `uniform`, in [0, 1), selects. A token of probability 0 is never drawn."""
    cumulative = np.cumsum(p)
    return int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right").clip(max=np.flatnonzero(p)[-1]))
