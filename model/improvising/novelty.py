"""Limits how many successive intervals of the player's phrases an answer may repeat, in any key; knows no network and no time.

A melody is compared as its intervals from one onset to the next, with the highest note of each chord, as `fours evaluate`
measures copying. A repeated note is an interval like any other. The highest pitches of the onsets are called its outline.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from model.defaults import MAX_REPEATED_INTERVALS
from model.notes import CHORD_BEATS, Note, in_onset_order

# Added to an interval from -127 to 127, so that it is a byte.
UNISON = 128


class Novelty:
    """The limit for some phrases of the player, given as outlines: at most `max_intervals` successive intervals are repeated.

    Built again with each new phrase, which takes a fraction of a microsecond per note.
    """

    def __init__(self, phrases: Iterable[Sequence[int]], max_intervals: int = MAX_REPEATED_INTERVALS) -> None:
        self._max_intervals = max_intervals
        # By each run of as many intervals as may be repeated: the next intervals that would repeat one more.
        self._forbidden_next: dict[bytes, set[int]] = {}
        for phrase in phrases:
            intervals = _intervals(phrase)
            for end in range(max_intervals, len(intervals)):
                self._forbidden_next.setdefault(intervals[end - max_intervals : end], set()).add(
                    intervals[end] - UNISON
                )

    def forbidden_pitches(self, outline: Sequence[int]) -> frozenset[int]:
        """The pitches that may not come next after an answer's outline so far, as the answer would repeat too much."""
        if len(outline) <= self._max_intervals:
            return frozenset()
        intervals = self._forbidden_next.get(_intervals(outline[len(outline) - self._max_intervals - 1 :]), ())
        return frozenset(outline[-1] + interval for interval in intervals)


def outline_of(notes: Iterable[Note]) -> list[int]:
    """The highest pitch of each onset. Notes that begin within a sixteenth of a beat are one chord."""
    outline: list[int] = []
    onset_beats = -np.inf
    for note in in_onset_order(notes):
        if note.onset_beats - onset_beats >= CHORD_BEATS:
            onset_beats = note.onset_beats
            outline.append(note.pitch)
        else:
            outline[-1] = max(outline[-1], note.pitch)
    return outline


def longest_repeat(answer: Sequence[int], phrases: Iterable[Sequence[int]]) -> int:
    """The most successive intervals of an answer's outline that also occur in one of the phrases' outlines."""
    intervals, played = _intervals(answer), [_intervals(phrase) for phrase in phrases]
    longest = 0
    for end in range(len(intervals)):
        while longest <= end and any(intervals[end - longest : end + 1] in phrase for phrase in played):
            longest += 1
    return longest


def _intervals(outline: Sequence[int]) -> bytes:
    return bytes(after - before + UNISON for before, after in pairwise(outline))
