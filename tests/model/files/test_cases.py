"""Small files that went wrong once, kept beside the corpora: each is right as a seed and in training."""

from pathlib import Path

import pytest

from model.errors import SeedError
from model.files.seed import Seed, read_seed
from model.files.time_signature import TimeSignature
from train.corpus.reading import LineSelection, read_file

PLAIN = tuple(index / 2 for index in range(80))
"""The onsets of `plain`, in beats."""


@pytest.fixture(params=[
    "00-plain", "11-keysig-8-0", "13-smpte-25x40", "14-rmid", "16-vendor-chunk", "16-ntrks-9-of-2", "16-no-eot",
    "17-tempo-in-track-2", "17-meter-in-track-2", "22-sysex-high-bytes", "22-f7-escape",
])  # fmt: skip
def plain(request: pytest.FixtureRequest, cases: Path) -> Path:
    return cases / "midi" / f"{request.param}.mid"


def seed_of(cases: Path, name: str) -> Seed:
    return read_seed(cases / "midi" / f"{name}.mid")


def trained_on(cases: Path, name: str) -> list[list[float]]:
    """The onsets of each line that a training reads."""
    reading = read_file(cases / "midi" / f"{name}.mid", LineSelection("most-notes"))
    assert reading.reason == ""
    return [line["onset_beats"].tolist() for line in reading.lines]


def test_plain_music_is_plain_in_both_uses(plain: Path, cases: Path) -> None:
    notes = read_seed(plain).notes
    first = notes[0].onset_beats
    assert [note.onset_beats - first for note in notes] == pytest.approx(PLAIN)
    assert [note.duration_beats for note in notes] == pytest.approx([0.4] * 80)
    assert trained_on(cases, plain.stem) == [[note.onset_beats for note in notes]]


def test_an_hour_and_a_half_of_fine_ticks(cases: Path) -> None:
    seed = seed_of(cases, "12-ppq960-90min")
    assert len(seed.notes) == 162
    assert seed.end_beats == pytest.approx(10_734.07, abs=0.01)
    assert [len(line) for line in trained_on(cases, "12-ppq960-90min")] == [162]


def test_tempo_and_meter_of_the_second_track(cases: Path) -> None:
    assert seed_of(cases, "17-tempo-in-track-2").tempo_bpm == 200.0
    assert read_file(cases / "midi" / "17-tempo-in-track-2.mid", LineSelection()).tempo_bpm == 200.0
    assert seed_of(cases, "17-meter-in-track-2").meter == TimeSignature(3, 4)


def test_a_header_with_too_many_tracks_is_reported(cases: Path) -> None:
    told = ("says that it has 9 tracks and has 2",)
    assert seed_of(cases, "16-ntrks-9-of-2").remarks == told
    assert read_file(cases / "midi" / "16-ntrks-9-of-2.mid", LineSelection()).remarks == told


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("18-program-midway", 84), ("18-patch-each-phrase", 80), ("19-zero-length", 80), ("19-zero-length-one", 81),
        ("19-last-note-open", 8), ("27-mpe-line", 120),
    ],
)  # fmt: skip
def test_no_note_is_lost(name: str, count: int, cases: Path) -> None:
    seed = seed_of(cases, name)
    assert len(seed.notes) == count
    assert all(note.duration_beats > 0.0 for note in seed.notes)
    assert trained_on(cases, name) == [[note.onset_beats for note in seed.notes]]


def test_sixteen_channels_stay_separate_and_drums_are_left_out(cases: Path) -> None:
    path = cases / "midi" / "21-type0-16ch.mid"
    assert len(read_seed(path).notes) == 16
    (merged,) = read_file(path, LineSelection("merged")).lines
    assert len(merged) == len({*zip(merged["onset_beats"].tolist(), merged["pitch"].tolist(), strict=True)}) <= 15 * 16
    (with_drums,) = read_file(path, LineSelection("merged", drums=True)).lines
    assert len(with_drums) > len(merged)


def test_a_file_with_nothing_but_drums_is_refused_in_one_sentence(cases: Path) -> None:
    with pytest.raises(
        SeedError, match="holds nothing but drums; a seed is a file of music with at least one pitched note"
    ):
        seed_of(cases, "26-drums-only")
    assert read_file(cases / "midi" / "26-drums-only.mid", LineSelection("merged")).lines == ()


def test_a_pickup_ends_a_bar(cases: Path) -> None:
    seed = seed_of(cases, "28-pickup-as-quarter-bar")
    assert (seed.meter, seed.notes[0].onset_beats, seed.notes[1].onset_beats) == (TimeSignature(4, 4), 3.0, 4.0)


def test_there_is_no_case_without_a_test(cases: Path) -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in (cases / "midi").iterdir() if path.stem not in text] == []
