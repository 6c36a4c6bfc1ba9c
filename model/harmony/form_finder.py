"""Finds the form of a song from the chords of its bars, by self-similarity: after how many bars they repeat. No clock.

A form is found once all its bars have been heard, and half of them a second time.
"""

from collections.abc import Mapping

from model.harmony.chord import Chord

SHORTEST_FORM, LONGEST_FORM = 2, 64
# The least similarity between bars and their repetition; it is below 1, as a song is never played twice in the same
# way.
SAME_SHARE = 0.85
# At least this many bars must have been repeated, or all of a shorter form: any song has two bars that are alike.
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

    It is the shortest length after which the bars repeat, where half of them, but at least four, have been heard a
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
        # Both all repeated bars and those of the last form's length must be similar: so when a song goes over to
        # another form, the first form is not kept for too long.
        if pairs and min(_mean(pairs), _mean(pairs[-length:])) >= SAME_SHARE:
            return length if _changes(bars, last_bar, length) else None
    return None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _changes(bars: Mapping[int, BarChords], last_bar: int, length: int) -> bool:
    chords = {chord for bar in range(last_bar - length + 1, last_bar + 1) for chord in bars.get(bar, ())}
    return len(chords) > 1
