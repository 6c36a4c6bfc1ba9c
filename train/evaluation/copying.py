"""How much of a line of notes is copied from the training lines, as successive intervals.

It knows no model and no file.

It does not depend on key and rhythm: it compares the steps from one onset to the next, and in a chord the highest note.
Unseen music shares n-grams with the training lines as well, so copying of a model is compared with that: with what the
`IntervalIndex` of the training lines finds in the test lines, after `pool_copying`. In it each n-gram of each line
counts once, and so do those of a repeated note, unless `drop_repeats` leaves them out.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.notes import Note
from train.evaluation.measures import Outline

NGRAM_INTERVALS = (8, 12, 16)
# The byte of an interval of 0 semitones. Intervals from -127 to 127 leave 0 free for the end of a line.
UNISON = 128
END_OF_LINE = b"\x00"


@dataclass(frozen=True, slots=True)
class Copying:
    """How much of one line, or of several, is in the training lines.

    `longest_run` is the largest number of successive intervals found in one training line, one less than its notes.
    For each length in intervals, `ngrams` counts the n-grams, and `found` those that are in the training lines.
    """

    longest_run: int
    found: Mapping[int, int]
    ngrams: Mapping[int, int]

    @property
    def shares(self) -> dict[int, float]:
        """For each length the share of the n-grams that was found, without the lengths that no line reached."""
        return {length: self.found[length] / count for length, count in self.ngrams.items() if count}


def pool_copying(lines: Iterable[Copying]) -> Copying:
    """Several lines as one: each n-gram counts the same, so a long line counts for more."""
    copyings = list(lines)
    return Copying(
        longest_run=max((line.longest_run for line in copyings), default=0),
        found={length: sum(line.found[length] for line in copyings) for length in NGRAM_INTERVALS},
        ngrams={length: sum(line.ngrams[length] for line in copyings) for length in NGRAM_INTERVALS},
    )


class IntervalIndex:
    """An index of the intervals of the training lines: one byte each, and a suffix array of 4 bytes each.

    It finds exactly what a line shares with them, at any length. Building it takes about 40 bytes per interval for a
    moment.
    """

    def __init__(self, lines: Iterable[Sequence[Note]], *, drop_repeats: bool = False) -> None:
        """With `drop_repeats`, a note that is repeated counts as one note, here and in the lines that are measured."""
        self._drop_repeats = drop_repeats
        self._text = b"".join(self._encode(notes) + END_OF_LINE for notes in lines)
        self._suffix_array = _build_suffix_array(self._text)

    def measure_copying(self, notes: Sequence[Note]) -> Copying:
        """How much of these notes is in the training lines."""
        encoded = self._encode(notes)
        runs = np.array([self._longest_run(encoded[start:]) for start in range(len(encoded))], np.int64)
        return Copying(
            longest_run=int(runs.max(initial=0)),
            found={length: int((runs >= length).sum()) for length in NGRAM_INTERVALS},
            ngrams={length: max(len(encoded) - length + 1, 0) for length in NGRAM_INTERVALS},
        )

    def _encode(self, notes: Sequence[Note]) -> bytes:
        intervals = np.diff(Outline.of(notes).top_pitches)
        if self._drop_repeats:
            intervals = intervals[intervals != 0]
        return (intervals + UNISON).astype(np.uint8).tobytes()

    def _longest_run(self, encoded: bytes) -> int:
        """How many of these intervals, from the first one, are in the text; the nearest suffixes share the most."""
        at = bisect_left(self._suffix_array, encoded, key=lambda start: self._text[start : start + len(encoded)])
        neighbours = self._suffix_array[max(at - 1, 0) : at + 1].tolist()
        return max(
            (_common_prefix_length(encoded, self._text[start : start + len(encoded)]) for start in neighbours),
            default=0,
        )


def _common_prefix_length(one: bytes, other: bytes) -> int:
    """How many bytes two texts have in common at their start; neither text is empty."""
    length = min(len(one), len(other))
    differs = np.frombuffer(one, np.uint8, length) != np.frombuffer(other, np.uint8, length)
    return int(differs.argmax()) if differs.any() else length


def _build_suffix_array(text: bytes) -> npt.NDArray[np.integer]:
    """The start of each suffix of the text, in alphabetical order; by prefix doubling (Manber and Myers 1993)."""
    ranks = np.frombuffer(text, np.uint8).astype(np.int64)
    order = np.zeros(len(text), np.int64)
    compared = 1
    while len(text):
        # Ordered by the first `compared` bytes, then by as many bytes after them; the end of the text comes first.
        keys = ranks * (len(text) + UNISON * 2)
        keys[:-compared] += ranks[compared:] + 1
        order = np.argsort(keys)
        keys = keys[order]
        ranks[order] = np.append(0, np.cumsum(keys[1:] != keys[:-1]))
        compared *= 2
        if ranks[order[-1]] == len(text) - 1:
            break
    return order.astype(np.int32 if len(text) <= np.iinfo(np.int32).max else np.int64)
