from itertools import pairwise

import pytest

from model.harmony.chord_naming import is_cluster, name_chord
from model.harmony.chord_symbol import parse_chord

NAMED = ("C", "Cm", "C7", "Cm7", "Cmaj7", "Cdim", "Cm7b5", "Cdim7", "C+", "C9", "Cm6", "F#7", "Bbmaj7", "Eb", "Am7b5")


@pytest.mark.parametrize("symbol", NAMED)
def test_a_chord_in_root_position_is_named_as_its_symbol(symbol: str) -> None:
    chord = parse_chord(symbol)
    assert chord is not None
    named = name_chord([48 + chord.root + interval for interval in chord.intervals])
    assert named == chord


@pytest.mark.parametrize("symbol", ["C", "Cm", "C7", "Cmaj7", "G9"])
def test_an_inverted_chord_keeps_its_root_and_has_its_bass(symbol: str) -> None:
    chord = parse_chord(symbol)
    assert chord is not None
    pitches = sorted(48 + chord.root + interval for interval in chord.intervals)
    inverted = [*pitches[1:], pitches[0] + 24]
    named = name_chord(inverted)
    assert named is not None
    assert (named.root, named.bass, named.kind) == (chord.root, pitches[1] % 12, chord.kind)


def test_a_voicing_without_its_fifth_is_named() -> None:
    assert str(name_chord([53, 63, 69])) == "F7"


@pytest.mark.parametrize("pitches", [[], [60], [60, 72, 84], [60, 67], list(range(48, 60))])
def test_too_few_notes_and_twelve_at_once_are_no_chord(pitches: list[int]) -> None:
    assert name_chord(pitches) is None


def test_the_order_of_notes_does_not_matter() -> None:
    assert len({str(name_chord(pitches)) for pitches in ([60, 64, 67, 70], [70, 67, 64, 60], [64, 70, 60, 67])}) == 1
    assert all(a == b for a, b in pairwise([name_chord([60, 64, 67]), name_chord([67, 60, 64])]))


@pytest.mark.parametrize("count", range(8, 13))
def test_more_pitch_classes_than_a_chord_of_thirds_has_are_a_cluster(count: int) -> None:
    pitches = [48 + index * 7 % 12 for index in range(count)]
    assert name_chord(pitches) is None
    assert is_cluster(pitches)
    assert not is_cluster(pitches[:7])
