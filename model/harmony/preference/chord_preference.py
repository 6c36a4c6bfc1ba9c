"""`ChordPreference`: how likely each pitch is over a chord, as a factor of three learnt tables; knows no network and no vocabulary.

The logarithm of the factor is a sum. `by_place`: the note above the root, by the metrical place and the kind of the chord. `by_next`:
the same for the chord that comes next, while it is near. `by_interval`: whether a chord note follows a chord note, by the size
of the step and on or off the beat. `fours train --chords-only` fits them to music with chord tracks. How much each table counts may follow
the song: see `model.harmony.preference.song_strengths`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from model.harmony.changes import ChordSpan
from model.harmony.chord import CHORD_KINDS, OCTAVE, Chord

Weights = npt.NDArray[np.float64]
SongStrengths = tuple[float, float, float]
"""How much each of the three tables counts in a song: 1 for as much as in all songs."""
Indices = npt.NDArray[np.int64]

PLACES = 4
"""On the bar line, in the middle of the bar, on another beat, off the beat."""
STRONG_PLACES = (0, 1)
OFF_BEAT = 3
NEAR_BEATS = (0.5, 1.0)
"""The next chord counts where it comes within this many beats: very near, or near."""
INTERVAL_SIZES = (0, 2, 4, 7)
"""Intervals of up to this many semitones: the same note, a step, a third, a fifth; larger ones are leaps."""
TOLERANCE_BEATS = 0.05
MOST_LOGARITHM, MOST_STRENGTH, LEAST_SPREAD, MOST_END_WEIGHT = 100.0, 100.0, 1e-6, 1e6
"""No corpus comes near these: a note that is a thousand times as likely has a logarithm of 7, and strengths are near 1."""

BY_PLACE_SIZE = PLACES * len(CHORD_KINDS) * OCTAVE
# The first entry of these two tables is for the case that there is no next chord near, or no note before.
BY_NEXT_SIZE = 1 + len(NEAR_BEATS) * len(CHORD_KINDS) * OCTAVE
BY_INTERVAL_SIZE = 1 + 2 * 2 * (len(INTERVAL_SIZES) + 1) * 2

TONE_ROLES = ("root", "third", "fifth", "other chord note", "foreign note")
"""What a note can be in a chord, for the notes that phrases end on."""

_KIND_INDEX = {kind: index for index, kind in enumerate(CHORD_KINDS)}
# The index of the size of each interval: up to four octaves more than MIDI has, as notes may be transposed.
_SIZES = np.searchsorted(INTERVAL_SIZES, np.arange(128 + 4 * OCTAVE))
# As many combinations of chord, next chord and place are kept as a long form has.
MAX_KEPT = 256


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
    return PreferenceIndices(
        _place_entries(pitches, chord, place),
        _next_entries(pitches, span.next_chord, _nearness(span, beat)),
        _interval_entries(pitches, previous_pitch, place, chord_notes(chord)),
    )


def chord_notes(chord: Chord) -> Indices:
    """For each pitch class, from C up, 1 where it is in the chord and 0 where not; shape (12,)."""
    notes = np.zeros(OCTAVE, np.int64)
    notes[list(chord.pitch_classes)] = 1
    return notes


def _place_entries(pitches: Indices, chord: Chord, place: int) -> Indices:
    entries: Indices = (place * len(CHORD_KINDS) + _KIND_INDEX[chord.kind]) * OCTAVE + (pitches - chord.root) % OCTAVE
    return entries


def _nearness(span: ChordSpan, beat: float) -> int | None:
    """How near the next chord is: the index of the first of `NEAR_BEATS` that it is within; None where it is farther, or there is none."""
    left_beats = span.end_beats - beat
    if span.next_chord is None or left_beats > NEAR_BEATS[-1] + TOLERANCE_BEATS:
        return None
    return int(left_beats > NEAR_BEATS[0] + TOLERANCE_BEATS)


def _next_entries(pitches: Indices, upcoming: Chord | None, near: int | None) -> Indices:
    if upcoming is None or near is None:
        return np.zeros(len(pitches), np.int64)
    row = near * len(CHORD_KINDS) + _KIND_INDEX[upcoming.kind]
    entries: Indices = 1 + row * OCTAVE + (pitches - upcoming.root) % OCTAVE
    return entries


def _interval_entries(pitches: Indices, previous_pitch: int | None, place: int, notes: Indices) -> Indices:
    if previous_pitch is None:
        return np.zeros(len(pitches), np.int64)
    context = 2 * int(place == OFF_BEAT) + int(notes[previous_pitch % OCTAVE])
    sizes = _SIZES[np.abs(pitches - previous_pitch)]
    entries: Indices = 1 + (context * (len(INTERVAL_SIZES) + 1) + sizes) * 2 + notes[pitches % OCTAVE]
    return entries


@dataclass(frozen=True)
class ChordPreference:
    """The fitted tables, flat, as logarithms, and the strength that suits them. Raises ValueError where a table has another size, or a number is out of range.

    `strength` is that on a forecast of the network alone, and `strength_with_memory` that on a forecast of the memory alone, None for the same:
    what was played over this chord before already suits it. In between, the strength is too.
    `ends` says for each of `TONE_ROLES` how much likelier a phrase's last note has that role than any note has; empty where that is not known.
    `song_spread` is how much the strength of each table differs from song to song, as a standard deviation; 0 where it is the same for all.
    """

    by_place: tuple[float, ...]
    by_next: tuple[float, ...]
    by_interval: tuple[float, ...]
    strength: float = 1.0
    ends: tuple[float, ...] = ()
    strength_with_memory: float | None = None
    song_spread: float = 0.0

    def __post_init__(self) -> None:
        sizes = (len(self.by_place), len(self.by_next), len(self.by_interval))
        if sizes != (BY_PLACE_SIZE, BY_NEXT_SIZE, BY_INTERVAL_SIZE):
            raise ValueError(
                f"the tables of a chord preference have {BY_PLACE_SIZE}, {BY_NEXT_SIZE} and {BY_INTERVAL_SIZE} numbers"
            )
        strengths = (self.strength, self.strength if self.strength_with_memory is None else self.strength_with_memory)
        if not all(
            abs(number) <= MOST_LOGARITHM
            for table in (self.by_place, self.by_next, self.by_interval)
            for number in table
        ):
            raise ValueError(
                f"the tables of a chord preference have numbers from -{MOST_LOGARITHM:g} to {MOST_LOGARITHM:g}"
            )
        if not all(0.0 <= strength <= MOST_STRENGTH for strength in strengths):
            raise ValueError(f"the strength of a chord preference is from 0 to {MOST_STRENGTH:g}")
        if self.song_spread != 0.0 and not LEAST_SPREAD <= self.song_spread <= MOST_STRENGTH:
            raise ValueError(
                f"the spread of a chord preference between songs is 0, or from {LEAST_SPREAD:g} to {MOST_STRENGTH:g}"
            )
        if self.ends and (
            len(self.ends) != len(TONE_ROLES)
            or not all(1 / MOST_END_WEIGHT <= end <= MOST_END_WEIGHT for end in self.ends)
        ):
            raise ValueError(
                f"a chord preference has {len(TONE_ROLES)} weights of last notes from {1 / MOST_END_WEIGHT:g} to {MOST_END_WEIGHT:,.0f}, or none"
            )

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
        song: SongStrengths | None = None,
    ) -> Weights | None:
        """The logarithm of the factor of each pitch, shape (pitches,), at the fitted strength; None where there is no chord.

        `network_weight` is the part of the forecast that is the network's, and not the memory's. `song` is how much each table counts in
        this song, None for as much as in all songs.
        """
        found = self._entries(np.asarray(pitches, np.int64), span, beat, previous_pitch)
        if found is None:
            return None
        over, classes, by_interval = found
        if song is None:
            total: Weights = (over[0] + over[1])[classes] + by_interval
        else:
            of_place, of_next, of_interval = song
            total = (of_place * over[0] + of_next * over[1])[classes] + of_interval * by_interval
        return self.strength_at(network_weight) * total

    def by_table(
        self, pitches: Sequence[int] | Indices, span: ChordSpan, beat: float, previous_pitch: int | None
    ) -> Weights | None:
        """What each table gives each pitch at strength 1, as logarithms, shape (tables, pitches); None where there is no chord."""
        found = self._entries(np.asarray(pitches, np.int64), span, beat, previous_pitch)
        if found is None:
            return None
        over, classes, by_interval = found
        return np.array((over[0][classes], over[1][classes], by_interval))

    def end_weights(self, chord: Chord) -> Weights | None:
        """How much likelier each pitch class, from C up, is as a phrase's last note than as any; shape (12,). None where that is not known."""
        return np.array(self.ends)[tone_roles(chord)] if self.ends else None

    def _entries(
        self, pitches: Indices, span: ChordSpan, beat: float, previous_pitch: int | None
    ) -> tuple[tuple[Weights, Weights], Indices, Weights] | None:
        """What the place and the next chord give each pitch class, the classes of the pitches, and what the interval gives each pitch."""
        chord = span.chord
        if chord is None:
            return None
        place = metrical_place(span.position_beats, span.beats_per_bar)
        of_place, of_next, notes = self._over(chord, span.next_chord, _nearness(span, beat), place)
        by_interval = self._by_interval[_interval_entries(pitches, previous_pitch, place, notes)]
        return (of_place, of_next), pitches % OCTAVE, by_interval

    def _over(
        self, chord: Chord, upcoming: Chord | None, near: int | None, place: int
    ) -> tuple[Weights, Weights, Indices]:
        """What the place and the next chord give each pitch class, and which are in the chord, each of shape (12,). It is kept, as a form comes round."""
        key = (chord, None if near is None else upcoming, near, place)
        found = self._kept.get(key)
        if found is None:
            classes = np.arange(OCTAVE)
            of_place = np.array(self.by_place)[_place_entries(classes, chord, place)]
            of_next = np.array(self.by_next)[_next_entries(classes, upcoming, near)]
            found = of_place, of_next, chord_notes(chord)
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found

    @cached_property
    def _kept(self) -> dict[tuple[Chord, Chord | None, int | None, int], tuple[Weights, Weights, Indices]]:
        return {}

    @cached_property
    def _by_interval(self) -> Weights:
        return np.array(self.by_interval)
