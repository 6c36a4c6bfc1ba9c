"""Voices chords in three parts, each as near as it can be to the chord before; knows no rhythm and no channel."""

from collections.abc import Sequence
from itertools import combinations, product

from model.harmony.chord import FIFTH, MAJOR_THIRD, OCTAVE, Chord

LOWEST, HIGHEST, CENTRE = 52, 76, 63
MINOR_NINTH, NINTH, ELEVENTH = 13, 14, 17
# No part moves further than a fifth.
MAX_MOVE = 7
# How much a voicing costs for each semitone that its middle lies off the centre: less than a step of one part.
DRIFT_COST = 0.15

Voicing = tuple[int, ...]
"""Pitches, rising."""


def voice_chord(chord: Chord, before: Voicing = ()) -> Voicing:
    """The voicing of a chord with the least movement from the one before; near the centre where there is none before."""
    candidates = _candidates(three_notes(chord))
    if not before:
        return min(candidates, key=lambda voicing: (_drift(voicing), voicing))
    return min(candidates, key=lambda voicing: (_cost(voicing, before), voicing))


def three_notes(chord: Chord) -> tuple[int, ...]:
    """The pitch classes to play above a bass on the root: third, seventh and colour; of a triad all three."""
    intervals = chord.intervals
    third = next((i for i in intervals if i in {3, 4}), next((i for i in intervals if i in {2, 5}), None))
    fifth = next((i for i in intervals if i in {6, FIFTH, 8}), FIFTH)
    upper = next((i for i in intervals if i in {10, 11}), next((i for i in intervals if i == 9), None))
    if upper is None:
        chosen: list[int] = [0, third if third is not None else FIFTH, fifth]
    else:
        # A note above the octave is the colour that the symbol asks for; without one it is the fifth.
        colours = [i for i in intervals if i > OCTAVE]
        colour = next((i for i in colours if i in {13, 15, 18, 20}), colours[-1] if colours else fifth)
        chosen = [third if third is not None else FIFTH, upper, colour]
        if third == MAJOR_THIRD and colour == ELEVENTH:
            # An eleventh rubs against a major third, so players leave that out: the ninth, or the fifth, is in its place.
            chosen[0] = NINTH if NINTH in intervals else fifth
    added = [i for i in intervals if i > OCTAVE]
    if upper is None and added:
        chosen[0] = added[-1]
    classes = list(dict.fromkeys((chord.root + i) % OCTAVE for i in chosen))
    # A chord of fewer notes, such as a power chord, has its root doubled.
    while len(classes) < 3:
        classes.append(chord.root)
    return tuple(classes)


def _candidates(classes: Sequence[int]) -> list[Voicing]:
    octaves = [[pitch for pitch in range(LOWEST, HIGHEST + 1) if pitch % OCTAVE == one] for one in classes]
    voicings = {tuple(sorted(pitches)) for pitches in product(*octaves)}
    # Within a tenth, not two parts on one key, and no minor ninth, which sounds like a wrong note wherever it is not over the root.
    return [
        voicing
        for voicing in voicings
        if voicing[-1] - voicing[0] <= 16
        and len(set(voicing)) == len(voicing)
        and not any(high - low == MINOR_NINTH for low, high in combinations(voicing, 2))
    ]


def _cost(voicing: Voicing, before: Voicing) -> float:
    moves = [abs(pitch - other) for pitch, other in zip(voicing, before, strict=False)]
    too_far = sum(max(move - MAX_MOVE, 0) for move in moves)
    return sum(moves) + 10.0 * too_far + DRIFT_COST * _drift(voicing)


def _drift(voicing: Voicing) -> float:
    return abs(sum(voicing) / len(voicing) - CENTRE)
