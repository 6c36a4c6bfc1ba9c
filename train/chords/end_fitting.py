"""Counts which notes of a chord phrases end on; knows no network and no card."""

from collections.abc import Iterable

import numpy as np

from model.files.seed import Seed
from model.harmony.preference.chord_preference import TONE_ROLES, tone_roles
from train.chords.chord_lines import ChordLine
from train.phrasing.phrases import melody_of

# With fewer ends than this, nothing is fitted.
FEWEST_ENDS = 32
# This many ends without any preference are added to the counts, so that a few ends change little.
PRIOR_ENDS = 4.0
DECIMALS = 3


def fit_chord_ends(lines: Iterable[ChordLine]) -> tuple[float, ...]:
    """For each of `TONE_ROLES`, how much likelier a phrase's last note has it than any note has; empty where too few phrases have chords."""
    every, last = np.zeros(len(TONE_ROLES)), np.zeros(len(TONE_ROLES))
    for line in lines:
        melody = melody_of(Seed(line.notes))
        for onset_beats, pitch, is_end in zip(melody.onsets, melody.pitches, melody.is_end, strict=True):
            span = line.changes.at(float(onset_beats))
            if span is not None and span.chord is not None:
                role = tone_roles(span.chord)[pitch % 12]
                every[role] += 1
                last[role] += bool(is_end)
    if last.sum() < FEWEST_ENDS:
        return ()
    usual = (every + 1.0) / (every + 1.0).sum()
    ends = last + PRIOR_ENDS * usual
    return tuple(round(float(weight), DECIMALS) for weight in ends / ends.sum() / usual)
