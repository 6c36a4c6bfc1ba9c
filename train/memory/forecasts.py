"""Predictions of lines by a network with a memory of the piece so far, each line from its start.

It knows no training and no card.

The network's distributions are computed once, for many lines at a time; the memory then goes through them as in a jam.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from model.defaults import FITTED_STRENGTH
from model.engines.network import MusicLSTM
from model.memory.backoff import ORDERS, Backoff
from model.memory.memory import Memory
from model.tokens.vocabulary import Vocabulary
from train.corpus.corpora import Line
from train.corpus.dataset import Tokens, tokens_of_line

# This many tokens go through the network at once: lines side by side, padded to the longest of them.
TOKENS_AT_ONCE = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class LineForecast:
    """A line, and the network's prediction of each token but the first: `p`, shape (tokens - 1, vocabulary)."""

    tokens: Tokens
    notes: int
    p: npt.NDArray[np.float32]

    @property
    def targets(self) -> Tokens:
        return self.tokens[1:]

    @property
    def network_bits(self) -> npt.NDArray[np.float64]:
        """The bits of each target without a memory."""
        return _bits(self.p[np.arange(len(self.p)), self.targets])


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Everything that a back-off depends on, at the targets of a line.

    `p` is the network's probability of each target, shape (targets,). For each context that ends before the target,
    from the shortest up, `followers` counts what followed it earlier, `hits` how much of that was the target, and
    `different` how many different tokens or intervals; shapes (targets, contexts).
    """

    p: npt.NDArray[np.float64]
    followers: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    different: npt.NDArray[np.int64]


def forecast_lines(network: MusicLSTM, vocabulary: Vocabulary, lines: Sequence[Line]) -> Iterator[LineForecast]:
    """The predictions of all lines, from the shortest to the longest; similar lengths are computed together."""
    in_order = sorted(lines, key=len)
    network.eval()
    while in_order:
        # The last line of a batch is its longest, and decides how many fit.
        count = max(1, next((n for n in range(len(in_order), 0, -1) if n * len(in_order[n - 1]) <= TOKENS_AT_ONCE), 1))
        batch, in_order = in_order[:count], in_order[count:]
        pieces = [tokens_of_line(vocabulary, line.records) for line in batch]
        padded = np.zeros((len(pieces), max(map(len, pieces))), np.int64)
        for row, piece in zip(padded, pieces, strict=True):
            row[: len(piece)] = piece
        with torch.inference_mode():
            logits, _ = network(torch.from_numpy(padded))
            probabilities = torch.softmax(logits.float(), -1).numpy()
        for line, piece, p in zip(batch, pieces, probabilities, strict=True):
            yield LineForecast(piece, len(line), p[: len(piece) - 1].copy())


def collect_evidence(memory: Memory, line: LineForecast) -> Evidence:
    """What the memory holds before each target, when it has heard nothing but the line up to there."""
    shape = (len(line.targets), 2 * len(ORDERS))
    counts = np.zeros((3, *shape), np.int64)
    memory.forget()
    for index, target in enumerate(line.targets.tolist()):
        symbols = memory.symbols(target)
        for level, followers in enumerate(memory.followers()):
            if followers:
                # The first note of a line has no interval, so no context of intervals predicted it.
                symbol = symbols[level % 2]
                counts[:, index, level] = len(followers), followers.count(symbol) if symbol else 0, len(set(followers))
        memory.hear(target)
    return Evidence(line.p[np.arange(shape[0]), line.targets].astype(np.float64), *counts)


def bits_with_memory(memory: Memory, line: LineForecast, strength: float = FITTED_STRENGTH) -> npt.NDArray[np.float64]:
    """The bits of each target of the line, with a memory of the line up to there."""
    memory.forget()
    probabilities = np.empty(len(line.targets))
    for index, (p, target) in enumerate(zip(line.p, line.targets.tolist(), strict=True)):
        probabilities[index] = memory.mix(p, strength).probabilities[target]
        memory.hear(target)
    return _bits(probabilities)


def bits_with_memory_by_token(
    vocabulary: Vocabulary, backoff: Backoff, lines: Iterable[LineForecast]
) -> npt.NDArray[np.float64]:
    """Bits with memory, summed over the lines for each target token, shape (vocabulary,)."""
    memory = Memory(vocabulary, backoff)
    total = np.zeros(vocabulary.size)
    for line in lines:
        total += np.bincount(line.targets, bits_with_memory(memory, line), vocabulary.size)
    return total


def _bits(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    bits: npt.NDArray[np.float64] = -np.log2(probabilities.astype(np.float64))
    return bits
