import os
import sys
from io import BytesIO
from pathlib import Path

import pytest
from mido import MetaMessage, MidiFile, MidiTrack

from model.analysis.scale import TONICS
from model.errors import ChartError, UnreadableError
from model.files.charts.chart_source import chart_of, names_file, read_chart
from model.files.midi.midi_writer import as_midi
from model.files.song import Marker, Track
from model.harmony.forms import FORMS
from model.notes import Note

MUSICXML = b"""<?xml version="1.0"?>
<score-partwise><work><work-title>Tune</work-title></work><part-list/><part id="P1">
<measure number="1"><attributes><divisions>2</divisions><key><fifths>-1</fifths></key><time><beats>4</beats><beat-type>4</beat-type></time></attributes>
<barline location="left"><repeat direction="forward"/></barline>
<harmony><root><root-step>F</root-step></root><kind>dominant</kind></harmony><note><rest/><duration>4</duration></note>
<harmony><root><root-step>B</root-step><root-alter>-1</root-alter></root><kind>minor-seventh</kind><degree><degree-value>5</degree-value><degree-alter>-1</degree-alter><degree-type>alter</degree-type></degree><bass><bass-step>A</bass-step></bass></harmony>
<note><rest/><duration>4</duration></note></measure>
<measure number="2"><barline location="left"><ending number="1" type="start"/></barline><note><rest/><duration>8</duration></note>
<barline location="right"><repeat direction="backward"/></barline></measure>
<measure number="3"><barline location="left"><ending number="2" type="start"/></barline>
<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony><note><rest/><duration>8</duration></note></measure>
</part></score-partwise>"""


def names(text: str) -> str:
    chart = read_chart(text)
    assert chart is not None
    return " | ".join(" ".join(map(str, bar.chords)) for bar in chart.bars)


@pytest.mark.parametrize("text", ["blues", "Blues", " BLUES ", "jazz_blues", "jazz-blues", "12-bar blues"])
def test_a_form_is_named(text: str) -> None:
    assert names(text).startswith("F7 | Bb7 | F7")


def test_a_key_may_follow_whatever_names_a_chart(tmp_path: Path) -> None:
    assert names("blues in Bb").startswith("Bb7 | Eb7")
    assert names("minor blues in A minor").startswith("Am7 | Dm7")
    assert names("| C | Am | in D") == "D | Bm"
    (tmp_path / "tune.txt").write_text("Title: Tune\n| F | C7 |")
    assert names(f"{tmp_path / 'tune.txt'} in G") == "G | D7"
    chart = read_chart("blues in Bb")
    assert chart is not None
    assert chart.title == "Blues in Bb"


@pytest.mark.parametrize(
    "text", ["blues in Bb", "blues in bb", "blues in B flat", "blues in a sharp", "12 bar blues in B-flat major"]
)
def test_a_key_is_written_in_any_usual_way(text: str) -> None:
    assert names(text).startswith("Bb7 | Eb7")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("ii-V-I in Eb", "ii-V-I in Eb"),
        ("rhythm changes in C", "Rhythm changes, A section, in C"),
        ("ii-V-I in all keys in F", "ii-V-I in all keys, from F"),
        ("I-vi-ii-V in G", "I-vi-ii-V in G"),
    ],
)
def test_a_form_has_its_key_in_its_title(text: str, title: str) -> None:
    chart = read_chart(text)
    assert chart is not None
    assert chart.title == title


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("tonic", TONICS)
def test_every_form_is_there_in_every_key(name: str, tonic: str) -> None:
    form, moved = read_chart(name), read_chart(f"{name} in {tonic}")
    assert form is not None
    assert moved is not None
    assert (moved.tonic, moved.remarks) == (TONICS.index(tonic), ())
    steps = [[chord and chord.root - chart.tonic for chord in chart.chords] for chart in (form, moved)]
    assert [step and step % 12 for step in steps[0]] == [step and step % 12 for step in steps[1]]


def test_what_a_key_cannot_say_is_said() -> None:
    blues, list_of_chords = read_chart("blues in C minor"), read_chart("Dm7 G7 C in F")
    assert blues is not None
    assert blues.remarks == ("the chart is in major, and stays so: it was transposed to C major",)
    assert list_of_chords is not None
    assert "from D, its first chord, to F" in list_of_chords.remarks[0]


@pytest.mark.parametrize("text", ["C Am F G", "C, Am, F, G", "C - Am - F - G"])
def test_a_line_of_chords_is_a_chart_as_it_is_in_a_file(text: str) -> None:
    assert names(text) == "C | Am | F | G"


def test_one_chord_is_a_chart() -> None:
    assert names("Am7") == "Am7"


def test_the_word_in_a_forms_own_name_is_no_key() -> None:
    assert names("ii-V-I in all keys").startswith("Dm7 | G7 | Cmaj7")


@pytest.mark.parametrize("text", ["off", "", "  "])
def test_the_text_for_no_chart_is_read_as_none(text: str) -> None:
    assert read_chart(text) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("blus", "did you mean blues"),
        ("qqqq", "a form is one of"),
        ("blues in H", '"H" is no key for the chart blues: a key is a note, such as Bb or F#'),
        ("nothing.txt", "cannot be read"),
        ("~nobody-of-this-name/x.txt", r"cannot be read: it begins with the home folder of a user whom"),
        ("~nobody-of-this-name/x.txt in Bb", r"cannot be read: it begins with the home folder of a user whom"),
        ("tune.doc", "its name ends with one of"),
        ("a\0b.txt", "cannot be read: it has a zero byte"),
        (f"{'x' * 300}.txt", "cannot be read: it is too long"),
        ("http://x", "no link of iReal Pro"),
        ("| % |", "no chord"),
    ],
)
def test_what_is_no_chart_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ChartError, match=sentence) as caught:
        read_chart(text)
    assert not {"\n", "\0"} & set(str(caught.value))


@pytest.mark.parametrize("text", ["tune.txt", "a folder/tune.mid in Bb", "~/tune.xml", " song.doc "])
def test_a_path_is_known_as_that_of_a_file_without_a_look_at_the_disk(text: str) -> None:
    assert names_file(text)


@pytest.mark.parametrize(
    "text", ["", "off", "blues in Bb", "50s", "| C.x |", "C Am F G", "irealb://x.y", "Key: C\n| C | a.b", "qqqq"]
)
def test_what_is_no_path_is_read_from_no_disk(text: str) -> None:
    assert not names_file(text)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
def test_a_pipe_is_no_chart(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(ChartError, match=r"pipe\.txt cannot be read: it is a pipe or a device, and no file$"):
        read_chart(str(tmp_path / "pipe.txt"))


def test_musicxml_gives_symbols_places_and_repeats() -> None:
    chart = chart_of(MUSICXML, ".musicxml")
    assert (chart.title, str(chart.key), chart.meter) == ("Tune", "F major", "4/4")
    assert [" ".join(map(str, bar.chords)) for bar in chart.bars] == [
        "F7 Bbm7(b5)/A",
        "Bbm7(b5)/A",
        "F7 Bbm7(b5)/A",
        "C",
    ]
    assert chart.bars[0].starts_beats == (0.0, 2.0)


@pytest.mark.parametrize(
    ("chromatic", "key", "first"),
    [("-2", "Eb major", "Eb7 Abm7(b5)/G"), ("-21", "Ab major", "Ab7 Dbm7(b5)/C"), ("-12", "F major", "F7 Bbm7(b5)/A")],
)
def test_the_chords_of_a_transposing_instrument_are_those_that_sound(chromatic: str, key: str, first: str) -> None:
    transposition = f"</divisions><transpose><chromatic>{chromatic}</chromatic></transpose>".encode()
    chart = chart_of(MUSICXML.replace(b"</divisions>", transposition), ".musicxml")
    assert (str(chart.key), " ".join(map(str, chart.bars[0].chords))) == (key, first)


def test_the_chords_of_a_transposing_instrument_without_a_key_have_none() -> None:
    transposition = b"</divisions><transpose><chromatic>-2</chromatic></transpose>"
    content = MUSICXML.replace(b"<key><fifths>-1</fifths></key>", b"").replace(b"</divisions>", transposition)
    chart = chart_of(content, ".musicxml")
    assert (chart.key, str(chart.bars[0].chords[0])) == (None, "Eb7")


def test_musicxml_that_is_broken_or_has_no_chords_is_refused() -> None:
    with pytest.raises(UnreadableError):
        chart_of(b"<score", ".xml")
    with pytest.raises(ChartError, match="no chord symbols"):
        chart_of(b"<score-partwise><part><measure/></part></score-partwise>", ".xml")


def test_a_midi_file_with_a_chord_track_is_a_chart() -> None:
    melody = [Note(72, beat, 1.0, 80) for beat in range(12)]
    voicings = {0.0: (48, 52, 55), 4.0: (41, 45, 48, 51), 6.0: (43, 47, 50), 8.0: (48, 52, 55)}
    chords = [
        Note(pitch, at, 2.0 if at in {4.0, 6.0} else 4.0, 80) for at, notes in voicings.items() for pitch in notes
    ]
    chart = chart_of(as_midi([Track("Melody", melody), Track("Chords", chords)], 120.0), ".mid")
    assert [" ".join(map(str, bar.chords)) for bar in chart.bars] == ["C", "F7 G", "C"]
    assert chart.bars[1].starts_beats == (0.0, 2.0)
    assert chart.meter == "4/4"


def test_a_midi_file_of_single_notes_is_no_chart() -> None:
    content = as_midi([Track("Melody", [Note(60 + beat, beat, 1.0, 80) for beat in range(8)])], 120.0)
    with pytest.raises(ChartError, match="no track of chords"):
        chart_of(content, ".mid")


def test_a_midi_file_whose_markers_are_chords_is_a_chart_whatever_its_notes_are() -> None:
    markers = [Marker(0.0, "F7"), Marker(4.0, "Bbm7b5/E"), Marker(6.0, "mode fours"), Marker(7.0, "N.C.")]
    notes = [Note(60 + pitch, beat, 4.0, 80) for beat in (0.0, 4.0, 8.0) for pitch in (0, 4, 7)]
    chart = chart_of(as_midi([Track("Piano", notes)], 120.0, markers=markers), ".mid")
    bars = [" ".join("N.C." if chord is None else str(chord) for chord in bar.chords) for bar in chart.bars]
    assert bars == ["F7", "Bbm7b5/E N.C.", "N.C."]
    assert chart.bars[1].starts_beats == (0.0, 3.0)


def test_letters_that_may_name_sections_are_chords_only_where_no_track_has_chords() -> None:
    markers = [Marker(0.0, "A"), Marker(8.0, "B")]
    notes = [Note(60 + pitch, beat, 4.0, 80) for beat in (0.0, 4.0, 8.0, 12.0) for pitch in (0, 4, 7)]
    chords = chart_of(as_midi([Track("Piano", notes)], 120.0, markers=markers), ".mid")
    assert {str(chord) for chord in chords.chords} == {"C"}
    melody = [Note(72, beat, 1.0, 80) for beat in range(16)]
    letters = chart_of(as_midi([Track("Lead", melody)], 120.0, markers=markers), ".mid")
    assert [str(bar.chords[0]) for bar in letters.bars] == ["A", "A", "B", "B"]


@pytest.mark.parametrize("fifths", ["inf", "-NaN", "1e999", "x"])
def test_musicxml_with_numbers_that_are_none_has_its_chords(fifths: str) -> None:
    content = MUSICXML.replace(b"<fifths>-1</fifths>", f"<fifths>{fifths}</fifths>".encode())
    assert str(chart_of(content, ".musicxml").bars[0].chords[0]) == "F7"


def test_a_midi_file_whose_chords_are_over_at_once_has_one_bar() -> None:
    chords = [Note(pitch, at, 1 / 64, 80) for at in (0.0, 1 / 32) for pitch in (48, 52, 55)]
    assert len(chart_of(as_midi([Track("Chords", chords)], 120.0), ".mid").bars) == 1


def test_a_meter_that_changes_in_a_file_is_said_once() -> None:
    other = (
        b"<measure number='4'><attributes><time><beats>2</beats><beat-type>4</beat-type></time></attributes></measure>"
    )
    score = MUSICXML.replace(b"</part>", other + other.replace(b">2<", b">3<") + b"</part>")
    sentence = "bar 4 is in 2/4; all bars of a chart are as long as the first, in 4/4"
    assert chart_of(score, ".musicxml").remarks == (sentence,)
    song = MidiFile(ticks_per_beat=480)
    track = MidiTrack()
    song.tracks.append(track)
    track.append(MetaMessage("time_signature", numerator=3, denominator=4))
    for text in ("C", "F"):
        track.append(MetaMessage("marker", text=text, time=1440))
    track.append(MetaMessage("time_signature", numerator=2, denominator=4, time=1440))
    track.append(MetaMessage("marker", text="G"))
    content = BytesIO()
    song.save(file=content)
    assert chart_of(content.getvalue(), ".mid").remarks == (
        "bar 4 is in 2/4; all bars of a chart are as long as the first, in 3/4",
    )
