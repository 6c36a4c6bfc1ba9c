"""A network's forecast mixed with a memory's, and how much of each token's probability is the memory's."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.floating]


@dataclass(slots=True, eq=False)  # not frozen, as one is made for every token
class MixedForecast:
    """A network's forecast mixed with the memory's.

    `weights`, shape (vocabulary,), sum to `total`. Of these `network_sum` is the network's; the rest is the memory's:
    `expected` times `network_sum`, by one less than the token.
    """

    weights: npt.NDArray[np.float64]
    total: float
    network_sum: float
    expected: Mapping[int, float]

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """The probability of each token, shape (vocabulary,)."""
        return self.weights / self.total

    @property
    def network_weight(self) -> float:
        """How much of the forecast is the network's, from 0 to 1."""
        return self.network_sum / self.total

    def memory_share(self, token: int, p: float) -> float:
        """The part of a token's probability that came from memory, from 0 to 1; the network alone gives it the weight `p`."""
        expected = self.expected.get(token - 1, 0.0) * self.network_sum
        return expected / (expected + p) if expected else 0.0
