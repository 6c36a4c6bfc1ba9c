"""Fitting a memory's back-off to lines that were held out; knows no network and no music, only what a memory held.

The figures that make the lines likeliest, each drawn a little to what suits most music, so that few lines suffice. Every
corpus counts alike, however large, as the memory is to serve any.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from model.memory.backoff import ORDERS, Backoff
from train.memory.foretelling import Evidence

MOST_STEPS = 60
# How far a figure may lie from the usual, as the standard deviation of its logarithm (of the exponents: of themselves).
USUAL_SPREAD = 1.0


def fitted_backoff(corpora: Sequence[Sequence[Evidence]], usual: Backoff) -> Backoff:
    """What foretells the corpora best; `usual` where they hold nothing."""
    joined = [_Joined.of(lines) for lines in corpora if lines]
    targets = sum(len(lines.p) for lines in joined)
    if not targets:
        return usual
    centre = torch.tensor([*map(math.log, usual.concentrations), usual.variety, usual.evidence])
    figures = centre.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([figures], max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        value = ((figures - centre) ** 2).sum() / (2 * USUAL_SPREAD**2 * targets)
        value = value + torch.stack([lines.nats(figures).mean() for lines in joined]).mean()
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return value.item()

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    found = figures.detach().tolist()
    concentrations = [round(math.exp(value), 4) for value in found[:-2]]
    return Backoff(
        intervals=tuple(concentrations[0::2]),
        tokens=tuple(concentrations[1::2]),
        variety=round(found[-2], 4),
        evidence=round(found[-1], 4),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Joined:
    """The evidence of several lines; of each context only the targets before which it was known, by their places."""

    p: Tensor
    known: list[Tensor]
    hit_share: list[Tensor]
    log_followers: list[Tensor]
    log_different: list[Tensor]

    @classmethod
    def of(cls, lines: Sequence[Evidence]) -> Self:
        followers, hits, different = (
            torch.from_numpy(np.concatenate([getattr(line, name) for line in lines]).T.astype(np.float32))
            for name in ("followers", "hits", "different")
        )
        known = [row.nonzero()[:, 0] for row in followers]
        rows = [
            (row[places], hit[places], others[places])
            for row, hit, others, places in zip(followers, hits, different, known, strict=True)
        ]
        return cls(
            torch.from_numpy(np.concatenate([line.p for line in lines]).astype(np.float32)),
            known,
            [hit / row for row, hit, _ in rows],
            [row.log() for row, _, _ in rows],
            [others.log() for _, _, others in rows],
        )

    def nats(self, figures: Tensor) -> Tensor:
        """What `Memory.mix` leaves each target to cost, as a function of the figures that torch can follow."""
        variety, evidence = figures[-2], figures[-1]
        p = self.p
        for level in range(2 * len(ORDERS)):
            places = self.known[level]
            odds = figures[level] + variety * self.log_different[level] - evidence * self.log_followers[level]
            escape = torch.sigmoid(odds)
            p = p.index_put((places,), (1 - escape) * self.hit_share[level] + escape * p[places])
        return -p.log()
