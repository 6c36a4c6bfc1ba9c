from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import ChordError
from model.harmony.chord import Chord
from model.harmony.chord_symbol import LONGEST_SYMBOL, parse_chord

REAL_SYMBOLS = (Path(__file__).parent / "real_symbols.txt").read_text(encoding="utf-8").split()


def chord(text: str) -> Chord:
    parsed = parse_chord(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize("symbol", REAL_SYMBOLS)
def test_every_symbol_of_real_charts_is_read(symbol: str) -> None:
    parsed = parse_chord(symbol)
    assert parsed is None or 0 in parsed.intervals


@pytest.mark.parametrize(
    ("spellings", "intervals"),
    [
        ("C CM Cmaj Cma", (0, 4, 7)),
        ("Cm C- Cmin Cmi Cminor", (0, 3, 7)),
        ("Cmaj7 CM7 Cma7 CMA7 C^7 C^ CΔ CΔ7 Cj7 Cmajor7", (0, 4, 7, 11)),
        ("Cm7 C-7 Cmi7 Cmin7 CMI7 CMIN7", (0, 3, 7, 10)),
        ("Cm7b5 C-7b5 Cm7(b5) Cø Cø7 Ch7 Ch", (0, 3, 6, 10)),
        ("Cdim7 C°7 Co7", (0, 3, 6, 9)),
        ("C+7 C7+ Caug7 C7#5 C7+5", (0, 4, 8, 10)),
        ("Cm(maj7) CmM7 C-^7 C-Δ Cm/maj7 CminMaj7", (0, 3, 7, 11)),
        ("C7b9 C7(b9) C7-9 C7/b9", (0, 4, 7, 10, 13)),
        ("C7#9 C7+9 C7(#9)", (0, 4, 7, 10, 15)),
        ("C9 C7add9 C7/9", (0, 4, 7, 10, 14)),
        ("C-9 Cm9 Cmin9", (0, 3, 7, 10, 14)),
        ("C69 C6/9 C6add9", (0, 4, 7, 9, 14)),
        ("Cmaj9 C7M/9 CM7/9", (0, 4, 7, 11, 14)),
        ("C13 C7/13 C7/9/13", (0, 4, 7, 10, 14, 21)),
        ("C7sus C7sus4", (0, 5, 7, 10)),
        ("C7(b9,b13) C7b9b13 C7(b9)(b13)", (0, 4, 7, 10, 13, 20)),
        ("Cmadd9 Cm(add9) Cm2", (0, 3, 7, 14)),
    ],
)
def test_spellings_of_one_chord_have_the_same_notes(spellings: str, intervals: tuple[int, ...]) -> None:
    assert {chord(spelling).intervals for spelling in spellings.split()} == {intervals}


def test_a_slash_chord_has_its_bass_beside_its_notes() -> None:
    inverted = chord("Bb7/D")
    assert (inverted.root, inverted.bass) == (10, 2)
    assert chord("F/G").pitch_classes == {5, 9, 0, 7}
    assert str(chord("C#m7/G#")) == "C#m7/G#"


def test_accidentals_may_be_written_as_signs() -> None:
    assert chord("B♭maj7") == chord("Bbmaj7")
    assert chord("F♯m") == chord("F#m")


@pytest.mark.parametrize("symbol", ["N.C.", "NC", "n"])
def test_the_symbol_for_no_chord_is_read_as_none(symbol: str) -> None:
    assert parse_chord(symbol) is None


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("C6", "major"), ("C9", "dominant"), ("C7b5", "dominant"), ("Cm6", "minor"), ("Cø", "half-diminished"), ("C°7", "diminished"),
        ("C+", "augmented"), ("C7sus4", "suspended"), ("C5", "major"),
    ],
)  # fmt: skip
def test_a_chord_belongs_to_a_family(symbol: str, kind: str) -> None:
    assert chord(symbol).kind == kind


@pytest.mark.parametrize("symbol", ["H7", "", "%", "Cfoo", "C7b", "C" * (LONGEST_SYMBOL + 1), "Cm7/", "C/H"])
def test_a_symbol_that_nobody_knows_is_refused_by_name(symbol: str) -> None:
    with pytest.raises(ChordError, match="is no chord"):
        parse_chord(symbol)


def test_transposing_moves_root_and_bass_and_keeps_the_rest() -> None:
    assert str(chord("Am7b5/G").transposed(3, sharps=False)) == "Cm7b5/Bb"
    assert str(chord("Eb7").transposed(3, sharps=True)) == "F#7"


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ChordError):
        parse_chord(text)
