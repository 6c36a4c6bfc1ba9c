"""`Timing`: how early or late a player plays each part of a beat, such as the swing of their eighths; knows no
velocity.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Literal

from model.analysis.bars import Bars

Part = Literal["beat", "first_sixteenth", "first_triplet", "off_beat", "second_triplet", "last_sixteenth"]
"""A part of a beat that a note can mean. An eighth off the beat means it anywhere from straight to strongly swung."""

# The end of the reach of each part, as a share of a beat, from the beat on.
_REACHES: tuple[tuple[float, Part], ...] = (
    (0.17, "beat"),
    (0.29, "first_sixteenth"),
    (0.42, "first_triplet"),
    (0.72, "off_beat"),
    (0.88, "last_sixteenth"),
)
_ENDS = tuple(end for end, _ in _REACHES)
# A part is played late (or early) where all its notes are about as late; a spread above this, in beats, shows nothing.
MAX_SPREAD = 0.07
MIN_NOTES = 2
# No note is moved further than this, in beats: 60 ms at 120 bpm.
MAX_LATE_BEATS = 0.12


@dataclass(frozen=True, slots=True)
class PartTiming:
    """Where in the beat the notes of a part fall, from 0 (or just below, where they come early) to 1, and how each
    differs from that.
    """

    position: float
    differences: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the player plays each part of a beat; a part that they did not play, or not steadily, is missing."""

    parts: dict[Part, PartTiming] = field(default_factory=dict)

    @classmethod
    def learnt(cls, phrases: Sequence[tuple[Sequence[float], Bars | None]]) -> "Timing":
        """From rising onsets, in beats, with their bars; onsets without bars tell nothing."""
        positions: dict[Part, list[float]] = {}
        for onsets, bars in phrases:
            if bars is None or not onsets:
                continue
            for previous, onset in pairwise([None, *onsets]):
                assert onset is not None
                part, position = _part_of(onset, previous, bars)
                positions.setdefault(part, []).append(position)
        return cls(
            {
                part: PartTiming(fmean(values), tuple(value - fmean(values) for value in values))
                for part, values in positions.items()
                if len(values) >= MIN_NOTES and pstdev(values) <= MAX_SPREAD
            }
        )

    def late_beats(self, onset: float, previous: float | None, bars: Bars | None, chance: float) -> float:
        """How much later than planned a note begins, in beats, below 0 for earlier; `chance` is in [0, 1)."""
        if bars is None or not self.parts:
            return 0.0
        part, position = _part_of(onset, previous, bars)
        played = self.parts.get(part)
        if played is None:
            return 0.0
        # The fewer notes were heard, the less they move.
        count = len(played.differences)
        late = (played.position + played.differences[int(chance * count)] - position) * count / (count + 1)
        if not -MAX_LATE_BEATS <= late <= MAX_LATE_BEATS:
            late = MAX_LATE_BEATS if late > 0.0 else -MAX_LATE_BEATS
        return late * bars.pulse_beats


def _part_of(onset: float, previous: float | None, bars: Bars) -> tuple[Part, float]:
    """The part of the pulse that an onset means, and its position in the pulse; of a note before a beat, below 0."""
    position = (onset - bars.downbeat) / bars.pulse_beats % 1.0
    index = bisect_right(_ENDS, position)
    if index == len(_REACHES):
        return "beat", position - 1.0
    part = _REACHES[index][1]
    if part == "off_beat" and previous is not None:
        earlier = position - (onset - previous) / bars.pulse_beats
        if 0.29 <= earlier < 0.42:
            return "second_triplet", position
    return part, position
