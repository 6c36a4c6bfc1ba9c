"""The bass: walking, root and fifth, or bossa, always on the root at a change; knows no other instrument."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from model.harmony.chord import FIFTH, OCTAVE, Chord
from server.controls.choices import Feel

LOWEST, HIGHEST, CENTRE = 28, 50, 38


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
    """A pitch, where it begins and how long it lasts."""

    pitch: int
    onset_beats: float
    duration_beats: float


def walk(places: Sequence[BassBeat], before: int | None, random: Random) -> list[BassNote]:
    """A note on each place: the root at a change, then chord notes, and before a change a note that leads to the next root."""
    notes: list[BassNote] = []
    last = before
    for place in places:
        if place.is_change:
            pitch = nearest(place.chord.bass, last if last is not None else CENTRE)
        elif place.next_root is not None:
            pitch = _approach(place.chord, place.next_root, last, random)
        else:
            pitch = _step(place.chord, last, random)
        notes.append(BassNote(pitch, place.onset_beats, place.duration_beats))
        last = pitch
    return notes


def root_and_fifth(places: Sequence[BassBeat], before: int | None, feel: Feel, random: Random) -> list[BassNote]:
    """The root at a change and on strong places, the fifth in between; a leading note now and then before a change."""
    notes: list[BassNote] = []
    last = before
    for index, place in enumerate(places):
        root = nearest(place.chord.bass, last if last is not None else CENTRE)
        if place.is_change or (index == 0 and feel != "waltz"):
            pitch = root
        elif place.next_root is not None and random.random() < 0.5:
            pitch = _approach(place.chord, place.next_root, last, random)
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
    return (chord.root + next((i for i in chord.intervals if i in {6, FIFTH, 8}), FIFTH)) % OCTAVE


def _approach(chord: Chord, next_root: int, last: int | None, random: Random) -> int:
    """A note that leads to the next root: a half tone from it, its fifth, or a chord note a whole tone from it."""
    target = nearest(next_root, last if last is not None else CENTRE)
    choices = [target - 1, target + 1, nearest(next_root + FIFTH, target)]
    choices += [pitch for pitch in (target - 2, target + 2) if chord.has(pitch)]
    usable = [pitch for pitch in choices if LOWEST <= pitch <= HIGHEST and pitch != last]
    return random.choice(usable or [target])


def _step(chord: Chord, last: int | None, random: Random) -> int:
    """Another note of the chord, not far from the last one."""
    tones = {(chord.root + i) % OCTAVE for i in chord.intervals if i < OCTAVE}
    centre = CENTRE if last is None else last
    near = [p for p in range(LOWEST, HIGHEST + 1) if p % OCTAVE in tones and p != last and abs(p - centre) <= FIFTH]
    return random.choice(sorted(near, key=lambda p: (abs(p - centre) + 0.3 * abs(p - CENTRE), p))[:3] or [centre])
