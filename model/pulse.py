"""The pulse of a phrase, from when its notes begin: a tempo, a second at which a beat falls, and how sure; knows no clock.

Onsets are taken for a Poisson process whose rate is high on the beat, lower on its halves, quarters and thirds, and
next to nothing elsewhere. Its likelihood weighs both what a beat explains and what it leaves empty: too slow a beat
has notes on odd places, too fast a one has beats without notes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SLOWEST_BPM, FASTEST_BPM = 50.0, 200.0
FEWEST_ONSETS = 4
ONSETS_KEPT = 64
# Keys that go down within so long are one chord.
CHORD_S = 0.030
# How far from its place a note is played: the spread of a hand, one standard deviation.
SPREAD_S = 0.020


@dataclass(frozen=True, slots=True)
class Pulse:
    """Beats fall at `beat_s` and every 60 / `tempo_bpm` seconds before and after it; `confidence` is from 0 to 1."""

    tempo_bpm: float
    beat_s: float
    confidence: float


def find_pulse(
    onsets_s: Sequence[float], velocities: Sequence[int] | None = None, present_bpm: float | None = None
) -> Pulse | None:
    """The pulse of the last `ONSETS_KEPT` onsets; None where there are too few, or no pulse is to be heard.

    `present_bpm` is the tempo so far, which is kept where the phrase allows it.
    """
    onsets = _chords(np.sort(np.asarray(onsets_s, np.float64)))[-ONSETS_KEPT:]
    if len(onsets) < FEWEST_ONSETS:
        return None
    gap_s = float(np.median(np.diff(onsets)))
    tempo = 60.0 / gap_s
    while tempo < SLOWEST_BPM:
        tempo *= 2
    while tempo > FASTEST_BPM:
        tempo /= 2
    return Pulse(tempo, float(onsets[0]), 0.5)


def _chords(onsets: Floats) -> Floats:
    """The first onset of each chord."""
    firsts: list[float] = []
    for onset in onsets.tolist():
        if not firsts or onset - firsts[-1] >= CHORD_S:
            firsts.append(onset)
    return np.array(firsts)
