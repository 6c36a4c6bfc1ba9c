import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.notes import Note, in_onset_order
from tests.music import (
    BROKEN_MIDI_FILES,
    DRUM_CHANNEL,
    WHOLE_MIDI_FILE,
    Part,
    exercise,
    line,
    midi_bytes,
    tune,
    write_part,
)
from tests.train.corpus.test_cache import is_mapped
from train.corpus import corpora as corpus_module
from train.corpus.cache import Cache
from train.corpus.corpora import SPLITS, Corpus, Line, Split, content_of, joined, read_corpora
from train.corpus.reading import LineSelection, Reading, TrackChoice, read_file
from train.errors import CorpusError, OutputError

NOTES = st.builds(
    Note,
    pitch=st.integers(0, 127),
    onset_beats=st.integers(0, 64).map(lambda ticks: ticks / 8),
    duration_beats=st.integers(0, 64).map(lambda ticks: ticks / 8),
    velocity=st.integers(1, 127),
)


def in_this_process(
    paths: Sequence[Path],
    choice: LineSelection,
    cache: Cache,  # noqa: ARG001  as `train.corpus.ingest.ingest`
    workers: int = 2,  # noqa: ARG001  the same
) -> list[Reading]:
    return [read_file(path, choice) for path in paths]


@pytest.fixture
def _without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting processes takes longer than reading our few files, and tests/train/test_ingest.py proves that it comes
    to the same."""
    monkeypatch.setattr(corpus_module, "ingest", in_this_process)


pytestmark = pytest.mark.usefixtures("_without_workers")


def read(*sources: Path, tracks: TrackChoice = "lead", drums: bool = False) -> list[Corpus]:
    cache = (sources[0] if sources[0].is_dir() else sources[0].parent) / ".cache"
    return read_corpora(sources, cache, LineSelection(tracks, drums), workers=1)


def complaint(*sources: Path, tracks: TrackChoice = "lead") -> str:
    with pytest.raises(CorpusError) as raised:
        read(*sources, tracks=tracks)
    return str(raised.value)


def names(corpus: Corpus) -> dict[Split, list[str]]:
    """The stems of the files on each side."""
    return {split: [line.file.stem for line in corpus.lines[split]] for split in SPLITS}


def side_by_hash(path: Path) -> Split:
    tenth = hashlib.sha256(path.read_bytes()).digest()[0] % 10
    if tenth < 2:
        return "valid" if tenth else "test"
    return "train"


def write_manifest(folder: Path, *rows: str) -> None:
    (folder / "manifest.csv").write_text("\n".join(["path,split", *rows]), encoding="utf-8")


class TestManifest:
    def test_a_manifest_in_the_folder_gives_the_side(self, tmp_path: Path) -> None:
        for number, split in enumerate(SPLITS):
            write_part(tmp_path / f"{split}.mid", tune(number))
        write_manifest(tmp_path, *(f"{split}.mid,{split}" for split in SPLITS))
        (corpus,) = read(tmp_path)
        assert names(corpus) == {split: [split] for split in SPLITS}
        assert [(corpus.files(split), corpus.notes(split)) for split in SPLITS] == [(1, 64)] * 3

    def test_a_manifest_beside_the_folder_gives_it_for_all_its_neighbours(self, tmp_path: Path) -> None:
        folder = tmp_path / "tunes"
        write_part(folder / "a" / "one.mid", tune(1))
        write_part(folder / "two.MIDI", tune(2))
        write_part(folder / "left-out.mid", tune(3))
        rows = ["path,split,licence", "tunes/a/one.mid,test,CC0", "tunes/two.MIDI,valid,CC0", "tunes/left-out.mid,-,"]
        (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
        (corpus,) = read(folder)
        assert corpus.name == "tunes"
        assert names(corpus) == {"train": [], "valid": ["two"], "test": ["one"]}

    def test_of_two_manifests_the_one_nearest_to_the_file_counts(self, tmp_path: Path) -> None:
        for name in ("a/one", "a/two", "b/three"):
            write_part(tmp_path / f"{name}.mid", tune(len(name)))
        write_manifest(tmp_path, "a/one.mid,train", "a/two.mid,test", "b/three.mid,train")
        write_manifest(tmp_path / "a", "one.mid,valid")
        (corpus,) = read(tmp_path)
        assert names(corpus) == {"train": ["three"], "valid": ["one"], "test": ["two"]}

    def test_a_manifest_that_a_spreadsheet_wrote_is_read_too(self, tmp_path: Path) -> None:
        write_part(tmp_path / "tune.mid", tune(1))
        (tmp_path / "manifest.csv").write_text("path,split\r\ntune.mid,test\r\n", encoding="utf-8-sig")
        assert names(read(tmp_path)[0])["test"] == ["tune"]

    def test_a_file_without_a_row_is_split_by_its_content(self, tmp_path: Path) -> None:
        paths = [write_part(tmp_path / f"{number}.mid", tune(number)) for number in range(20)]
        write_manifest(tmp_path, "0.mid,test")
        (corpus,) = read(tmp_path)
        sides = {name: split for split, stems in names(corpus).items() for name in stems}
        assert sides == {path.stem: side_by_hash(path) for path in paths} | {"0": "test"}

    @pytest.mark.parametrize("text", ["file,side\ntune.mid,train\n", ""])
    def test_a_table_with_other_columns_is_an_error(self, text: str, tmp_path: Path) -> None:
        write_part(tmp_path / "tune.mid", tune(1))
        (tmp_path / "manifest.csv").write_text(text, encoding="utf-8")
        assert complaint(tmp_path) == (
            f"{tmp_path / 'manifest.csv'} has no columns path and split; name its columns so, or delete the file"
        )

    def test_a_table_in_another_encoding_is_an_error(self, tmp_path: Path) -> None:
        write_part(tmp_path / "tune.mid", tune(1))
        (tmp_path / "manifest.csv").write_text("path,split\nÜbung.mid,train\n", encoding="latin-1")
        assert complaint(tmp_path).startswith(f"{tmp_path / 'manifest.csv'} is not a table in UTF-8 (")

    def test_a_manifest_that_leaves_everything_out_is_an_error(self, tmp_path: Path) -> None:
        write_part(tmp_path / "tune.mid", tune(1))
        write_part(tmp_path / "short.mid", tune(2, 12))
        write_manifest(tmp_path, "tune.mid,training")
        assert complaint(tmp_path) == (
            f"manifest.csv leaves out every file of {tmp_path} that could be learnt from; its column split says train, valid "
            "or test"
        )


class TestSplitByContent:
    def test_the_split_is_80_10_10_and_a_new_name_moves_no_file(self, tmp_path: Path) -> None:
        paths = [write_part(tmp_path / f"{number:02}.mid", tune(number)) for number in range(40)]
        expected = {split: [path.stem for path in paths if side_by_hash(path) == split] for split in SPLITS}
        assert names(read(tmp_path)[0]) == expected
        assert all(expected.values())
        for path in paths:
            path.rename(path.with_stem(str(99 - int(path.stem))))
        again = {split: {str(99 - int(name)) for name in some} for split, some in names(read(tmp_path)[0]).items()}
        assert again == {split: {str(int(name)) for name in some} for split, some in expected.items()}

    def test_adding_or_removing_a_file_moves_no_other(self, tmp_path: Path) -> None:
        paths = [write_part(tmp_path / f"{number:02}.mid", tune(number)) for number in range(40)]
        before = names(read(tmp_path)[0])
        paths[7].unlink()
        after = names(read(tmp_path)[0])
        assert after == {split: [name for name in some if name != "07"] for split, some in before.items()}

    @pytest.mark.parametrize("first", [0, 10, 20, 30, 40, 50, 60, 70])
    @pytest.mark.parametrize(("count", "sides"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1))])
    def test_of_a_few_files_one_trains_the_next_validates_and_the_third_tests(
        self, count: int, sides: tuple[int, ...], first: int, tmp_path: Path
    ) -> None:
        for number in range(first, first + count):
            write_part(tmp_path / f"{number}.mid", tune(number))
        (corpus,) = read(tmp_path)
        assert tuple(corpus.files(split) for split in SPLITS) == sides

    @pytest.mark.parametrize("first", [0, 10, 20, 30])
    def test_files_with_nothing_to_learn_from_do_not_count_among_them(self, first: int, tmp_path: Path) -> None:
        for number in range(first, first + 3):
            write_part(tmp_path / f"{number}.mid", tune(number))
            write_part(tmp_path / f"short-{number}.mid", tune(number + 100, 12))
            (tmp_path / f"broken-{number}.mid").write_bytes(b"no music" + bytes(number))
        (corpus,) = read(tmp_path)
        assert [corpus.files(split) for split in SPLITS] == [1, 1, 1]
        assert [len(corpus.without_lead), len(corpus.broken)] == [3, 3]

    @given(st.lists(st.sampled_from(SPLITS), max_size=12))
    def test_no_side_stays_empty_where_there_are_enough_and_no_file_moves_without_need(
        self, sides: list[Split]
    ) -> None:
        seen = corpus_module._seen_to(dict(enumerate(sides)))
        counts = Counter(seen.values())
        assert [min(counts[split], 1) for split in SPLITS] == [int(len(sides) > place) for place in range(3)]
        if len(sides) >= 3:
            moved = sum(seen[group] != side for group, side in enumerate(sides))
            assert moved == 3 - len(set(sides))


class TestNearDuplicates:
    def test_a_copy_in_another_key_and_one_with_a_wrong_note_stay_on_its_side(self, tmp_path: Path) -> None:
        paths = []
        for number in range(30):
            notes = tune(number, 120)
            wrong = [*notes[:60], Note(59, notes[60].onset_beats, 1.0, 80), *notes[61:]]
            copies = {"home": notes, "away": tune(number, 120, key=55), "wrong": wrong}
            paths.append([write_part(tmp_path / f"{name}-{number}.mid", some) for name, some in copies.items()])
        (corpus,) = read(tmp_path)
        sides = {stem: split for split, stems in names(corpus).items() for stem in stems}
        for copies_of_one in paths:
            by_content = min(copies_of_one, key=lambda path: hashlib.sha256(path.read_bytes()).hexdigest())
            assert {sides[path.stem] for path in copies_of_one} == {side_by_hash(by_content)}
        assert corpus.near_duplicates == 60
        assert corpus.duplicates_across_splits == 0
        # Each alone would have fallen elsewhere.
        assert any(len({side_by_hash(path) for path in copies_of_one}) > 1 for copies_of_one in paths)

    def test_a_copy_that_the_manifest_does_not_name_goes_where_its_original_does(self, tmp_path: Path) -> None:
        write_part(tmp_path / "original.mid", tune(1))
        write_part(tmp_path / "copy.mid", tune(1, key=62))
        write_part(tmp_path / "other.mid", tune(2))
        write_manifest(tmp_path, "original.mid,test", "other.mid,train")
        (corpus,) = read(tmp_path)
        assert names(corpus) == {"train": ["other"], "valid": [], "test": ["copy", "original"]}
        assert (corpus.near_duplicates, corpus.duplicates_across_splits) == (1, 0)

    def test_a_manifest_that_puts_copies_on_two_sides_is_followed_and_counted(self, tmp_path: Path) -> None:
        for name, key in (("a", 60), ("b", 62), ("c", 64), ("d", 65)):
            write_part(tmp_path / f"{name}.mid", tune(1, key=key))
        write_manifest(tmp_path, "a.mid,train", "b.mid,train", "c.mid,test", "d.mid,valid")
        (corpus,) = read(tmp_path)
        assert names(corpus) == {"train": ["a", "b"], "valid": ["d"], "test": ["c"]}
        assert (corpus.near_duplicates, corpus.duplicates_across_splits) == (3, 2)

    def test_of_two_copies_of_one_tune_neither_is_held_out(self, tmp_path: Path) -> None:
        write_part(tmp_path / "home.mid", tune(1))
        write_part(tmp_path / "away.mid", tune(1, key=62))
        assert names(read(tmp_path)[0]) == {"train": ["away", "home"], "valid": [], "test": []}


class TestSources:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for number, name in enumerate(("b/two.mid", "a/one.mid", "three.midi", "b/four.MID")):
            write_part(tmp_path / "music" / name, tune(number))
        (tmp_path / "music" / "readme.txt").touch()
        return tmp_path / "music"

    def found(self, corpus: Corpus) -> set[str]:
        return {line.file.stem for split in SPLITS for line in corpus.lines[split]}

    def test_a_folder_is_searched_with_all_its_subfolders(self, folder: Path) -> None:
        (corpus,) = read(folder)
        assert (corpus.name, corpus.folder, corpus.found) == ("music", folder, 4)
        assert self.found(corpus) == {"one", "two", "three", "four"}

    def test_the_working_folder_has_a_name(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        (corpus,) = read(Path())
        assert (corpus.name, corpus.folder) == ("music", folder)

    def test_each_folder_is_a_corpus_and_all_loose_files_and_globs_are_one(self, folder: Path) -> None:
        first, second, loose = read(folder / "a", folder / "b", folder / "three.midi", folder / "b" / "*.MID")
        assert [first.name, second.name, loose.name] == ["a", "b", "music"]
        assert [self.found(first), self.found(second)] == [{"one"}, {"two", "four"}]
        assert self.found(loose) == {"three", "four"}
        assert loose.folder == folder

    def test_a_file_that_two_globs_name_is_read_once(self, folder: Path) -> None:
        (corpus,) = read(folder / "b" / "two.mid", folder / "**" / "*.mid", folder / "b" / "*")
        assert self.found(corpus) == {"one", "two", "four"}
        assert corpus.found == 3

    def test_a_file_with_the_signs_of_a_glob_in_its_name_is_a_file(self, tmp_path: Path) -> None:
        path = write_part(tmp_path / "take [1].mid", tune(1))
        assert self.found(read(path)[0]) == {"take [1]"}

    def test_a_list_names_files_relative_to_its_own_folder_each_once(self, folder: Path) -> None:
        lists = folder.parent / "lists"
        lists.mkdir()
        rows = [
            "../music/a/one.mid",
            "",
            f"  {folder / 'three.midi'} ",
            "../music/b/../a/one.mid",
            "../music/a/one.mid",
        ]
        (lists / "mine.txt").write_text("\r\n".join(rows), encoding="utf-8-sig")
        (corpus,) = read(lists / "mine.txt")
        assert (corpus.name, corpus.folder, corpus.found) == ("mine", lists, 2)
        assert self.found(corpus) == {"one", "three"}

    def test_a_list_uses_the_manifests_of_its_files(self, folder: Path) -> None:
        write_manifest(folder, "a/one.mid,valid", "three.midi,train")
        (folder.parent / "mine.txt").write_text("music/a/one.mid\nmusic/three.midi\n", encoding="utf-8")
        assert names(read(folder.parent / "mine.txt")[0]) == {"train": ["three"], "valid": ["one"], "test": []}

    def test_a_list_of_missing_files_is_an_error(self, folder: Path) -> None:
        path = folder / "mine.txt"
        path.write_text("a/one.mid\ngone.mid\n", encoding="utf-8")
        assert complaint(path) == f"{path} names {folder / 'gone.mid'}, which is not there"

    @pytest.mark.parametrize("text", ["", "\n \n"])
    def test_an_empty_list_is_an_error(self, text: str, folder: Path) -> None:
        path = folder / "mine.txt"
        path.write_text(text, encoding="utf-8")
        assert complaint(path) == f"{path} names no file"

    def test_a_list_in_another_encoding_is_an_error(self, folder: Path) -> None:
        path = folder / "mine.txt"
        path.write_text("Übung.mid\n", encoding="latin-1")
        assert complaint(path) == f"{path} is not a list of files in UTF-8; save it in UTF-8"

    @pytest.mark.parametrize(
        ("line", "fault"),
        [
            ("a" * 400, "line 2 is too long: a name in a path has at most 255 bytes"),
            ("a/one.mid\0", "line 2 has a zero byte, which no path can have"),
        ],
    )
    def test_a_text_that_is_no_list_of_files_is_an_error(self, line: str, fault: str, folder: Path) -> None:
        path = folder / "mine.txt"
        path.write_text(f"a/one.mid\n{line}\n", encoding="utf-8")
        assert complaint(path) == f"{path} is no list of files: {fault}"

    def test_a_list_of_a_link_that_leads_to_itself_is_an_error(self, folder: Path) -> None:
        (folder / "circle.mid").symlink_to("circle.mid")
        path = folder / "mine.txt"
        path.write_text("circle.mid\n", encoding="utf-8")
        assert complaint(path) == f"{path} names {folder / 'circle.mid'}, which is not there"

    def test_a_list_that_cannot_be_read_is_an_error(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> str:
            raise PermissionError(13, "Permission denied")

        path = folder / "mine.txt"
        path.touch()
        monkeypatch.setattr(Path, "read_text", refuse)
        assert complaint(path) == f"{path} cannot be read (Permission denied)"

    def test_a_source_that_no_path_can_be_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match="… is too long: a name in a path has at most 255 bytes"):
            read_corpora([tmp_path / ("a" * 400)], tmp_path / ".cache", LineSelection())

    def test_a_folder_without_midi_files_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "readme.md").touch()
        (tmp_path / "folder.mid").mkdir()
        assert (
            complaint(tmp_path)
            == f"{tmp_path} holds no file of music (.abc, .kar, .mid, .midi, .musicxml, .mxl, .rmi, .xml)"
        )

    @pytest.mark.parametrize("name", ["nowhere", "*.mid", "nowhere.txt"])
    def test_a_missing_source_is_an_error(self, name: str, tmp_path: Path) -> None:
        assert complaint(tmp_path / name) == (
            f"{tmp_path / name} is no folder and no file of music; name folders, .mid files, or a .txt that lists them"
        )

    def test_a_cache_that_cannot_be_made_is_an_error(self, folder: Path) -> None:
        (folder / ".cache").touch()
        with pytest.raises(OutputError, match="cannot be written"):
            read(folder)


class TestTracks:
    CHORDAL = (*exercise(), *(Note(76, float(2 * beat), 1.0, 80) for beat in range(8)))

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for number, split in enumerate(("train", "valid")):
            write_part(tmp_path / f"lead-{split}.mid", tune(number))
            write_part(tmp_path / f"short-{split}.mid", tune(number + 2, 32))
            write_part(tmp_path / f"chords-{split}.mid", self.CHORDAL)
            write_part(tmp_path / f"drums-{split}.mid", tune(number + 4), channel=DRUM_CHANNEL)
        write_manifest(tmp_path, *(f"{path.name},{path.stem.split('-')[1]}" for path in tmp_path.glob("*.mid")))
        return tmp_path

    def test_leads_alone_are_read_by_default(self, folder: Path) -> None:
        (corpus,) = read(folder)
        assert names(corpus) == {"train": ["lead-train"], "valid": ["lead-valid"], "test": []}
        without_lead = [f"{name}-{split}" for name in ("chords", "drums", "short") for split in ("train", "valid")]
        assert [path.stem for path in corpus.without_lead] == without_lead

    def test_melodic_tracks_are_trained_on_and_leads_alone_are_held_out(self, folder: Path) -> None:
        (corpus,) = read(folder, tracks="melodic")
        assert names(corpus)["train"] == ["chords-train", "lead-train", "short-train"]
        assert names(corpus)["valid"] == ["lead-valid"]
        assert [path.stem for path in corpus.without_lead] == [
            "chords-valid",
            "drums-train",
            "drums-valid",
            "short-valid",
        ]

    @pytest.mark.parametrize("tracks", ["most-notes", "merged"])
    def test_any_track_is_held_out_as_it_is_trained_on(self, tracks: TrackChoice, folder: Path) -> None:
        (corpus,) = read(folder, tracks=tracks)
        assert names(corpus)["valid"] == ["chords-valid", "lead-valid", "short-valid"]
        assert [path.stem for path in corpus.without_lead] == ["drums-train", "drums-valid"]

    def test_drums_are_read_on_request(self, folder: Path) -> None:
        (corpus,) = read(folder, tracks="merged", drums=True)
        assert corpus.without_lead == []

    def test_of_melodic_files_only_one_with_a_lead_is_held_out(self, tmp_path: Path) -> None:
        for number in range(6):
            write_part(tmp_path / f"short-{number}.mid", tune(number, 32))
        write_part(tmp_path / "lead-1.mid", tune(6))
        write_part(tmp_path / "lead-2.mid", tune(7))
        (corpus,) = read(tmp_path, tracks="melodic")
        assert corpus.files("valid") == 1


class TestBadFiles:
    def test_broken_files_are_listed_and_the_others_read(self, tmp_path: Path) -> None:
        write_part(tmp_path / "a whole one.mid", tune(1))
        (tmp_path / "cut off in its header.mid").write_bytes(WHOLE_MIDI_FILE[:10])
        (tmp_path / "empty.mid").touch()
        (tmp_path / "letter.mid").write_bytes(BROKEN_MIDI_FILES["a text"])
        (tmp_path / "._a whole one.mid").write_bytes(b"\x00\x05\x16\x07" + bytes(28))  # as a Mac leaves behind
        (corpus,) = read(tmp_path)
        assert corpus.files("train") == 1
        broken = ["._a whole one.mid", "cut off in its header.mid", "empty.mid", "letter.mid"]
        assert [broken.file.name for broken in corpus.broken] == broken

    def test_a_truncated_file_is_used_as_far_as_it_goes_and_listed(self, tmp_path: Path) -> None:
        write_part(tmp_path / "whole.mid", tune(1))
        (tmp_path / "cut off.mid").write_bytes(bytes(midi_bytes(Part(tune(2, 80))))[:-40])
        (corpus,) = read(tmp_path)
        assert sum(corpus.files(split) for split in SPLITS) == 2
        assert [(broken.file.name, broken.reason) for broken in corpus.incomplete] == [
            ("cut off.mid", "breaks off in its last track")
        ]

    def test_files_without_a_lead_do_not_count_as_broken(self, tmp_path: Path) -> None:
        write_part(tmp_path / "a lead.mid", tune(1))
        write_part(tmp_path / "bass.mid", tune(2, key=20))
        write_part(tmp_path / "drums.mid", tune(3), channel=DRUM_CHANNEL)
        write_part(tmp_path / "silence.mid", [])
        (corpus,) = read(tmp_path)
        assert [path.name for path in corpus.without_lead] == ["bass.mid", "drums.mid", "silence.mid"]
        assert {path.name for path in corpus.without_notes} == {"drums.mid", "silence.mid"}
        assert corpus.broken == []

    def test_all_files_broken_is_an_error(self, tmp_path: Path) -> None:
        for name in ("one.mid", "two.mid"):
            (tmp_path / name).touch()
        assert complaint(tmp_path) == f"none of the 2 files of music of {tmp_path} can be read: the first is empty"

    def test_one_broken_file_alone_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "one.mid").touch()
        assert complaint(tmp_path) == f"the only file of music of {tmp_path} cannot be read: it is empty"

    @pytest.mark.parametrize("tracks", ["lead", "melodic"])
    def test_no_lead_anywhere_is_an_error(self, tracks: TrackChoice, tmp_path: Path) -> None:
        write_part(tmp_path / "short.mid", exercise(12))
        assert complaint(tmp_path, tracks=tracks) == (
            f"no file of {tmp_path} has a lead-like track: at least 64 notes, 90% of the onsets a single note, median "
            "pitch 52 to 90; --tracks most-notes takes any track"
        )

    @pytest.mark.parametrize("tracks", ["most-notes", "merged"])
    def test_nothing_but_drums_is_an_error(self, tracks: TrackChoice, tmp_path: Path) -> None:
        write_part(tmp_path / "drums.mid", exercise(), channel=DRUM_CHANNEL)
        assert complaint(tmp_path, tracks=tracks) == (
            f"no file of {tmp_path} has two notes to learn from; drums count with --drums only"
        )


class TestFigures:
    def test_hours_keys_and_tempi_are_those_of_the_files_on_a_side(self, tmp_path: Path) -> None:
        scale = [60 + step for step in (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2, 0, 0)]
        (tmp_path / "c.mid").write_bytes(midi_bytes(Part(line(*scale * 4)), tempo_bpm=60.0))
        d_major = [Note(note.pitch + 2, note.onset_beats, 0.5, 80) for note in reversed(line(*scale * 4))]
        (tmp_path / "d.mid").write_bytes(midi_bytes(Part([*d_major, Note(50, 32.0, 0.5, 80)]), tempo_bpm=120.0))
        (tmp_path / "out.mid").write_bytes(midi_bytes(Part(tune(1)), tempo_bpm=90.0))
        write_part(tmp_path / "short.mid", exercise(12))
        write_manifest(tmp_path, "c.mid,train", "d.mid,train", "out.mid,-")
        (corpus,) = read(tmp_path)
        assert corpus.found == 4
        assert corpus.keys == {"C major": 1, "D major": 1}
        assert corpus.tempi_bpm == [60.0, 120.0]
        assert corpus.seconds == pytest.approx(32.0 + 16.25)

    def test_corpora_are_joined_one_after_another(self) -> None:
        one, other = Line.of(Path("one.mid"), exercise()), Line.of(Path("other.mid"), exercise(key=62))
        corpora = [Corpus(name, Path(name)) for name in ("first", "second")]
        corpora[0].lines["train"].append(one)
        corpora[1].lines["train"].append(other)
        assert joined(corpora, "train") == [one, other]
        assert joined(corpora, "test") == []


class TestLine:
    @given(st.lists(NOTES, max_size=12))
    def test_its_records_are_its_notes_in_onset_order(self, notes: list[Note]) -> None:
        kept = Line.of(Path("a.mid"), notes)
        assert kept.notes == tuple(in_onset_order(notes))
        assert len(kept) == len(kept.records) == len(notes)

    def test_its_notes_are_plain_numbers(self) -> None:
        (note,) = Line.of(Path("a.mid"), [Note(60, 1 / 3, 0.25, 80)]).notes
        assert [type(value) for value in (note.pitch, note.onset_beats, note.velocity)] == [int, float, int]
        assert note.onset_beats == 1 / 3

    def test_its_hash_depends_on_every_note_and_on_where_lines_end(self) -> None:
        def content(*lines: Sequence[Note]) -> str:
            return content_of(Line.of(Path(str(np.random.default_rng().integers(99))), notes) for notes in lines)

        whole = content(line(60, 62, 64))
        assert whole == content(line(60, 62, 64))
        others = [
            content(line(60, 62)),
            content(line(60, 62, 65)),
            content(line(60, 62, 64, velocity=81)),
            content(line(60, 62, 64, step_beats=0.25)),
            content(line(60, 62), line(64, start_beats=1.0)),
            content(line(60), line(62, 64, start_beats=0.5)),
            content(),
        ]
        assert len({whole, *others}) == 8


class TestWithWorkers:
    @pytest.fixture
    def _without_workers(self) -> None:
        """Here they are wanted."""

    def test_a_corpus_from_the_cache_equals_one_from_the_files(self, tmp_path: Path) -> None:
        folder, cache = tmp_path / "music", tmp_path / "cache"
        for number in range(12):
            write_part(folder / f"{number}.mid", tune(number))
        write_part(folder / "copy.mid", tune(1, key=62))
        write_part(folder / "short.mid", tune(2, 12))
        (folder / "broken.mid").write_bytes(b"no music")
        (folder / "cut off.mid").write_bytes(WHOLE_MIDI_FILE[:-1])
        (first,), (second,) = (read_corpora([folder], cache, LineSelection(), workers=1) for _ in range(2))
        for corpus in (first, second):
            assert corpus.files("train") + corpus.files("valid") + corpus.files("test") == 14
            assert [broken.reason for broken in corpus.incomplete] == ["breaks off in its last track"]
        for split in SPLITS:
            assert [line.file for line in first.lines[split]] == [line.file for line in second.lines[split]]
            assert content_of(first.lines[split]) == content_of(second.lines[split])
        assert [first.without_lead, first.broken] == [second.without_lead, second.broken]
        assert [first.seconds, first.keys, first.tempi_bpm] == [second.seconds, second.keys, second.tempi_bpm]
        assert first.near_duplicates == second.near_duplicates == 1
        assert is_mapped(second.lines["train"][0].records)
