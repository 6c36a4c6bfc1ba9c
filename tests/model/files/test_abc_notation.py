from pathlib import Path

import pytest

from model.errors import UnreadableError
from model.files.abc_notation import read_abc
from model.files.lines import lines_of
from model.files.score import FileScore
from model.files.seed import read_seed
from model.files.time_signature import MeterChange, TimeSignature, pickup_beats

TUNE = "X:1\nT:A tune\nM:6/8\nL:1/8\nQ:3/8=90\nK:G\n|:D|GAB d2[GB]:|\n"
TWO_VOICES = "X:1\nM:4/4\nL:1/4\nQ:1/4=97\nV:1\nV:2 clef=bass\nK:C\n[V:1] CDEF|G4|\n[V:2] C,2D,2|E,4|\n"


def onsets(score: FileScore, line: int = 0) -> list[tuple[float, int]]:
    found = lines_of(score)[line]
    return list(zip((found.tick / score.ticks_per_beat).tolist(), found.pitch.tolist(), strict=True))


class TestReading:
    def test_notes_begin_on_their_beats_chords_together_and_repeats_are_played(self) -> None:
        once = [(0.0, 62), (0.5, 67), (1.0, 69), (1.5, 71), (2.0, 74), (3.0, 67), (3.0, 71)]
        assert onsets(read_abc(TUNE.encode())) == once + [(beat + 3.5, pitch) for beat, pitch in once]

    def test_tempo_and_meter_are_read(self) -> None:
        score = read_abc(TUNE.encode())
        assert (score.tempi.tempo_at(0), score.meters[-1].meter) == (135.0, TimeSignature(6, 8))

    @pytest.mark.parametrize(
        ("music", "beats"),
        [
            ("D|GABc|", 0.5),
            ("|:D2|GABc d2e2|", 1.0),
            ("V:1\nz2D2|GABc d2e2|", 2.0),
            ('[K:G]"Am"!tenuto!D/2E/2 % A whole bar? no | no\n|GABc d2e2|', 0.5),
            ("(3DEF|GABc d2e2|", 1.0),
            ("D2z2|GABc|", 2.0),
            ("{g}[DF]2|GABc d2e2|", 1.0),
            ("D>E||GABc|", 1.0),
            ("D2::GABc d2e2:|", 1.0),
        ],
    )
    def test_a_first_bar_that_is_short_is_a_pickup(self, music: str, beats: float) -> None:
        meters = read_abc(f"X:1\nM:4/4\nL:1/8\nK:G\n{music}\n".encode()).meters
        assert pickup_beats(meters) == beats
        assert meters[1:] == (MeterChange(beats, TimeSignature(4, 4)),)

    @pytest.mark.parametrize(
        "music", ["GABc d2e2|fedc B4|", "GABc d2e2 fedc B4|", "GABc d2e2", "|G8|", "[M:3/4]G6|G6|"]
    )
    def test_a_first_bar_that_is_not_short_is_no_pickup(self, music: str) -> None:
        meters = read_abc(f"X:1\nM:4/4\nL:1/8\nK:G\n{music}\n".encode()).meters
        assert len(meters) == 1
        assert meters[0].beat == 0.0

    def test_music_without_a_meter_has_no_pickup(self) -> None:
        assert pickup_beats(read_abc(b"X:1\nM:none\nL:1/8\nK:G\nD|GABc|\n").meters) == 0.0

    def test_a_pickup_of_a_seed_ends_at_a_bar_line(self, tmp_path: Path) -> None:
        path = tmp_path / "tune.abc"
        path.write_text("X:1\nM:3/4\nL:1/4\nK:G\nD|G2B|d2B|G2|\n", encoding="utf-8")
        seed = read_seed(path)
        assert (seed.meter, [note.onset_beats for note in seed.notes]) == (TimeSignature(3, 4), [2, 3, 5, 6, 8, 9])

    def test_chord_symbols_are_not_played(self) -> None:
        score = read_abc(b'X:1\nM:4/4\nL:1/4\nK:G\n"G"GABc|"D7"d2d2|\n')
        assert [len(line) for line in lines_of(score)] == [6]

    def test_each_voice_is_a_line(self) -> None:
        score = read_abc(TWO_VOICES.encode())
        assert score.tempi.tempo_at(0) == pytest.approx(97.0, abs=1e-3)
        assert [onset for onset, _ in onsets(score, 0)] == [0.0, 1.0, 2.0, 3.0, 4.0]
        assert onsets(score, 1) == [(0.0, 48), (2.0, 50), (4.0, 52)]

    def test_every_tune_of_a_book_is_read_and_their_number_is_a_remark(self) -> None:
        score = read_abc((TUNE + "\n" + TWO_VOICES.replace("X:1", "X:2")).encode())
        assert len(lines_of(score)) == 3
        assert score.remarks == ("holds 2 tunes",)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
    def test_a_name_may_be_in_any_encoding(self, encoding: str) -> None:
        assert len(onsets(read_abc(TUNE.replace("A tune", "Für Elise").encode(encoding)))) == 14

    def test_an_abc_file_can_be_a_seed(self, tmp_path: Path) -> None:
        path = tmp_path / "tune.abc"
        path.write_text(TUNE, encoding="utf-8")
        assert (len(read_seed(path).notes), read_seed(path).meter) == (14, TimeSignature(6, 8))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no tune", "holds no tune: one begins with a line X:1"),
        (b"X:1\nT:Nothing\n", "holds no tune that abc2midi can read"),
    ],
)
def test_a_file_without_a_tune_is_refused_in_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableError) as raised:
        read_abc(content)
    assert str(raised.value) == sentence
