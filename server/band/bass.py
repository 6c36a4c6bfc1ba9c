"""The bass: walking, root and fifth, or bossa, always on the root at a change; knows no other instrument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from model.harmony.chord import FIFTH, OCTAVE, SEVENTH, Chord, ChordKind
from server.controls.choices import Feel

LOWEST, HIGHEST, CENTRE = 28, 50, 38
# How often a walking bass steps to a note between the chord's notes, where neither a strong beat nor a change asks for another one.
PASSING_SHARE = 0.6
# A note that leads to the next root is foreign to the present chord: held longer than this, it is a wrong note.
LONGEST_APPROACH_BEATS = 1.0
# In these feels a half tone from outside the chord's scale, as jazz has it before a change, sounds like a wrong note.
PLAIN_FEELS = frozenset({"rock", "waltz"})
# The scale that a walking bass takes its steps from.
SCALES: Mapping[ChordKind, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "dominant": (0, 2, 4, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 9, 10),
    "half-diminished": (0, 1, 3, 5, 6, 8, 10),
    "diminished": (0, 2, 3, 5, 6, 8, 9, 11),
    "augmented": (0, 2, 4, 6, 8, 10),
    "suspended": (0, 2, 4, 5, 7, 9, 10),
}


@dataclass(frozen=True, slots=True)
class BassBeat:
    """A place in the bar where the bass may play.

    `is_change` is true where the chord begins here; `next_root` is the root of the chord that begins at the next place, None where
    the chord goes on.
    """

    onset_beats: float
    duration_beats: float
    chord: Chord
    is_change: bool
    next_root: int | None


@dataclass(frozen=True, slots=True)
class BassNote:
    """A pitch, where it begins and how long it lasts; of a passing note also the pitch before, as the line goes on from that, and not back."""

    pitch: int
    onset_beats: float
    duration_beats: float
    passed_from: int | None = None


def walk(places: Sequence[BassBeat], before: BassNote | None, random: Random) -> list[BassNote]:
    """A note on each place: the root at a change, then chord notes and steps between them, and before a change a note that leads to the next root."""
    notes: list[BassNote] = []
    for index, place in enumerate(places):
        last = None if before is None else before.pitch
        passing: int | None = None
        if place.is_change:
            pitch = nearest(place.chord.bass, last if last is not None else CENTRE)
        elif place.next_root is not None:
            pitch = _approach(place.chord, place.next_root, last, random)
        else:
            is_weak = index % 2 == 1 and random.random() < PASSING_SHARE
            passing = _passing(place.chord, last, random) if is_weak else None
            pitch = passing or _step(place.chord, before, random)
        before = BassNote(pitch, place.onset_beats, place.duration_beats, None if passing is None else last)
        notes.append(before)
    return notes


def root_and_fifth(places: Sequence[BassBeat], before: int | None, feel: Feel, random: Random) -> list[BassNote]:
    """The root at a change and on strong places, the fifth in between; a short leading note now and then before a change.

    Rock stays on the root until the last place of a chord.
    """
    notes: list[BassNote] = []
    last = before
    for index, place in enumerate(places):
        root = nearest(place.chord.bass, last if last is not None else CENTRE)
        stays = feel == "rock" and place.next_root is None and index + 1 < len(places)
        is_short = place.duration_beats <= LONGEST_APPROACH_BEATS
        if place.is_change or stays or (index == 0 and feel != "waltz"):
            pitch = root
        elif place.next_root is not None and is_short and random.random() < 0.5:
            pitch = _approach(place.chord, place.next_root, last, random, is_plain=feel in PLAIN_FEELS)
        else:
            fifth = _fifth(place.chord)
            pitch = (
                nearest(fifth, last if last is not None else root) if last is None or last % OCTAVE != fifth else root
            )
        notes.append(BassNote(pitch, place.onset_beats, place.duration_beats))
        last = pitch
    return notes


def nearest(pitch_class: int, pitch: int) -> int:
    """The note of this name nearest to a pitch, within the range of a bass."""
    return min(
        (one for one in range(LOWEST, HIGHEST + 1) if one % OCTAVE == pitch_class % OCTAVE),
        # At equal distance the one nearer to the middle, so that a line does not end up at an edge.
        key=lambda one: (abs(one - pitch) + 0.2 * abs(one - CENTRE), one),
    )


def _fifth(chord: Chord) -> int:
    """The pitch class of its fifth: of an altered chord, whose fifth is left out, the lowered thirteenth."""
    return (chord.root + next((i for i in chord.intervals if i % OCTAVE in {6, FIFTH, 8}), FIFTH)) % OCTAVE


def _approach(chord: Chord, next_root: int, last: int | None, random: Random, *, is_plain: bool = False) -> int:
    """A note that leads to the next root: a half tone from it, its fifth, or a chord note a whole tone from it.

    Where `is_plain`, it is a note of the chord's scale.
    """
    target = nearest(next_root, last if last is not None else CENTRE)
    choices = [target - 1, target + 1, nearest(next_root + FIFTH, target)]
    choices += [pitch for pitch in (target - 2, target + 2) if is_plain or chord.has(pitch)]
    if is_plain:
        scale = _scale(chord)
        choices = [pitch for pitch in choices if pitch % OCTAVE in scale]
    reach = (
        range(max(LOWEST, last - OCTAVE), min(HIGHEST, last + OCTAVE) + 1)
        if last is not None
        else range(LOWEST, HIGHEST + 1)
    )
    usable = [pitch for pitch in choices if pitch in reach and pitch != last]
    return random.choice(usable or [target])


def _scale(chord: Chord) -> set[int]:
    """The pitch classes of its scale, and of all its notes.

    What the symbol says replaces the scale: no plain ninth below a raised one or above a lowered one, no seventh beside a major one.
    """
    said = {i % OCTAVE for i in chord.intervals if i > SEVENTH}
    steps = [step for step in SCALES[chord.kind] if not said & {(step - 1) % OCTAVE, (step + 1) % OCTAVE}]
    return {(chord.root + step) % OCTAVE for step in steps} | chord.pitch_classes


def _passing(chord: Chord, last: int | None, random: Random) -> int | None:
    """A note of the chord's scale, a step from the last one, that is no note of the chord; None where there is none.

    At the edge of the range there is none that would lead on to no chord note.
    """
    if last is None:
        return None
    scale = _scale(chord)
    steps = []
    for pitch in (last - 2, last - 1, last + 1, last + 2):
        beyond = range(pitch + 1, HIGHEST + 1) if pitch > last else range(LOWEST, pitch)
        if pitch % OCTAVE in scale and not chord.has(pitch) and any(map(chord.has, beyond)):
            steps.append(pitch)
    return random.choice(steps) if steps else None


def _step(chord: Chord, before: BassNote | None, random: Random) -> int:
    """Another note of the chord, not far from the last one; after a passing note the one that it leads to."""
    last, passed_from = (None, None) if before is None else (before.pitch, before.passed_from)
    tones = {(chord.root + i) % OCTAVE for i in chord.intervals if i < OCTAVE}
    centre = CENTRE if last is None else last
    reach = range(max(LOWEST, centre - FIFTH), min(HIGHEST, centre + FIFTH) + 1)
    near = [pitch for pitch in reach if pitch % OCTAVE in tones and pitch not in {last, passed_from}]
    near.sort(key=lambda pitch: (abs(pitch - centre) + 0.3 * abs(pitch - CENTRE), pitch))
    if last is not None and passed_from is not None:
        onward = [pitch for pitch in near if (pitch > last) == (last > passed_from)]
        if onward:
            return min(onward, key=lambda pitch: abs(pitch - last))
    return random.choice(near[:3] or [centre])
