"""Which key music is in, by how long each pitch class sounds: a whole piece, or as it is heard; knows no tracks and no clock.

A key is told by how well the profile of each of the 24 major and minor keys correlates with the weights of the pitch
classes (Krumhansl 1990, "Cognitive Foundations of Musical Pitch").
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from model.scale import Key

# Krumhansl and Kessler's probe-tone profiles (1982, "Tracing the dynamic changes in perceived tonal organization in a
# spatial representation of musical keys").
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)

Weights = npt.NDArray[np.float64]

# In so many beats what was heard counts half.
HALF_LIFE_BEATS = 16.0
# Before so many notes there is no key.
ENOUGH_NOTES = 8
# A new key must correlate better by so much, for so long.
MARGIN = 0.1
PERSISTENCE_BEATS = 4.0
# Silence forgets no more than a bar of music would.
LONGEST_SILENCE_BEATS = 4.0
# A held note is heard for what it is within two beats.
LONGEST_WEIGHT_BEATS = 2.0


def _profiles() -> npt.NDArray[np.float64]:
    """The 24 keys' profiles, shape (24, 12), each with mean 0 and length 1: first the majors from C up, then the minors."""
    rows = np.array([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)])
    rows -= rows.mean(axis=1, keepdims=True)
    normed: npt.NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return normed


_PROFILES = _profiles()


def key_of(weights: npt.ArrayLike) -> Key | None:
    """The key of pitch-class weights, shape (12,), such as summed durations; None where all classes weigh alike."""
    values = np.asarray(weights, np.float64)
    if values.min() == values.max():
        return None
    return _key(int(np.argmax(_PROFILES @ (values - values.mean()))))


class KeyFinder:
    """The key of what is heard lately, with inertia: no single note changes it, a modulation does within a few bars."""

    def __init__(self) -> None:
        self._weights: Weights = np.zeros(12)
        self._notes = 0
        self._beat: float | None = None
        self._key: int | None = None
        self._rival: int | None = None
        self._rival_since = 0.0

    @property
    def key(self) -> Key | None:
        """The key, major or minor; None until enough was heard."""
        return None if self._key is None else _key(self._key)

    def hear(self, pitch: int, weight_beats: float, at_beat: float) -> None:
        """A note sounded from `at_beat` on for `weight_beats`; a beat before the latest counts as the latest."""
        last_beat = at_beat if self._beat is None else self._beat
        passed_beats = min(max(at_beat - last_beat, 0.0), LONGEST_SILENCE_BEATS)
        self._beat = max(at_beat, last_beat)
        self._weights *= 0.5 ** (passed_beats / HALF_LIFE_BEATS)
        self._weights[pitch % 12] += min(weight_beats, LONGEST_WEIGHT_BEATS)
        self._notes += 1
        if self._notes >= ENOUGH_NOTES:
            self._follow(self._beat)

    def forget(self) -> None:
        """All that was heard; as if new."""
        self.__init__()  # type: ignore[misc]

    def _follow(self, beat: float) -> None:
        fits = _PROFILES @ (self._weights - self._weights.mean()) / (np.linalg.norm(self._weights) or 1.0)
        best = int(np.argmax(fits))
        if self._key is None:
            self._key = best
        if best == self._key or fits[best] - fits[self._key] < MARGIN:
            self._rival = None
        elif best != self._rival:
            self._rival, self._rival_since = best, beat
        elif beat - self._rival_since >= PERSISTENCE_BEATS:
            self._key, self._rival = best, None


def _key(index: int) -> Key:
    mode: Literal["major", "minor"] = "major" if index < 12 else "minor"
    return Key(index % 12, mode)
