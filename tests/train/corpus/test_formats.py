"""One tune in every format that is read, in one training folder: the same line each time, as it is as a seed."""

import io
import zipfile
from pathlib import Path

import pytest

from model.files.seed import read_seed
from model.notes import Note
from tests.music import write_part
from tests.programs import require_module
from tests.train.trainings import read_in_this_process
from train.corpus.corpora import SPLITS, read_corpora
from train.corpus.reading import LineSelection, read_file

STEPS, PITCHES = "CDEFGAB", (60, 62, 64, 65, 67, 69, 71)
BARS = 24
TUNE = [(index * 3 + index // 7) % 7 for index in range(4 * BARS)]
"""Steps of the scale of C, a quarter note each."""


def abc() -> str:
    bars = ["".join(STEPS[step] for step in TUNE[4 * bar : 4 * bar + 4]) for bar in range(BARS)]
    return f"X:1\nT:Tune\nM:4/4\nL:1/4\nQ:1/4=120\nK:C\n{'|'.join(bars)}|\n"


def musicxml() -> bytes:
    notes = [
        f"<note><pitch><step>{STEPS[step]}</step><octave>4</octave></pitch><duration>1</duration></note>"
        for step in TUNE
    ]
    time = "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
    bars = [
        f'<measure number="{bar + 1}">{time if bar == 0 else ""}{"".join(notes[4 * bar : 4 * bar + 4])}</measure>'
        for bar in range(BARS)
    ]
    parts = '<part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>'
    return f'<score-partwise version="3.1">{parts}<part id="P1">{"".join(bars)}</part></score-partwise>'.encode()


def mxl() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        container = '<container><rootfiles><rootfile full-path="score.xml"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("score.xml", musicxml())
    return written.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    require_module("partitura")
    made = tmp_path / "tunes"
    made.mkdir()
    write_part(made / "tune.mid", [Note(PITCHES[step], float(index), 1.0, 80) for index, step in enumerate(TUNE)])
    (made / "tune.abc").write_text(abc(), encoding="utf-8")
    (made / "tune.musicxml").write_bytes(musicxml())
    (made / "tune.mxl").write_bytes(mxl())
    return made


@pytest.mark.parametrize("suffix", [".mid", ".abc", ".musicxml", ".mxl"])
def test_a_tune_is_the_same_line_in_every_format_and_in_both_uses(suffix: str, folder: Path) -> None:
    path = folder / f"tune{suffix}"
    (line,) = read_file(path, LineSelection("lead")).lines
    assert line["pitch"].tolist() == [PITCHES[step] for step in TUNE]
    assert line["onset_beats"].tolist() == list(range(len(TUNE)))
    seed = read_seed(path)
    assert [(note.pitch, note.onset_beats) for note in seed.notes] == list(
        zip(line["pitch"].tolist(), line["onset_beats"].tolist(), strict=True)
    )


def test_a_folder_of_all_formats_is_read_whole(folder: Path, tmp_path: Path) -> None:
    with read_in_this_process():
        (corpus,) = read_corpora([folder], tmp_path / "cache", LineSelection("lead"))
    assert (corpus.found, sum(map(corpus.files, SPLITS))) == (4, 4)
    assert (corpus.broken, corpus.incomplete, corpus.without_lead) == ([], [], [])
    # They are one song, so they are on one side.
    assert corpus.near_duplicates == 3
    assert sorted(map(corpus.files, SPLITS)) == [0, 0, 4]
