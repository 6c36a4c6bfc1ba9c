"""Puts pieces of tokens side by side, in lanes of whole chunks, as a network learns them; knows no network."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from train.corpus.dataset import Pieces, Tokens

# A target without a loss: the padding after the end of a line.
NO_TARGET = -100


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """What a memory of the music so far makes of a network's forecast p of each target: `left` · p + `expected`.

    Both have a number for each target, from 0 to 1. They hold in any key, as a memory counts the same in every key.
    """

    left: npt.NDArray[np.float32]
    expected: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One step of training: `inputs` and `targets` of shape (lanes, time), and `fresh` of shape (lanes,), which is true
    where a line begins.

    `total_targets` is the number of targets in all lanes, including those that other processes train. `remembered` is what a memory
    forecasts of the targets, where there is one.
    """

    inputs: Tokens
    targets: Tokens
    fresh: npt.NDArray[np.bool_]
    total_targets: int
    remembered: Remembered | None = None


def chunk_count(lengths: Iterable[int], lanes: int, length: int) -> int:
    """The number of chunks that `chunks` yields for pieces of these lengths, in this order."""
    ends = [0] * lanes
    for tokens in lengths:
        heapq.heapreplace(ends, ends[0] + -(-(tokens - 1) // length))
    return max(ends)


def chunks(
    pieces: Pieces,
    order: Sequence[int],
    keys: Sequence[int],
    lanes: int,
    length: int,
    mine: range | None = None,
    remembered: Sequence[Remembered] | None = None,
) -> Iterator[Chunk]:
    """Yields the pieces side by side in `lanes`, `length` tokens at a time.

    The caller carries the network's state from chunk to chunk.

    `order` is the order of the pieces, and `keys` says by how many semitones each is transposed. When a piece ends, its
    lane takes the next piece at the start of the next chunk, so that the state can be reset there. Lanes without a next
    piece are padded. Only the lanes in `mine` are read. `remembered` is what a memory forecasts of the targets of each piece, in any key.
    """
    kept = range(lanes) if mine is None else mine
    coming = iter(range(len(order)))
    current: list[int | None] = [None] * lanes  # the index in `order` of each lane's piece
    read: list[Tokens] = [np.zeros(0, np.int64)] * lanes
    at = [0] * lanes
    while True:
        inputs = np.zeros((len(kept), length), np.int64)
        targets = np.full((len(kept), length), NO_TARGET, np.int64)
        fresh = np.zeros(len(kept), np.bool_)
        here = Remembered(np.ones(targets.shape, np.float32), np.zeros(targets.shape, np.float32))
        total = 0
        for lane in range(lanes):
            begins = current[lane] is None
            if begins:
                current[lane], at[lane] = next(coming, None), 0
            place = current[lane]
            if place is None:
                continue
            left = int(pieces.lengths[order[place]]) - 1 - at[lane]
            count = min(length, left)
            total += count
            if lane in kept:
                row = kept.index(lane)
                if begins:
                    read[lane] = pieces.piece(order[place], keys[place])
                fresh[row] = begins
                span = slice(at[lane], at[lane] + count)
                inputs[row, :count] = read[lane][:-1][span]
                targets[row, :count] = read[lane][1:][span]
                if remembered is not None:
                    memory = remembered[order[place]]
                    here.left[row, :count], here.expected[row, :count] = memory.left[span], memory.expected[span]
            at[lane] += count
            if count == left:
                current[lane] = None
        if not total:
            return
        yield Chunk(inputs, targets, fresh, total, None if remembered is None else here)
