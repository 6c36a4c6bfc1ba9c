"""Names the chord that some notes make, voiced and inverted in any way; knows no time and no channel."""

from collections.abc import Collection
from functools import cache

from model.harmony.chord import OCTAVE, Chord
from model.harmony.chord_symbol import parse_chord

FEWEST_PITCH_CLASSES, MOST_PITCH_CLASSES = 3, 7
"""A chord of thirds has seven notes at most; more are an arm on the keys."""
# The chords that are looked for, the plainest first: of two that fit equally well the earlier one is taken.
SUFFIXES = (
    "", "m", "7", "m7", "maj7", "6", "m6", "dim", "m7b5", "dim7", "+", "7#5", "sus4", "7sus4", "9", "m9", "maj9", "mmaj7",
    "69", "7b9", "13", "7b5", "7#9", "add9", "madd9", "sus2",
)  # fmt: skip
# The cost of a played note that is not in the chord, of a chord note that is not played, of a fifth that is not played
# (it is often left out), of a lowest note that is not the root, and of each place that the chord stands further back in
# the list.
FOREIGN, MISSING, MISSING_FIFTH, INVERTED, RARITY = 3.0, 1.5, 0.6, 0.55, 0.02


@cache
def _candidates() -> tuple[tuple[str, tuple[int, ...], frozenset[int]], ...]:
    """For each suffix: its intervals, and its pitch classes above the root."""
    found = []
    for suffix in SUFFIXES:
        chord = parse_chord(f"C{suffix}")
        assert chord is not None
        found.append((suffix, chord.intervals, frozenset(interval % OCTAVE for interval in chord.intervals)))
    return tuple(found)


def name_chord(pitches: Collection[int]) -> Chord | None:
    """The chord that sounding pitches make, with the lowest as its bass; None for fewer than three pitch classes, and for a cluster.

    Where more than a third of the notes would be foreign, there is none either.
    """
    classes = frozenset(pitch % OCTAVE for pitch in pitches)
    if not FEWEST_PITCH_CLASSES <= len(classes) <= MOST_PITCH_CLASSES:
        return None
    bass = min(pitches) % OCTAVE
    best: tuple[float, Chord, int] | None = None
    for root in classes:
        relative = {(pitch_class - root) % OCTAVE for pitch_class in classes}
        for rank, (suffix, intervals, notes) in enumerate(_candidates()):
            missing = notes - relative
            cost = FOREIGN * len(relative - notes) + RARITY * rank
            cost += sum(MISSING_FIFTH if degree == 7 else MISSING for degree in missing)
            cost += INVERTED if bass != root else 0.0
            if best is None or cost < best[0]:
                best = cost, Chord(root, intervals, bass, suffix), len(relative - notes)
    if best is None or 3 * best[2] > len(classes):
        return None
    return best[1]


def is_cluster(pitches: Collection[int]) -> bool:
    """Whether more pitch classes sound than a chord has."""
    return len({pitch % OCTAVE for pitch in pitches}) > MOST_PITCH_CLASSES
