"""Guesses the chord of a bar from the melody in it and the key; knows no time and no channel.

Counted on the training side of openewld_pd: 3,207 bars of 95 songs with a melody, a key found from that melody, and a chord that is
major, minor or dominant.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
import numpy.typing as npt

from model.analysis.scale import Key
from model.harmony.chord import OCTAVE, Chord
from model.harmony.chord_symbol import parse_chord

SUFFIXES = ("", "m", "7")
# How often each of these chords is on each step above the tonic, in thousandths, in major and in minor keys.
IN_MAJOR = (
    (447, 0, 2, 2, 2, 117, 0, 39, 0, 2, 6, 0),
    (6, 0, 48, 0, 11, 6, 0, 4, 0, 30, 0, 0),
    (26, 0, 44, 0, 9, 2, 0, 170, 1, 17, 2, 3),
)
IN_MINOR = (
    (11, 16, 0, 106, 2, 14, 0, 32, 63, 0, 35, 2),
    (259, 30, 4, 0, 2, 58, 2, 9, 35, 4, 6, 0),
    (42, 0, 4, 25, 2, 33, 0, 122, 18, 6, 54, 2),
)
# How often each chord is met at all, and how long melodies sound on each step above its root, in thousandths.
IN_ANY_KEY = (559, 161, 280)
MELODIES = (
    (275, 2, 60, 7, 258, 24, 15, 246, 6, 64, 8, 35),
    (216, 5, 67, 240, 13, 83, 21, 232, 11, 43, 60, 9),
    (231, 10, 81, 4, 121, 55, 8, 261, 24, 82, 110, 13),
)
# What was never met counts as a third of a bar in a thousand.
LEAST = 0.3

Logarithms = npt.NDArray[np.float64]


def chord_of_melody(beats: Mapping[int, float], key: Key | None = None) -> Chord | None:
    """The likeliest chord from how many beats each pitch class sounds in a bar; None where nothing does.

    `key` is that of the song, if it is known; any mode counts as the major or minor key that has its third.
    """
    heard = np.zeros(OCTAVE)
    for pitch_class, beats_heard in beats.items():
        heard[pitch_class % OCTAVE] += max(beats_heard, 0.0)
    if not heard.any():
        return None
    # Rows are kinds of chords and columns roots: `heard` is turned so that each root comes first.
    turned = np.array([np.roll(heard, -root) for root in range(OCTAVE)])
    likelihoods = _logarithms(MELODIES) @ turned.T + _prior(key)
    kind, root = divmod(int(likelihoods.argmax()), OCTAVE)
    chord = parse_chord(f"C{SUFFIXES[kind]}")
    assert chord is not None
    return Chord(root, chord.intervals, root, SUFFIXES[kind])


def _prior(key: Key | None) -> Logarithms:
    if key is None:
        return _logarithms((IN_ANY_KEY,)).T
    has_minor_third = (key.tonic + 3) % OCTAVE in key.pitch_classes
    return np.roll(_logarithms(IN_MINOR if has_minor_third else IN_MAJOR), key.tonic, axis=1)


@cache
def _logarithms(thousandths: tuple[tuple[int, ...], ...]) -> Logarithms:
    return np.log(np.maximum(np.array(thousandths, np.float64), LEAST) / 1000)
