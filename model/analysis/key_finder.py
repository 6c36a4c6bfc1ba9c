"""Which key music is in, by how long each pitch class sounds: a whole piece, or as it is heard; knows no tracks and no clock.

By Temperley's profiles, counted in the harmony of the Kostka-Payne textbook (2007, "Music and Probability", table 6.1).
Of the melodies of our corpora they name the written signature of four in five; those of Krumhansl and Kessler (1982), in
which listeners gave every foreign tone a third of the tonic's weight, of three in five. `python -m bench keys` compares.
"""

from functools import cache
from math import inf

import numpy as np
import numpy.typing as npt

from model.analysis.scale import Key

Profile = tuple[float, ...]
Profiles = tuple[Profile, Profile]
"""How much each pitch class from the tonic up belongs to a major key, and to a minor one."""

TEMPERLEY: Profiles = (
    (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
)

# After so many beats of music, the odds that a key has been left are even.
HALF_LIFE_BEATS = 64.0
# How sure one must be of a first key, and how many times likelier than the present one a new one must be.
MIN_PROBABILITY = 0.4
SWITCH_RATIO = 4.5
# Notes of one melody foretell each other, so a note of a beat tells less than one drawn from the profile would. Less
# still, and fewer wrong notes matter, but a modulation is followed later: at 0.5 in seven bars, at 0.8 in four.
# A note tells by the root of its length, and after two beats has told all that it has to tell.
EVIDENCE_PER_BEAT = 0.8
MAX_NOTE_BEATS = 2.0
# Silence makes one forget no more than a bar of music does.
MAX_SILENCE_BEATS = 4.0

Belief = npt.NDArray[np.float64]


@cache
def _key_profiles(profiles: Profiles) -> npt.NDArray[np.float64]:
    """Of each of the 24 keys, shape (24, 12), with sums of 1: first the majors from C up, then the minors."""
    rows = np.array([np.roll(profile, tonic) for profile in profiles for tonic in range(12)])
    shares: npt.NDArray[np.float64] = rows / rows.sum(axis=1, keepdims=True)
    return shares


@cache
def _centred_profiles(profiles: Profiles) -> npt.NDArray[np.float64]:
    """The same, each row with mean 0 and length 1."""
    rows = _key_profiles(profiles) - 1 / 12
    normed: npt.NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return normed


def key_from_weights(weights: npt.ArrayLike, profiles: Profiles = TEMPERLEY) -> Key | None:
    """The key of pitch-class weights, shape (12,), such as summed durations; None where all classes weigh alike.

    It is the one whose profile correlates best with them (Krumhansl 1990, "Cognitive Foundations of Musical Pitch").
    """
    values = np.asarray(weights, np.float64)
    if values.min() == values.max():
        return None
    return _key(
        int(np.argmax(_centred_profiles(profiles) @ values))
    )  # rows of mean 0: what all classes share adds nothing


class KeyFinder:
    """The key of what was heard lately, with inertia: no one note changes it, a modulation does within some bars.

    A belief in each of the 24 keys: each note multiplies it by how likely the key makes the note, and with each beat
    that passes some of it spreads evenly over all keys, as any may have begun. So what was heard fades by itself, and
    faster where something else is heard.
    """

    def __init__(self, profiles: Profiles = TEMPERLEY) -> None:
        self._likelihoods = _key_profiles(profiles)
        self.forget()

    def forget(self) -> None:
        """All that was heard: there is no key until enough is heard again."""
        self._probabilities: Belief = np.full(24, 1 / 24)
        self._last_beat = -inf
        self._key: int | None = None

    @property
    def key(self) -> Key | None:
        """The key, major or minor; None until enough was heard to be sure of one."""
        return None if self._key is None else _key(self._key)

    def hear(self, pitch: int, duration_beats: float, at_beat: float) -> None:
        """A note that began at `at_beat`; one that comes after a later one is heard as if now."""
        passed_beats = min(max(at_beat - self._last_beat, 0.0), MAX_SILENCE_BEATS)
        self._last_beat = max(at_beat, self._last_beat)
        kept = 0.5 ** (passed_beats / HALF_LIFE_BEATS)
        told = EVIDENCE_PER_BEAT * min(max(duration_beats, 0.0), MAX_NOTE_BEATS) ** 0.5
        belief = (kept * self._probabilities + (1 - kept) / 24) * self._likelihoods[:, pitch % 12] ** told
        self._probabilities = belief / belief.sum()
        best = int(np.argmax(self._probabilities))
        if self._key is None:
            if self._probabilities[best] >= MIN_PROBABILITY:
                self._key = best
        elif self._probabilities[best] >= SWITCH_RATIO * self._probabilities[self._key]:
            self._key = best


def _key(index: int) -> Key:
    return Key(index % 12, "major" if index < 12 else "minor")
