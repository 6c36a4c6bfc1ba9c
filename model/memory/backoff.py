"""How far a memory trusts one context against shorter contexts, and at last against the network; knows no music.

A context that was followed n times, by `distinct` different symbols, passes the forecast on to the shorter contexts (it
"escapes", as in PPM) with odds of a · distinct^variety / n^evidence. Each length and kind of context has a concentration a
of its own. A plain Dirichlet back-off, (c + a p) / (n + a), is the case of variety 0 and evidence 1. Music is predicted
best near variety 3/4 and evidence 2/5: whether one symbol follows or several says more than how often. See docs/memory.md.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from model.approach import Approach

ORDERS = (1, 2, 3, 4, 6, 8, 12, 16)
"""The lengths of contexts, in tokens. Lengths in between do not improve the forecast."""

# Only the latest followers of a context count: more of them measured no better, and this bounds the time of mixing.
MAX_FOLLOWERS = 32

# Below this the memory has no weight; the odds would overflow.
MIN_STRENGTH = 1e-3
# Above this the network would have no weight where the memory knows the context, and a mask could leave no token.
MAX_STRENGTH = 0.99

Escapes = list[list[list[float]]]
"""Indexed by context (shortest first), n and `distinct`: the share of the forecast that is left to shorter contexts."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The fitted numbers: a concentration per length in `ORDERS`, for interval contexts and for token contexts.

    Of two contexts of one length, the interval context counts as the shorter one, because it holds in any key. Raises
    ValueError where the number of concentrations is wrong, or one is not above 0.
    """

    intervals: tuple[float, ...]
    tokens: tuple[float, ...]
    variety: float
    evidence: float

    def __post_init__(self) -> None:
        if not len(self.intervals) == len(self.tokens) == len(ORDERS):
            raise ValueError(
                f"a memory has {len(ORDERS)} lengths of context, and as many concentrations of either kind"
            )
        if min(self.concentrations) <= 0.0:
            raise ValueError("the concentrations of a memory must be above 0")

    @property
    def concentrations(self) -> tuple[float, ...]:
        """Shortest context first, intervals and tokens in turn."""
        return tuple(chain.from_iterable(zip(self.intervals, self.tokens, strict=True)))

    def escapes(self, strength: float) -> Escapes:
        """The escapes at a strength from 0 (the memory has no weight) over 0.5 (as fitted) to 1.

        The odds are multiplied by the squared odds against the strength: 1 at 0.5, a hundredth at 10 to 1.
        """
        strength = min(strength, MAX_STRENGTH)
        if strength < MIN_STRENGTH:
            return [[[1.0] * (MAX_FOLLOWERS + 1)] * (MAX_FOLLOWERS + 1)] * 2 * len(ORDERS)
        scale = ((1.0 - strength) / strength) ** 2
        n = np.arange(MAX_FOLLOWERS + 1, dtype=np.float64)
        n[0] = 1.0  # never looked up
        odds = scale * n[None, :] ** self.variety / n[:, None] ** self.evidence
        table = np.array(self.concentrations)[:, None, None] * odds
        escapes: Escapes = (table / (1.0 + table)).tolist()
        return escapes


DEFAULT_BACKOFFS: dict[Approach, Backoff] = {
    "pitch": Backoff(
        intervals=(42.0, 13.0, 8.8, 2.7, 8.0, 1.2, 12.0, 0.5),
        tokens=(11.5, 8.4, 3.2, 6.0, 2.4, 10.0, 9.0, 3.0),
        variety=0.75,
        evidence=0.4,
    ),
    "event": Backoff(
        intervals=(60.0, 11.0, 42.0, 7.0, 3.9, 1.6, 8.0, 0.5),
        tokens=(80.0, 9.0, 42.0, 3.5, 1.5, 4.5, 9.0, 6.0),
        variety=0.8,
        evidence=0.35,
    ),
}
"""For packs whose card has no memory entry, and the start of fitting: close to the numbers of `songbook`."""
