"""The forecast of an answer's next token as a list of steps: each factor changes the weights of the tokens, then one is drawn.

The weights begin as the network's probabilities with those of the memory mixed in. Each factor multiplies them in place, in
the order of `FACTORS`. Temperature and top-p come last. To add a factor: a class that fills `Factor`, and its line in `FACTORS`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from math import inf, log
from typing import Protocol

import numpy as np

from model.analysis.bars import PLACE_TOLERANCE_BEATS
from model.defaults import FITTED_HARMONY
from model.harmony.changes import Changes, ChordSpan
from model.harmony.chord import OCTAVE, Chord
from model.harmony.preference.chord_preference import STRONG_PLACES, ChordPreference, chord_notes, metrical_place
from model.improvising.closing import ChordEnds, Closing
from model.improvising.forecast_point import ForecastPoint
from model.improvising.melodic_motion import MelodicMotion
from model.improvising.sampling import TokenSampler, Weights, ones
from model.improvising.sampling_settings import SamplingSettings
from model.phrasing.parallel_rhythm import ParallelRhythm
from model.tokens.vocabulary import EventVocabulary, Mask, PitchVocabulary

# Times are drawn by a temperature of their own, beside that of all tokens: with bars that are parallel an answer would be less varied in rhythm than
# people are, and with this it is as varied. Riffs are not varied.
TIME_TEMPERATURE = 1.25

# In a bar that keeps to the rhythm of the phrase's bar, the time to the phrase's next onset is this many times as likely. See docs/memory.md.
PARALLEL_WEIGHT = 60.0

# Where all bars of the phrase begin with an onset, a time to a place past the next bar line is this many times as likely.
PAST_LINE_WEIGHT = 0.3

# In an answer the chords count this much more on strong beats than forecasts of people's melodies have it. What is sampled keeps to them a little less than
# people do, and a foreign note is heard most there; off the beat passing notes stay as likely. Found on the validation side of openewld_pd: see docs/changes.md.
STRONG_BEATS = 1.3

# A note that is foreign to the next chord is held over the change this many times as often as one of its notes: by this many beats or more. Counted
# on the training side of openewld_pd: 18 of 2,116, and 101 of 1,011. See docs/changes.md.
HELD_FOREIGN, HELD_OVER_BEATS = 0.1, 0.3

AnyVocabulary = PitchVocabulary | EventVocabulary


class Factor(Protocol):
    """One step of a forecast. Made once for an answer, so what depends on the settings alone is computed there."""

    @property
    def changes_at_onsets(self) -> bool:
        """Whether it may change weights before the first note of an onset."""
        ...

    @property
    def changes_after_notes(self) -> bool:
        """Whether it may change weights after a note of the event approach, where a time may come."""
        ...

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        """Multiplies the weight of each token, shape (vocabulary,), in place. The weights need not sum to 1.

        At least one weight must stay above 0: a factor that would leave nothing changes nothing (`keep_some`).
        """
        ...


def keep_some(weights: Weights, mask: Mask) -> None:
    """Sets the weights outside the mask to 0; changes nothing where no weight would be left."""
    kept = weights * mask
    if kept.item(kept.argmax()) > 0.0:
        weights[:] = kept


class Grammar:
    """The tokens that the vocabulary allows next. It comes first, so that every later factor chooses among these."""

    changes_at_onsets = changes_after_notes = True

    def __init__(self, vocabulary: AnyVocabulary, settings: SamplingSettings) -> None:
        self._forbid_after, self._max_chord = vocabulary.forbid_after, settings.max_chord

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        self._forbid_after(weights, point.chord, self._max_chord)


class VariedTimes:
    """Draws times more freely than notes, by `TIME_TEMPERATURE`, but not after a riff. How likely it is that a time comes at all stays the same."""

    changes_at_onsets, changes_after_notes = False, True

    def __init__(self, vocabulary: EventVocabulary, self_quoting: float = 0.0) -> None:
        self._first_time_token, self._ones = vocabulary.first_time_token, ones(len(vocabulary.bins))
        self._exponent = TIME_TEMPERATURE ** (self_quoting - 1.0)

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        if not point.chord:
            return
        times = weights[self._first_time_token :]
        total = times.dot(self._ones)
        if total > 0.0:
            np.power(times, self._exponent, times)
            times *= total / times.dot(self._ones)


class ParallelTimes:
    """Makes the time to the next onset of an earlier bar likelier, in bars that keep to its rhythm: the last one to that of the phrase's bar,
    others by chance to that of the phrase's bar or of an earlier one of the answer.

    How likely it is that a time comes at all stays the same.
    """

    changes_at_onsets, changes_after_notes = False, True

    def __init__(self, vocabulary: EventVocabulary, parallel: ParallelRhythm, last_bar_beats: float) -> None:
        """The last bar begins at `last_bar_beats`, which is infinite for an answer without an end."""
        self._parallel, self._bins, self._first_time_token = parallel, vocabulary.bins, vocabulary.first_time_token
        self._last_bar_beats, self._ones = last_bar_beats, ones(len(vocabulary.bins))

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        beats = self._beats_to_next(point) if point.chord else None
        if beats is None:
            return
        times = weights[self._first_time_token :]
        index = self._bins.index(beats)
        total, weight = times.dot(self._ones), times.item(index)
        if total > 0.0:
            times[index] = PARALLEL_WEIGHT * weight
            times *= total / (total + (PARALLEL_WEIGHT - 1.0) * weight)

    def _beats_to_next(self, point: ForecastPoint) -> float | None:
        parallel, onset_beats = self._parallel, point.onset_beats
        if onset_beats < self._last_bar_beats:
            own = parallel.own_beats_to_next(onset_beats, point.onsets)
            if own is not None:
                return own
            if not parallel.keeps_to_bar(onset_beats):
                return None
        return parallel.beats_to_next(onset_beats)


class TimesToLines:
    """Makes times past the next bar line less likely, the more so the more bars of the phrase begin with an onset; not in the last bar.

    How likely it is that a time comes at all stays the same.
    """

    changes_at_onsets, changes_after_notes = False, True

    def __init__(self, vocabulary: EventVocabulary, parallel: ParallelRhythm, last_bar_beats: float) -> None:
        """The last bar begins at `last_bar_beats`, which is infinite for an answer without an end."""
        self._parallel, self._shifts, self._first_time_token = (
            parallel,
            vocabulary.bins.shifts,
            vocabulary.first_time_token,
        )
        self._last_bar_beats, self._ones = last_bar_beats, ones(len(vocabulary.bins))
        self._weight = PAST_LINE_WEIGHT**parallel.on_lines

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        onset_beats = point.onset_beats
        if not point.chord or onset_beats >= self._last_bar_beats:
            return
        past_line = bisect_right(self._shifts, self._parallel.beats_to_line(onset_beats) + PLACE_TOLERANCE_BEATS)
        times = weights[self._first_time_token :]
        total = times.dot(self._ones)
        if total > 0.0:
            times[past_line:] *= self._weight
            times *= total / times.dot(self._ones)


def _upcoming(span: ChordSpan) -> Chord | None:
    """The chord that a span changes to; None where none comes, and where a form that ends on its first chord begins again."""
    return None if span.next_chord == span.chord else span.next_chord


class TimesToChanges:
    """Makes times past the next change of chord less likely after a note that is foreign to the chord that comes.

    How likely it is that a time comes at all stays the same.
    """

    changes_at_onsets, changes_after_notes = False, True

    def __init__(self, vocabulary: EventVocabulary, changes: Changes, settings: SamplingSettings) -> None:
        self._changes, self._transpose = changes, settings.transpose
        self._shifts = [beats * settings.time_scale for beats in vocabulary.bins.shifts]
        self._first_time_token, self._ones = vocabulary.first_time_token, ones(len(vocabulary.bins))
        self._weight = HELD_FOREIGN ** (settings.harmony / FITTED_HARMONY)

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        span = self._changes.at(point.onset_beats) if point.chord else None
        upcoming = None if span is None else _upcoming(span)
        if span is None or upcoming is None or upcoming.has(max(point.chord) + self._transpose):
            return
        past_change = bisect_left(self._shifts, span.end_beats - point.onset_beats + HELD_OVER_BEATS)
        times = weights[self._first_time_token :]
        total = times.dot(self._ones)
        if total > 0.0:
            times[past_change:] *= self._weight
            times *= total / times.dot(self._ones)


class ChordNotes:
    """Makes notes likelier that suit the chord of the beat, as the pack has learnt, and more so on strong beats; times stay as likely.

    A note that is held over a change, as far as its end is known, rather is a note of the chord that comes.
    """

    changes_at_onsets = changes_after_notes = True

    def __init__(
        self, vocabulary: AnyVocabulary, preference: ChordPreference, changes: Changes, settings: SamplingSettings
    ) -> None:
        self._sounding = np.array(vocabulary.pitches, np.int64) + settings.transpose
        self._preference, self._changes, self._transpose = preference, changes, settings.transpose
        self._strength, self._song = settings.harmony / FITTED_HARMONY, settings.song_strengths

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        span = self._changes.at(point.onset_beats)
        if span is None:
            return
        before = point.outline[-1] + self._transpose if point.outline else None
        onset_beats, song = point.onset_beats, self._song
        logs = self._preference.log_factor(self._sounding, span, onset_beats, before, point.network_weight, song)
        upcoming = _upcoming(span)
        if upcoming is not None and point.end_beats is not None and point.end_beats >= span.end_beats + HELD_OVER_BEATS:
            foreign = np.where(chord_notes(upcoming)[self._sounding % OCTAVE] > 0.0, 0.0, log(HELD_FOREIGN))
            logs = foreign if logs is None else logs + foreign
        if logs is None:
            return
        is_strong = metrical_place(span.position_beats, span.beats_per_bar) in STRONG_PLACES
        strength = STRONG_BEATS * self._strength if is_strong else self._strength
        notes = weights[1 : 1 + len(self._sounding)]
        changed = notes * np.exp(strength * (logs - logs.max()))
        total = changed.sum()
        if total > 0.0:
            notes[:] = changed * (notes.sum() / total)


class AllowedPitches:
    """The pitches that the settings allow, such as those of a key."""

    changes_at_onsets = changes_after_notes = True

    def __init__(self, vocabulary: AnyVocabulary, pitches: frozenset[int]) -> None:
        self._mask = vocabulary.mask_for_pitches(pitches)

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        keep_some(weights, self._mask)


class NoLongRepeats:
    """The limit on how much of the player's phrases is repeated; of a chord only the first note is limited."""

    changes_at_onsets, changes_after_notes = True, False

    def __init__(self, vocabulary: AnyVocabulary, settings: SamplingSettings) -> None:
        assert settings.novelty is not None
        self._tokens = {pitch: 1 + index for index, pitch in enumerate(vocabulary.pitches)}
        self._novelty = settings.novelty

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        if point.chord:
            return
        forbidden = self._novelty.forbidden_pitches(point.outline)
        if forbidden:
            tokens = [self._tokens[pitch] for pitch in forbidden if pitch in self._tokens]
            before = weights[tokens]
            weights[tokens] = 0.0
            if not weights.item(weights.argmax()) > 0.0:
                weights[tokens] = before


def _varied_times(vocabulary: AnyVocabulary, settings: SamplingSettings) -> Factor | None:
    return VariedTimes(vocabulary, settings.self_quoting) if isinstance(vocabulary, EventVocabulary) else None


def _parallel_times(vocabulary: AnyVocabulary, settings: SamplingSettings) -> Factor | None:
    if settings.parallel is None or not isinstance(vocabulary, EventVocabulary):
        return None
    return ParallelTimes(vocabulary, settings.parallel, inf if settings.ending is None else settings.ending.from_beats)


def _times_to_lines(vocabulary: AnyVocabulary, settings: SamplingSettings) -> Factor | None:
    if settings.parallel is None or not settings.parallel.on_lines or not isinstance(vocabulary, EventVocabulary):
        return None
    return TimesToLines(vocabulary, settings.parallel, inf if settings.ending is None else settings.ending.from_beats)


def _melodic_motion(vocabulary: AnyVocabulary, settings: SamplingSettings) -> Factor | None:
    return None if settings.melody is None else MelodicMotion(vocabulary, settings.melody)


def _times_to_changes(vocabulary: AnyVocabulary, settings: SamplingSettings) -> Factor | None:
    if settings.changes is None or settings.chord_preference is None or settings.harmony == 0.0:
        return None
    if not isinstance(vocabulary, EventVocabulary):
        return None
    return TimesToChanges(vocabulary, settings.changes, settings)


def _chord_notes(vocabulary: AnyVocabulary, settings: SamplingSettings) -> Factor | None:
    if settings.changes is None or settings.chord_preference is None or settings.harmony == 0.0:
        return None
    return ChordNotes(vocabulary, settings.chord_preference, settings.changes, settings)


def _closing(vocabulary: AnyVocabulary, settings: SamplingSettings) -> Closing | None:
    if settings.ending is None:
        return None
    chord_ends = None
    if settings.changes is not None and settings.chord_preference is not None and settings.harmony > 0.0:
        strength = settings.harmony / FITTED_HARMONY
        chord_ends = ChordEnds(settings.chord_preference, settings.changes, strength, settings.transpose)
    return Closing(vocabulary, settings.ending, settings.time_scale, settings.closing_beats, chord_ends)


def _allowed_pitches(vocabulary: AnyVocabulary, settings: SamplingSettings) -> Factor | None:
    return None if settings.pitches is None else AllowedPitches(vocabulary, settings.pitches)


def _no_long_repeats(vocabulary: AnyVocabulary, settings: SamplingSettings) -> Factor | None:
    return None if settings.novelty is None else NoLongRepeats(vocabulary, settings)


FACTORS: Sequence[Callable[[AnyVocabulary, SamplingSettings], Factor | None]] = (
    Grammar,
    # Factors that make a token more or less likely stand here; those that forbid tokens stand below.
    _varied_times,
    _times_to_lines,
    _parallel_times,
    _times_to_changes,
    _melodic_motion,
    _chord_notes,
    _closing,
    _allowed_pitches,
    _no_long_repeats,
)
"""The functions that create the factors of an answer, in the order of the steps; each returns None where the settings
do not ask for its factor."""


class Forecast:
    """All steps for one answer, from the weights of network and memory to a token."""

    def __init__(self, vocabulary: AnyVocabulary, settings: SamplingSettings) -> None:
        made = [factor for factor in (make(vocabulary, settings) for make in FACTORS) if factor is not None]
        self._at_onsets = [factor.apply for factor in made if factor.changes_at_onsets]
        self._after_notes = [factor.apply for factor in made if factor.changes_after_notes]
        self.closing = next((factor for factor in made if isinstance(factor, Closing)), None)
        """The factor of the answer's end; None where the settings name no ending."""
        self._sampler = TokenSampler(vocabulary.size, settings.temperature, settings.top_p)

    def draw(self, weights: Weights, point: ForecastPoint, uniform: float) -> int:
        """The token that the random number `uniform`, in [0, 1), selects. Overwrites `weights`, shape (vocabulary,)."""
        for apply in self._after_notes if point.chord else self._at_onsets:
            apply(weights, point)
        return self._sampler.draw(weights, uniform)
