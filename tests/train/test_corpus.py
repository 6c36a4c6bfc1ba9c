import hashlib
import os
from pathlib import Path

import pytest

from model.notes import Note
from tests.music import DRUM_CHANNEL, NOT_WHOLE_MIDI, WHOLE, Part, exercise, line, midi_bytes, write_part
from train import corpus as corpus_module
from train.corpus import SPLITS, Corpus, Line, Split, joined, melodic_lines, read_corpus
from train.errors import CorpusError


def complaint(folder: Path) -> str:
    with pytest.raises(CorpusError) as raised:
        read_corpus(folder, workers=1)
    return str(raised.value)


def crash_on_some(path: Path) -> list[tuple[Note, ...]] | str:
    """As a parser that takes its process down with it."""
    if path.name == "crash.mid":
        os._exit(1)
    return melodic_lines(path)


class TestOneFile:
    def test_a_lead_comes_out_in_beats(self, tmp_path: Path) -> None:
        assert melodic_lines(write_part(tmp_path / "lead.mid", exercise())) == [tuple(exercise())]

    def test_each_melodic_track_is_a_line_of_its_own(self, tmp_path: Path) -> None:
        path = tmp_path / "band.mid"
        parts = [
            Part(exercise(key=72), channel=0),
            Part(exercise(key=60), channel=1),
            Part(exercise(key=24), channel=2),
            Part(exercise(), channel=DRUM_CHANNEL),
            Part(line(60, 62), channel=3),
        ]
        path.write_bytes(midi_bytes(*parts))
        assert melodic_lines(path) == [tuple(exercise(key=72)), tuple(exercise(key=60))]

    def test_a_pitch_that_starts_twice_at_once_is_one_note(self, tmp_path: Path) -> None:
        notes = exercise()
        path = tmp_path / "doubled.mid"
        path.write_bytes(midi_bytes(Part([*notes, *notes])))
        read = melodic_lines(path)
        assert not isinstance(read, str)
        assert [[(note.pitch, note.onset_beats) for note in found] for found in read] == [
            [(note.pitch, note.onset_beats) for note in notes]
        ]

    @pytest.mark.parametrize("content", NOT_WHOLE_MIDI.values(), ids=NOT_WHOLE_MIDI.keys())
    def test_what_is_no_whole_midi_file_is_told_in_one_line(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "broken.mid"
        path.write_bytes(content)
        reason = melodic_lines(path)
        if content == WHOLE[:14]:
            assert reason == []  # symusic takes a header alone for a file of no tracks
        else:
            assert isinstance(reason, str)
            assert reason.startswith("not a readable MIDI file (")
            assert "\n" not in reason

    def test_an_empty_file_is_told_as_such(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.mid"
        path.touch()
        assert melodic_lines(path) == "the file is empty"


class TestSplit:
    def test_a_manifest_in_the_folder_says_it(self, tmp_path: Path) -> None:
        for split in SPLITS:
            write_part(tmp_path / f"{split}.mid", exercise())
        rows = [f"{split}.mid,{split}" for split in SPLITS]
        (tmp_path / "manifest.csv").write_text("\n".join(["path,split", *rows]), encoding="utf-8")
        read = read_corpus(tmp_path, workers=1)
        assert read.lines == {split: [Line(tmp_path / f"{split}.mid", tuple(exercise()))] for split in SPLITS}
        assert [(read.files(split), read.notes(split)) for split in SPLITS] == [(1, 64)] * 3

    def test_a_manifest_beside_the_folder_says_it_for_all_its_neighbours(self, tmp_path: Path) -> None:
        folder = tmp_path / "tunes"
        write_part(folder / "a" / "one.mid", exercise())
        write_part(folder / "two.MIDI", exercise(key=62))
        write_part(folder / "left-out.mid", exercise(key=64))
        rows = ["path,split,licence", "tunes/a/one.mid,test,CC0", "tunes/two.MIDI,valid,CC0", "tunes/left-out.mid,-,"]
        (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
        read = read_corpus(folder, workers=1)
        assert read.name == "tunes"
        assert {split: [str(line.file.relative_to(folder)) for line in read.lines[split]] for split in SPLITS} == {
            "train": [],
            "valid": ["two.MIDI"],
            "test": ["a/one.mid"],
        }

    def test_without_a_manifest_the_content_says_it_so_that_no_new_name_moves_a_file(self, tmp_path: Path) -> None:
        expected: dict[Split, list[Path]] = {split: [] for split in SPLITS}
        for key in range(48, 84):
            path = write_part(tmp_path / f"{key}.mid", exercise(key=key))
            tenth = hashlib.sha256(path.read_bytes()).digest()[0] % 10
            side: Split = "train"
            if tenth < 2:
                side = "valid" if tenth else "test"
            expected[side].append(path)
        read = read_corpus(tmp_path, workers=1)
        assert {split: [line.file for line in read.lines[split]] for split in SPLITS} == expected
        assert all(expected.values())

    def test_a_table_of_something_else_is_an_error(self, tmp_path: Path) -> None:
        write_part(tmp_path / "tune.mid", exercise())
        (tmp_path / "manifest.csv").write_text("file,side\ntune.mid,train\n", encoding="utf-8")
        assert complaint(tmp_path) == (
            f"{tmp_path / 'manifest.csv'} has no columns path and split; name them so, or take the file away"
        )


class TestTracks:
    CHORDAL = sorted(
        [*exercise(), *(Note(76, float(2 * beat), 1.0, 80) for beat in range(8))],
        key=lambda n: (n.onset_beats, n.pitch),
    )

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for split in ("train", "valid"):
            write_part(tmp_path / f"lead-{split}.mid", exercise())
            write_part(tmp_path / f"short-{split}.mid", exercise(32))
            write_part(tmp_path / f"chords-{split}.mid", self.CHORDAL)
        rows = [f"{path.name},{path.stem.split('-')[1]}" for path in tmp_path.glob("*.mid")]
        (tmp_path / "manifest.csv").write_text("\n".join(["path,split", *rows]), encoding="utf-8")
        return tmp_path

    def test_leads_alone_are_read_unless_asked_otherwise(self, folder: Path) -> None:
        read = read_corpus(folder, workers=1)
        assert [line.file.stem for line in joined([read], "train")] == ["lead-train"]
        assert [path.stem for path in read.leadless] == ["chords-train", "chords-valid", "short-train", "short-valid"]

    def test_melodic_tracks_are_trained_on_and_leads_alone_are_held_out(self, folder: Path) -> None:
        read = read_corpus(folder, workers=1, tracks="melodic")
        assert [line.file.stem for line in joined([read], "train")] == ["chords-train", "lead-train", "short-train"]
        assert [line.file.stem for line in joined([read], "valid")] == ["lead-valid"]


class TestBadFiles:
    def test_broken_files_are_named_and_the_others_read(self, tmp_path: Path) -> None:
        write_part(tmp_path / "a whole one.mid", exercise())
        (tmp_path / "cut off.mid").write_bytes(WHOLE[:-1])
        (tmp_path / "empty.mid").touch()
        (tmp_path / "letter.mid").write_bytes(NOT_WHOLE_MIDI["a text"])
        read = read_corpus(tmp_path, workers=1)
        assert sum(read.files(split) for split in SPLITS) == 1
        assert [broken.file.name for broken in read.broken] == ["cut off.mid", "empty.mid", "letter.mid"]

    def test_a_file_that_takes_the_parser_down_is_one_broken_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("before.mid", "crash.mid", "later.mid"):
            write_part(tmp_path / name, exercise())
        monkeypatch.setattr(corpus_module, "melodic_lines", crash_on_some)
        read = read_corpus(tmp_path, workers=1)
        assert [(broken.file.name, broken.reason) for broken in read.broken] == [
            ("crash.mid", "the MIDI parser crashed on it")
        ]
        assert sum(read.files(split) for split in SPLITS) == 2

    def test_files_without_a_lead_are_no_broken_files(self, tmp_path: Path) -> None:
        write_part(tmp_path / "a lead.mid", exercise())
        write_part(tmp_path / "bass.mid", exercise(key=24))
        write_part(tmp_path / "drums.mid", exercise(), channel=DRUM_CHANNEL)
        write_part(tmp_path / "silence.mid", [])
        read = read_corpus(tmp_path, workers=1)
        assert [path.name for path in read.leadless] == ["bass.mid", "drums.mid", "silence.mid"]
        assert read.broken == []

    def test_all_files_broken_is_an_error(self, tmp_path: Path) -> None:
        for name in ("one.mid", "two.mid"):
            (tmp_path / name).touch()
        assert complaint(tmp_path) == f"none of the 2 MIDI files in {tmp_path} can be read: the file is empty"

    def test_no_lead_anywhere_is_an_error(self, tmp_path: Path) -> None:
        write_part(tmp_path / "short.mid", exercise(12))
        assert complaint(tmp_path) == (
            f"no file in {tmp_path} has a lead-like track: at least 64 notes, "
            "90% of the onsets a single note, median pitch 52 to 90"
        )

    def test_a_folder_without_midi_files_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "readme.txt").touch()
        (tmp_path / "folder.mid").mkdir()
        assert complaint(tmp_path) == f"{tmp_path} holds no MIDI file (.mid or .midi)"

    def test_no_folder_is_an_error(self, tmp_path: Path) -> None:
        nowhere = tmp_path / "nowhere"
        assert complaint(nowhere) == f"{nowhere} is no folder; name a folder with MIDI files in it"

    def test_a_file_in_the_place_of_a_folder_is_an_error(self, tmp_path: Path) -> None:
        path = write_part(tmp_path / "tune.mid", exercise())
        assert complaint(path) == f"{path} is no folder; name a folder with MIDI files in it"


def test_corpora_are_joined_one_after_another() -> None:
    one, other = Line(Path("one.mid"), tuple(exercise())), Line(Path("other.mid"), tuple(exercise(key=62)))
    corpora = [Corpus(name) for name in ("first", "second")]
    corpora[0].lines["train"].append(one)
    corpora[1].lines["train"].append(other)
    assert joined(corpora, "train") == [one, other]
    assert joined(corpora, "test") == []
