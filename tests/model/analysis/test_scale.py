from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.analysis.scale import KEY_CHOICES, KEYS, MODES, Key, Mode, parse_key, parse_key_choice

C_MAJOR = {0, 2, 4, 5, 7, 9, 11}
keys = st.sampled_from(KEYS)


@pytest.mark.parametrize(
    ("tonic", "mode"), [(0, "major"), (2, "dorian"), (4, "phrygian"), (5, "lydian"), (7, "mixolydian"), (11, "locrian")]
)
def test_the_modes_are_the_white_keys_from_each_of_their_tonics(tonic: int, mode: Mode) -> None:
    assert Key(tonic, mode).pitch_classes == C_MAJOR
    assert Key(tonic, mode).signature == 0


def test_minor_has_both_its_sevenths() -> None:
    assert Key(9, "minor").pitch_classes == C_MAJOR | {8}
    assert Key(9, "minor").signature == 0


@given(keys, st.integers(0, 11))
def test_a_transposed_key_has_the_transposed_notes(key: Key, semitones: int) -> None:
    moved = Key((key.tonic + semitones) % 12, key.mode)
    assert moved.pitch_classes == {(pitch_class + semitones) % 12 for pitch_class in key.pitch_classes}


@pytest.mark.parametrize(
    ("tonic", "mode", "name"),
    [
        (1, "major", "Db major"),
        (1, "minor", "C# minor"),
        (3, "minor", "Eb minor"),
        (6, "major", "F# major"),
        (8, "minor", "G# minor"),
        (8, "major", "Ab major"),
        (10, "lydian", "Bb lydian"),
        (6, "phrygian", "F# phrygian"),
    ],
)
def test_a_key_is_named_as_musicians_write_it(tonic: int, mode: Mode, name: str) -> None:
    assert str(Key(tonic, mode)) == name


def test_there_are_84_keys_besides_off_and_auto() -> None:
    assert len(set(KEY_CHOICES)) == len(KEY_CHOICES) == 87
    assert KEY_CHOICES[:4] == ("off", "auto", "live", "C major")
    assert set(map(str, KEYS)) == set(KEY_CHOICES[3:])
    assert set(KEYS) == {Key(tonic, mode) for tonic, mode in product(range(12), MODES)}


@given(keys)
def test_every_key_name_is_parsed_as_that_key(key: Key) -> None:
    assert parse_key(str(key)) == key
    assert parse_key(str(key).upper()) == parse_key(str(key).lower()) == key


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Am", "A minor"),
        ("A", "A major"),
        ("A minor", "A minor"),
        ("Amin", "A minor"),
        ("A-", "A minor"),
        ("AM", "A major"),
        ("a-dorian", "A dorian"),
        ("D_dorian", "D dorian"),
        ("d dor", "D dorian"),
        ("Bb", "Bb major"),
        ("bb", "Bb major"),
        ("bbm", "Bb minor"),
        ("b", "B major"),
        ("B♭ mixolydian", "Bb mixolydian"),
        ("A#", "Bb major"),
        ("F♯m", "F# minor"),
        ("Gb", "F# major"),
        ("Cb", "B major"),
        ("E#", "F major"),
        ("D#m", "Eb minor"),
        ("C maj", "C major"),
        ("C ionian", "C major"),
        ("  g   lydian ", "G lydian"),
    ],
)
def test_common_spellings_of_a_key_are_parsed(text: str, name: str) -> None:
    assert str(parse_key(text)) == name


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("A mino", "did you mean A minor?"),
        ("C# dorain", "did you mean C# dorian?"),
        ("A aeolian", "did you mean A minor?"),
        ("auot", "did you mean auto?"),
        ("H", "a key is off, auto, live, or a tonic and major, minor, dorian, phrygian, lydian, mixolydian or locrian"),
        ("", "a key is off, auto, live, or a tonic and major"),
        ("blues", "a key is off, auto, live, or a tonic and major"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_name(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=f"there is no key '{text}'; ") as caught:
        parse_key_choice(text)
    assert hint in str(caught.value)


@given(st.text(max_size=12))
def test_any_text_is_a_key_or_an_error_message(text: str) -> None:
    try:
        choice = parse_key_choice(text)
    except ValueError as error:
        choice = str(error)
    assert choice in KEY_CHOICES or choice.startswith("there is no key ")


@pytest.mark.parametrize(("text", "choice"), [("off", "off"), ("AUTO", "auto"), (" Off ", "off"), ("am", "A minor")])
def test_a_choice_is_off_auto_or_a_key_by_its_name(text: str, choice: str) -> None:
    assert parse_key_choice(text) == choice
