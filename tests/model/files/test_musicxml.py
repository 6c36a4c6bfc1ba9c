import io
import re
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from model.errors import MissingLibraryError, UnreadableError
from model.extras import install_hint
from model.files import musicxml_source
from model.files.lines import lines_of
from model.files.musicxml import TICKS_PER_BEAT, read_musicxml
from model.files.score import FileScore
from model.files.seed import read_seed
from model.files.tempo import TempoChange
from model.files.time_signature import MeterChange, TimeSignature
from model.notes import Note
from tests.programs import require_module


def note(step: str, octave: int, quarters: float, *extra: str) -> str:
    pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note>{pitch}<duration>{round(quarters * 4)}</duration>{''.join(extra)}</note>"


GRACE = "<note><grace/><pitch><step>B</step><octave>4</octave></pitch></note>"
TIE, TIED = '<tie type="start"/>', '<tie type="stop"/>'
REST = "<note><rest/><duration>4</duration></note>"
PICKUP = [
    f"""<measure number="0" implicit="yes"><attributes><divisions>4</divisions>
    <time><beats>4</beats><beat-type>4</beat-type></time></attributes>
    <direction><direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>97</per-minute></metronome></direction-type>
    <sound tempo="97"/></direction>{note("G", 4, 1)}</measure>""",
    f"""<measure number="1">{GRACE}{note("C", 5, 2, TIE)}{note("C", 5, 1, TIED)}{REST}</measure>""",
    f"""<measure number="2"><attributes><time><beats>3</beats><beat-type>4</beat-type></time></attributes>
    <direction><sound tempo="60"/></direction>{note("E", 4, 3)}</measure>""",
]


TENOR_SAX = (
    "<midi-instrument id='P1-I1'><midi-channel>1</midi-channel><midi-program>67</midi-program></midi-instrument>"
)
B_FLAT, NINTH_DOWN = "<diatonic>-1</diatonic><chromatic>-2</chromatic>", "<octave-change>-1</octave-change>"


def transposed(transposition: str, *notes: str) -> str:
    """A bar whose notes sound otherwise than they are written."""
    attributes = f"<attributes><divisions>4</divisions><transpose>{transposition}</transpose></attributes>"
    return f'<measure number="1">{attributes}{"".join(notes)}</measure>'


def metronome(*elements: str) -> str:
    mark = f"<direction><direction-type><metronome>{''.join(elements)}</metronome></direction-type></direction>"
    return f'<measure number="1"><attributes><divisions>4</divisions></attributes>{mark}{note("G", 4, 4)}</measure>'


def score_of(measures: Sequence[str], instrument: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?><score-partwise version="3.1"><part-list><score-part id="P1"><part-name>Voice</part-name>{instrument}</score-part>'
        f'</part-list><part id="P1">{"".join(measures)}</part></score-partwise>'
    ).encode()


def packed(content: bytes) -> bytes:
    container = '<container><rootfiles><rootfile full-path="music/score.xml"/></rootfiles></container>'
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("music/score.xml", content)
    return written.getvalue()


@pytest.fixture
def _with_partitura() -> None:
    require_module("partitura")


def notes(score: FileScore) -> list[tuple[float, float, int]]:
    (line,) = lines_of(score)
    columns = (line.tick / TICKS_PER_BEAT, line.end / TICKS_PER_BEAT, line.pitch)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.usefixtures("_with_partitura")
class TestReading:
    @pytest.mark.parametrize("content", [score_of(PICKUP), packed(score_of(PICKUP))], ids=["plain", "packed"])
    def test_ties_are_one_note_and_a_grace_comes_before_its_own(self, content: bytes) -> None:
        assert notes(read_musicxml(content)) == [(0.0, 1.0, 67), (0.875, 1.0, 71), (1.0, 4.0, 72), (5.0, 8.0, 64)]

    def test_tempo_and_meter_are_read_and_a_pickup_is_a_bar_of_its_own(self) -> None:
        score = read_musicxml(score_of(PICKUP))
        assert [score.tempi.tempo_at(tick) for tick in score.tempi.ticks.tolist()] == [97.0, 60.0]
        assert score.meters == (
            MeterChange(0.0, TimeSignature(1, 4)), MeterChange(1.0, TimeSignature(4, 4)), MeterChange(5.0, TimeSignature(3, 4)),
        )  # fmt: skip

    def test_repeats_are_played(self) -> None:
        bar = f'<measure number="1"><attributes><divisions>4</divisions></attributes>{note("G", 4, 4)}'
        again = '<barline location="right"><bar-style>light-heavy</bar-style><repeat direction="backward"/></barline></measure>'
        assert notes(read_musicxml(score_of([bar + again]))) == [(0.0, 4.0, 67), (4.0, 8.0, 67)]

    @pytest.mark.parametrize(("transposition", "pitch"), [(B_FLAT, 72), (B_FLAT + NINTH_DOWN, 60)])
    def test_an_instrument_that_transposes_has_the_pitch_that_sounds(self, transposition: str, pitch: int) -> None:
        assert notes(read_musicxml(score_of([transposed(transposition, note("D", 5, 4))]))) == [(0.0, 4.0, pitch)]

    def test_a_player_who_changes_to_another_instrument_sounds_by_it_from_there(self) -> None:
        bars = [transposed(B_FLAT, note("D", 5, 4)), transposed("<chromatic>0</chromatic>", note("D", 5, 4))]
        assert [pitch for _, _, pitch in notes(read_musicxml(score_of(bars)))] == [72, 74]

    def test_the_program_of_a_part_is_read(self) -> None:
        (part,) = read_musicxml(score_of(PICKUP, TENOR_SAX)).parts
        assert part.program == 66

    @pytest.mark.parametrize(
        ("elements", "tempo_bpm"),
        [
            (("<beat-unit>quarter</beat-unit><beat-unit-dot/>", "<per-minute>60</per-minute>"), 90.0),
            (("<beat-unit>half</beat-unit>", "<per-minute>70</per-minute>"), 140.0),
            (("<beat-unit>eighth</beat-unit><beat-unit-dot/>", "<per-minute>100</per-minute>"), 75.0),
            (("<beat-unit>quarter</beat-unit>", "<per-minute>ca. 90</per-minute>"), 120.0),
            (("<beat-unit>quarter</beat-unit>", "<beat-unit>half</beat-unit>"), 120.0),
        ],
    )
    def test_a_metronome_mark_alone_is_a_tempo(self, elements: Sequence[str], tempo_bpm: float) -> None:
        assert read_musicxml(score_of([metronome(*elements)])).tempi.tempo_at(0) == tempo_bpm

    @pytest.mark.parametrize("suffix", ["musicxml", "xml", "mxl", "MXL"])
    def test_it_is_a_seed_whose_pickup_ends_a_bar(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"song.{suffix}"
        path.write_bytes(packed(score_of(PICKUP)) if suffix.lower() == "mxl" else score_of(PICKUP))
        seed = read_seed(path)
        assert (seed.tempo_bpm, seed.meter, seed.tempi) == (97.0, TimeSignature(4, 4), (TempoChange(8.0, 60.0),))
        assert seed.notes[0] == Note(67, 3.0, 1.0, 80)

    def test_a_score_of_drums_alone_is_refused_as_one(self) -> None:
        drum = "<unpitched><display-step>C</display-step><display-octave>5</display-octave></unpitched>"
        bar = f'<measure number="1"><attributes><divisions>4</divisions></attributes>{note("G", 4, 4)}</measure>'
        drums = bar.replace("<pitch><step>G</step><octave>4</octave></pitch>", drum)
        assert drums != bar
        with pytest.raises(UnreadableError, match=r"^holds nothing but drums$"):
            read_musicxml(score_of([drums]))

    @pytest.mark.parametrize("content", [b"<score-partwise><part", b"no XML", score_of(["<measure>"])])
    def test_a_file_that_is_no_score_is_refused_in_one_line(self, content: bytes) -> None:
        with pytest.raises(UnreadableError, match=r"^is not MusicXML that can be read") as raised:
            read_musicxml(content)
        assert "\n" not in str(raised.value)


def test_a_packed_file_that_names_no_score_is_refused() -> None:
    with pytest.raises(UnreadableError, match="it does not say which of its files is the score"):
        musicxml_source.unpacked(b"PK\x03\x04 and no more")


def test_a_packed_file_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musicxml_source, "LARGEST_BYTES", 2**20)
    bomb = packed(bytes(2**21))
    assert len(bomb) < 2**15
    with pytest.raises(UnreadableError, match=r"^unpacks to more than 1 MB$"):
        musicxml_source.unpacked(bomb)


def test_without_partitura_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "partitura.score", None)
    with pytest.raises(MissingLibraryError, match=re.escape(f"needs partitura: {install_hint('scores')}")):
        read_musicxml(score_of(PICKUP))
