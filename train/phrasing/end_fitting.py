"""Fits how phrases end to the phrases of a corpus, by counting."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.analysis.bars import PLACE_TOLERANCE_BEATS, Strength
from model.notes import CHORD_BEATS
from model.phrasing.phrase_ends import PhraseEnds
from train.phrasing.phrases import SHORTEST_REST_BEATS, Melody

Floats = npt.NDArray[np.float64]

# Fewer phrases than this say nothing about how phrases end.
MIN_PHRASES = 32
QUANTILES = 8
# This many notes without any preference are added to the counts of each tone and each place.
PRIOR_NOTES = 4.0
SHORTEST_LAST_BEATS, LONGEST_LAST_BEATS, LONGEST_BREATH_BEATS = 0.5, 4.0, 4.0
DECIMALS = 3


def fit_ends(melodies: Sequence[Melody]) -> PhraseEnds | None:
    """How the phrases of these lines end; None where there are too few."""
    if sum(int(melody.is_end.sum()) for melody in melodies) < MIN_PHRASES:
        return None
    ends, onsets = np.zeros((2, len(Strength))), np.zeros((2, len(Strength)))
    tones = np.full((2, 12), PRIOR_NOTES)  # of all notes, by mode and semitones above the tonic
    last_tones = {"full": np.zeros((2, 12)), "half": np.zeros((2, 12))}
    lines = np.full((2, 2), PRIOR_NOTES)  # last bars and all bars, each with and without an onset on their line
    lengths: list[float] = []
    breaths: list[float] = []
    for melody in melodies:
        _count_places(melody, ends, onsets)
        _count_tones(melody, tones, last_tones)
        _count_lines(melody, lines)
        inner = melody.is_end[:-1]
        lengths += melody.lengths[:-1][inner].clip(SHORTEST_LAST_BEATS, LONGEST_LAST_BEATS).tolist()
        rests = melody.gaps[:-1] - melody.lengths[:-1]
        breaths += rests[inner].clip(0.0, LONGEST_BREATH_BEATS).tolist()
    chances = (ends + PRIOR_NOTES * 0.1) / (onsets + PRIOR_NOTES)
    weights = {close: _weights(counts, tones) for close, counts in last_tones.items()}
    return PhraseEnds(
        _rounded(chances[0]),
        _rounded(chances[1]),
        _rounded(weights["full"][0]),
        _rounded(weights["full"][1]),
        _rounded(weights["half"][0]),
        _rounded(weights["half"][1]),
        round(float(lines[0, 1] / lines[0, 0] * lines[1, 0] / lines[1, 1]), DECIMALS),
        _quantiles(lengths),
        _quantiles(breaths),
    )


def _count_places(melody: Melody, ends: Floats, onsets: Floats) -> None:
    """Counts, in the bar in which each phrase ends, its onsets by half of the bar and strength, and which of them was the last."""
    bars, onset_list = melody.bars, melody.onsets.tolist()
    for end in np.flatnonzero(melody.is_end).tolist():
        line = bars.line_at_or_before(onset_list[end])
        index = end
        while (
            index >= 0
            and bars.line_at_or_before(onset_list[index]) == line
            and (index == end or not melody.is_end[index])
        ):
            onset = onset_list[index]
            half = int(bars.place(onset) >= bars.beats_per_bar / 2)
            onsets[half, bars.strength(onset)] += 1
            ends[half, bars.strength(onset)] += index == end
            index -= 1


def _count_lines(melody: Melody, lines: Floats) -> None:
    """Counts bars that begin with an onset and bars that do not: those in which a phrase ends, and all."""
    bars = melody.bars
    line_of_each = [bars.line_at_or_before(onset) for onset in melody.onsets.tolist()]
    with_onset = {
        line
        for line, onset in zip(line_of_each, melody.onsets.tolist(), strict=True)
        if abs(onset - line) < PLACE_TOLERANCE_BEATS
    }
    last_lines = [line for line, is_end in zip(line_of_each, melody.is_end.tolist(), strict=True) if is_end]
    for row, counted in enumerate((last_lines, sorted(set(line_of_each)))):
        begun = sum(line in with_onset for line in counted)
        lines[row] += begun, len(counted) - begun


def _count_tones(melody: Melody, tones: Floats, last_tones: dict[str, Floats]) -> None:
    """Counts tones above the tonic.

    A full close is the line's last note, or one before a rest. A half close is not on the tonic, and the next phrase ends there.
    """
    if melody.key is None:
        return
    mode = int(melody.key.mode == "minor")
    degrees = ((melody.pitches - melody.key.tonic) % 12).tolist()
    tones[mode] += np.bincount(degrees, minlength=12)
    places = np.flatnonzero(melody.is_end).tolist()
    for place, following in zip(places, [*places[1:], None], strict=True):
        if following is None or melody.gaps[place] - melody.lengths[place] >= SHORTEST_REST_BEATS - CHORD_BEATS:
            last_tones["full"][mode, degrees[place]] += 1
        elif degrees[place] != 0 and degrees[following] == 0:
            last_tones["half"][mode, degrees[place]] += 1


def _weights(counts: Floats, tones: Floats) -> Floats:
    """How much likelier each tone is at an end than elsewhere, of shape (2, 12); where little was counted, as likely."""
    usual = tones / tones.sum(axis=1, keepdims=True)
    ends: Floats = counts + PRIOR_NOTES * usual
    ratio: Floats = ends / ends.sum(axis=1, keepdims=True) / usual
    return ratio


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return _rounded(np.quantile(values, middles)) if values else (1.0,)


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), DECIMALS) for value in values)
