"""Finds the key of a whole piece, or of notes as they are heard, from how long each pitch class sounds.

Knows no tracks and no clock.

Uses Temperley's profiles, counted in the harmony of the Kostka-Payne textbook (2007, "Music and Probability", table
6.1). They find the written signature of four in five melodies of our corpora. Those of Krumhansl and Kessler (1982), in
which listeners gave every foreign tone a third of the tonic's weight, find it for three in five. `python -m bench keys`
compares.
"""

from functools import cache
from math import inf

import numpy as np
import numpy.typing as npt

from model.analysis.scale import Key

Profile = tuple[float, ...]
Profiles = tuple[Profile, Profile]
"""The weight of each pitch class, from the tonic up, in a major key and in a minor key."""

TEMPERLEY: Profiles = (
    (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
)

# After this many beats of music it is as likely as not that the key has changed.
HALF_LIFE_BEATS = 64.0
# How probable the first key must be, and how many times more probable than the present key a new one must be.
MIN_PROBABILITY = 0.4
SWITCH_RATIO = 4.5
# The notes of a melody depend on each other, so a note of one beat is weaker evidence than an independent draw from the
# profile. At a lower value wrong notes matter less, but a modulation is followed later: after seven bars at 0.5, after
# four at 0.8. The evidence of a note grows with the square root of its length, and no more after two beats.
EVIDENCE_PER_BEAT = 0.8
MAX_NOTE_BEATS = 2.0
# Silence of any length fades what was heard no more than a bar of music does.
MAX_SILENCE_BEATS = 4.0

KeyProbabilities = npt.NDArray[np.float64]


@cache
def _key_profiles(profiles: Profiles) -> npt.NDArray[np.float64]:
    """The profile of each of the 24 keys, shape (24, 12), each with sum 1: the major keys from C up, then the minor keys."""
    rows = np.array([np.roll(profile, tonic) for profile in profiles for tonic in range(12)])
    shares: npt.NDArray[np.float64] = rows / rows.sum(axis=1, keepdims=True)
    return shares


@cache
def _centred_profiles(profiles: Profiles) -> npt.NDArray[np.float64]:
    """The same profiles, each with mean 0 and length 1."""
    rows = _key_profiles(profiles) - 1 / 12
    normed: npt.NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return normed


def key_from_weights(weights: npt.ArrayLike, profiles: Profiles = TEMPERLEY) -> Key | None:
    """The key of pitch-class weights, shape (12,), such as summed durations; None where all weights are equal.

    It is the key whose profile correlates best with them (Krumhansl 1990, "Cognitive Foundations of Musical Pitch").
    """
    values = np.asarray(weights, np.float64)
    if values.min() == values.max():
        return None
    # The profiles have mean 0, so a weight that all classes share adds nothing.
    return _key(int(np.argmax(_centred_profiles(profiles) @ values)))


class KeyFinder:
    """The key of what was heard lately, with inertia: a single note does not change it, a modulation does within some bars.

    It holds a probability for each of the 24 keys. Each note multiplies them by how likely the note is in each key.
    With each beat that passes, a part of them spreads evenly over all keys, as any key may have begun. So what was
    heard fades by itself, and faster where something else is heard.
    """

    def __init__(self, profiles: Profiles = TEMPERLEY) -> None:
        self._likelihoods = _key_profiles(profiles)
        self.forget()

    def forget(self) -> None:
        """Forgets all notes. There is no key until enough is heard again."""
        self._probabilities: KeyProbabilities = np.full(24, 1 / 24)
        self._last_beat = -inf
        self._key: int | None = None

    @property
    def key(self) -> Key | None:
        """The key, major or minor; None until one is probable enough."""
        return None if self._key is None else _key(self._key)

    @property
    def probabilities(self) -> dict[Key, float]:
        """How probable each of the 24 keys is; empty until something was heard."""
        if self._last_beat == -inf:
            return {}
        return {_key(index): probability for index, probability in enumerate(self._probabilities.tolist())}

    def hear(self, pitch: int, duration_beats: float, at_beat: float) -> None:
        """Adds a note that began at `at_beat`. A note older than one already heard counts as if it came now."""
        passed_beats = min(max(at_beat - self._last_beat, 0.0), MAX_SILENCE_BEATS)
        self._last_beat = max(at_beat, self._last_beat)
        remaining = 0.5 ** (passed_beats / HALF_LIFE_BEATS)
        evidence = EVIDENCE_PER_BEAT * min(max(duration_beats, 0.0), MAX_NOTE_BEATS) ** 0.5
        spread = remaining * self._probabilities + (1 - remaining) / 24
        weights = spread * self._likelihoods[:, pitch % 12] ** evidence
        self._probabilities = weights / weights.sum()
        best = int(np.argmax(self._probabilities))
        if self._key is None:
            if self._probabilities[best] >= MIN_PROBABILITY:
                self._key = best
        elif self._probabilities[best] >= SWITCH_RATIO * self._probabilities[self._key]:
            self._key = best


def _key(index: int) -> Key:
    return Key(index % 12, "major" if index < 12 else "minor")
