"""The pulse of a phrase, from when its notes begin: a tempo, a second at which a beat falls, and how sure; knows no clock.

Onsets are taken for a Poisson process whose rate is high on the beat, lower on its halves, quarters and thirds, and
next to nothing elsewhere. Its likelihood weighs what a beat explains against what it leaves empty: too slow a beat has
notes on odd places, too fast a one has beats without notes. (Templates of metrical places, as in Temperley 2007, "Music
and Probability", ch. 3, in continuous time.)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SLOWEST_BPM, FASTEST_BPM = 50.0, 200.0
# Fewer gaps than three are no rhythm.
MIN_ONSETS = 4
# The latest are looked at: a phrase of a minute costs no more, and its tempo may have moved.
MAX_ONSETS = 64
# Keys that go down within so long are one chord.
CHORD_S = 0.030
# How far from its place a note is played, one standard deviation: from 10 ms of those who play to a click to 30 of others.
SPREAD_S = 0.022

# Before anything is heard, a tempo is lognormal about this, so that two in three lie between 67 and 165 bpm; where
# there is a present tempo, it is as likely as not to be kept within an eighth.
USUAL_BPM, USUAL_WIDTH, PRESENT_WIDTH = 105.0, 0.45, 0.12
# By how many nats a pulse must beat the same notes strewn at random: of phrases of 8 to 32 notes that are random, one in
# thirteen does so, of those of the corpora, played 15 ms off, nineteen in twenty.
MIN_EVIDENCE = 5.0
# Tempi nearer than this to each other are one.
TEMPO_TOLERANCE = 0.04

# The places in a beat where notes fall: on it, its half, its quarters, its thirds.
_PLACES = np.array([0.0, 1 / 2, 1 / 4, 3 / 4, 1 / 3, 2 / 3])
# How many notes a beat has on each place, in six feels, and the share of each: a mixture that was fitted to phrases of
# 8 to 32 notes of the training files of openewld_pd, mutopia and openscore_lieder. From the commonest: eighths, quarters
# with some eighths, quarters, sixteenths, dotted figures, triplets. These are made commoner, and to come and go: a jam
# has more of them than songs, and otherwise a triplet is heard as three eighths of a faster beat.
_SHARES = np.array([0.32, 0.24, 0.15, 0.10, 0.09, 0.10])
_RATES = np.array(
    [
        [0.69, 0.63, 0.045, 0.045, 0.013, 0.013],
        [0.60, 0.28, 0.018, 0.018, 0.018, 0.018],
        [0.60, 0.045, 0.012, 0.012, 0.013, 0.013],
        [0.90, 0.90, 0.73, 0.73, 0.016, 0.016],
        [0.67, 0.25, 0.22, 0.22, 0.017, 0.017],
        [0.68, 0.10, 0.030, 0.030, 0.50, 0.50],
    ]
)
# Grace notes and slips: so many notes a beat fall anywhere.
_STRAY_RATE = 0.03
# So many tempi are looked at closely, those at which the onsets gather most on a beat, its halves, thirds or quarters.
_MAX_CANDIDATES = 12
_DIVISIONS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Pulse:
    """Beats fall at `beat_s`, the last before the phrase's last note or on it, and every 60 / `tempo_bpm` seconds.

    `confidence`, from 0 to 1, is how likely that tempo is among all others and none at all.
    """

    tempo_bpm: float
    beat_s: float
    confidence: float


def find_pulse(onsets_s: Sequence[float], present_bpm: float | None = None) -> Pulse | None:
    """The pulse of a phrase's onsets; None where there are too few, or no pulse is to be heard.

    Where the phrase may be heard in several tempi, the one near `present_bpm` is preferred.
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
    """The latest onsets in order, a chord being the first of its notes."""
    firsts: list[float] = []
    for onset in sorted(onsets_s):
        if not firsts or onset - firsts[-1] >= CHORD_S:
            firsts.append(onset)
    return np.array(firsts[-MAX_ONSETS:])


def _find_candidates(onsets: Floats) -> tuple[Floats, Floats]:
    """Periods and phases worth a closer look, both of shape (candidates,), in seconds.

    Onsets that lie on the k-th parts of a period point the same way once each is turned by k full circles a period;
    how far their sum points says how well they do, and where to, the phase, up to one of k places.
    """
    middle = (onsets[0] + onsets[-1]) / 2
    periods = _period_grid(onsets[-1] - middle)
    # In single precision, which is good for a thousandth of a degree here, and ten times as fast.
    angles = (2 * np.pi * (onsets - middle) / periods[:, np.newaxis]).astype(np.float32)
    turned = np.cos(angles) + 1j * np.sin(angles)
    # Each power from the one before, as numpy's own are slow for complex numbers.
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
    """Periods from the slowest to the fastest, so dense that no onset as far as `reach_s` strays by more than the spread."""
    # A step of d in the logarithm moves what lies reach / period beats away by d * reach.
    step = min(0.8 * SPREAD_S / reach_s, TEMPO_TOLERANCE / 2)
    count = math.ceil(math.log(FASTEST_BPM / SLOWEST_BPM) / step) + 1
    return np.geomspace(60.0 / SLOWEST_BPM, 60.0 / FASTEST_BPM, count)


def _log_likelihoods(onsets: Floats, periods: Floats, phases: Floats) -> Floats:
    """Of each candidate, shape (candidates,), up to what all have in common."""
    beats = (onsets - phases[:, np.newaxis]) / periods[:, np.newaxis]
    off = beats[..., np.newaxis] - _PLACES  # (candidates, onsets, places)
    off_s = (off - np.round(off)) * periods[:, np.newaxis, np.newaxis]
    near = np.exp(-0.5 * (off_s / SPREAD_S) ** 2) / (SPREAD_S * math.sqrt(2 * math.pi))
    # Notes a second, (candidates, onsets, feels).
    rates = near @ _RATES.T + (_STRAY_RATE / periods)[:, np.newaxis, np.newaxis]
    expected = (_length_s(onsets) / periods)[:, np.newaxis] * (_RATES.sum(axis=1) + _STRAY_RATE)
    by_feel = np.log(rates).sum(axis=1) - expected + np.log(_SHARES)
    top = by_feel.max(axis=1)
    sums: Floats = top + np.log(np.exp(by_feel - top[:, np.newaxis]).sum(axis=1))
    return sums


def _log_likelihood_without_pulse(onsets: Floats) -> float:
    """The same, of as many notes strewn over the same time without any pulse."""
    count, lasted_s = len(onsets), _length_s(onsets)
    return count * math.log(count / lasted_s) - count


def _length_s(onsets: Floats) -> float:
    """How many seconds the phrase lasts, with its last note as long as the others on average."""
    count = len(onsets)
    return float(onsets[-1] - onsets[0]) * count / (count - 1)


def _log_prior(periods: Floats, present_bpm: float | None) -> Floats:
    tempi = 60.0 / periods
    usual = np.exp(-0.5 * (np.log(tempi / USUAL_BPM) / USUAL_WIDTH) ** 2) / USUAL_WIDTH
    if present_bpm is None:
        return np.log(usual)
    kept = np.exp(-0.5 * (np.log(tempi / present_bpm) / PRESENT_WIDTH) ** 2) / PRESENT_WIDTH
    return np.log((usual + kept) / 2)


def _refine(onsets: Floats, period: float, phase: float) -> tuple[float, float]:
    """The line through the onsets and the places that they are near, by least squares."""
    beats = (onsets - phase) / period
    whole = np.floor(beats)[:, np.newaxis] + np.append(_PLACES, 1.0)
    places = np.take_along_axis(whole, np.abs(whole - beats[:, np.newaxis]).argmin(axis=1)[:, np.newaxis], axis=1)[:, 0]
    on_place = np.abs(beats - places) * period < 2 * SPREAD_S
    onsets, places = onsets[on_place], places[on_place]
    if len(set(places.tolist())) < MIN_ONSETS:
        return period, phase
    fitted, at_zero = (float(value) for value in np.polynomial.polynomial.polyfit(places, onsets, 1)[::-1])
    # Through a few notes near to each other a line may go anywhere.
    return (fitted, at_zero) if abs(fitted / period - 1) < TEMPO_TOLERANCE else (period, phase)


def _confidence(periods: Floats, weights: Floats, best: int) -> float:
    """The share of the best tempo among all: each counts as often as it is told apart, with its best phase."""
    tempi = np.round(np.log(periods / periods[best]) / TEMPO_TOLERANCE).astype(np.int64)
    tops = np.full(int(tempi.max() - tempi.min()) + 1, -np.inf)
    np.maximum.at(tops, tempi - tempi.min(), weights)
    return float(1.0 / np.exp(tops - weights[best]).sum())
