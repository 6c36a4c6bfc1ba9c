"""`TouchProfile`: how a corpus plays its notes, as numbers on a pack's card; and what those numbers are counted in.

Loudness is linear in the features of a note (`loudness_features`). A corpus without dynamics has no loudness, and no corpus of
scores has a timing of its own, so that is learnt from the player alone.
"""

from bisect import bisect_left
from dataclasses import dataclass
from math import log2

from model.analysis.bars import Strength

FEATURES = ("downbeat", "midbar", "beat", "half_beat", "rise", "arch", "height", "long")
"""The names of a note's features, in order."""

SHORTEST_GAP_BEATS, LONGEST_GAP_BEATS = 1 / 16, 8.0
GAP_EDGES_BEATS = (0.3, 0.6, 1.1, 2.1)
"""Notes are counted by how soon the next one comes; the last class is above all edges."""

MOST_LOUDNESS, MOST_SHARE, MOST_TRUST_NOTES = 100.0, 100.0, 1e6
"""No corpus comes near these: its loudest feature counts some standard deviations, and its longest note sounds a few times its gap."""

Features = tuple[float, ...]
_STRONGEST = int(Strength.DOWNBEAT)  # a number is found in a fraction of the time


def loudness_features(strength: Strength, progress: float, octaves_up: float, gap_beats: float) -> Features:
    """The features of a note, in the order of `FEATURES`.

    `progress` is its place in the phrase, from 0 to 1; `octaves_up` how far it lies above the phrase's mean pitch; `gap_beats`
    how soon the next note comes.
    """
    off_middle = progress - 0.5
    return (
        1.0 if strength == Strength.DOWNBEAT else 0.0,
        1.0 if strength == Strength.MIDBAR else 0.0,
        1.0 if strength == Strength.BEAT else 0.0,
        1.0 if strength == Strength.HALF_BEAT else 0.0,
        off_middle,
        0.25 - off_middle * off_middle,
        octaves_up,
        log2(min(max(gap_beats, SHORTEST_GAP_BEATS), LONGEST_GAP_BEATS)),
    )


def loudness_of(
    coefficients: Features, strength: Strength, progress: float, octaves_up: float, gap_beats: float
) -> float:
    """The sum of the features of a note times their coefficients, without the features that are 0 there."""
    off_middle = progress - 0.5
    return (
        (coefficients[_STRONGEST - strength] if strength else 0.0)
        + coefficients[4] * off_middle
        + coefficients[5] * (0.25 - off_middle * off_middle)
        + coefficients[6] * octaves_up
        + coefficients[7] * log2(min(max(gap_beats, SHORTEST_GAP_BEATS), LONGEST_GAP_BEATS))
    )


def gap_class(gap_beats: float) -> int:
    """The class of a gap, an index into `TouchProfile.lengths`."""
    return bisect_left(GAP_EDGES_BEATS, gap_beats)


@dataclass(frozen=True, slots=True)
class TouchProfile:
    """The touch of a corpus.

    `loudness` is a coefficient per feature, for players whose velocities spread by 1 (standard deviation); None where the corpus
    has no dynamics. `trust_notes` is how many notes of the player count as much as these coefficients. `lengths` holds, for each
    class of gap, rising quantiles of the share of the gap that a note sounds. Raises ValueError where a number of values is wrong, or a value
    is out of range.
    """

    loudness: tuple[float, ...] | None
    trust_notes: float
    lengths: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if self.loudness is not None and len(self.loudness) != len(FEATURES):
            raise ValueError(f"a touch has {len(FEATURES)} coefficients of loudness, not {len(self.loudness)}")
        if len(self.lengths) != len(GAP_EDGES_BEATS) + 1 or not all(self.lengths):
            raise ValueError(f"a touch has lengths for {len(GAP_EDGES_BEATS) + 1} classes of gaps")
        if not all(abs(coefficient) <= MOST_LOUDNESS for coefficient in self.loudness or ()):
            raise ValueError(f"the coefficients of loudness are from -{MOST_LOUDNESS:g} to {MOST_LOUDNESS:g}")
        if not all(0.0 <= share <= MOST_SHARE for shares in self.lengths for share in shares):
            raise ValueError(f"a note sounds for a share of its gap from 0 to {MOST_SHARE:g}")
        if not 0.0 < self.trust_notes <= MOST_TRUST_NOTES:
            raise ValueError(
                f"a touch is trusted as much as some notes: more than 0, and {MOST_TRUST_NOTES:,.0f} at most"
            )

    def shares_of_gap(self, gap_beats: float) -> tuple[float, ...]:
        """The rising quantiles of the share of its gap that a note sounds."""
        return self.lengths[gap_class(gap_beats)]

    def share_of_gap(self, gap_beats: float, chance: float) -> float:
        """The share of its gap that a note sounds; `chance`, in [0, 1), selects among the quantiles."""
        quantiles = self.shares_of_gap(gap_beats)
        return quantiles[int(chance * len(quantiles))]
