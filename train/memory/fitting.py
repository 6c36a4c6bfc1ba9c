"""Fits the back-off of a memory to held-out lines; knows no network and no music, only the counts of a memory.

It finds the parameters that make the lines likeliest, each with a weak prior at the default, so that few lines suffice.
Every corpus has a weight of its own, whatever its size; without weights all count alike, since the memory is to serve any of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from model.memory.backoff import Backoff, Trust
from train.memory.forecasts import Evidence, LineEvidence

MAX_STEPS = 60
# The prior's width: the standard deviation of a parameter's logarithm, or of the parameter itself for the two
# exponents.
DEFAULT_SPREAD = 1.0


def fit_backoff(
    corpora: Sequence[Sequence[LineEvidence]], default: Backoff, weights: Sequence[float] | None = None
) -> Backoff:
    """The back-off that predicts the corpora best, by their weights; `default` where they hold nothing."""
    notes = fit_trust([[line.notes for line in lines] for lines in corpora], default.notes, weights)
    if default.times is None:
        return Backoff(notes)
    return Backoff(notes, fit_trust([[line.times for line in lines] for lines in corpora], default.times, weights))


def fit_trust(corpora: Sequence[Sequence[Evidence]], default: Trust, weights: Sequence[float] | None = None) -> Trust:
    """The trust in these contexts that predicts the corpora best, by their weights; `default` where they hold nothing."""
    weighted = [
        (_JoinedEvidence.of(lines), weight)
        for lines, weight in zip(corpora, weights or [1.0] * len(corpora), strict=True)
        if any(len(line.p) for line in lines)
    ]
    joined = [lines for lines, _ in weighted]
    targets = sum(len(lines.p) for lines in joined)
    if not targets:
        return default
    shares = torch.tensor([weight for _, weight in weighted])
    shares = shares / shares.sum()
    centre = torch.tensor([*map(math.log, default.concentrations), default.variety, default.evidence])
    parameters = centre.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([parameters], max_iter=MAX_STEPS, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        value = ((parameters - centre) ** 2).sum() / (2 * DEFAULT_SPREAD**2 * targets)
        value = value + (shares * torch.stack([lines.nats(parameters).mean() for lines in joined])).sum()
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return value.item()

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    fitted = parameters.detach().tolist()
    return Trust(
        default.kinds,
        tuple(round(math.exp(value), 4) for value in fitted[:-2]),
        variety=round(fitted[-2], 4),
        evidence=round(fitted[-1], 4),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _JoinedEvidence:
    """The evidence of several lines, joined.

    For each context it has only the targets where the context was known, by index.
    """

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
        known = [followers_in_context.nonzero()[:, 0] for followers_in_context in followers]
        rows = [
            (followers_in_context[places], hits_in_context[places], different_in_context[places])
            for followers_in_context, hits_in_context, different_in_context, places in zip(
                followers, hits, different, known, strict=True
            )
        ]
        return cls(
            torch.from_numpy(np.concatenate([line.p for line in lines]).astype(np.float32)),
            known,
            [hits_in_context / followers_in_context for followers_in_context, hits_in_context, _ in rows],
            [followers_in_context.log() for followers_in_context, _, _ in rows],
            [different_in_context.log() for _, _, different_in_context in rows],
        )

    def nats(self, parameters: Tensor) -> Tensor:
        """The cost of each target after `Memory.mix`, as a function of the parameters that torch can differentiate."""
        variety, evidence = parameters[-2], parameters[-1]
        p = self.p
        for level in range(len(self.known)):
            places = self.known[level]
            odds = parameters[level] + variety * self.log_different[level] - evidence * self.log_followers[level]
            escape = torch.sigmoid(odds)
            p = p.index_put((places,), (1 - escape) * self.hit_share[level] + escape * p[places])
        return -p.log()
