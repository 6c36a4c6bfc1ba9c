import pytest

from model.analysis.scale import Key, parse_key
from model.harmony.melody_chord import chord_of_melody


def test_a_broken_chord_is_that_chord() -> None:
    assert str(chord_of_melody({5: 2.0, 9: 1.0, 0: 1.0, 7: 0.5})) == "F"
    assert str(chord_of_melody({2: 2.0, 5: 2.0, 9: 2.0})) == "Dm"


def test_silence_is_no_chord() -> None:
    assert chord_of_melody({}) is None
    assert chord_of_melody({0: 0.0}, parse_key("C major")) is None


@pytest.mark.parametrize(
    ("key", "symbol"), [("C major", "G7"), ("G major", "G"), ("E minor", "Em"), ("A dorian", "G7"), (None, "G")]
)
def test_the_key_decides_where_the_melody_leaves_it_open(key: str | None, symbol: str) -> None:
    assert str(chord_of_melody({7: 1.5, 11: 0.5, 5: 0.5}, None if key is None else parse_key(key))) == symbol


@pytest.mark.parametrize("steps", range(12))
def test_in_another_key_the_chords_move_along(steps: int) -> None:
    beats = {5: 2.0, 9: 1.0, 0: 1.0}
    moved = {pitch_class + steps: value for pitch_class, value in beats.items()}
    plain, other = chord_of_melody(beats, Key(0, "major")), chord_of_melody(moved, Key(steps, "major"))
    assert plain is not None
    assert other is not None
    assert ((plain.root + steps) % 12, plain.intervals) == (other.root, other.intervals)


def test_a_strong_melody_goes_before_the_key() -> None:
    assert str(chord_of_melody({9: 4.0, 1: 4.0, 4: 4.0}, parse_key("F major"))) == "A"
