"""Fits the touch of a corpus: how loud and how long its notes are, from lines that really have it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from model.notes import Note
from model.phrasing.touch import DEFAULT_TRUST_NOTES, HeardPhrase, NotePlace, learn_touch
from model.phrasing.touch_profile import (
    FEATURES,
    GAP_EDGES_BEATS,
    LONGEST_GAP_BEATS,
    SHORTEST_GAP_BEATS,
    TouchProfile,
    gap_class,
    loudness_features,
)
from train.phrasing.phrases import Melody

Floats = npt.NDArray[np.float64]

# A line has dynamics where it has at least this many different velocities, and at least this share of its notes has
# another velocity than the note before. A score with "forte" and "piano" every few bars has none.
MIN_VELOCITIES = 4
MIN_CHANGES = 0.2
# With fewer notes that have dynamics than this, no loudness is fitted.
MIN_NOTES = 256
# A stretch of this many bars counts as a phrase, like one that a player plays before an answer.
PHRASE_BARS = 4
MIN_PHRASE_NOTES = 8
QUANTILES = 10
# Keeps the coefficients of features that hardly occur small.
RIDGE_NOTES = 16.0
TRUST_CHOICES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
# Only for the choice of `trust_notes`: the error depends little on it, so this many phrases are enough to compare.
MAX_PHRASES_COMPARED = 400
DECIMALS = 3
NEUTRAL_CHANCE = 0.5


@dataclass(frozen=True, slots=True)
class TouchFit:
    """The touch of some corpora, and from how many notes its loudness and its lengths were fitted."""

    profile: TouchProfile
    loudness_notes: int
    length_notes: int


def fit_touch(melodies: Sequence[Melody]) -> TouchFit | None:
    """The touch of these lines; None where there are no notes to learn lengths from."""
    lengths = _lengths(melodies)
    if lengths is None:
        return None
    dynamic = [phrase for melody in melodies if has_dynamics(melody) for phrase in phrases_of(melody)]
    notes = sum(len(phrase.notes) for phrase in dynamic)
    length_notes = sum(len(melody) for melody in melodies)
    plain = TouchProfile(None, DEFAULT_TRUST_NOTES, lengths)
    if notes < MIN_NOTES:
        return TouchFit(plain, 0, length_notes)
    pairs = list(_pairs(melodies))[:: max(1, len(dynamic) // MAX_PHRASES_COMPARED)]
    if not pairs:
        return TouchFit(plain, 0, length_notes)
    loudness = _loudness(dynamic)
    choices = [replace(plain, loudness=loudness, trust_notes=trust) for trust in TRUST_CHOICES]
    errors = [_error(profile, pairs) for profile in choices]
    if min(errors) >= _error_of_means(pairs):
        return TouchFit(plain, 0, length_notes)  # their velocities change from bar to bar, and not from note to note
    return TouchFit(choices[errors.index(min(errors))], notes, length_notes)


def has_dynamics(melody: Melody) -> bool:
    """Whether a line was played, or written, with a loudness of its own for each note."""
    velocities = melody.velocities
    if len(velocities) < 2 or len(np.unique(velocities)) < MIN_VELOCITIES:
        return False
    return bool(np.mean(velocities[1:] != velocities[:-1]) >= MIN_CHANGES)


def phrases_of(melody: Melody) -> Iterator[HeardPhrase]:
    """Stretches of a few bars with enough notes."""
    length = PHRASE_BARS * melody.bars.beats_per_bar
    numbers = (melody.onsets // length).astype(np.int64)
    for number in np.unique(numbers).tolist():
        inside = np.flatnonzero(numbers == number)
        if len(inside) >= MIN_PHRASE_NOTES:
            yield HeardPhrase([_note(melody, index) for index in inside.tolist()], melody.bars)


def _note(melody: Melody, index: int) -> Note:
    return Note(
        int(melody.pitches[index]),
        float(melody.onsets[index]),
        float(melody.lengths[index]),
        int(melody.velocities[index]),
    )


def _lengths(melodies: Sequence[Melody]) -> tuple[tuple[float, ...], ...] | None:
    """Quantiles of the share of its gap that a note sounds, for each class of gap."""
    by_class: list[list[float]] = [[] for _ in range(len(GAP_EDGES_BEATS) + 1)]
    for melody in melodies:
        for gap, length in zip(melody.gaps[:-1].tolist(), melody.lengths[:-1].tolist(), strict=True):
            if SHORTEST_GAP_BEATS <= gap <= LONGEST_GAP_BEATS:
                by_class[gap_class(gap)].append(min(length / gap, 1.0))
    every = [share for shares in by_class for share in shares]
    if not every:
        return None
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return tuple(tuple(np.quantile(shares or every, middles).round(DECIMALS).tolist()) for shares in by_class)


def _loudness(phrases: Sequence[HeardPhrase]) -> tuple[float, ...]:
    """A coefficient for each feature, for phrases whose velocities spread by 1."""
    rows: list[tuple[float, ...]] = []
    values: list[float] = []
    for phrase in phrases:
        velocities = np.array([note.velocity for note in phrase.notes], np.float64)
        if velocities.std() == 0.0:
            continue
        features = np.array(
            [
                loudness_features(place.strength, place.progress, octaves, place.gap_beats)
                for place, octaves in _places(phrase)
            ]
        )
        rows += (features - features.mean(axis=0)).tolist()
        values += ((velocities - velocities.mean()) / velocities.std()).tolist()
    if not rows:
        return (0.0,) * len(FEATURES)
    x, y = np.array(rows), np.array(values)
    fitted = np.linalg.solve(x.T @ x + RIDGE_NOTES * np.eye(len(FEATURES)), x.T @ y)
    return tuple(fitted.round(DECIMALS).tolist())


def _places(phrase: HeardPhrase) -> Iterator[tuple[NotePlace, float]]:
    """The place of each note, and how many octaves it lies above the mean."""
    notes = phrase.notes
    first, last = notes[0].onset_beats, notes[-1].onset_beats
    mean = float(np.mean([note.pitch for note in notes]))
    for note, following in zip(notes, [*notes[1:], None], strict=True):
        gap = following.onset_beats - note.onset_beats if following is not None else note.duration_beats
        progress = (note.onset_beats - first) / max(last - first, SHORTEST_GAP_BEATS)
        place = NotePlace(note.onset_beats, max(gap, SHORTEST_GAP_BEATS), note.pitch, progress, phrase.bars)
        yield place, (note.pitch - mean) / 12


def _pairs(melodies: Sequence[Melody]) -> Iterator[tuple[HeardPhrase, HeardPhrase]]:
    """Phrases with dynamics, each with the one that follows in its line."""
    for melody in melodies:
        if has_dynamics(melody):
            phrases = list(phrases_of(melody))
            yield from pairwise(phrases)


def _error(profile: TouchProfile, pairs: Sequence[tuple[HeardPhrase, HeardPhrase]]) -> float:
    """The mean squared error of the velocities of a phrase, predicted from the phrase before it and the profile."""
    total = count = 0.0
    for before, after in pairs:
        touch = learn_touch([before], profile)
        touch = replace(touch, residuals=touch.residuals and (touch.residuals[len(touch.residuals) // 2],))
        for note, (place, _) in zip(after.notes, _places(after), strict=True):
            total += (touch.feel(place, NEUTRAL_CHANCE).velocity - note.velocity) ** 2
            count += 1
    return total / max(count, 1.0)


def _error_of_means(pairs: Sequence[tuple[HeardPhrase, HeardPhrase]]) -> float:
    """The same error where each note is predicted to be as loud as the phrase before was on average."""
    errors = [
        (note.velocity - np.mean([heard.velocity for heard in before.notes])) ** 2
        for before, after in pairs
        for note in after.notes
    ]
    return float(np.mean(errors))
