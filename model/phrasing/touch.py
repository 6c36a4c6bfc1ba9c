"""`Touch`: how loud, how long and how late notes are played, learnt from phrases of the player; knows no plan and no
clock.

A player who plays all notes with one velocity, to their ends, and exactly on the grid, has a touch that changes
nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log2
from statistics import fmean, pstdev

import numpy as np

from model.analysis.bars import Bars, Strength
from model.notes import CHORD_BEATS, Note, in_onset_order
from model.phrasing.bar_dynamics import BarDynamics
from model.phrasing.timing import Timing
from model.phrasing.touch_profile import (
    FEATURES,
    LONGEST_GAP_BEATS,
    SHORTEST_GAP_BEATS,
    Features,
    TouchProfile,
    loudness_features,
    loudness_of,
)

# Where this much rest is owed or more, a note may also be cut as short as notes of the pack's music are.
CUT_FROM_BEATS = 2.0
# Without a pack's number: this many notes of the player weigh as much as no difference between places.
DEFAULT_TRUST_NOTES = 4.0
# A place of the bar is as loud as the player plays it there, two thirds of the way for one note heard there.
SLOT_TRUST_NOTES = 0.5
SLOT_BEATS = 0.25
# Where the player played no note, a planned one departs this much as far from what is expected there as a note of theirs, chosen at random: whole, loudness would
# change from note to note more than theirs.
RESIDUAL_SHARE = 0.5
# A planned note is as long as one of this many notes of the player that are most like it.
ALIKE_NOTES = 4
# For so many gaps the notes that are most like it are kept; an answer in a steady rhythm has fewer.
GAPS_KEPT = 256
# How unlike it makes a note to stand at another strength of the bar, in octaves of its gap.
STRENGTH_DISTANCE = 0.25
# A note may sound a little into the next one, as players of legato do.
LONGEST_SHARE = 1.1
SHORTEST_SHARE = 0.05
# Where nearly all notes of the player are multiples of one of these long, as in a clip that was drawn or quantised, those of the answer are, too.
LENGTH_GRIDS_BEATS = (1 / 2, 1 / 3, 1 / 4, 1 / 6, 1 / 8, 1 / 12)
ON_GRID_BEATS, ON_GRID_SHARE, LEAST_ON_GRID_NOTES = 0.01, 0.95, 8
LOWEST_VELOCITY, HIGHEST_VELOCITY = 1, 127
# How loud to play where nothing was heard.
DEFAULT_VELOCITY = 80
# More notes than this of a phrase add nothing, and would take longer to learn from.
NOTES_LEARNT = 96


@dataclass(frozen=True, slots=True)
class HeardPhrase:
    """Notes of the player, and the bars that they were played in; None where they fit no bars."""

    notes: Sequence[Note]
    bars: Bars | None


@dataclass(slots=True)  # not frozen, as one is made for every note; none is ever changed
class NotePlace:
    """The place of a note, as far as its touch depends on it.

    `bars` is None where no bars are known. `progress` is its place in the phrase, from 0 to 1. `previous_onset_beats`
    is None for the first note.
    """

    onset_beats: float
    gap_beats: float
    pitch: int
    progress: float
    bars: Bars | None
    previous_onset_beats: float | None = None

    @property
    def strength(self) -> Strength:
        return Strength.BETWEEN if self.bars is None else self.bars.strength(self.onset_beats)

    @property
    def slot(self) -> int | None:
        """The quarter beat of its bar: a weak sixteenth is not as loud as the beat beside it."""
        return None if self.bars is None else round(self.bars.place(self.onset_beats) / SLOT_BEATS)


@dataclass(slots=True, unsafe_hash=True)  # not frozen, as a place is not
class NoteTouch:
    """How one note is played: its velocity, the share of its gap that it sounds, and how much later than planned it
    begins.
    """

    velocity: int
    share: float = 1.0
    late_beats: float = 0.0


@dataclass(frozen=True, slots=True)
class Touch:
    """The touch of a player; `learn_touch` makes one.

    `mean_velocity` is that of the latest phrase. `loudness` and `slots` are velocities to add, by feature and by quarter
    beat of the bar; `residuals` are what they leave unexplained, rising. `dynamics` holds the bars of the latest phrase, whose
    loudness comes back in turn; where a bar has no note at a place, `loudness`, `slots` and `residuals` serve. `shares` holds a gap (as an octave of beats),
    a strength and the share that sounded, for each note of the player; where there is none, `profile` has lengths. `length_grid_beats` is what
    the lengths of the player's notes are multiples of; None where they are as long as they happened to be.
    `rest_share` is how much of the latest phrase nothing sounded, from 0 to 1; None where that is not known.
    """

    mean_velocity: float
    mean_pitch: float
    loudness: Features
    slots: dict[int, float]
    residuals: tuple[float, ...]
    shares: tuple[tuple[float, Strength, float], ...]
    timing: Timing
    profile: TouchProfile | None
    rest_share: float | None = None
    dynamics: BarDynamics = field(default_factory=BarDynamics)
    length_grid_beats: float | None = None
    _alike: tuple[dict[float, Sequence[float]], ...] = field(
        default_factory=lambda: tuple({} for _ in Strength), init=False, repr=False, compare=False
    )  # by strength, and then by gap

    def feel(self, place: NotePlace, chance: float, owed_rest_beats: float | None = None) -> NoteTouch:
        """How a planned note is played; `chance`, in [0, 1), selects among what the player does at such places.

        With `owed_rest_beats` its length is instead the one, of what the player does, that leaves the rest after it nearest to that.
        """
        bars, gap_beats = place.bars, place.gap_beats
        strength, into_bar, heard = Strength.BETWEEN, 0.0, None
        if bars is not None:
            into_bar = bars.place(place.onset_beats)
            strength = bars.strength_of(into_bar)
            heard = self.dynamics.above_mean(bars, place.onset_beats, into_bar, place.pitch)
        velocity = self.mean_velocity
        if heard is not None:
            velocity += heard
        elif self.residuals:
            octaves_up = (place.pitch - self.mean_pitch) / 12
            velocity += loudness_of(self.loudness, strength, place.progress, octaves_up, gap_beats)
            velocity += self.slots.get(round(into_bar / SLOT_BEATS), 0.0) if bars is not None else 0.0
            velocity += RESIDUAL_SHARE * self.residuals[int(chance * len(self.residuals))]
        late_beats = 0.0
        if bars is not None and self.timing.parts:
            late_beats = self.timing.late_beats(
                place.onset_beats, place.previous_onset_beats, bars, (chance * 104729) % 1.0
            )
        rounded = round(velocity)
        if not LOWEST_VELOCITY <= rounded <= HIGHEST_VELOCITY:
            rounded = LOWEST_VELOCITY if rounded < LOWEST_VELOCITY else HIGHEST_VELOCITY
        of_length = (chance * 7919) % 1.0
        if not self.shares:
            share = self.profile.share_of_gap(gap_beats, of_length) if self.profile else 1.0
            return NoteTouch(rounded, share, late_beats)
        shares = self._alike[strength].get(gap_beats) or self._shares_alike(gap_beats, strength)
        if owed_rest_beats is None:
            return NoteTouch(rounded, shares[int(of_length * len(shares))], late_beats)
        return NoteTouch(rounded, self._share_for_rest(shares, gap_beats, owed_rest_beats), late_beats)

    def _share_for_rest(self, shares: Sequence[float], gap_beats: float, owed_rest_beats: float) -> float:
        """Of these shares the one that leaves the rest that is owed."""
        if owed_rest_beats >= CUT_FROM_BEATS and self.profile is not None:
            of_profile = (self.on_length_grid(share, gap_beats) for share in self.profile.shares_of_gap(gap_beats))
            shares = [*shares, *of_profile]
        return min(shares, key=lambda share: abs(gap_beats * (1.0 - share) - owed_rest_beats))

    def on_length_grid(self, share: float, gap_beats: float) -> float:
        """The share of its gap that a note sounds, once its length is on the grid of the player's lengths, or as long as the gap."""
        grid_beats = self.length_grid_beats
        if grid_beats is None or share * gap_beats < grid_beats / 2:
            return share
        on_grid = max(round(share * gap_beats / grid_beats), 1) * grid_beats / gap_beats
        return min((on_grid, 1.0), key=lambda each: abs(each - share))

    def _shares_alike(self, gap_beats: float, strength: Strength) -> Sequence[float]:
        """The shares of the player's notes that are most like one with this gap, the nearest first.

        Kept, as an answer has few different gaps, and sorting all notes of the player takes a quarter of a network's step.
        """
        octave = _octave(gap_beats)
        alike = sorted(
            self.shares, key=lambda heard: abs(heard[0] - octave) + STRENGTH_DISTANCE * abs(heard[1] - strength)
        )[:ALIKE_NOTES]
        shares = tuple(self.on_length_grid(heard[2], gap_beats) for heard in alike)
        if len(self._alike[strength]) < GAPS_KEPT:
            self._alike[strength][gap_beats] = shares
        return shares


def plain_touch(velocity: float) -> Touch:
    """A touch that changes nothing: every note with one velocity, to its end, and on its place."""
    return Touch(velocity, 0.0, (0.0,) * len(FEATURES), {}, (), (), Timing(), None)


def learn_touch(phrases: Sequence[HeardPhrase], profile: TouchProfile | None, *, from_player: bool = True) -> Touch:
    """The touch of the player, from their latest phrases, the last one last; where they say little, that of the pack's
    profile.

    Without `from_player` only the mean velocity is theirs, and the rest the profile's. Where the player has no
    dynamics, the answer has none.
    """
    heard = [phrase for phrase in phrases if phrase.notes]
    velocities = [note.velocity for note in heard[-1].notes] if heard else []
    mean_velocity = fmean(velocities) if velocities else float(DEFAULT_VELOCITY)
    if not heard:
        return plain_touch(mean_velocity) if profile is None else _touch_of_profile(profile, mean_velocity, 60.0, 0.0)
    pitch = fmean(note.pitch for note in heard[-1].notes)
    spread = pstdev(velocities)
    if not from_player:
        return (
            plain_touch(mean_velocity) if profile is None else _touch_of_profile(profile, mean_velocity, pitch, spread)
        )
    examples = [example for phrase in heard for example in _examples(phrase)]
    loudness, slots, residuals = _learn_loudness(examples, spread, profile)
    shares = tuple(
        (
            _octave(place.gap_beats),
            place.strength,
            min(max(note.duration_beats / place.gap_beats, SHORTEST_SHARE), LONGEST_SHARE),
        )
        for note, place, _, is_complete in examples
        if is_complete
    )
    timing = Timing.learnt([(sorted({note.onset_beats for note in phrase.notes}), phrase.bars) for phrase in heard])
    latest = heard[-1]
    dynamics = BarDynamics.of(latest.notes, latest.bars, mean_velocity) if spread else BarDynamics()
    rest_share, length_grid_beats = rest_share_of(latest), _length_grid_beats(heard)
    return Touch(
        mean_velocity,
        pitch,
        loudness,
        slots,
        residuals,
        shares,
        timing,
        profile,
        rest_share,
        dynamics,
        length_grid_beats,
    )


def _length_grid_beats(phrases: Sequence[HeardPhrase]) -> float | None:
    """The coarsest grid that nearly all lengths of notes are on; None where there is none, or too few notes were heard."""
    lengths = np.array(
        [note.duration_beats for phrase in phrases for note in phrase.notes if note.duration_beats > 0.0]
    )
    if len(lengths) < LEAST_ON_GRID_NOTES:
        return None
    for grid_beats in LENGTH_GRIDS_BEATS:
        lines = np.maximum(np.round(lengths / grid_beats), 1.0) * grid_beats
        if (np.abs(lengths - lines) <= ON_GRID_BEATS).mean() >= ON_GRID_SHARE:
            return grid_beats
    return None


def rest_share_of(phrase: HeardPhrase) -> float | None:
    """How much of a phrase nothing sounds, from 0 to 1, from its first bar line, or its first onset without bars, to its last end.

    None where a note is still held.
    """
    ordered = in_onset_order(phrase.notes)
    if not ordered or any(note.duration_beats <= 0.0 for note in ordered):
        return None
    onset_beats = ordered[0].onset_beats
    start_beats = onset_beats if phrase.bars is None else min(phrase.bars.line_at_or_before(onset_beats), onset_beats)
    rests, end_beats = 0.0, start_beats
    for note in ordered:
        rests += max(note.onset_beats - end_beats, 0.0)
        end_beats = max(end_beats, note.end_beats)
    return rests / (end_beats - start_beats)


def _touch_of_profile(profile: TouchProfile, velocity: float, pitch: float, spread: float) -> Touch:
    loudness = tuple(spread * value for value in profile.loudness or (0.0,) * len(FEATURES))
    return Touch(velocity, pitch, loudness, {}, (0.0,) if spread else (), (), Timing(), profile)


_Example = tuple[Note, NotePlace, float, bool]
"""A note, its place, its phrase's mean velocity, and whether its gap and its length are known."""


def _examples(phrase: HeardPhrase) -> Iterator[_Example]:
    notes = in_onset_order(phrase.notes)[-NOTES_LEARNT:]
    velocity = fmean(note.velocity for note in notes)
    first, length = notes[0].onset_beats, max(notes[-1].onset_beats - notes[0].onset_beats, CHORD_BEATS)
    onsets = [note.onset_beats for note in notes]
    following: list[float | None] = [None] * len(notes)
    for index in range(len(notes) - 2, -1, -1):
        is_chord = onsets[index + 1] - onsets[index] < CHORD_BEATS
        following[index] = following[index + 1] if is_chord else onsets[index + 1]
    for note, next_onset in zip(notes, following, strict=True):
        gap = note.duration_beats if next_onset is None else next_onset - note.onset_beats
        is_complete = next_onset is not None and note.duration_beats > 0.0 and gap <= LONGEST_GAP_BEATS
        place = NotePlace(
            note.onset_beats, max(gap, SHORTEST_GAP_BEATS), note.pitch, (note.onset_beats - first) / length, phrase.bars
        )
        yield note, place, velocity, is_complete


def _learn_loudness(
    examples: Sequence[_Example], spread: float, profile: TouchProfile | None
) -> tuple[Features, dict[int, float], tuple[float, ...]]:
    """Coefficients, additions by slot, and residuals; nothing at all for a player without dynamics.

    Ridge regression towards the corpus's coefficients, then the mean of what is left at each half beat of the bar.
    """
    nothing = (0.0,) * len(FEATURES)
    if spread == 0.0:
        return nothing, {}, ()
    mean_pitch = fmean(place.pitch for _, place, _, _ in examples)
    x = np.array(
        [
            loudness_features(place.strength, place.progress, (place.pitch - mean_pitch) / 12, place.gap_beats)
            for _, place, _, _ in examples
        ]
    )
    y = np.array([note.velocity - velocity for note, _, velocity, _ in examples])
    prior = spread * np.array(profile.loudness if profile is not None and profile.loudness else nothing)
    trust = profile.trust_notes if profile is not None else DEFAULT_TRUST_NOTES
    # A constant beside the features, so that they only tell differences; it is dropped, as the mean is that of the
    # phrase.
    middle = x.mean(axis=0)
    x = x - middle
    coefficients = prior + np.linalg.solve(x.T @ x + trust * np.eye(len(prior)), x.T @ (y - x @ prior))
    left = y - x @ coefficients
    by_slot: dict[int, list[float]] = {}
    for (_, place, _, _), value in zip(examples, left.tolist(), strict=True):
        if place.slot is not None:
            by_slot.setdefault(place.slot, []).append(value)
    slots = {slot: sum(values) / (len(values) + SLOT_TRUST_NOTES) for slot, values in by_slot.items()}
    constant = -float(middle @ coefficients)
    residuals = sorted(
        value - slots.get(-1 if place.slot is None else place.slot, 0.0) + constant
        for (_, place, _, _), value in zip(examples, left.tolist(), strict=True)
    )
    return tuple(coefficients.tolist()), slots, tuple(residuals)


def _octave(gap_beats: float) -> float:
    return log2(min(max(gap_beats, SHORTEST_GAP_BEATS), LONGEST_GAP_BEATS))
