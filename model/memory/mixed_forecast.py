"""A network's forecast mixed with a memory's, and how much of each token's probability is the memory's."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.floating]


@dataclass(slots=True, eq=False)  # not frozen, as one is made for every token
class MixedForecast:
    """A network's forecast mixed with the memory's.

    `probabilities`, shape (vocabulary,), sum to 1. `network_weight` of them, from 0 to 1, is the network's, whose own probabilities are
    `network` / `network_sum`; the rest is the memory's.
    """

    probabilities: npt.NDArray[np.float64]
    network: Probabilities
    network_weight: float
    network_sum: float = 1.0

    def memory_share(self, token: int) -> float:
        """The part of a token's probability that came from memory, from 0 to 1."""
        p = self.probabilities.item(token)
        return 1.0 - self.network.item(token) * (self.network_weight / self.network_sum) / p if p > 0.0 else 0.0
