"""Predictions of lines by a network with a memory of the piece so far, each line from its start.

It knows no training and no card.

The network's distributions are computed once, for many lines at a time; the memory then goes through them as in a jam.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import numpy.typing as npt
import torch

from model.analysis.bars import bars_at
from model.defaults import FITTED_STRENGTH
from model.engines.network import MusicLSTM
from model.memory.backoff import Backoff
from model.memory.memory import Memory
from model.tokens.vocabulary import Cursor, Vocabulary
from train.corpus.corpora import Line
from train.corpus.dataset import Tokens, tokens_of_line

# This many tokens go through the network at once: lines side by side, padded to the longest of them.
TOKENS_AT_ONCE = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class LineForecast:
    """A line, and the network's prediction of each token but the first: `p`, shape (tokens - 1, vocabulary).

    `places` are where in its bar each of these tokens stands, as a memory counts it; empty where that is not known.
    """

    tokens: Tokens
    notes: int
    p: npt.NDArray[np.float32]
    places: Sequence[int] = ()

    @property
    def targets(self) -> Tokens:
        return self.tokens[1:]

    @property
    def placed_targets(self) -> Iterator[tuple[int, int | None]]:
        """Each target with its place."""
        return zip(self.targets.tolist(), self.places or repeat(None), strict=False)

    @property
    def network_bits(self) -> npt.NDArray[np.float64]:
        """The bits of each target without a memory."""
        return _bits(self.p[np.arange(len(self.p)), self.targets])


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Everything that the trust in contexts depends on, at some of the targets of a line.

    `p` is the network's probability of each target, shape (targets,). For each context that ends before the target,
    from the one that is trusted least up, `followers` counts what followed it earlier, `hits` how much of that was the target, and
    `different` how many different tokens or intervals; shapes (targets, contexts).
    """

    p: npt.NDArray[np.float64]
    followers: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    different: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LineEvidence:
    """The evidence of a line: before notes, and where a time may come, which has contexts of its own."""

    notes: Evidence
    times: Evidence


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
            yield LineForecast(piece, len(line), p[: len(piece) - 1].copy(), places_of_line(vocabulary, line))


def places_of_line(vocabulary: Vocabulary, line: Line) -> list[int]:
    """Where in its bar each token of a line stands, but the start: a note at its onset, a time at the onset before it."""
    places: list[int] = []
    cursor, place = Cursor(), 0
    for note in line.notes:
        tokens, cursor = vocabulary.encode_note(note, cursor)
        before, place = place, bars_at(note.onset_beats, line.bars).grid_place(note.onset_beats)
        places += [before] * (len(tokens) - 1) + [place]
    return places


def collect_evidence(memory: Memory, line: LineForecast) -> LineEvidence:
    """What the memory holds before each target, when it has heard nothing but the line up to there."""
    memory.forget()
    rows: dict[bool, list[tuple[float, list[int], list[int], list[int]]]] = {False: [], True: []}
    for p, (target, place) in zip(line.p, line.placed_targets, strict=True):
        symbols = memory.symbols(target)
        found = memory.followers(place)
        # The first note of a line has no interval, so no context of intervals predicted it.
        hits = [
            followers.count(symbol) if (symbol := symbols[kind.is_transposed]) else 0
            for kind, followers in zip(memory.trust_here.kinds, found, strict=True)
        ]
        rows[memory.time_comes].append((float(p[target]), [*map(len, found)], hits, [len(set(each)) for each in found]))
        memory.hear(target, place)
    trusts = memory.backoff.notes, memory.backoff.times or memory.backoff.notes
    notes, times = (_evidence(rows[bool(index)], len(trust.kinds)) for index, trust in enumerate(trusts))
    return LineEvidence(notes, times)


def _evidence(rows: Sequence[tuple[float, list[int], list[int], list[int]]], contexts: int) -> Evidence:
    p, *counts = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Evidence(np.array(p, np.float64), *(np.array(each, np.int64).reshape(-1, contexts) for each in counts))


def bits_with_memory(memory: Memory, line: LineForecast, strength: float = FITTED_STRENGTH) -> npt.NDArray[np.float64]:
    """The bits of each target of the line, with a memory of the line up to there."""
    memory.forget()
    probabilities = np.empty(len(line.targets))
    for index, (p, (target, place)) in enumerate(zip(line.p, line.placed_targets, strict=True)):
        probabilities[index] = memory.mix(p, strength, place).probabilities[target]
        memory.hear(target, place)
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
