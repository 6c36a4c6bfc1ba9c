"""How far an answer may repeat what the player played: a bound on successive intervals; knows no network and no time.

In whatever key: a phrase is the steps from one onset to the next, of a chord the highest note, as copying is measured in
`fours evaluate`. A repeated note is a step like any other.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from model.defaults import MAX_REPEATED_INTERVALS
from model.notes import CHORD_BEATS, Note, in_onset_order
from model.tokens.vocabulary import Mask

# An interval from -127 to 127 as a byte.
UNISON = 128


class Novelty:
    """The player's last phrases, as their outlines, and the most successive intervals that may be repeated of them.

    Made anew with each phrase: it takes a fraction of a microsecond a note.
    """

    def __init__(self, phrases: Iterable[Sequence[int]], most_intervals: int = MAX_REPEATED_INTERVALS) -> None:
        self._max_intervals = most_intervals
        # After as many intervals as may be repeated, the next ones that would repeat one more.
        self._forbidden_next: dict[bytes, set[int]] = {}
        for phrase in phrases:
            steps = _intervals(phrase)
            for end in range(most_intervals, len(steps)):
                self._forbidden_next.setdefault(steps[end - most_intervals : end], set()).add(steps[end] - UNISON)

    def forbidden_pitches(self, outline: Sequence[int]) -> frozenset[int]:
        """The pitches that may not come next, given the answer's outline so far: with them it would repeat too much."""
        if len(outline) <= self._max_intervals:
            return frozenset()
        steps = self._forbidden_next.get(_intervals(outline[len(outline) - self._max_intervals - 1 :]), ())
        return frozenset(outline[-1] + step for step in steps)

    def restrict(self, allowed: Mask, pitches: Sequence[int], outline: Sequence[int]) -> Mask:
        """Of the `allowed` tokens those that repeat no more than may be; the pitches' tokens begin at 1.

        Where it would leave nothing, all that is allowed. Of a chord the first note is asked for like any other, and the
        outline is that of the onsets before it.
        """
        barred = self.forbidden_pitches(outline)
        if not barred:
            return allowed
        fresh = allowed.copy()
        fresh[1 : 1 + len(pitches)] &= ~np.isin(pitches, list(barred))
        return fresh if fresh.any() else allowed


def outline_of(notes: Iterable[Note]) -> list[int]:
    """The highest pitch of each onset; what begins within a sixteenth of a beat is one chord."""
    tops: list[int] = []
    onset_beats = -np.inf
    for note in in_onset_order(notes):
        if note.onset_beats - onset_beats >= CHORD_BEATS:
            onset_beats = note.onset_beats
            tops.append(note.pitch)
        else:
            tops[-1] = max(tops[-1], note.pitch)
    return tops


def longest_repeat(answer: Sequence[int], phrases: Iterable[Sequence[int]]) -> int:
    """How many successive intervals of an answer's outline stand in one of the phrases, at most."""
    steps, heard = _intervals(answer), [_intervals(phrase) for phrase in phrases]
    longest = 0
    for end in range(len(steps)):
        while longest <= end and any(steps[end - longest : end + 1] in phrase for phrase in heard):
            longest += 1
    return longest


def _intervals(outline: Sequence[int]) -> bytes:
    return bytes(after - before + UNISON for before, after in pairwise(outline))
