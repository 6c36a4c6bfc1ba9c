"""Finds the pulse of a phrase from the onsets of its notes: tempo, time of a beat, and confidence; knows no clock.

The onsets are modelled as a Poisson process whose rate is high on the beat, lower on its halves, quarters and thirds,
and almost zero elsewhere. The likelihood weighs the notes that a beat explains against the beats that it leaves empty:
too slow a beat has notes at unlikely positions, too fast a beat has beats without notes. (These are templates of
metrical positions, as in Temperley 2007, "Music and Probability", ch. 3, in continuous time.)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SLOWEST_BPM, FASTEST_BPM = 50.0, 200.0
# Fewer than three gaps between notes are no rhythm.
MIN_ONSETS = 4
# Only the latest onsets count: so a phrase of a minute costs no more, and its tempo may have changed.
MAX_ONSETS = 64
# Notes that begin within this time are one chord.
CHORD_S = 0.030
# How far a note is played from its position, as a standard deviation: 10 ms for people who play to a click, 30 for
# others.
SPREAD_S = 0.022

# The prior: tempi are lognormal around the usual one, so that two in three lie between 67 and 165 bpm. Where there is a
# present tempo, it is as likely as not that the phrase keeps it, to within an eighth.
USUAL_BPM, USUAL_WIDTH, PRESENT_WIDTH = 105.0, 0.45, 0.12
# By how many nats a pulse must be more likely than the same notes at random times. Of random phrases of 8 to 32 notes
# one in thirteen passes; of phrases of the corpora, played 15 ms off, nineteen in twenty.
MIN_EVIDENCE = 5.0
# Tempi that differ by less than this share are the same.
TEMPO_TOLERANCE = 0.04

# The positions in a beat where notes fall: on the beat, its half, its quarters, its thirds.
_POSITIONS = np.array([0.0, 1 / 2, 1 / 4, 3 / 4, 1 / 3, 2 / 3])
# Six feels: the share of each, and the notes per beat at each position. The mixture was fitted to phrases of 8 to 32
# notes of the training files of openewld_pd, mutopia and openscore_lieder. The feels, commonest first: eighths,
# quarters with some eighths, quarters, sixteenths, dotted figures, triplets. Triplets were made more frequent by hand,
# and such that they come and go: a jam has more of them than songs have, and otherwise a triplet is taken for three
# eighths of a faster beat.
_FEEL_SHARES = np.array([0.32, 0.24, 0.15, 0.10, 0.09, 0.10])
_NOTES_PER_BEAT = np.array(
    [
        [0.69, 0.63, 0.045, 0.045, 0.013, 0.013],
        [0.60, 0.28, 0.018, 0.018, 0.018, 0.018],
        [0.60, 0.045, 0.012, 0.012, 0.013, 0.013],
        [0.90, 0.90, 0.73, 0.73, 0.016, 0.016],
        [0.67, 0.25, 0.22, 0.22, 0.017, 0.017],
        [0.68, 0.10, 0.030, 0.030, 0.50, 0.50],
    ]
)
# Grace notes and slips: this many notes per beat fall anywhere.
_STRAY_RATE = 0.03
# How many tempi are examined closely: those at which most onsets lie on a beat, its halves, thirds or quarters.
_MAX_CANDIDATES = 12
_DIVISIONS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Pulse:
    """A tempo, and the time of one beat in seconds: the last beat at or before the phrase's last note.

    `confidence` is the probability of this tempo among all tempi, from 0 to 1.
    """

    tempo_bpm: float
    beat_s: float
    confidence: float


def find_pulse(onsets_s: Sequence[float], present_bpm: float | None = None) -> Pulse | None:
    """The pulse of a phrase's onsets, in seconds of any clock; None where there are too few onsets, or no clear pulse.

    Where several tempi fit the phrase, the one near `present_bpm` is preferred.
    """
    onsets = _chord_onsets(onsets_s)
    if len(onsets) < MIN_ONSETS:
        return None
    periods, phases = _find_candidates(onsets)
    weights = _log_likelihoods(onsets, periods, phases) + _log_prior(periods, present_bpm)
    best = int(np.argmax(weights))
    if weights[best] - _log_likelihood_without_pulse(onsets) < MIN_EVIDENCE:
        return None
    period, phase = _refine(onsets, periods[best], phases[best])
    beat_s = phase + math.floor((onsets[-1] - phase + CHORD_S) / period) * period
    return Pulse(60.0 / period, beat_s, _confidence(periods, weights, best))


def _chord_onsets(onsets_s: Sequence[float]) -> Floats:
    """The latest onsets in order; a chord counts once, at its first note."""
    firsts: list[float] = []
    for onset in sorted(onsets_s):
        if not firsts or onset - firsts[-1] >= CHORD_S:
            firsts.append(onset)
    return np.array(firsts[-MAX_ONSETS:])


def _find_candidates(onsets: Floats) -> tuple[Floats, Floats]:
    """Likely periods and phases, both of shape (candidates,), in seconds.

    Each onset becomes a point on a circle that turns k times per period. Onsets on the k-th parts of a period then
    point the same way: the length of their sum says how well the period fits, and its angle gives the phase, up to one
    of k positions.
    """
    middle = (onsets[0] + onsets[-1]) / 2
    periods = _period_grid(onsets[-1] - middle)
    # Single precision is good to a thousandth of a degree here, and ten times as fast.
    angles = (2 * np.pi * (onsets - middle) / periods[:, np.newaxis]).astype(np.float32)
    turned = np.cos(angles) + 1j * np.sin(angles)
    # Each power is computed from the previous one, as numpy's powers of complex numbers are slow.
    sums = [power.sum(axis=1) for power in accumulate(repeat(turned, len(_DIVISIONS)), np.multiply)]
    kept = np.argsort(-np.abs(sums).max(axis=0))[:_MAX_CANDIDATES]
    periods = periods[kept]
    phases = [
        middle + (np.angle(total[kept]) / (2 * np.pi) + part) / division * periods
        for division, total in zip(_DIVISIONS, sums, strict=True)
        for part in range(division)
    ]
    return np.tile(periods, len(phases)), np.concatenate(phases)


def _period_grid(reach_s: float) -> Floats:
    """Periods from the slowest to the fastest, dense enough that an onset `reach_s` away moves by less than the spread."""
    # A step of d in the logarithm of the period moves an onset that is reach / period beats away by d * reach.
    step = min(0.8 * SPREAD_S / reach_s, TEMPO_TOLERANCE / 2)
    count = math.ceil(math.log(FASTEST_BPM / SLOWEST_BPM) / step) + 1
    return np.geomspace(60.0 / SLOWEST_BPM, 60.0 / FASTEST_BPM, count)


def _log_likelihoods(onsets: Floats, periods: Floats, phases: Floats) -> Floats:
    """The log likelihood of each candidate, shape (candidates,), up to a constant that all share."""
    beats = (onsets - phases[:, np.newaxis]) / periods[:, np.newaxis]
    off = beats[..., np.newaxis] - _POSITIONS  # (candidates, onsets, positions)
    off_s = (off - np.round(off)) * periods[:, np.newaxis, np.newaxis]
    near = np.exp(-0.5 * (off_s / SPREAD_S) ** 2) / (SPREAD_S * math.sqrt(2 * math.pi))
    # Notes per second, (candidates, onsets, feels).
    rates = near @ _NOTES_PER_BEAT.T + (_STRAY_RATE / periods)[:, np.newaxis, np.newaxis]
    expected = (_length_s(onsets) / periods)[:, np.newaxis] * (_NOTES_PER_BEAT.sum(axis=1) + _STRAY_RATE)
    by_feel = np.log(rates).sum(axis=1) - expected + np.log(_FEEL_SHARES)
    top = by_feel.max(axis=1)
    sums: Floats = top + np.log(np.exp(by_feel - top[:, np.newaxis]).sum(axis=1))
    return sums


def _log_likelihood_without_pulse(onsets: Floats) -> float:
    """The log likelihood of as many notes at random times within the same length, with the same constant left out."""
    count, lasted_s = len(onsets), _length_s(onsets)
    return count * math.log(count / lasted_s) - count


def _length_s(onsets: Floats) -> float:
    """The length of the phrase in seconds, where the last note is as long as the others on average."""
    count = len(onsets)
    return float(onsets[-1] - onsets[0]) * count / (count - 1)


def _log_prior(periods: Floats, present_bpm: float | None) -> Floats:
    tempi = 60.0 / periods
    usual = np.exp(-0.5 * (np.log(tempi / USUAL_BPM) / USUAL_WIDTH) ** 2) / USUAL_WIDTH
    if present_bpm is None:
        return np.log(usual)
    present = np.exp(-0.5 * (np.log(tempi / present_bpm) / PRESENT_WIDTH) ** 2) / PRESENT_WIDTH
    return np.log((usual + present) / 2)


def _refine(onsets: Floats, period: float, phase: float) -> tuple[float, float]:
    """A more exact period and phase: a least-squares line through the onsets and the positions that they are close to."""
    beats = (onsets - phase) / period
    whole = np.floor(beats)[:, np.newaxis] + np.append(_POSITIONS, 1.0)
    positions = np.take_along_axis(whole, np.abs(whole - beats[:, np.newaxis]).argmin(axis=1)[:, np.newaxis], axis=1)[
        :, 0
    ]
    on_position = np.abs(beats - positions) * period < 2 * SPREAD_S
    onsets, positions = onsets[on_position], positions[on_position]
    if len(set(positions.tolist())) < MIN_ONSETS:
        return period, phase
    fitted, at_zero = (float(value) for value in np.polynomial.polynomial.polyfit(positions, onsets, 1)[::-1])
    # A line through a few notes that are close together can have any slope.
    return (fitted, at_zero) if abs(fitted / period - 1) < TEMPO_TOLERANCE else (period, phase)


def _confidence(periods: Floats, weights: Floats, best: int) -> float:
    """The probability of the best tempo among all tempi, each of which counts once, with its best phase."""
    tempi = np.round(np.log(periods / periods[best]) / TEMPO_TOLERANCE).astype(np.int64)
    tops = np.full(int(tempi.max() - tempi.min()) + 1, -np.inf)
    np.maximum.at(tops, tempi - tempi.min(), weights)
    return float(1.0 / np.exp(tops - weights[best]).sum())
