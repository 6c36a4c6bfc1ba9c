"""Finds the form of a song from the chords of its bars, by self-similarity: how many bars until they come again. No clock.

"Learnt the changes": a form is known once all its bars have been heard, and half of them again.
"""

from collections.abc import Mapping

from model.harmony.chord import Chord

SHORTEST_FORM, LONGEST_FORM = 2, 64
# How much of what has been heard again must be the same: a song is not played twice alike.
SAME_SHARE = 0.85
# Of a short form all bars must have come again: two bars that are alike are found in any song.
FEWEST_AGAIN = 4

BarChords = tuple[Chord | None, ...]
"""The chord of each beat of a bar."""


def similarity(first: BarChords, second: BarChords) -> float:
    """From 0 to 1: the share of beats with the same chord; the same root with another colour counts half."""
    if not first or len(first) != len(second):
        return 0.0
    score = 0.0
    for one, other in zip(first, second, strict=True):
        if one == other:
            score += 1.0
        elif one is not None and other is not None and one.root == other.root:
            score += 1.0 if one.kind == other.kind else 0.5
    return score / len(first)


def form_length(bars: Mapping[int, BarChords], last_bar: int) -> int | None:
    """The length of the form in bars, from the bars that were heard so far, by number; None while it is not known.

    The shortest length is taken at which the bars come again, after half of them, but at least four, have been heard a
    second time. A single chord that goes on makes no form.
    """
    first_bar = min(bars, default=last_bar + 1)
    count = last_bar - first_bar + 1
    for length in range(SHORTEST_FORM, min(LONGEST_FORM, count) + 1):
        heard_again = count - length
        if heard_again < max((length + 1) // 2, min(length, FEWEST_AGAIN)):
            break
        pairs = [
            similarity(bars[bar - length], bars[bar])
            for bar in range(first_bar + length, last_bar + 1)
            if bar in bars and bar - length in bars
        ]
        # All that was heard again counts, the latest time round twice: forms that come first are not left too late.
        if pairs and min(_mean(pairs), _mean(pairs[-length:])) >= SAME_SHARE:
            return length if _changes(bars, last_bar, length) else None
    return None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _changes(bars: Mapping[int, BarChords], last_bar: int, length: int) -> bool:
    chords = {chord for bar in range(last_bar - length + 1, last_bar + 1) for chord in bars.get(bar, ())}
    return len(chords) > 1
