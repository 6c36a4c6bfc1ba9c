"""The targets of fuzzing for charts: what musicians type, links of iReal Pro, ChordPro, MusicXML and MIDI files."""

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from model.errors import ModelError
from model.files.charts.chart_source import chart_of, read_chart
from model.files.midi.midi_writer import as_midi
from model.files.song import Marker, Track
from model.harmony.changes import ChartChanges
from model.harmony.chart import MAX_BARS, Chart
from model.harmony.chord_markers import changes_between, marker_text
from model.harmony.forms import FORMS
from model.harmony.notations.ireal import unscramble
from model.harmony.notations.text_chart import read_text_chart
from model.notes import Note
from tests.fuzz.target import FuzzTarget, Run, check_sentence

IREAL_MUSIC = (
    "[T44C^7XyQ|A-7XyQ|D-7XyQ|G7XyQ|E-7XyQ|A7XyQ|D-7XyQ|G7XyQ|C^7XyQ|Kcl Z",
    "{*AT34C^7A-7 |D-7 G7sus|N1C6 }|N2F-7Bb7/D |r|x <D.C. al Fine>Z",
    "[T78SF7 |QBb7 |<3x>n |pU<Fine>Z",
)
CHORDPRO = (
    "{title: Song}\n{key: G}\n{time: 3/4}\n[G]Some [Am7]words [D7/F#]here",
    "{start_of_grid}\n|: C . Am . | F . % . :|1. G7 :|2. N.C. |]\n{end_of_grid}",
)
TEXTS = (
    "| F7 | Bb7 | F7 | % | Bb7 . Eb7 . | N.C. |: Gm7b5(b9) C7alt :| x3",
    "Title: Tune\nKey: Bb minor\nMeter: 7/8\n[A]\n|: Dm7 G7 | CΔ |1. A7 :|2. Dø |\n[B]\n| E°7 / / F#7#9 |",
    "C Am F G",
    "blues in Eb",
)
MUSICXML = (
    b"<score-partwise><part id='P1'><measure number='1'><attributes><divisions>2</divisions><key><fifths>-1</fifths></key>"
    b"<time><beats>4</beats><beat-type>4</beat-type></time></attributes><harmony><root><root-step>F</root-step></root>"
    b"<kind>dominant</kind></harmony><note><rest/><duration>8</duration></note></measure></part></score-partwise>"
)


def _seeds() -> list[bytes]:
    """Each begins with the suffix of its file and a line end; without a suffix it is what a user types."""
    links = [
        f"irealb://{quote(f'Song=Doe Jane==Swing=Bb==1r34LbKcu7{unscramble(music)}=Jazz=120=3')}"
        for music in IREAL_MUSIC
    ]
    markers = [Marker(0.0, "F7"), Marker(4.0, "Bb7"), Marker(6.0, "N.C.")]
    chords = [Note(pitch, beat, 4.0, 80) for beat in (0.0, 4.0, 8.0) for pitch in (48, 52, 55)]
    files = [
        *((".mid", as_midi([Track("Chords", chords)], 120.0, markers=some)) for some in (markers, [])),
        (".musicxml", MUSICXML),
        *((".cho", text.encode()) for text in CHORDPRO),
        *((".html", f'<a href="{link}">Song</a>'.encode()) for link in links),
    ]
    typed = [*TEXTS, *CHORDPRO, *links, *FORMS.values()]
    return [*(b"\n" + text.encode() for text in typed), *(suffix.encode() + b"\n" + data for suffix, data in files)]


def _open(_folder: Path, _stack: ExitStack) -> Run:
    def run(data: bytes) -> None:
        suffix, _, content = data.partition(b"\n")
        try:
            chart = _read(suffix.decode(errors="replace"), content)
        except ModelError as error:
            return check_sentence(error)
        if chart is not None:
            _check(chart)
        return None

    return run


def _read(suffix: str, content: bytes) -> Chart | None:
    known = {".mid", ".musicxml", ".cho", ".html", ".txt"}
    if suffix in known:
        return chart_of(content, suffix)
    text = content.decode(errors="replace")
    # Typed text may be the name of a file; no file is opened here.
    return read_chart(text) if "|" in text or "://" in text else read_text_chart(text)


def _check(chart: Chart) -> None:
    assert 1 <= len(chart.bars) <= MAX_BARS
    assert all(bar.chords for bar in chart.bars)
    assert all(0 < len(remark) <= 1000 and "\n" not in remark for remark in chart.remarks)
    for beats_per_bar, unit_beats in ((4.0, 1.0), (3.5, 0.5)):
        changes = ChartChanges(chart, 1.0, beats_per_bar, unit_beats)
        end_beats = 1.0 + changes.length_beats
        found = list(changes_between(changes, 1.0, end_beats))
        assert [beat for beat, _ in found] == sorted({beat for beat, _ in found})
        assert all(marker_text(chord).isascii() for _, chord in found)
        span = changes.at(end_beats - 0.25)
        assert span.start_beats <= end_beats - 0.25 < span.end_beats
    if len(text := chart.as_text()) <= 100_000:
        assert len(read_text_chart(text).bars) == len(chart.bars)


CHARTS = FuzzTarget("chart", _seeds, _open)
