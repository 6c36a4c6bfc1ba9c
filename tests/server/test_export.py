import hashlib
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pretty_midi
import pytest
from mido import MidiFile

from bridge.timing.timeline import Timeline
from model.approach import APPROACHES, Approach
from model.errors import PackError, PictureError, SeedError
from model.extras import install_hint
from model.files.charts.chart_source import read_chart
from model.files.midi.midi_markers import read_markers
from model.files.seed import Seed, read_seed
from model.improvising.improviser import Improviser
from model.notes import Note
from server.config.config import Config
from server.controls.control_table import Settings
from server.errors import ExportError
from server.export import ExportRequest, answer_to, export_answers, jam_for_answer
from server.jam.jam import Jam
from server.music.packs.pack_loader import load_pack
from server.out_file import MIDI_SUFFIXES, PICTURE_SUFFIXES, check_out
from tests.music import BROKEN_MIDI_FILES, Part, exercise, line, midi_bytes
from tests.server.jams import ScriptedImproviser

PHRASE = line(60, 62, 64, 65, 67, 65, 64, 62)  # a bar of 4/4


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    path = tmp_path / "phrase.mid"
    path.write_bytes(midi_bytes(Part(PHRASE, program=26), tempo_bpm=100.0, meter=(4, 4)))
    return path


@pytest.fixture
def config(tiny_pack: Path) -> Config:
    return Config().with_values({"controls.pack": str(tiny_pack)})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "answer.mid"


def exported(order: ExportRequest, config: Config, *, own_tempo: bool = False) -> list[Path]:
    return list(export_answers(order, config, own_tempo=own_tempo))


def tracks(path: Path) -> dict[str, list[tuple[int, float, float]]]:
    """Each track's notes: pitch, onset and end in beats."""
    midi = pretty_midi.PrettyMIDI(str(path))

    def beats(at_s: float) -> float:
        return float(midi.time_to_tick(at_s)) / float(midi.resolution)

    return {
        track.name: [(note.pitch, beats(note.start), beats(note.end)) for note in track.notes]
        for track in midi.instruments
    }


def onsets(notes: Sequence[tuple[int, float, float]]) -> list[float]:
    return [onset_beats for _, onset_beats, _ in notes]


class TestTheFile:
    def test_has_the_seed_and_the_answer_on_two_tracks(self, seed: Path, out: Path, config: Config) -> None:
        assert exported(ExportRequest(seed, out), config) == [out]
        written = tracks(out)
        assert list(written) == ["Seed", "Answer"]
        assert written["Seed"] == [(note.pitch, note.onset_beats, note.end_beats) for note in PHRASE]
        assert written["Answer"]

    def test_the_answer_is_as_long_as_the_seed_and_begins_at_the_bar_line_after_it(
        self, seed: Path, out: Path, config: Config
    ) -> None:
        exported(ExportRequest(seed, out), config)
        answer = tracks(out)["Answer"]
        assert onsets(answer)[0] == 4.0
        assert max(end_beats for _, _, end_beats in answer) <= 8.0

    def test_keeps_the_seeds_tempo_meter_and_program(self, tmp_path: Path, out: Path, config: Config) -> None:
        waltz = tmp_path / "waltz.mid"
        waltz.write_bytes(midi_bytes(Part(line(60, 62, 64), program=26), tempo_bpm=90.0, meter=(3, 4)))
        exported(ExportRequest(waltz, out), config)
        midi = pretty_midi.PrettyMIDI(str(out))
        assert midi.get_tempo_changes()[1].tolist() == pytest.approx([90.0])
        assert [(change.numerator, change.denominator) for change in midi.time_signature_changes] == [(3, 4)]
        assert [track.program for track in midi.instruments] == [26, 26]
        assert onsets(tracks(out)["Answer"])[0] == 3.0

    def test_a_tempo_that_was_given_is_used_instead_of_the_seeds(self, seed: Path, out: Path, config: Config) -> None:
        exported(ExportRequest(seed, out), config.with_values({"controls.tempo": 150.0}), own_tempo=True)
        assert pretty_midi.PrettyMIDI(str(out)).get_tempo_changes()[1].tolist() == pytest.approx([150.0])
        assert onsets(tracks(out)["Answer"])[0] == 4.0

    def test_may_hold_the_answer_alone_without_the_time_before_it(self, seed: Path, out: Path, config: Config) -> None:
        exported(ExportRequest(seed, out), config)
        both = tracks(out)["Answer"]
        exported(ExportRequest(seed, out, answer_only=True), config)
        alone = tracks(out)
        assert list(alone) == ["Answer"]
        assert alone["Answer"] == [(pitch, onset - 4.0, end - 4.0) for pitch, onset, end in both]

    @pytest.mark.parametrize("approach", ["pitch", "event"])
    def test_both_approaches_answer(self, seed: Path, out: Path, config: Config, approach: str) -> None:
        exported(ExportRequest(seed, out), config.with_values({"controls.approach": approach}))
        answer = onsets(tracks(out)["Answer"])
        if approach == "pitch":
            assert answer == [4.0 + step / 2 for step in range(8)]  # the last is held for half a beat
        assert answer[0] == 4.0

    @pytest.mark.parametrize("beats", [1.0, 16.0])
    def test_the_length_is_a_control(self, seed: Path, out: Path, config: Config, beats: float) -> None:
        exported(
            ExportRequest(seed, out),
            config.with_values({"controls.answer_length": beats, "controls.approach": "pitch"}),
        )
        assert max(end_beats for _, _, end_beats in tracks(out)["Answer"]) == 4.0 + beats


class TestReproducibility:
    @pytest.mark.parametrize("approach", ["pitch", "event"])
    def test_the_same_request_gives_the_same_bytes(self, seed: Path, out: Path, config: Config, approach: str) -> None:
        config = config.with_values({"controls.approach": approach})
        hashes = set()
        for name in ("one.mid", "two.mid"):
            (path,) = exported(ExportRequest(seed, out.with_name(name), random_seed=7), config)
            hashes.add(hashlib.sha256(path.read_bytes()).hexdigest())
        assert len(hashes) == 1

    def test_another_random_seed_gives_another_answer(self, seed: Path, out: Path, config: Config) -> None:
        answers = []
        for number in (7, 8):
            exported(ExportRequest(seed, out, random_seed=number), config)
            answers.append(tracks(out)["Answer"])
        assert answers[0] != answers[1]

    def test_another_temperature_gives_another_answer(self, seed: Path, out: Path, config: Config) -> None:
        answers = []
        for temperature in (0.1, 2.0):
            exported(ExportRequest(seed, out), config.with_values({"controls.temperature": temperature}))
            answers.append(tracks(out)["Answer"])
        assert answers[0] != answers[1]


class TestCount:
    def test_several_answers_go_to_files_of_their_own(self, seed: Path, out: Path, config: Config) -> None:
        paths = exported(ExportRequest(seed, out, count=3), config)
        assert [path.name for path in paths] == ["answer-1.mid", "answer-2.mid", "answer-3.mid"]
        assert len({path.read_bytes() for path in paths}) == 3
        assert not out.exists()

    def test_ten_and_more_are_numbered_so_that_they_sort(self, seed: Path, out: Path, config: Config) -> None:
        paths = exported(ExportRequest(seed, out, count=10), config)
        assert [paths[0].name, paths[-1].name] == ["answer-01.mid", "answer-10.mid"]
        assert sorted(paths) == paths

    def test_each_of_several_is_the_answer_for_its_own_random_seed(self, seed: Path, out: Path, config: Config) -> None:
        several = exported(ExportRequest(seed, out, count=3, random_seed=7), config)
        exported(ExportRequest(seed, out, random_seed=8), config)
        assert several[1].read_bytes() == out.read_bytes()


class TestPianoRoll:
    def test_is_a_picture_beside_the_file(self, seed: Path, out: Path, config: Config) -> None:
        picture = out.with_suffix(".png")
        assert exported(ExportRequest(seed, out, piano_roll=picture), config) == [out, picture]
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert picture.stat().st_size > 5_000

    def test_there_is_one_for_each_answer(self, seed: Path, out: Path, config: Config) -> None:
        paths = exported(
            ExportRequest(seed, out, count=2, piano_roll=out.with_suffix(".png"), answer_only=True), config
        )
        assert [path.name for path in paths] == ["answer-1.mid", "answer-1.png", "answer-2.mid", "answer-2.png"]

    def test_without_matplotlib_nothing_is_written_and_the_error_says_how_to_install_it(
        self, seed: Path, out: Path, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(PictureError, match=re.escape(f"a piano roll needs matplotlib: {install_hint('train')}")):
            exported(ExportRequest(seed, out, piano_roll=out.with_suffix(".png")), config)
        assert not out.exists()


def markers(path: Path) -> list[tuple[float, str]]:
    return read_markers(path.read_bytes())


class TestChords:
    def test_a_chart_is_written_as_markers_at_each_chord(self, seed: Path, out: Path, config: Config) -> None:
        over_chords = config.with_values({"controls.chart": "| Dm7 | G7 Cmaj7 |"})
        exported(ExportRequest(seed, out), over_chords)
        assert markers(out) == [(0.0, "Dm7"), (4.0, "G7"), (6.0, "Cmaj7")]

    def test_the_file_is_read_as_the_same_chart(self, seed: Path, out: Path, config: Config) -> None:
        exported(ExportRequest(seed, out), config.with_values({"controls.chart": "| Dm7 | G7 Cmaj7 |"}))
        chart = read_chart(str(out))
        assert chart is not None
        assert [" ".join(map(str, bar.chords)) for bar in chart.bars] == ["Dm7", "G7 Cmaj7"]

    def test_an_answer_alone_begins_with_the_chord_that_it_begins_over(
        self, seed: Path, out: Path, config: Config
    ) -> None:
        over_chords = config.with_values({"controls.chart": "| Dm7 | G7 Cmaj7 |"})
        exported(ExportRequest(seed, out, answer_only=True), over_chords)
        assert markers(out) == [(0.0, "G7"), (2.0, "Cmaj7")]

    def test_beside_a_seed_in_a_meter_that_no_jam_has_the_bars_of_a_chart_have_four_beats(
        self, tmp_path: Path, out: Path, config: Config
    ) -> None:
        seed = tmp_path / "seed.mid"
        seed.write_bytes(midi_bytes(Part(PHRASE), meter=(5, 64)))
        exported(ExportRequest(seed, out), config.with_values({"controls.chart": "| Dm7 | G7 |"}))
        assert markers(out)[:2] == [(0.0, "Dm7"), (4.0, "G7")]

    def test_what_of_a_chart_was_not_understood_is_said_once(self, seed: Path, out: Path, config: Config) -> None:
        said: list[str] = []
        over_chords = config.with_values({"controls.chart": "| Dm7 | H7 |"})
        list(export_answers(ExportRequest(seed, out, count=2), over_chords, own_tempo=False, say=said.append))
        assert len(said) == 1
        assert said[0].startswith('The chart: bar 2: "H7" is no chord')

    def test_a_chart_in_another_meter_than_the_seed_is_said(self, seed: Path, out: Path, config: Config) -> None:
        said: list[str] = []
        over_chords = config.with_values({"controls.chart": "waltz"})
        list(export_answers(ExportRequest(seed, out, count=2), over_chords, own_tempo=False, say=said.append))
        assert said == ["The chart: it is in 3/4, and the seed in 4/4; its chords share the bars of the seed"]

    @pytest.mark.timeout(60)
    @pytest.mark.parametrize("mode", ["fours", "continuous", "listen", "answer"])
    def test_whatever_plays_on_in_a_jam_ends_with_the_answer(
        self, seed: Path, out: Path, config: Config, mode: str
    ) -> None:
        over_chords = config.with_values({"controls.chart": "blues", "controls.band": "full", "controls.mode": mode})
        exported(ExportRequest(seed, out), over_chords)
        end_beats = max(end for _, _, end in tracks(out)["Answer"])
        assert end_beats <= 8.0 + 1e-6
        assert all(end <= 8.0 + 1e-6 for notes in tracks(out).values() for _, _, end in notes)

    def test_the_band_plays_from_the_first_bar_to_the_answers_end_on_tracks_of_its_own(
        self, seed: Path, out: Path, config: Config
    ) -> None:
        over_chords = config.with_values({"controls.chart": "| Dm7 | G7 |", "controls.band": "full"})
        exported(ExportRequest(seed, out), over_chords)
        song = MidiFile(out)
        channels = {
            track.name: {message.channel for message in track if message.type == "note_on"} for track in song.tracks[1:]
        }
        assert channels == {"Seed": {0}, "Answer": {1}, "Bass": {2}, "Chords": {3}, "Drums": {9}}
        bass = {onset: pitch % 12 for pitch, onset, _ in tracks(out)["Bass"]}
        assert (bass[0.0], bass[4.0]) == (2, 7)
        exported(ExportRequest(seed, out, answer_only=True), over_chords)
        assert tracks(out)["Bass"][0][:2] == (7 + 12 * (tracks(out)["Bass"][0][0] // 12), 0.0)

    @pytest.mark.parametrize(("band", "names"), [("bass", ["Bass"]), ("bass+chords", ["Bass", "Chords"]), ("off", [])])
    def test_only_the_parts_that_play_have_a_track(
        self, seed: Path, out: Path, config: Config, band: str, names: list[str]
    ) -> None:
        exported(
            ExportRequest(seed, out), config.with_values({"controls.chart": "| Dm7 | G7 |", "controls.band": band})
        )
        assert list(tracks(out)) == ["Seed", "Answer", *names]

    def test_without_a_chart_there_are_no_markers(self, seed: Path, out: Path, config: Config) -> None:
        exported(ExportRequest(seed, out), config)
        assert markers(out) == []


class TestBadSeeds:
    """A bad seed ends the export with one sentence that names it, and no file is written."""

    def refusal(self, seed: Path, out: Path, config: Config) -> str:
        with pytest.raises(SeedError) as refusal:
            exported(ExportRequest(seed, out), config)
        assert list(out.parent.iterdir()) == []
        sentence = str(refusal.value)
        assert "\n" not in sentence
        assert str(seed) in sentence
        return sentence

    def test_a_missing_file(self, tmp_path: Path, out: Path, config: Config) -> None:
        assert self.refusal(tmp_path / "none.mid", out, config).startswith("there is no file")

    def test_an_empty_file(self, tmp_path: Path, out: Path, config: Config) -> None:
        seed = tmp_path / "empty.mid"
        seed.touch()
        assert "is empty" in self.refusal(seed, out, config)

    @pytest.mark.parametrize("data", BROKEN_MIDI_FILES.values(), ids=BROKEN_MIDI_FILES)
    def test_a_truncated_file_or_one_that_is_not_midi(
        self, tmp_path: Path, out: Path, config: Config, data: bytes
    ) -> None:
        seed = tmp_path / "broken.mid"
        seed.write_bytes(data)
        assert self.refusal(seed, out, config).endswith("; a seed is a file of music with at least one pitched note")

    def test_a_file_without_notes(self, tmp_path: Path, out: Path, config: Config) -> None:
        seed = tmp_path / "silent.mid"
        seed.write_bytes(midi_bytes(Part([])))
        assert "holds no notes" in self.refusal(seed, out, config)

    def test_a_folder(self, tmp_path: Path, out: Path, config: Config) -> None:
        assert f"{tmp_path} is a folder" in self.refusal(tmp_path, out, config)


class TestBadPaths:
    """A path that cannot be written ends the export with one sentence that names it, and no file is half written."""

    def refusal(self, order: ExportRequest, config: Config) -> str:
        with pytest.raises(ExportError) as refusal:
            exported(order, config)
        assert "\n" not in str(refusal.value)
        return str(refusal.value)

    def test_a_missing_folder(self, seed: Path, tmp_path: Path, config: Config) -> None:
        path = tmp_path / "none" / "answer.mid"
        sentence = self.refusal(ExportRequest(seed, path), config)
        assert sentence == f"{path} cannot be written: No such file or directory; choose another place"

    def test_a_folder_instead_of_a_file(self, seed: Path, out: Path, config: Config) -> None:
        assert str(out.parent) in self.refusal(ExportRequest(seed, out.parent), config)
        assert list(out.parent.iterdir()) == []
        assert [path.name for path in out.parent.parent.iterdir() if path.name.startswith(".")] == []

    @pytest.mark.parametrize("path", [".", "..", "/"])
    @pytest.mark.parametrize("count", [1, 2])
    def test_a_path_without_a_file_name(
        self, seed: Path, working_folder: Path, config: Config, path: str, count: int
    ) -> None:
        self.refusal(ExportRequest(seed, Path(path), count=count), config)
        self.refusal(ExportRequest(seed, Path("answer.mid"), count=count, piano_roll=Path(path)), config)
        assert not [path for path in working_folder.iterdir() if path.name.startswith(".")]

    def test_a_path_without_write_permission(self, seed: Path, config: Config) -> None:
        path = Path("/proc/answer.mid")  # where not even root may
        assert re.match(rf"^{path} cannot be written: ", self.refusal(ExportRequest(seed, path), config))

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
    def test_a_link_stays_one_and_a_device_stays_a_device(self, seed: Path, tmp_path: Path, config: Config) -> None:
        (tmp_path / "link.mid").symlink_to("elsewhere.mid")
        exported(ExportRequest(seed, tmp_path / "link.mid"), config)
        assert (tmp_path / "link.mid").is_symlink()
        assert read_seed(tmp_path / "elsewhere.mid").notes
        sentence = self.refusal(ExportRequest(seed, Path("/dev/null")), config)
        assert sentence == "/dev/null cannot be written: it is a pipe or a device, and no file; choose another place"
        assert Path("/dev/null").is_char_device()

    def test_the_midi_file_is_complete_even_if_the_picture_cannot_be_written(
        self, seed: Path, out: Path, tmp_path: Path, config: Config
    ) -> None:
        self.refusal(ExportRequest(seed, out, piano_roll=tmp_path / "none" / "roll.png"), config)
        assert [path.name for path in out.parent.iterdir()] == ["answer.mid"]
        assert read_seed(out).notes

    def test_the_seed_itself(self, seed: Path, config: Config) -> None:
        before = seed.read_bytes()
        assert "is the seed itself" in self.refusal(ExportRequest(seed, seed), config)
        assert seed.read_bytes() == before

    def test_a_bad_seed_leaves_an_older_file_unchanged(
        self, seed: Path, out: Path, config: Config, tmp_path: Path
    ) -> None:
        out.write_bytes(b"older")
        with pytest.raises(SeedError):
            exported(ExportRequest(tmp_path / "none.mid", out), config)
        assert out.read_bytes() == b"older"


@pytest.mark.usefixtures("working_folder")
def test_with_an_unknown_pack_no_file_is_written(seed: Path, out: Path) -> None:
    with pytest.raises(PackError, match="there is no pack named sonbook and no such folder"):
        exported(ExportRequest(seed, out), Config().with_values({"controls.pack": "sonbook"}))
    assert list(out.parent.iterdir()) == []


class TestAnswerTo:
    """`answer_to` runs the same `Jam` that plays live."""

    def answer(self, seed: Seed) -> list[Note]:
        partners: dict[Approach, Improviser] = {
            "pitch": ScriptedImproviser("pitch", (72, 74)),
            "event": ScriptedImproviser("event", (80,), (1.0,)),
        }
        return answer_to(seed, Jam(partners, Settings(approach="pitch", answer_after=math.inf), 0))

    def test_it_returns_the_notes_of_the_jam_in_beats(self) -> None:
        assert self.answer(Seed(tuple(line(60, 62, 64, 65)))) == line(72, 74, 72, 74, start_beats=4.0)

    def test_a_rest_in_the_seed_is_not_answered(self) -> None:
        notes = (*line(60, 62), *line(64, start_beats=15.5))
        assert self.answer(Seed(notes))[0].onset_beats == 16.0

    def test_a_note_that_ends_just_past_the_bar_line_is_in_the_bar_before(self) -> None:
        notes = (*line(60, 62, 64), Note(65, 1.5, 2.53, 80))
        assert self.answer(Seed(notes))[0].onset_beats == 4.0

    def test_a_note_that_ends_well_past_the_bar_line_is_in_the_bar_after_it(self) -> None:
        notes = (*line(60, 62, 64), Note(65, 1.5, 3.0, 80))
        assert self.answer(Seed(notes))[0].onset_beats == 8.0

    def test_it_is_as_loud_as_the_seed(self) -> None:
        assert {note.velocity for note in self.answer(Seed(tuple(line(60, 62, velocity=31))))} == {31}

    def test_a_long_seed_gets_a_long_answer_of_eight_bars_at_most(self) -> None:
        for length, beats in ((24, 16.0), (64, 32.0)):
            answer = self.answer(Seed(tuple(exercise(length))))
            assert answer[-1].end_beats - answer[0].onset_beats == beats

    def test_a_very_long_rest_in_the_seed_is_not_answered_either_and_belongs_to_it(self) -> None:
        notes = (*line(60, 62), *line(64, start_beats=23.0))
        answer = self.answer(Seed(notes))
        assert (answer[0].onset_beats, answer[-1].end_beats) == (24.0, 48.0)

    @pytest.mark.parametrize("approach", APPROACHES)
    def test_only_the_model_that_answers_hears_the_seed(self, config: Config, approach: Approach) -> None:
        settings = replace(config.settings, approach=approach)
        jam = jam_for_answer(load_pack(settings.pack, config), settings, 0, Timeline.start(120.0))
        assert answer_to(Seed(tuple(line(60, 62, 64, 65))), jam)
        assert list(jam.memories) == [approach]


@pytest.mark.parametrize("name", ["answer.mid", "ANSWER.MID", "answer.midi", "answer", "/dev/full"])
def test_a_name_of_the_kind_that_is_written_is_taken_and_one_that_says_nothing_too(name: str) -> None:
    check_out(Path(name), MIDI_SUFFIXES, "answer.mid")


@pytest.mark.parametrize(
    ("name", "suffixes", "example"),
    [("answer.wav", MIDI_SUFFIXES, "answer.mid"), ("roll.jpg", PICTURE_SUFFIXES, "roll.png")],
)
def test_a_name_of_another_kind_is_refused(name: str, suffixes: tuple[str, ...], example: str) -> None:
    with pytest.raises(ExportError) as refusal:
        check_out(Path(name), suffixes, example)
    assert str(refusal.value) == f"{name} cannot be written: what is written is a {suffixes[0]} file, such as {example}"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"is a folder; name a file, such as .*answer\.mid"):
        check_out(tmp_path, MIDI_SUFFIXES, "answer.mid")
