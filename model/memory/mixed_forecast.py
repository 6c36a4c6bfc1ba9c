"""A network's forecast mixed with a memory's, and how much of each token's probability came from which."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.floating]


@dataclass(slots=True, eq=False)  # not frozen, as one is made for every token
class MixedForecast:
    """A network's forecast mixed with the memory's.

    `probabilities`, shape (vocabulary,), sum to 1. `from_memory` holds the memory's part of them, at most as high, for the tokens
    that it remembers here.
    """

    probabilities: npt.NDArray[np.float64]
    from_memory: Mapping[int, float]
    network: Probabilities
    network_weight: float

    def memory_share(self, token: int) -> float:
        """The part of a token's probability that came from memory, from 0 to 1; right also once `probabilities` were changed."""
        remembered = self.from_memory.get(token)
        return remembered / (remembered + self.network_weight * float(self.network[token])) if remembered else 0.0
