from pathlib import Path

import pytest

from model.harmony.changes import ChartChanges
from model.harmony.chart import Chart
from model.harmony.chord_markers import changes_between, chart_of_markers, could_be_sections, marker_text
from model.harmony.chord_symbol import parse_chord
from model.harmony.forms import FORMS
from model.harmony.notations.text_chart import read_text_chart

REAL_SYMBOLS = (Path(__file__).parent / "real_symbols.txt").read_text(encoding="utf-8").split()


def markers_of(chart: Chart, beats_per_bar: float = 4.0) -> list[tuple[float, str]]:
    changes = ChartChanges(chart, 0.0, beats_per_bar)
    return [(beat, marker_text(chord)) for beat, chord in changes_between(changes, 0.0, changes.length_beats)]


def sounding(chart: Chart, beats_per_bar: float = 4.0) -> list[tuple[float, object]]:
    return list(ChartChanges(chart, 0.0, beats_per_bar).spans)


@pytest.mark.parametrize("symbol", REAL_SYMBOLS)
def test_every_real_symbol_is_written_in_ascii_and_means_the_same(symbol: str) -> None:
    chord = parse_chord(symbol)
    text = marker_text(chord)
    assert text.isascii()
    assert parse_chord(text) == chord


def test_signs_beyond_ascii_are_written_as_most_programs_read_them() -> None:
    written = [marker_text(parse_chord(symbol)) for symbol in ("FΔ", "FΔ9", "Bø", "Bø7/F", "C#°7", "N.C.")]
    assert written == ["Fmaj7", "Fmaj9", "Bm7b5", "Bm7b5/F", "C#dim7", "N.C."]


def test_a_marker_stands_at_each_change_and_the_first_at_the_start() -> None:
    changes = ChartChanges(read_text_chart("| F7 | % | Bb7 C7 | N.C. |"), downbeat=2.0)
    found = [(beat, marker_text(chord)) for beat, chord in changes_between(changes, 3.0, 22.0)]
    assert found == [(3.0, "F7"), (10.0, "Bb7"), (12.0, "C7"), (14.0, "N.C."), (18.0, "F7")]


@pytest.mark.parametrize("name", FORMS)
def test_the_markers_of_each_form_are_read_as_its_chart_again(name: str) -> None:
    chart = read_text_chart(FORMS[name])
    beats_per_bar = 3.0 if chart.meter == "3/4" else 4.0
    read = chart_of_markers(markers_of(chart, beats_per_bar), beats_per_bar, len(chart.bars) * beats_per_bar)
    assert read is not None
    assert len(read.bars) == len(chart.bars)
    assert sounding(read, beats_per_bar) == sounding(chart, beats_per_bar)


def test_other_markers_are_left_out_and_too_many_of_them_are_no_chart() -> None:
    chords = [(0.0, "Dm7"), (4.0, "G7")]
    read = chart_of_markers([*chords, (2.0, "temperature 0.7")], 4.0, 8.0)
    assert read is not None
    assert [str(chord) for chord in read.chords] == ["Dm7", "G7"]
    assert chart_of_markers([*chords, *((beat, "Verse 1") for beat in range(3))], 4.0, 8.0) is None
    assert chart_of_markers([(0.0, "Dm7")], 4.0, 8.0) is None


def test_a_marker_before_the_first_bar_or_beyond_the_longest_chart_counts_for_nothing() -> None:
    read = chart_of_markers([(-4.0, "A7"), (0.0, "Dm7"), (4.0, "G7"), (1e9, "C")], 4.0, 8.0)
    assert read is not None
    assert (len(read.bars), str(read.bars[0].chords[0])) == (1000, "Dm7")


def test_single_letters_may_name_sections() -> None:
    assert could_be_sections(read_text_chart("| A | B | A |"))
    assert not could_be_sections(read_text_chart("| A | E7 |"))
