"""Interpolated PPM: the count-based model that a network has to beat; knows no network and no MIDI.

Prediction by partial match with escape method C, blended over all orders (Bunton 1996; Pearce 2005):
p_k(x) = (c_k(x) + d_k p_{k-1}(x)) / (n_k + d_k), with c the counts of what followed the last k tokens,
n their sum and d how many different tokens followed; below order 0 all tokens are alike.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

Counts = dict[int, int]


class Ppm:
    """Counts of what followed every context of up to `order` tokens, over a vocabulary of `size`."""

    def __init__(self, order: int, size: int) -> None:
        self.order = order
        self._uniform = 1.0 / size
        self._follow: dict[tuple[int, ...], Counts] = defaultdict(dict)

    def learn(self, piece: Sequence[int]) -> None:
        """Counts a piece; the first token, the start, is context only."""
        for at in range(1, len(piece)):
            for length in range(min(self.order, at) + 1):
                counts = self._follow[tuple(piece[at - length : at])]
                counts[piece[at]] = counts.get(piece[at], 0) + 1

    def bits(self, piece: Sequence[int]) -> list[list[float]]:
        """For each order from 0 up, what each token after the first costs in bits."""
        table: list[list[float]] = [[] for _ in range(self.order + 1)]
        for at in range(1, len(piece)):
            p = self._uniform
            for length in range(self.order + 1):
                counts = self._follow.get(tuple(piece[at - length : at])) if length <= at else None
                if counts:
                    different = len(counts)
                    p = (counts.get(piece[at], 0) + different * p) / (sum(counts.values()) + different)
                table[length].append(-math.log2(p))
        return table


def ppm_bits_per_note(
    training: Iterable[Sequence[int]], tests: Mapping[str, tuple[Sequence[Sequence[int]], int]], order: int, size: int
) -> dict[str, dict[str, float]]:
    """For each of `tests` (pieces, and how many notes they hold), bits per note by order, after `training`."""
    model = Ppm(order, size)
    for piece in training:
        model.learn(piece)
    result = {}
    for name, (pieces, notes) in tests.items():
        totals = [0.0] * (order + 1)
        for piece in pieces:
            for length, costs in enumerate(model.bits(piece)):
                totals[length] += sum(costs)
        result[name] = {f"order {length}": total / notes for length, total in enumerate(totals)}
    return result
