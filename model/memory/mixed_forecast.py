"""A network's forecast mixed with a memory's, and how much of each token's probability is the memory's."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.floating]


@dataclass(slots=True, eq=False)  # not frozen, as one is made for every token
class MixedForecast:
    """A network's forecast mixed with the memory's.

    `weights`, shape (vocabulary,), sum to `total`. Of these `network`, which sum to `network_sum`, are the network's; the rest is the
    memory's.
    """

    weights: npt.NDArray[np.float64]
    total: float
    network: Probabilities
    network_sum: float

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """The probability of each token, shape (vocabulary,)."""
        return self.weights / self.total

    @property
    def network_weight(self) -> float:
        """How much of the forecast is the network's, from 0 to 1."""
        return self.network_sum / self.total

    def memory_share(self, token: int) -> float:
        """The part of a token's probability that came from memory, from 0 to 1."""
        weight = self.weights.item(token)
        return 1.0 - self.network.item(token) / weight if weight > 0.0 else 0.0
