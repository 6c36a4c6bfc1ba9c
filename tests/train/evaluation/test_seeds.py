from itertools import pairwise
from pathlib import Path

import pytest

from model.errors import SeedError
from model.files.seed import Seed
from model.files.time_signature import TimeSignature
from model.notes import Note
from tests.music import Part, exercise, line, midi_bytes, write_part
from train.errors import CorpusError
from train.evaluation.seeds import FILES_OF_A_FOLDER, built_in_seeds, first_phrase, read_seeds


class TestBuiltInSeeds:
    def test_there_are_a_few_with_names_of_their_own(self) -> None:
        names = [named.name for named in built_in_seeds()]
        assert len(names) == len(set(names)) == 3

    def test_each_is_four_bars_from_the_first_beat_on(self) -> None:
        for named in built_in_seeds():
            bar = named.seed.meter.beats_per_bar
            assert named.seed.notes[0].onset_beats == 0.0
            assert 3 * bar < named.seed.end_beats <= 4 * bar

    def test_they_differ_in_meter_and_tempo(self) -> None:
        assert {named.seed.meter for named in built_in_seeds()} == {TimeSignature(4, 4), TimeSignature(3, 4)}
        assert len({named.seed.tempo_bpm for named in built_in_seeds()}) == 3

    def test_one_note_follows_the_other_the_first_of_a_bar_the_loudest(self) -> None:
        for named in built_in_seeds():
            notes, bar = named.seed.notes, named.seed.meter.beats_per_bar
            assert all(one.end_beats <= other.onset_beats for one, other in pairwise(notes))
            assert {note.velocity for note in notes if note.onset_beats % bar == 0} == {96}
            assert {note.velocity for note in notes if note.onset_beats % 1 != 0} <= {80}


class TestFirstPhrase:
    def test_a_phrase_stays_as_it_is(self) -> None:
        seed = Seed(tuple(line(60, 62, 64, 65, 67, 65, 64, 62)), 96.0, TimeSignature(3, 4), 26)
        assert first_phrase(seed) == seed

    def test_of_a_song_it_is_the_first_four_bars(self) -> None:
        phrase = first_phrase(Seed(tuple(exercise(100))))
        assert phrase.notes == tuple(note for note in exercise(100) if note.onset_beats < 16.0)

    def test_a_rest_before_it_is_left_out_in_whole_bars(self) -> None:
        phrase = first_phrase(Seed(tuple(line(*range(60, 70), start_beats=9.5))))
        assert phrase.notes == tuple(line(*range(60, 70), start_beats=1.5))

    def test_a_few_notes_before_the_song_are_not_the_phrase(self) -> None:
        song = (*line(40, 41), *line(*range(60, 72), start_beats=40.0))
        assert first_phrase(Seed(song), bars=2).notes == tuple(line(*range(60, 72)))

    def test_where_no_bars_hold_enough_the_first_with_a_note_do(self) -> None:
        lonely = (Note(60, 8.0, 1.0, 80), Note(62, 80.0, 1.0, 80))
        assert first_phrase(Seed(lonely)).notes == (Note(60, 0.0, 1.0, 80),)

    def test_a_note_that_is_held_past_the_end_is_cut_there(self) -> None:
        held = (*line(*range(60, 68)), Note(70, 4.0, 40.0, 80))
        assert first_phrase(Seed(held), bars=2).end_beats == 8.0


class TestOfFiles:
    def test_a_file_is_a_seed_by_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "My_first__tune.mid"
        path.write_bytes(midi_bytes(Part(exercise(), program=26), tempo_bpm=90.0, meter=(3, 4)))
        (named,) = read_seeds([path], tmp_path / "cache")
        assert (named.name, named.origin) == ("My first tune", "My_first__tune.mid")
        assert (named.seed.meter, named.seed.program) == (TimeSignature(3, 4), 26)
        assert named.seed.end_beats == 12.0

    def test_files_of_one_name_get_numbers(self, tmp_path: Path) -> None:
        files = [write_part(tmp_path / folder / "tune.mid", exercise()) for folder in ("one", "two")]
        assert [named.name for named in read_seeds(files, tmp_path / "cache")] == ["tune", "tune (2)"]

    def test_a_folder_gives_a_few_of_its_test_files(self, tmp_path: Path) -> None:
        tunes = tmp_path / "tunes"
        rows = ["path,split"]
        for index in range(8):
            write_part(tunes / f"{index}.mid", exercise(key=56 + index, start=index))
            rows.append(f"{index}.mid,{'test' if index > 1 else 'train'}")
        (tunes / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
        found = read_seeds([tunes], tmp_path / "cache")
        assert len(found) == FILES_OF_A_FOLDER
        assert {named.origin for named in found} == {"tunes, test side"}
        assert {named.name for named in found} <= {str(index) for index in range(2, 8)}
        assert found == read_seeds([tunes], tmp_path / "cache")

    def test_a_folder_without_a_test_side_gives_what_it_has(self, tmp_path: Path) -> None:
        write_part(tmp_path / "tunes" / "one.mid", exercise())
        (named,) = read_seeds([tmp_path / "tunes"], tmp_path / "cache")
        assert named.origin == "tunes, train side"

    def test_a_folder_without_midi_files_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(CorpusError, match="holds no file of music"):
            read_seeds([tmp_path / "empty"], tmp_path / "cache")

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SeedError, match="there is no file"):
            read_seeds([tmp_path / "none.mid"], tmp_path / "cache")


def test_a_name_that_is_too_long_is_no_seed(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="too long"):
        read_seeds([tmp_path / ("a" * 400)], tmp_path / "cache")
