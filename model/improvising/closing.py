"""The end of an answer as factors on its forecast: in the last bar, stable pitches and an end become likelier.

No note is forced to be the last, and none is cut off: where the forecast goes on, the answer goes on until its time is over.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.harmony.changes import Changes
from model.harmony.chord import OCTAVE
from model.harmony.preference.chord_preference import ChordPreference
from model.improvising.forecast_point import ForecastPoint
from model.improvising.sampling import Weights
from model.notes import CHORD_BEATS, ROUNDING_BEATS, SHORTEST_NOTE_BEATS
from model.phrasing.phrase_ends import Ending
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary


def latest_onset_beats(until_beats: float, closing_beats: float) -> float:
    """The last beat at which a note of an answer may begin: later it would be cut too short, or begin in the closing beats."""
    return until_beats - max(SHORTEST_NOTE_BEATS, closing_beats) + ROUNDING_BEATS


@dataclass(frozen=True, slots=True)
class ChordEnds:
    """How likely the notes of each beat's chord are as last notes, raised to the power of `strength`; see `ChordPreference.ends`.

    Chords are those of the notes as they sound, `transpose` semitones above the composed ones.
    """

    preference: ChordPreference
    changes: Changes
    strength: float
    transpose: int = 0

    def weights_at(self, onset_beats: float) -> npt.NDArray[np.float64] | None:
        """The weight of each composed pitch class as the last one, shape (12,); None where no chord is known."""
        span = self.changes.at(onset_beats)
        weights = None if span is None or span.chord is None else self.preference.end_weights(span.chord)
        return None if weights is None else np.roll(weights, -self.transpose) ** self.strength


class Closing:
    """Makes the notes and times likelier that end an answer as phrases end; see `Ending`."""

    changes_at_onsets = changes_after_notes = True

    def __init__(
        self,
        vocabulary: PitchVocabulary | EventVocabulary,
        ending: Ending,
        time_scale: float = 1.0,
        closing_beats: float = 0.0,
        chord_ends: ChordEnds | None = None,
    ) -> None:
        """Where `chord_ends` knows the chord of a beat, last notes are weighted by it, and by the key elsewhere."""
        self._ending, self._chord_ends = ending, chord_ends
        self._from_beats, self._line_beats = ending.from_beats - ROUNDING_BEATS, ending.line_beats
        self._passing_from_beats = self._line_beats - ending.bars.beats_per_bar
        self._passing_weight = ending.ends.passing_weight
        self._note_count = len(vocabulary.pitches)
        self._key_weights = np.array([ending.weight_of(pitch) for pitch in range(OCTAVE)])
        self._pitch_classes = np.array(vocabulary.pitches) % OCTAVE
        self._closing_beats = closing_beats
        self._shifts: npt.NDArray[np.float64] | None = None
        # Before this beat all weights stay what they are.
        self._idle_until_beats = self._from_beats
        if isinstance(vocabulary, EventVocabulary):
            self._shifts = np.array(vocabulary.bins.shifts) * time_scale
            self._idle_until_beats = min(self._from_beats, self._passing_from_beats)

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        """Weights the pitches before the first note of an onset, and the times after its notes."""
        if point.onset_beats < self._idle_until_beats:
            return
        if point.onset_beats < self._from_beats:
            self._avoid_passing_line(weights, point)
        elif not point.chord:
            chance = self._ending.chance_of_end(point.onset_beats)
            last_weights = self._weights_at(point.onset_beats)[self._pitch_classes]
            weights[1 : 1 + self._note_count] *= 1.0 - chance + chance * last_weights
        elif self._shifts is not None:
            times = weights[1 + self._note_count :]
            limit_beats = latest_onset_beats(point.until_beats, self._closing_beats)
            ends = point.onset_beats + self._shifts > limit_beats
            end_weight, other_weight = float(times[ends].sum()), float(times[~ends].sum())
            if end_weight > 0.0 and other_weight > 0.0:
                times[ends] *= self._odds_after(point.onset_beats, max(point.chord)) * other_weight / end_weight

    def chance_beyond_times(self, onset_beats: float, until_beats: float, pitch: int) -> float:
        """The chance that a note is the last where no time of the vocabulary is long enough to end the answer; otherwise 0.

        So a pack of short times ends its answers as soon as any other.
        """
        if onset_beats < self._from_beats or self._shifts is None:
            return 0.0
        is_reached = onset_beats + self._shifts[-1] > latest_onset_beats(until_beats, self._closing_beats)
        return 0.0 if is_reached else self.chance_after(onset_beats, pitch)

    def _avoid_passing_line(self, weights: Weights, point: ForecastPoint) -> None:
        """Before the last bar, makes times less likely that go past its bar line, as phrases often end there."""
        if self._shifts is None or not point.chord or point.onset_beats < self._passing_from_beats:
            return
        is_passing = point.onset_beats + self._shifts > self._line_beats + CHORD_BEATS
        weights[1 + self._note_count :][is_passing] *= self._passing_weight

    def chance_after(self, onset_beats: float, pitch: int) -> float:
        """The chance that a note is the last, now that its pitch is known; 0 before the place where answers may end."""
        odds = self._odds_after(onset_beats, pitch)
        return odds / (1.0 + odds)

    def _odds_after(self, onset_beats: float, pitch: int) -> float:
        # Of a phrase on one unstable note, all others are so much likelier as last notes that the chance is 1 but for rounding.
        if onset_beats < self._from_beats:
            return 0.0
        chance = self._ending.chance_of_end(onset_beats)
        return chance * float(self._weights_at(onset_beats)[pitch % OCTAVE]) / (1.0 - chance)

    def _weights_at(self, onset_beats: float) -> npt.NDArray[np.float64]:
        """The weight of each pitch class as the last one, by the chord of that beat, or else by the key; shape (12,)."""
        by_chord = None if self._chord_ends is None else self._chord_ends.weights_at(onset_beats)
        return self._key_weights if by_chord is None else by_chord
