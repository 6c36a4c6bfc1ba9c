"""Which back-off foretells best: pitches, intervals or both, and how far a context is trusted; on the validation files.

Each way is fitted to the validation files of what `songbook` was trained on, every corpus alike, and measured there: so few
figures over so many notes that what they flatter is the third digit. The freedoom leads were not fitted to.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from bench.music.memory import lines_of
from bench.table import show
from model.approach import APPROACHES
from model.memory.backoff import ORDERS
from model.pack.pack import open_pack
from train.memory.foretelling import Evidence, evidence_of

PACK = "songbook"
FITTED, MEASURED = (
    ("openewld_pd", "mutopia", "openscore_lieder"),
    ("openewld_pd", "mutopia", "openscore_lieder", "freedoom"),
)
LEVELS = range(2 * len(ORDERS))
MOST_STEPS = 80

Weigh = Callable[[Tensor, int, Tensor, Tensor, Tensor], Tensor]
"""From the figures, a level, and of its contexts n, hits and different: what the target is given, and what is left, stacked."""


def run() -> None:
    """Prints bits per note of each way, for both approaches."""
    torch.set_num_threads(1)
    rows = []
    for approach in APPROACHES:
        memory = open_pack(PACK).memory(approach)
        evidence: dict[str, tuple[Tensor, ...]] = {}
        notes: dict[str, int] = {}
        for name in MEASURED:
            lines = list(lines_of(PACK, approach, name, "valid"))
            notes[name] = sum(line.notes for line in lines)
            evidence[name] = _joined([evidence_of(memory, line) for line in lines])
        for title, levels, weigh, start in _ways():
            figures = _fitted([evidence[name] for name in FITTED], levels, weigh, start)
            bits = [float(_bits(evidence[name], levels, weigh, figures).sum()) / notes[name] for name in MEASURED]
            rows.append((approach, title, *(f"{value:.3f}" for value in bits)))
    show("Bits per note, pitch and time together, validation files", ("approach", "back-off", *MEASURED), rows)


def _ways() -> Sequence[tuple[str, Sequence[int], Weigh, Sequence[float]]]:
    both, intervals, tokens = list(LEVELS), list(LEVELS)[0::2], list(LEVELS)[1::2]
    falling = np.linspace(4.0, -0.5, len(LEVELS)).tolist()
    half = [0.0] * len(LEVELS)
    return (
        ("tokens as they are; Dirichlet", tokens, _dirichlet, falling),
        ("intervals; Dirichlet", intervals, _dirichlet, falling),
        ("both in turn; Dirichlet", both, _dirichlet, falling),
        ("both in turn; Pitman-Yor, a discount each", both, _pitman_yor, [*falling, *half]),
        ("tokens as they are; odds by variety and evidence", tokens, _odds, [*falling, 0.5, 0.5]),
        ("intervals; odds by variety and evidence", intervals, _odds, [*falling, 0.5, 0.5]),
        ("both in turn; odds by variety and evidence (as built)", both, _odds, [*falling, 0.5, 0.5]),
        ("both in turn; the same, exponents of each their own", both, _free_odds, [*falling, *half, *half]),
    )


def _dirichlet(figures: Tensor, level: int, n: Tensor, hits: Tensor, _: Tensor) -> Tensor:
    concentration = figures[level].exp()
    return torch.stack([hits / (n + concentration), concentration / (n + concentration)])


def _pitman_yor(figures: Tensor, level: int, n: Tensor, hits: Tensor, different: Tensor) -> Tensor:
    concentration, discount = figures[level].exp(), torch.sigmoid(figures[len(LEVELS) + level])
    given = (hits - discount).clamp(min=0.0)
    return torch.stack([given, concentration + discount * different]) / (n + concentration)


def _odds(figures: Tensor, level: int, n: Tensor, hits: Tensor, different: Tensor) -> Tensor:
    return _escaping(figures[level] + figures[-2] * different.log() - figures[-1] * n.log(), n, hits)


def _free_odds(figures: Tensor, level: int, n: Tensor, hits: Tensor, different: Tensor) -> Tensor:
    variety, evidence = figures[len(LEVELS) + level], figures[2 * len(LEVELS) + level]
    return _escaping(figures[level] + variety * different.log() - evidence * n.log(), n, hits)


def _escaping(odds: Tensor, n: Tensor, hits: Tensor) -> Tensor:
    escape = torch.sigmoid(odds)
    return torch.stack([(1 - escape) * hits / n, escape])


def _joined(lines: Sequence[Evidence]) -> tuple[Tensor, ...]:
    parts = zip(*((line.p, line.followers.T, line.hits.T, line.different.T) for line in lines), strict=True)
    return tuple(torch.from_numpy(np.concatenate(part, axis=-1).astype(np.float32)) for part in parts)


def _bits(evidence: tuple[Tensor, ...], levels: Sequence[int], weigh: Weigh, figures: Tensor) -> Tensor:
    p, followers, hits, different = evidence
    for level in levels:
        places = followers[level].nonzero()[:, 0]
        given, left = weigh(figures, level, followers[level][places], hits[level][places], different[level][places])
        p = p.index_put((places,), given + left * p[places])
    return -p.log() / math.log(2)


def _fitted(
    corpora: Sequence[tuple[Tensor, ...]], levels: Sequence[int], weigh: Weigh, start: Sequence[float]
) -> Tensor:
    figures = torch.tensor(start).requires_grad_()
    optimizer = torch.optim.LBFGS([figures], max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        value = torch.stack([_bits(evidence, levels, weigh, figures).mean() for evidence in corpora]).mean()
        value = value + 1e-4 * (figures - torch.tensor(start)).square().mean()
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return value.item()

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return figures.detach()
