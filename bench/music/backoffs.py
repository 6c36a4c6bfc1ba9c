"""Which back-off predicts best: pitches, intervals or both, and how far a context is trusted; on the validation files.

Each back-off is fitted to the validation files of the corpora of `songbook`, with equal weight, and measured on the same
files: with so few numbers and so many notes this improves the third digit only. The freedoom leads were not fitted to.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from bench.corpora import SONGBOOK_FOLDERS
from bench.music.memory import lines_of
from bench.table import show
from model.approach import APPROACHES
from model.memory.backoff import ORDERS
from model.pack.pack import open_pack
from train.memory.forecasts import Evidence, collect_evidence

PACK = "songbook"
FITTED, MEASURED = SONGBOOK_FOLDERS, (*SONGBOOK_FOLDERS, "freedoom")
LEVELS = range(2 * len(ORDERS))
MAX_STEPS = 80

Weigh = Callable[[Tensor, int, Tensor, Tensor, Tensor], Tensor]
"""From the parameters, a level, and n, hits and distinct of its contexts: the probability of the target, and the rest, stacked."""


def run() -> None:
    """Prints bits per note of each back-off, for both approaches."""
    torch.set_num_threads(1)
    rows = []
    for approach in APPROACHES:
        memory = open_pack(PACK).memory(approach)
        evidence: dict[str, tuple[Tensor, ...]] = {}
        notes: dict[str, int] = {}
        for name in MEASURED:
            lines = list(lines_of(PACK, approach, name, "valid"))
            notes[name] = sum(line.notes for line in lines)
            evidence[name] = _join([collect_evidence(memory, line) for line in lines])
        for title, levels, weigh, start in _backoffs():
            parameters = _fit([evidence[name] for name in FITTED], levels, weigh, start)
            bits = [float(_bits(evidence[name], levels, weigh, parameters).sum()) / notes[name] for name in MEASURED]
            rows.append((approach, title, *(f"{value:.3f}" for value in bits)))
    show("Bits per note, pitch and time together, validation files", ("approach", "back-off", *MEASURED), rows)


def _backoffs() -> Sequence[tuple[str, Sequence[int], Weigh, Sequence[float]]]:
    both, intervals, tokens = list(LEVELS), list(LEVELS)[0::2], list(LEVELS)[1::2]
    falling = np.linspace(4.0, -0.5, len(LEVELS)).tolist()
    zeros = [0.0] * len(LEVELS)
    return (
        ("tokens as they are; Dirichlet", tokens, _dirichlet, falling),
        ("intervals; Dirichlet", intervals, _dirichlet, falling),
        ("both in turn; Dirichlet", both, _dirichlet, falling),
        ("both in turn; Pitman-Yor, a discount each", both, _pitman_yor, [*falling, *zeros]),
        ("tokens as they are; odds by variety and evidence", tokens, _odds, [*falling, 0.5, 0.5]),
        ("intervals; odds by variety and evidence", intervals, _odds, [*falling, 0.5, 0.5]),
        ("both in turn; odds by variety and evidence (as built)", both, _odds, [*falling, 0.5, 0.5]),
        ("both in turn; the same, exponents of each their own", both, _free_odds, [*falling, *zeros, *zeros]),
    )


def _dirichlet(parameters: Tensor, level: int, n: Tensor, hits: Tensor, _: Tensor) -> Tensor:
    concentration = parameters[level].exp()
    return torch.stack([hits / (n + concentration), concentration / (n + concentration)])


def _pitman_yor(parameters: Tensor, level: int, n: Tensor, hits: Tensor, distinct: Tensor) -> Tensor:
    concentration, discount = parameters[level].exp(), torch.sigmoid(parameters[len(LEVELS) + level])
    given = (hits - discount).clamp(min=0.0)
    return torch.stack([given, concentration + discount * distinct]) / (n + concentration)


def _odds(parameters: Tensor, level: int, n: Tensor, hits: Tensor, distinct: Tensor) -> Tensor:
    return _with_escape(parameters[level] + parameters[-2] * distinct.log() - parameters[-1] * n.log(), n, hits)


def _free_odds(parameters: Tensor, level: int, n: Tensor, hits: Tensor, distinct: Tensor) -> Tensor:
    variety, evidence = parameters[len(LEVELS) + level], parameters[2 * len(LEVELS) + level]
    return _with_escape(parameters[level] + variety * distinct.log() - evidence * n.log(), n, hits)


def _with_escape(odds: Tensor, n: Tensor, hits: Tensor) -> Tensor:
    escape = torch.sigmoid(odds)
    return torch.stack([(1 - escape) * hits / n, escape])


def _join(lines: Sequence[Evidence]) -> tuple[Tensor, ...]:
    parts = zip(*((line.p, line.followers.T, line.hits.T, line.different.T) for line in lines), strict=True)
    return tuple(torch.from_numpy(np.concatenate(part, axis=-1).astype(np.float32)) for part in parts)


def _bits(evidence: tuple[Tensor, ...], levels: Sequence[int], weigh: Weigh, parameters: Tensor) -> Tensor:
    p, followers, hits, distinct = evidence
    for level in levels:
        positions = followers[level].nonzero()[:, 0]
        given, remaining = weigh(
            parameters, level, followers[level][positions], hits[level][positions], distinct[level][positions]
        )
        p = p.index_put((positions,), given + remaining * p[positions])
    return -p.log() / math.log(2)


def _fit(corpora: Sequence[tuple[Tensor, ...]], levels: Sequence[int], weigh: Weigh, start: Sequence[float]) -> Tensor:
    parameters = torch.tensor(start).requires_grad_()
    optimizer = torch.optim.LBFGS([parameters], max_iter=MAX_STEPS, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        value = torch.stack([_bits(evidence, levels, weigh, parameters).mean() for evidence in corpora]).mean()
        value = value + 1e-4 * (parameters - torch.tensor(start)).square().mean()
        value.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        return value.item()

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch has no types for it
    return parameters.detach()
