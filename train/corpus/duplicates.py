"""Near-duplicates among files, by MinHash over n-grams of intervals; knows no files, only pitches.

Two files are near-duplicates where about half or more of their n-grams are the same (Jaccard similarity, estimated as
in Broder 1997, "On the resemblance and containment of documents"), in whatever key and at whatever tempo.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Signature = npt.NDArray[np.uint32]
"""Of `HASHES` parts of all hashes there may be, the smallest of a file's n-grams, shape (HASHES,)."""

GRAM_INTERVALS = 8  # a power of two
HASHES = 64
SIMILAR = 0.5
# Files are compared where all rows of a band agree. Of pairs half of whose n-grams agree these bands find two thirds; of
# 70 %, 99 %.
BANDS = 16
_POWER = 0x9E3779B97F4A7C15
# Two odd numbers that scatter the bits of a product all over it.
_SCATTER, _PER_BIN = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_BIN_BITS = np.uint64(64 - (HASHES - 1).bit_length())


def signature_of(lines: Sequence[npt.NDArray[np.uint8]]) -> Signature | None:
    """The signature of a file whose lines have these pitches; None where none is long enough to say anything.

    The hashes are one permutation cut in equal bins, and of each bin the smallest; an empty one takes the next one's
    (Shrivastava and Li 2014, "Densifying one permutation hashing via rotation").
    """
    every = np.sort(_grams(lines))
    if not len(every):
        return None
    begins = np.searchsorted(every, np.arange(HASHES, dtype=np.uint64) << _BIN_BITS)
    full = np.flatnonzero(np.diff(begins, append=len(every)))
    taken = np.searchsorted(full, np.arange(HASHES))
    place = full[taken % len(full)]
    distance = (place - np.arange(HASHES)) % HASHES
    signature: Signature = (every[begins[place]] + distance.astype(np.uint64) * _PER_BIN).astype(np.uint32)
    return signature


def _grams(lines: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint64]:
    """A hash of every n-gram of intervals but those of one repeated note, which any two riffs may share."""
    ends = np.cumsum([len(line) for line in lines], dtype=np.int64)
    intervals = np.diff(np.concatenate([np.zeros(0, np.int64), *lines]).astype(np.int64))
    count = len(intervals) - GRAM_INTERVALS + 1
    if count < 1:
        return np.zeros(0, np.uint64)
    # The sum of interval times power to the place, by ever longer pieces: pairs, fours, eights.
    hashes = (intervals + 128).astype(np.uint64)
    length = 1
    while length < GRAM_INTERVALS:
        hashes = hashes[:-length] + hashes[length:] * np.uint64(pow(_POWER, length, 1 << 64))
        length *= 2
    joins = np.zeros(len(intervals), np.bool_)
    joins[ends[:-1] - 1] = True
    # Of one line, and not across the joint of two.
    moving = hashes[_in_any(intervals != 0) & ~_in_any(joins)]
    # What a multiplication brings upwards, the shift brings down again.
    moving = (moving ^ (moving >> np.uint64(31))) * _SCATTER
    scattered: npt.NDArray[np.uint64] = moving ^ (moving >> np.uint64(29))
    return scattered


def _in_any(of: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """For each n-gram, whether any of its intervals is so; by ever longer pieces, too."""
    length = 1
    while length < GRAM_INTERVALS:
        of = of[:-length] | of[length:]
        length *= 2
    return of


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

    for one, other in _likely_pairs(table):
        if np.count_nonzero(table[one] == table[other]) >= SIMILAR * HASHES:
            low, high = sorted((root(present[one]), root(present[other])))
            first[high] = low
    return [root(index) for index in range(len(signatures))]


def _likely_pairs(table: npt.NDArray[np.uint32]) -> list[tuple[int, int]]:
    """Pairs that agree in a band: each file with the first that has the same rows there."""
    pairs: set[tuple[int, int]] = set()
    rows = HASHES // BANDS
    for band in range(BANDS):
        part = np.ascontiguousarray(table[:, band * rows : (band + 1) * rows]).view(f"V{4 * rows}")[:, 0]
        _, begins, member = np.unique(part, return_index=True, return_inverse=True)
        firsts = begins[member]
        pairs.update((int(firsts[i]), int(i)) for i in np.flatnonzero(firsts != np.arange(len(firsts))))
    return sorted(pairs)
