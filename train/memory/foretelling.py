"""What a memory of the piece so far adds to a network's forecasts of lines, each from its start; knows no training and no card.

The network's distributions are computed once, many lines at a time; the memory then goes through them as it does in a jam.
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
from train.corpus.dataset import Tokens, spelt

# Tokens of lines that go through the network side by side, padded to the longest of them.
TOKENS_AT_ONCE = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class Foretold:
    """A line, and what the network foretold of each of its tokens but the first: `p` has the shape (tokens - 1, vocabulary)."""

    tokens: Tokens
    notes: int
    p: npt.NDArray[np.float32]

    @property
    def targets(self) -> Tokens:
        return self.tokens[1:]

    @property
    def network_bits(self) -> npt.NDArray[np.float64]:
        """What each target costs without a memory."""
        return _bits(self.p[np.arange(len(self.p)), self.targets])


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that a back-off depends on, at the targets of a line.

    Of the network `p` of the target, shape (targets,); of each context that ends there, from the shortest up, how much
    followed it, how much of that was the target, and how many different things; shapes (targets, contexts).
    """

    p: npt.NDArray[np.float64]
    followers: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    different: npt.NDArray[np.int64]


def foretold(network: MusicLSTM, vocabulary: Vocabulary, lines: Sequence[Line]) -> Iterator[Foretold]:
    """The lines in their order of length, as those alike in it are computed together."""
    in_order = sorted(lines, key=len)
    network.eval()
    while in_order:
        # The longest of a batch, which is its last, decides how many go together.
        count = max(1, next((n for n in range(len(in_order), 0, -1) if n * len(in_order[n - 1]) <= TOKENS_AT_ONCE), 1))
        batch, in_order = in_order[:count], in_order[count:]
        pieces = [spelt(vocabulary, line.records) for line in batch]
        padded = np.zeros((len(pieces), max(map(len, pieces))), np.int64)
        for row, piece in zip(padded, pieces, strict=True):
            row[: len(piece)] = piece
        with torch.inference_mode():
            logits, _ = network(torch.from_numpy(padded))
            chances = torch.softmax(logits.float(), -1).numpy()
        for line, piece, p in zip(batch, pieces, chances, strict=True):
            yield Foretold(piece, len(line), p[: len(piece) - 1].copy())


def evidence_of(memory: Memory, line: Foretold) -> Evidence:
    """What the memory holds where each token of the line comes, with nothing but the line before it."""
    shape = (len(line.targets), 2 * len(ORDERS))
    counts = np.zeros((3, *shape), np.int64)
    memory.forget()
    for place, target in enumerate(line.targets.tolist()):
        symbols = memory.symbols(target)
        for level, found in enumerate(memory.followers()):
            if found:
                # What is no interval, the first note of all, was never foretold as one.
                symbol = symbols[level % 2]
                counts[:, place, level] = len(found), found.count(symbol) if symbol else 0, len(set(found))
        memory.hear(target)
    return Evidence(line.p[np.arange(shape[0]), line.targets].astype(np.float64), *counts)


def remembered_bits(memory: Memory, line: Foretold, strength: float = FITTED_STRENGTH) -> npt.NDArray[np.float64]:
    """What each target of the line costs with a memory of the line so far."""
    memory.forget()
    chances = np.empty(len(line.targets))
    for place, (p, target) in enumerate(zip(line.p, line.targets.tolist(), strict=True)):
        chances[place] = memory.mix(p, strength).probabilities[target]
        memory.hear(target)
    return _bits(chances)


def remembered_bits_by_token(
    vocabulary: Vocabulary, backoff: Backoff, lines: Iterable[Foretold]
) -> npt.NDArray[np.float64]:
    """Bits with memory, summed over the lines by the token that they were spent on, shape (vocabulary,)."""
    memory = Memory(vocabulary, backoff)
    total = np.zeros(vocabulary.size)
    for line in lines:
        total += np.bincount(line.targets, remembered_bits(memory, line), vocabulary.size)
    return total


def _bits(chances: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    bits: npt.NDArray[np.float64] = -np.log2(chances.astype(np.float64))
    return bits
