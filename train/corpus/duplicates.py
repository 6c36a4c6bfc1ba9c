"""Near-duplicates among files, by MinHash over n-grams of intervals; knows no files, only pitches.

Two files are near-duplicates where about half or more of their n-grams are the same (Jaccard similarity, estimated as
in Broder 1997, "On the resemblance and containment of documents"), in any key and at any tempo.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Signature = npt.NDArray[np.uint32]
"""The hash range is divided into `HASHES` bins; in each, the smallest hash of a file's n-grams. Shape (HASHES,)."""

GRAM_INTERVALS = 8  # a power of two
HASHES = 64
SIMILAR = 0.5
# Files are compared where all rows of a band agree. Of pairs half of whose n-grams agree these bands find two thirds;
# of 70 %, 99 %.
BANDS = 16
_POWER = 0x9E3779B97F4A7C15
# Two odd numbers; multiplying by them spreads the bits of a hash over the whole product.
_SCATTER, _PER_BIN = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_HALF, _NEARLY_HALF = np.uint64(31), np.uint64(29)
# An n-gram's hash is built from two pieces of equal length each time: this length, and the factor of the second piece.
_PIECES = tuple((length, np.uint64(pow(_POWER, length, 1 << 64))) for length in (1, 2, 4))
# The hash of an n-gram of one repeated note; of any other one it is as unlikely as that two n-grams have one hash.
_UNMOVING = np.uint64(128 * sum(pow(_POWER, place, 1 << 64) for place in range(GRAM_INTERVALS)) % (1 << 64))
_BINS = np.arange(HASHES)
_BIN_SHIFT = np.uint64(64 - (HASHES - 1).bit_length())
_EMPTY = np.uint64(2**64 - 1)


def signature_of(lines: Sequence[npt.NDArray[np.uint8]]) -> Signature | None:
    """The signature of a file whose lines have these pitches; None if no line is long enough.

    The hash range is cut into equal bins, and the signature holds the smallest hash of each; an empty bin takes that of
    the next bin (Shrivastava and Li 2014, "Densifying one permutation hashing via rotation").
    """
    every = _grams(lines)
    if not len(every):
        return None
    smallest = np.full(HASHES, _EMPTY)
    np.minimum.at(smallest, (every >> _BIN_SHIFT).view(np.int64), every)
    full = (smallest != _EMPTY).nonzero()[0]
    if len(full) == HASHES:
        return smallest.astype(np.uint32)
    # For each bin itself or the next full one, wrapping to the first.
    place = full.take(full.searchsorted(_BINS), mode="wrap")
    distance = (place - _BINS) % HASHES
    signature: Signature = (smallest[place] + distance.astype(np.uint64) * _PER_BIN).astype(np.uint32)
    return signature


def _grams(lines: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint64]:
    """A hash of every n-gram of intervals, except those of one repeated note, which unrelated riffs may share."""
    if not lines:
        return np.zeros(0, np.uint64)
    pitches = np.concatenate(lines, dtype=np.int64)
    intervals = pitches[1:] - pitches[:-1]
    count = len(intervals) - GRAM_INTERVALS + 1
    if count < 1:
        return np.zeros(0, np.uint64)
    # The sum of interval times power to the place, by ever longer pieces: pairs, fours, eights.
    hashes = (intervals + 128).view(np.uint64)
    for length, power in _PIECES:
        hashes = hashes[:-length] + hashes[length:] * power
    is_moving = hashes != _UNMOVING
    # No n-gram may span two lines.
    joint = -1
    for line in lines[:-1]:
        joint += len(line)
        is_moving[max(joint - GRAM_INTERVALS + 1, 0) : joint + 1] = False
    moving = hashes[is_moving]
    # A multiplication moves bits upwards, and the shift brings them down again.
    moving = (moving ^ (moving >> _HALF)) * _SCATTER
    scattered: npt.NDArray[np.uint64] = moving ^ (moving >> _NEARLY_HALF)
    return scattered


def groups_of(signatures: Sequence[Signature | None]) -> list[int]:
    """For each file the index of the first file of its group; a file without a signature is a group of its own."""
    first = list(range(len(signatures)))
    present = [index for index, signature in enumerate(signatures) if signature is not None]
    if not present:
        return first
    table = np.array([signatures[index] for index in present], np.uint32)

    def root(index: int) -> int:
        while first[index] != index:
            first[index] = first[first[index]]
            index = first[index]
        return index

    for one, other in _likely_pairs(table).tolist():
        if np.count_nonzero(table[one] == table[other]) >= SIMILAR * HASHES:
            low, high = sorted((root(present[one]), root(present[other])))
            first[high] = low
    return [root(index) for index in range(len(signatures))]


def _likely_pairs(table: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Pairs that agree in a band, in order: each file with the first that has the same rows there; shape (pairs, 2)."""
    pairs = []
    rows = HASHES // BANDS
    for band in range(BANDS):
        part = np.ascontiguousarray(table[:, band * rows : (band + 1) * rows]).view(f"V{4 * rows}")[:, 0]
        _, begins, member = np.unique(part, return_index=True, return_inverse=True)
        firsts = begins[member]
        others = np.flatnonzero(firsts != np.arange(len(firsts)))
        pairs.append(firsts[others] * len(table) + others)
    return np.stack(np.divmod(np.unique(np.concatenate(pairs)), len(table)), axis=1)
