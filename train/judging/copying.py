"""How much of a line of notes stands in the lines that were learnt from, as successive intervals; knows no model and no file.

In whatever key and rhythm: of a line only the steps from one onset to the next count, of a chord the highest note.
Unseen music shares n-grams with the training lines as well. What a model may copy is measured against that: what `Learnt`
of the training lines finds in the test lines, `pooled`, so that each n-gram of each line counts once, those of one repeated
note too, unless they are dropped (`drop_repeats`).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.notes import Note
from train.judging.measures import Outline

NGRAM_INTERVALS = (8, 12, 16)
# An interval of 0 semitones as a byte; those from -127 up to 127 leave 0 for the end of a line.
UNISON = 128
END_OF_LINE = b"\x00"


@dataclass(frozen=True, slots=True)
class Copying:
    """What of one line, or of several, was learnt from.

    `longest_run` is the most successive intervals found in one training line: one less than its notes. By how many
    intervals they hold, `ngrams` counts the n-grams, and `found` those of them that stand in the training lines.
    """

    longest_run: int
    found: Mapping[int, int]
    ngrams: Mapping[int, int]

    @property
    def shares(self) -> dict[int, float]:
        """Of each length the share of the n-grams that was found; without the lengths that no line reached."""
        return {length: self.found[length] / count for length, count in self.ngrams.items() if count}


def pooled(lines: Iterable[Copying]) -> Copying:
    """Several lines as one: each n-gram counts the same, so that a long line counts for more."""
    every = list(lines)
    return Copying(
        longest_run=max((line.longest_run for line in every), default=0),
        found={length: sum(line.found[length] for line in every) for length in NGRAM_INTERVALS},
        ngrams={length: sum(line.ngrams[length] for line in every) for length in NGRAM_INTERVALS},
    )


class Learnt:
    """The intervals of the training lines, one byte each, and the alphabetical order of all that follows each: 5 bytes.

    With it what a line shares with them is looked up exactly and at any length. Putting it in order takes about 40 bytes
    an interval for a moment.
    """

    def __init__(self, lines: Iterable[Sequence[Note]], *, drop_repeats: bool = False) -> None:
        """With `drop_repeats` a note that is struck again and again is one note, here and in what is looked up."""
        self._drop_repeats = drop_repeats
        self._text = b"".join(self._spelt(notes) + END_OF_LINE for notes in lines)
        self._order = _suffixes_in_order(self._text)

    def copied(self, notes: Sequence[Note]) -> Copying:
        spelt = self._spelt(notes)
        runs = np.array([self._longest_run_of(spelt[start:]) for start in range(len(spelt))], np.int64)
        return Copying(
            longest_run=int(runs.max(initial=0)),
            found={length: int((runs >= length).sum()) for length in NGRAM_INTERVALS},
            ngrams={length: max(len(spelt) - length + 1, 0) for length in NGRAM_INTERVALS},
        )

    def _spelt(self, notes: Sequence[Note]) -> bytes:
        intervals = np.diff(Outline.of(notes).top_pitches)
        if self._drop_repeats:
            intervals = intervals[intervals != 0]
        return (intervals + UNISON).astype(np.uint8).tobytes()

    def _longest_run_of(self, spelt: bytes) -> int:
        """How many of these intervals, from the first on, stand in the text: its nearest neighbours there share the most."""
        at = bisect_left(self._order, spelt, key=lambda start: self._text[start : start + len(spelt)])
        neighbours = self._order[max(at - 1, 0) : at + 1].tolist()
        return max((_shared(spelt, self._text[start : start + len(spelt)]) for start in neighbours), default=0)


def _shared(one: bytes, other: bytes) -> int:
    """How many bytes two texts have in common from the start; neither is empty."""
    length = min(len(one), len(other))
    differs = np.frombuffer(one, np.uint8, length) != np.frombuffer(other, np.uint8, length)
    return int(differs.argmax()) if differs.any() else length


def _suffixes_in_order(text: bytes) -> npt.NDArray[np.integer]:
    """Where each suffix of the text begins, in alphabetical order: a suffix array by prefix doubling (Manber and Myers 1993)."""
    ranks = np.frombuffer(text, np.uint8).astype(np.int64)
    order = np.zeros(len(text), np.int64)
    compared = 1
    while len(text):
        # By what the first `compared` bytes are, then by the same of the bytes after them; the end comes before all.
        keys = ranks * (len(text) + UNISON * 2)
        keys[:-compared] += ranks[compared:] + 1
        order = np.argsort(keys)
        keys = keys[order]
        ranks[order] = np.append(0, np.cumsum(keys[1:] != keys[:-1]))
        compared *= 2
        if ranks[order[-1]] == len(text) - 1:
            break
    return order.astype(np.int32 if len(text) <= np.iinfo(np.int32).max else np.int64)
