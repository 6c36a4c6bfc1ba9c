"""Limits how much of an answer quotes the player's phrases, in any key; knows no network.

A melody is compared as its intervals from one onset to the next, with the highest note of each chord, as `fours evaluate`
measures copying. A repeated note is an interval like any other. The highest pitches of the onsets are called its outline.

People quote in whole motifs: a few continuations of a phrase are nearly all quotation, most have none. So a quote is not cut
at some length. Of the answer as a whole a share may be quotes; once it is more, the quote ends where the motif ends, and
no other one begins. Most of all people quote riffs: phrases that quote themselves (`self_quoting`). So the share is larger after one.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import sub
from statistics import median

import numpy as np

from model.notes import CHORD_BEATS, Note, in_onset_order

# This many successive intervals of the player are a quote; any two melodies share shorter runs.
QUOTE_INTERVALS = 6
# A short answer, or the beginning of a long one, may be a quote as a whole: shares are computed over at least this many
# notes.
SHORTEST_ANSWER_NOTES = 16
# A quote that is too long, and reaches no end of a motif, is ended after this many notes.
OVERDUE_NOTES = 8
# A motif ends before a gap that is this many times as long as is usual in its phrase.
LONG_GAP_RATIO = 1.5
# The share that is no quote, from 0 to 1, is raised to 1 more than this after a phrase that does nothing but quote itself.
RIFF_EXPONENT = 2.0
# Whether a phrase is a riff shows in this many of its notes, and takes 0.1 ms to find out.
NOTES_OF_RIFF = 128
# Added to an interval from -127 to 127, so that it is a byte.
UNISON = 128
NO_PITCHES: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of a phrase of the player: its pitches, and the indices of those that end a motif."""

    pitches: Sequence[int]
    motif_ends: Collection[int] = ()

    @classmethod
    def of(cls, notes: Iterable[Note]) -> "Outline":
        """The outline of some notes; a motif ends before a long gap, and the phrase with its last note."""
        pitches, onsets = _outline_and_onsets(notes)
        gaps = [after - before for before, after in pairwise(onsets)]
        usual = median(gaps) if gaps else 0.0
        ends = {index for index, gap in enumerate(gaps) if gap >= LONG_GAP_RATIO * usual}
        return cls(pitches, frozenset({*ends, len(pitches) - 1}))


@dataclass(slots=True)  # not frozen, as one is made for every note
class _Tally:
    """An outline, its intervals, how many of its notes are in quotes, and how many notes there are up to the end of the last quote."""

    outline: list[int] = field(default_factory=list)
    intervals: bytes = b""
    count: int = 0
    quoted_until: int = 0


class Novelty:
    """The limit for some phrases of the player: at most `max_share` of an answer's notes, from 0 to 1, are in quotes of them.

    After a phrase that quotes itself it is more: of a riff 0.98 where `max_share` is 0.75, 0.88 where it is 0.5, and none where it is 0. The
    last phrase is the one that is answered. Built again with each new phrase, which takes a fraction of a microsecond per note.
    """

    def __init__(self, phrases: Sequence[Outline], max_share: float) -> None:
        answered = next((phrase.pitches for phrase in reversed(phrases) if phrase.pitches), ())
        self._max_share = 1.0 - (1.0 - max_share) ** (1.0 + RIFF_EXPONENT * self_quoting(answered))
        # By each run of intervals that is one short of a quote: the next interval, and whether a motif ends before it.
        self._followers: dict[tuple[int, ...], dict[int, bool]] = {}
        self._quotes: set[bytes] = set()
        self._tally = _Tally()
        for phrase in phrases:
            intervals, differences = _intervals(phrase.pitches), _differences(phrase.pitches)
            for end in range(QUOTE_INTERVALS - 1, len(intervals)):
                begin = end - QUOTE_INTERVALS + 1
                self._quotes.add(intervals[begin : end + 1])
                following = self._followers.setdefault(differences[begin:end], {})
                interval = differences[end]
                # Where one of several places goes on within its motif, the quote may go on, too.
                following[interval] = following.get(interval, True) and end in phrase.motif_ends

    def forbidden_pitches(self, outline: Sequence[int]) -> frozenset[int]:
        """The pitches that may not come next after an answer's outline so far, as too much of it would be quotes."""
        if self._max_share >= 1.0 or len(outline) < QUOTE_INTERVALS:
            return NO_PITCHES
        a, b, c, d, e, f = outline[-QUOTE_INTERVALS:]
        following = self._followers.get((b - a, c - b, d - c, e - d, f - e))
        if following is None:
            return NO_PITCHES
        quoted = self.quoted_notes(outline)
        is_quoting = self._tally.quoted_until == len(outline)
        quoted += 1 if is_quoting else QUOTE_INTERVALS + 1
        excess = quoted - self._max_share * max(len(outline) + 1, SHORTEST_ANSWER_NOTES)
        if excess <= 0.0:
            return NO_PITCHES
        ends_anywhere = not is_quoting or excess > OVERDUE_NOTES
        return frozenset(
            outline[-1] + interval for interval, is_motif_end in following.items() if is_motif_end or ends_anywhere
        )

    def quoted_notes(self, outline: Sequence[int]) -> int:
        """How many notes of an answer's outline are in quotes.

        It goes on from the last outline where this one begins with it, as that of an answer does.
        """
        tally, known = self._tally, len(self._tally.outline)
        if list(outline[:known]) != tally.outline:
            tally, known = _Tally(), 0
        intervals = tally.intervals + _intervals(outline[max(known - 1, 0) :])
        count, quoted_until = tally.count, tally.quoted_until
        for end in range(max(len(tally.intervals) + 1, QUOTE_INTERVALS), len(intervals) + 1):
            if intervals[end - QUOTE_INTERVALS : end] in self._quotes:
                count += end + 1 - max(end - QUOTE_INTERVALS, quoted_until)
                quoted_until = end + 1
        self._tally = _Tally(list(outline), intervals, count, quoted_until)
        return count


def self_quoting(outline: Sequence[int]) -> float:
    """How much of the second half of an outline quotes what came before in it, from 0 to 1: much of it in a riff, in most phrases nothing.

    Of a long outline the last `NOTES_OF_RIFF` count.
    """
    outline = outline[-NOTES_OF_RIFF:]
    intervals, middle = _intervals(outline), len(outline) // 2
    heard: set[bytes] = set()
    quoted: set[int] = set()
    for end in range(QUOTE_INTERVALS, len(intervals) + 1):
        run = intervals[end - QUOTE_INTERVALS : end]
        if run in heard:
            quoted.update(range(max(end - QUOTE_INTERVALS, middle), end + 1))
        heard.add(run)
    return len(quoted) / max(len(outline) - middle, 1)


def outline_of(notes: Iterable[Note]) -> list[int]:
    """The highest pitch of each onset. Notes that begin within a sixteenth of a beat are one chord."""
    return _outline_and_onsets(notes)[0]


def _outline_and_onsets(notes: Iterable[Note]) -> tuple[list[int], list[float]]:
    outline: list[int] = []
    onsets: list[float] = []
    onset_beats = -np.inf
    for note in in_onset_order(notes):
        if note.onset_beats - onset_beats >= CHORD_BEATS:
            onset_beats = note.onset_beats
            outline.append(note.pitch)
            onsets.append(onset_beats)
        else:
            outline[-1] = max(outline[-1], note.pitch)
    return outline, onsets


def _differences(outline: Sequence[int]) -> tuple[int, ...]:
    """The intervals as numbers."""
    return tuple(map(sub, outline[1:], outline))


def _intervals(outline: Sequence[int]) -> bytes:
    return bytes([after - before + UNISON for before, after in pairwise(outline)])
