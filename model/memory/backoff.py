"""How far a memory trusts what followed a context against shorter contexts, and at last the network; knows no music.

A context that has been followed n times, by `different` things, is not trusted by odds of a · different^variety / n^evidence,
with a concentration a of its own for each length and kind of context. A plain Dirichlet back-off, (c + a p) / (n + a), is
the case of variety 0 and evidence 1; what foretells music best is near variety 3/4 and evidence 2/5: whether one thing
follows or several says more than how often. See docs/memory.md.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from model.approach import Approach

ORDERS = (1, 2, 3, 4, 6, 8, 12, 16)
"""How many tokens a context holds; those between foretell nothing better."""

# What followed a context last counts, this often at most: more measured no better, and it bounds the time that mixing takes.
MOST_FOLLOWERS = 32

# Below this a memory has no say, and its odds would overflow.
LEAST_STRENGTH = 1e-3
# Past this the network would have no say at all where the memory has any, and a mask could leave nothing to choose from.
MOST_STRENGTH = 0.99

Escapes = list[list[list[float]]]
"""By context, from the shortest up, by n and by `different`: how much is left to the shorter ones."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The fitted numbers: concentrations by `ORDERS`, of contexts of intervals and of those of tokens as they are.

    Of two contexts of one length that of intervals is the shorter one: what it says holds in any key.
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
        """From the shortest context up: intervals and tokens in turn."""
        return tuple(chain.from_iterable(zip(self.intervals, self.tokens, strict=True)))

    def escapes(self, strength: float) -> Escapes:
        """At a strength from 0, where nothing of the memory is left, by way of 0.5, as fitted, to 1.

        The odds are multiplied by the squared odds of the strength: 1 at 0.5, a hundredth at 10 to 1.
        """
        strength = min(strength, MOST_STRENGTH)
        if strength < LEAST_STRENGTH:
            return [[[1.0] * (MOST_FOLLOWERS + 1)] * (MOST_FOLLOWERS + 1)] * 2 * len(ORDERS)
        scale = ((1.0 - strength) / strength) ** 2
        n = np.arange(MOST_FOLLOWERS + 1, dtype=np.float64)
        n[0] = 1.0  # never asked for
        odds = scale * n[None, :] ** self.variety / n[:, None] ** self.evidence
        table = np.array(self.concentrations)[:, None, None] * odds
        escapes: Escapes = (table / (1.0 + table)).tolist()
        return escapes


DEFAULTS: dict[Approach, Backoff] = {
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
"""For packs whose card says nothing of a memory, and what fitting begins with: about what `songbook` was given."""
