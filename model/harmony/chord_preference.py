"""`ChordPreference`: how likely each pitch is over a chord, as a factor of three learnt tables; knows no network and no vocabulary.

The logarithm of the factor is a sum. `by_place`: the note above the root, by the metrical place and the kind of the chord. `by_next`:
the same for the chord that comes next, while it is near. `by_interval`: whether a chord note follows a chord note, by the size
of the step and on or off the beat. `fours train --chords-only` fits them to music with chord tracks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from model.harmony.changes import ChordSpan
from model.harmony.chord import CHORD_KINDS, OCTAVE, Chord

Weights = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

PLACES = 4
"""On the bar line, in the middle of the bar, on another beat, off the beat."""
OFF_BEAT = 3
NEAR_BEATS = (0.5, 1.0)
"""The next chord counts where it comes within this many beats: very near, or near."""
INTERVAL_SIZES = (0, 2, 4, 7)
"""Intervals of up to this many semitones: the same note, a step, a third, a fifth; larger ones are leaps."""
TOLERANCE_BEATS = 0.05

BY_PLACE_SIZE = PLACES * len(CHORD_KINDS) * OCTAVE
# The first entry of these two tables is for the case that there is no next chord near, or no note before.
BY_NEXT_SIZE = 1 + len(NEAR_BEATS) * len(CHORD_KINDS) * OCTAVE
BY_INTERVAL_SIZE = 1 + 2 * 2 * (len(INTERVAL_SIZES) + 1) * 2

TONE_ROLES = ("root", "third", "fifth", "other chord note", "foreign note")
"""What a note can be in a chord, for the notes that phrases end on."""

_KIND_INDEX = {kind: index for index, kind in enumerate(CHORD_KINDS)}


def metrical_place(position_beats: float, beats_per_bar: float) -> int:
    """How strong a place within the bar is: 0 on the bar line, 1 in the middle of an even bar, 2 on another beat, 3 off the beat."""
    within = position_beats % beats_per_bar
    if min(within, beats_per_bar - within) < TOLERANCE_BEATS:
        return 0
    if abs(within - round(within)) >= TOLERANCE_BEATS:
        return OFF_BEAT
    return 1 if beats_per_bar in {4.0, 6.0} and abs(within - beats_per_bar / 2) < TOLERANCE_BEATS else 2


def tone_roles(chord: Chord) -> Indices:
    """For each pitch class, from C up, the index of its role in the chord; shape (12,)."""
    roles = np.full(OCTAVE, TONE_ROLES.index("foreign note"), np.int64)
    role_of = {0: 0, 3: 1, 4: 1, 6: 2, 7: 2, 8: 2}
    for pitch_class in chord.pitch_classes:
        roles[pitch_class] = role_of.get((pitch_class - chord.root) % OCTAVE, TONE_ROLES.index("other chord note"))
    return roles


@dataclass(frozen=True, slots=True)
class PreferenceIndices:
    """For each pitch, the entry of each table that applies to it; shapes (pitches,)."""

    by_place: Indices
    by_next: Indices
    by_interval: Indices


def preference_indices(
    pitches: Indices, span: ChordSpan, beat: float, previous_pitch: int | None
) -> PreferenceIndices | None:
    """The entries for pitches that begin at `beat` within a span; None where the span has no chord."""
    chord = span.chord
    if chord is None:
        return None
    place = metrical_place(span.position_beats, span.beats_per_bar)
    tones = np.zeros(OCTAVE, np.int64)
    tones[list(chord.pitch_classes)] = 1
    by_next = np.zeros(len(pitches), np.int64)
    left_beats = span.end_beats - beat
    upcoming = span.next_chord
    if upcoming is not None and left_beats <= NEAR_BEATS[-1] + TOLERANCE_BEATS:
        near = int(left_beats > NEAR_BEATS[0] + TOLERANCE_BEATS)
        row = near * len(CHORD_KINDS) + _KIND_INDEX[upcoming.kind]
        by_next = 1 + row * OCTAVE + (pitches - upcoming.root) % OCTAVE
    by_interval = np.zeros(len(pitches), np.int64)
    if previous_pitch is not None:
        sizes = np.searchsorted(INTERVAL_SIZES, np.abs(pitches - previous_pitch))
        context = 2 * int(place == OFF_BEAT) + int(tones[previous_pitch % OCTAVE])
        by_interval = 1 + (context * (len(INTERVAL_SIZES) + 1) + sizes) * 2 + tones[pitches % OCTAVE]
    row = place * len(CHORD_KINDS) + _KIND_INDEX[chord.kind]
    return PreferenceIndices(row * OCTAVE + (pitches - chord.root) % OCTAVE, by_next, by_interval)


@dataclass(frozen=True)
class ChordPreference:
    """The fitted tables, flat, as logarithms, and the strength that suits them. Raises ValueError where a table has another size.

    `strength` is that on a forecast of the network alone, and `strength_with_memory` that on a forecast of the memory alone, None for the same:
    what was played over this chord before already suits it. In between, the strength is too.
    `ends` says for each of `TONE_ROLES` how much likelier a phrase's last note has that role than any note has; empty where that is not known.
    """

    by_place: tuple[float, ...]
    by_next: tuple[float, ...]
    by_interval: tuple[float, ...]
    strength: float = 1.0
    ends: tuple[float, ...] = ()
    strength_with_memory: float | None = None

    def __post_init__(self) -> None:
        sizes = (len(self.by_place), len(self.by_next), len(self.by_interval))
        if sizes != (BY_PLACE_SIZE, BY_NEXT_SIZE, BY_INTERVAL_SIZE):
            raise ValueError(
                f"the tables of a chord preference have {BY_PLACE_SIZE}, {BY_NEXT_SIZE} and {BY_INTERVAL_SIZE} numbers"
            )
        strengths = (self.strength, self.strength if self.strength_with_memory is None else self.strength_with_memory)
        if not all(0.0 <= strength < float("inf") for strength in strengths):
            raise ValueError("the strength of a chord preference is 0 or more")
        if self.ends and (len(self.ends) != len(TONE_ROLES) or not all(0.0 < end < float("inf") for end in self.ends)):
            raise ValueError(f"a chord preference has {len(TONE_ROLES)} weights of last notes above 0, or none")

    def strength_at(self, network_weight: float) -> float:
        """The fitted strength on a forecast of which the network has this part, from 0 to 1, and the memory the rest."""
        if self.strength_with_memory is None:
            return self.strength
        return network_weight * self.strength + (1.0 - network_weight) * self.strength_with_memory

    def log_factor(
        self,
        pitches: Sequence[int] | Indices,
        span: ChordSpan,
        beat: float,
        previous_pitch: int | None,
        network_weight: float = 1.0,
    ) -> Weights | None:
        """The logarithm of the factor of each pitch, shape (pitches,), at the fitted strength; None where there is no chord.

        `network_weight` is the part of the forecast that is the network's, and not the memory's.
        """
        found = preference_indices(np.asarray(pitches, np.int64), span, beat, previous_pitch)
        if found is None:
            return None
        by_place, by_next, by_interval = self._tables
        total: Weights = by_place[found.by_place] + by_next[found.by_next] + by_interval[found.by_interval]
        return self.strength_at(network_weight) * total

    def end_weights(self, chord: Chord) -> Weights | None:
        """How much likelier each pitch class, from C up, is as a phrase's last note than as any; shape (12,). None where that is not known."""
        return np.array(self.ends)[tone_roles(chord)] if self.ends else None

    @cached_property
    def _tables(self) -> tuple[Weights, Weights, Weights]:
        return np.array(self.by_place), np.array(self.by_next), np.array(self.by_interval)
