"""How phrases end: `PhraseEnds`, learnt from a corpus, and `Ending`, the end that one answer is composed towards.

A phrase does not end because its time is over. In its last bar each note may be the last one, as likely as notes at
that place of a last bar are, and likelier on a tone that is stable in the key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from model.analysis.bars import PLACE_TOLERANCE_BEATS, Bars, Strength
from model.analysis.scale import Key
from model.notes import ROUNDING_BEATS
from model.phrasing.parallel_rhythm import ParallelRhythm

Close = Literal["full", "half"]
"""A full close ends for good; a half close ends where another turn follows."""

# No note ends an answer in its first half, however short the answer is.
EARLIEST_END_SHARE = 0.5
# Five in six phrases end on a beat. An answer that has gone past its last bar line ends on one of the last beats of its time, with this
# chance on each; off the beat it ends only where no time is left for a beat.
LAST_BEATS_CHANCE = 0.85
OFF_BEAT_HASTE = 8.0
# Where no breath must follow, a note on the last bar line is this much likelier to be the last, as odds, than in phrases that
# end anywhere: so more than two in five answers end there, as phrases of scored music do. The more onsets a bar has, the less often people end there: of phrases with less
# than 3.5 onsets in a bar 57 % do, and of those with more than 6 every fifth.
LINE_ODDS = 1.35
USUAL_ONSETS, LINE_EXPONENT = 4.0, 1.5
# No note is more likely to be the last than this: a gesture may always go on.
MAX_CHANCE = 0.97
# The counted weights are raised to this power, up to `MOST_STABLE`. The key of a few bars is often mistaken, and phrases end in other keys
# than that of their piece, which flattens the weights. That an answer sounds closed is worth more than that: so 70 of 100 answers end in the
# triad. Without the limit, more of them would end on the tonic, where people end every third to sixth phrase.
SHARPNESS = 13.0
MOST_STABLE = 23.0
# Past its last bar line an answer ends where the bar of the phrase comes to rest, with this chance at least, and this much less often before.
RHYME_CHANCE, BEFORE_RHYME = 0.95, 0.05
# So many last notes are held to the end of the answer, where last notes are ever so long; the others are as long as last notes are.
HELD_SHARE = 0.7
# No corpus comes near these. Weights beyond them, raised to `SHARPNESS`, would be no numbers.
LEAST_WEIGHT, MOST_WEIGHT = 1e-6, 1e6
MOST_BEATS = 1000.0
# A last note sounds for at least half of what is left, up to a beat, even where a breath should follow.
SHORTEST_LAST_BEATS = 1.0


@dataclass(frozen=True, slots=True)
class PhraseEnds:
    """How the phrases of a corpus end.

    `first_half` and `second_half` hold, for each `Strength`, the chance that a note there in a phrase's last bar is its
    last. `full_major`, `full_minor`, `half_major` and `half_minor` hold, for each semitone above the tonic, how much
    likelier a last note is that tone than any note is. `passing_weight` is how much likelier (below 1: how much less
    likely) a last bar begins without an onset than any bar does, as odds. `lengths_beats` and `breaths_beats` are
    rising quantiles of how long the last note sounds and how long the rest after it lasts. Raises ValueError where a
    number of values is wrong, or a value is out of range.
    """

    first_half: tuple[float, ...]
    second_half: tuple[float, ...]
    full_major: tuple[float, ...]
    full_minor: tuple[float, ...]
    half_major: tuple[float, ...]
    half_minor: tuple[float, ...]
    passing_weight: float
    lengths_beats: tuple[float, ...]
    breaths_beats: tuple[float, ...]

    def __post_init__(self) -> None:
        for chances in (self.first_half, self.second_half):
            if len(chances) != len(Strength) or not all(0.0 <= chance <= 1.0 for chance in chances):
                raise ValueError(f"phrase ends have a chance, from 0 to 1, for each of {len(Strength)} strengths")
        for weights in (self.full_major, self.full_minor, self.half_major, self.half_minor):
            if len(weights) != 12 or not all(LEAST_WEIGHT <= weight <= MOST_WEIGHT for weight in weights):
                raise ValueError(
                    f"phrase ends have 12 weights for each mode, from {LEAST_WEIGHT:g} to {MOST_WEIGHT:,.0f}"
                )
        if not LEAST_WEIGHT <= self.passing_weight <= MOST_WEIGHT:
            raise ValueError(
                f"phrase ends pass over their last bar line with a weight from {LEAST_WEIGHT:g} to {MOST_WEIGHT:,.0f}"
            )
        if not self.lengths_beats or not self.breaths_beats:
            raise ValueError("phrase ends have lengths and breaths")
        if not all(0.0 <= beats <= MOST_BEATS for beats in (*self.lengths_beats, *self.breaths_beats)):
            raise ValueError(f"the lengths and breaths of phrase ends are from 0 to {MOST_BEATS:,.0f} beats")

    def mean_stability(self, key_probabilities: Mapping[Key, float], close: Close) -> tuple[float, ...]:
        """The weight of each pitch class as the last one where the key is not certain: the mean over the keys, by their
        probabilities, which sum to 1.

        The key of a few bars is found wrongly half of the time, but most of the keys that are mistaken for each other
        share stable tones.
        """
        sums = [0.0] * 12
        for key, probability in key_probabilities.items():
            for pitch_class, weight in enumerate(self.stability(key, close)):
                sums[pitch_class] += probability * weight
        return tuple(min(weight**SHARPNESS, MOST_STABLE) for weight in sums)

    def stability(self, key: Key, close: Close) -> tuple[float, ...]:
        """The weight of each pitch class, from C up, as the last one of a phrase in a key."""
        is_minor = 3 in {(pitch_class - key.tonic) % 12 for pitch_class in key.pitch_classes} and 4 not in {
            (pitch_class - key.tonic) % 12 for pitch_class in key.pitch_classes
        }
        if close == "full":
            weights = self.full_minor if is_minor else self.full_major
        else:
            weights = self.half_minor if is_minor else self.half_major
        return tuple(weights[(pitch_class - key.tonic) % 12] for pitch_class in range(12))


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of one answer, from `start_beats` to `until_beats`.

    `stability` is the weight of each pitch class as the last one, by the key; None where nothing is known of it.
    `breath_beats` is how much of the end stays free of sound at least. `parallel` is the rhythm of the phrase over the answer, whose end rhymes with
    it; None for an end of its own.
    """

    ends: PhraseEnds
    bars: Bars
    start_beats: float
    until_beats: float
    stability: Sequence[float] | None = None
    breath_beats: float = 0.0
    closing_beats: float = 1.0
    parallel: ParallelRhythm | None = None

    @property
    def line_beats(self) -> float:
        """The last bar line that leaves time for a last note."""
        return self.bars.line_at_or_before(self.until_beats - max(self.closing_beats, self.breath_beats))

    @property
    def from_beats(self) -> float:
        """From here on a note may be the last: the last bar line, but not in the first half of the answer."""
        return max(self.line_beats, self.start_beats + EARLIEST_END_SHARE * (self.until_beats - self.start_beats))

    def chance_of_end(self, onset_beats: float) -> float:
        """The chance that a note with this onset is the last one, with any pitch. It rises as the time for another one
        runs out.
        """
        ends, bars = self.ends, self.bars
        is_late = bars.place(onset_beats) >= bars.beats_per_bar / 2
        strength = bars.strength(onset_beats)
        chance = (ends.second_half if is_late else ends.first_half)[strength]
        left_pulses = (self.until_beats - self.closing_beats - onset_beats) / bars.pulse_beats
        if strength < Strength.BEAT:
            left_pulses *= OFF_BEAT_HASTE
        if not self.breath_beats:
            if strength < Strength.BEAT:
                chance = 0.0
            elif left_pulses <= 1.0 + ROUNDING_BEATS:
                chance = max(chance, LAST_BEATS_CHANCE)
            elif strength == Strength.DOWNBEAT:
                odds = self._line_odds
                chance *= odds / (1.0 - chance + chance * odds)
        rhyme_beats = self._rhyme_beats(onset_beats)
        if rhyme_beats is not None:
            if abs(onset_beats - rhyme_beats) <= PLACE_TOLERANCE_BEATS:
                chance = max(chance, RHYME_CHANCE)
            elif onset_beats < rhyme_beats and strength < Strength.DOWNBEAT:
                chance *= BEFORE_RHYME
        return min(max(chance, 1.0 - left_pulses), MAX_CHANCE)

    @property
    def _line_odds(self) -> float:
        """How much likelier a note on the last bar line is the last one, as odds."""
        if self.parallel is None:
            return LINE_ODDS
        sparser: float = (USUAL_ONSETS / self.parallel.onsets_per_bar) ** LINE_EXPONENT
        return LINE_ODDS * sparser

    def _rhyme_beats(self, onset_beats: float) -> float | None:
        """Where the bar of an onset comes to rest as the phrase's bar does; None without such a place."""
        if self.parallel is None:
            return None
        line_beats = self.bars.line_at_or_before(onset_beats)
        return self.parallel.end_in_bar(line_beats, self.until_beats - self.closing_beats)

    def weight_of(self, pitch: int) -> float:
        """How much likelier this pitch is as a last note than as any note."""
        return 1.0 if self.stability is None else self.stability[pitch % 12]

    def last_length_beats(self, onset_beats: float, chance: float) -> float:
        """How long a last note sounds; `chance`, in [0, 1), selects.

        One that rhymes sounds as long as the phrase's. Most others are held to the end of the answer if last notes are ever so long. Where a breath must follow, it is as long as last
        notes are, and leaves as much of a breath as phrases do.
        """
        left = self.until_beats - onset_beats
        rhyme_beats = self._rhyme_beats(onset_beats)
        if (
            self.parallel is not None
            and rhyme_beats is not None
            and abs(onset_beats - rhyme_beats) <= PLACE_TOLERANCE_BEATS
        ):
            length = self.parallel.last_length_beats(onset_beats)
            if length is not None:
                return min(length, max(left - self.breath_beats, left / 2))
        lengths, breaths = self.ends.lengths_beats, self.ends.breaths_beats
        is_held = chance * 104729 % 1.0 < HELD_SHARE
        if not self.breath_beats and left <= lengths[-1] and is_held:
            return left
        length = lengths[int(chance * len(lengths))]
        breath = max(self.breath_beats, breaths[int(chance * 7919 % 1.0 * len(breaths))])
        return min(left, max(min(length, left - breath), min(SHORTEST_LAST_BEATS, left / 2)))
