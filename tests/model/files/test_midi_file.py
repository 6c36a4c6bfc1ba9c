from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import mido
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import SeedError
from model.files.midi_file import RESOLUTION, Meter, Seed, Track, as_midi, read_seed, write_midi
from model.notes import Note, in_onset_order
from tests.music import BROKEN_MIDI_FILES, DRUM_CHANNEL, WHOLE_MIDI_FILE, Part, exercise, line, midi_bytes

PHRASE = line(60, 62, 64, 65)
BASS = line(*[36, 43] * 8, step_beats=1.0)
CHORDS = [Note(pitch, float(beat), 1.0, 80) for beat in range(40) for pitch in (60, 64, 67)]


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    return tmp_path / "seed.mid"


def complaint(path: Path) -> str:
    with pytest.raises(SeedError) as raised:
        read_seed(path)
    return str(raised.value)


class TestReadSeed:
    def test_notes_are_in_beats_whatever_the_tempo(self, seed_file: Path) -> None:
        for tempo_bpm in (40.0, 120.0, 133.7, 240.0):
            seed_file.write_bytes(midi_bytes(Part(PHRASE), tempo_bpm=tempo_bpm))
            assert read_seed(seed_file).notes == tuple(PHRASE)

    def test_it_knows_tempo_meter_and_program(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(Part(PHRASE, program=66), tempo_bpm=96.0, meter=(6, 8)))
        seed = read_seed(seed_file)
        assert seed == Seed(tuple(PHRASE), 96.0, Meter(6, 8), 66)
        assert type(seed.program) is int
        assert (seed.meter.beats_per_bar, seed.end_beats) == (3.0, 2.0)

    def test_where_nothing_is_said_it_is_four_four(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(Part(PHRASE), meter=None))
        assert read_seed(seed_file).meter == Meter(4, 4)

    def test_beats_stay_beats_across_a_change_of_tempo(self, seed_file: Path) -> None:
        file = mido.MidiFile(ticks_per_beat=480)
        track = file.add_track()
        for tempo_bpm, pitch in ((120, 60), (60, 62), (175, 64)):
            track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm)))
            track.append(mido.Message("note_on", note=pitch, velocity=80))
            track.append(mido.Message("note_off", note=pitch, time=480))
        file.save(seed_file)
        seed = read_seed(seed_file)
        assert seed.notes == tuple(line(60, 62, 64, step_beats=1.0))
        assert seed.tempo_bpm == 120.0

    def test_a_rest_at_the_beginning_stays(self, seed_file: Path) -> None:
        notes = line(60, 62, start_beats=3.0)
        seed_file.write_bytes(midi_bytes(Part(notes)))
        assert read_seed(seed_file).notes == tuple(notes)

    def test_the_lead_is_picked_and_drums_are_left_out(self, seed_file: Path) -> None:
        parts = [
            Part(CHORDS, program=4, channel=0),
            Part(line(*[38] * 100), channel=DRUM_CHANNEL),
            Part(BASS, program=33, channel=1),
            Part(PHRASE, program=66, channel=2),
        ]
        seed_file.write_bytes(midi_bytes(*parts))
        seed = read_seed(seed_file)
        assert (seed.notes, seed.program) == (tuple(PHRASE), 66)

    def test_without_a_lead_the_fullest_track_is_the_seed(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(Part(BASS, program=33, channel=1), Part(CHORDS, program=4)))
        assert read_seed(seed_file).notes == tuple(in_onset_order(CHORDS))

    def test_a_tempo_where_none_belongs_leaves_the_beats_right(self, seed_file: Path) -> None:
        file = mido.MidiFile(ticks_per_beat=480)
        file.add_track()
        track = file.add_track()
        track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90)))
        track.append(mido.Message("note_on", note=60, velocity=80))
        track.append(mido.Message("note_off", note=60, time=480))
        file.save(seed_file)
        assert read_seed(seed_file) == Seed((Note(60, 0.0, 1.0, 80),), 120.0, Meter(), 0)


class TestBadSeed:
    def test_one_that_is_missing(self, seed_file: Path) -> None:
        assert complaint(seed_file) == f"there is no file {seed_file}; a seed is a .mid file with at least one note"

    def test_a_folder(self, tmp_path: Path) -> None:
        assert complaint(tmp_path) == f"there is no file {tmp_path}; a seed is a .mid file with at least one note"

    def test_one_that_is_empty(self, seed_file: Path) -> None:
        seed_file.touch()
        assert complaint(seed_file) == f"{seed_file} is empty; a seed is a .mid file with at least one note"

    @pytest.mark.parametrize("content", BROKEN_MIDI_FILES.values(), ids=BROKEN_MIDI_FILES.keys())
    def test_one_that_is_no_whole_midi_file(self, content: bytes, seed_file: Path) -> None:
        seed_file.write_bytes(content)
        text = f"{seed_file} is not a whole MIDI file; export it again from where it was made"
        assert complaint(seed_file) == text

    @pytest.mark.parametrize("parts", [[], [Part([])]])
    def test_one_without_notes(self, parts: list[Part], seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(*parts))
        assert complaint(seed_file) == f"{seed_file} holds no notes; a seed needs at least one pitched note"

    def test_one_of_drums_alone(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(Part(line(36, 38), channel=DRUM_CHANNEL)))
        assert complaint(seed_file) == (f"{seed_file} holds nothing but drums; a seed needs at least one pitched note")

    @given(st.data())
    def test_any_damage_is_a_seed_or_a_sentence(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        content = bytearray(WHOLE_MIDI_FILE[: data.draw(st.integers(1, len(WHOLE_MIDI_FILE)))])
        for _ in range(data.draw(st.integers(0, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path = tmp_path_factory.getbasetemp() / "damaged.mid"
        path.write_bytes(content)
        with suppress(SeedError):
            notes = read_seed(path).notes
            assert all(note.onset_beats >= 0.0 and note.duration_beats > 0.0 for note in notes)


GRID_NOTES = st.lists(
    st.tuples(st.sampled_from([0.25, 1 / 3, 0.5, 2 / 3, 1.0, 3.75]), st.integers(0, 127), st.integers(1, 127)),
    min_size=1,
    max_size=20,
)


class TestWriteMidi:
    @given(GRID_NOTES, st.sampled_from([40.0, 95.0, 120.0, 133.3, 240.0]))
    def test_music_on_the_grid_comes_back_exactly(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, int, int]], tempo_bpm: float
    ) -> None:
        tick, notes = 0, []
        for step, pitch, velocity in steps:
            duration = round(step * RESOLUTION)
            notes.append(Note(pitch, tick / RESOLUTION, (tick + duration) / RESOLUTION - tick / RESOLUTION, velocity))
            tick += duration
        path = tmp_path_factory.getbasetemp() / "written.mid"
        write_midi(path, [Track("Player", notes)], tempo_bpm)
        seed = read_seed(path)
        assert seed.notes == tuple(notes)
        assert seed.tempo_bpm == pytest.approx(tempo_bpm, rel=1e-5)

    def test_tracks_keep_their_names_programs_and_order(self, tmp_path: Path) -> None:
        path = tmp_path / "take.mid"
        write_midi(path, [Track("Player", PHRASE, 66), Track("Answer", BASS, 4)], 120.0, Meter(3, 4))
        read = pretty_midi.PrettyMIDI(str(path))
        assert [(part.name, part.program, len(part.notes)) for part in read.instruments] == [
            ("Player", 66, 4),
            ("Answer", 4, 16),
        ]
        (meter,) = read.time_signature_changes
        assert (meter.numerator, meter.denominator, meter.time) == (3, 4, 0.0)
        assert read.resolution == RESOLUTION

    def test_the_same_notes_give_the_same_bytes_in_any_order(self, tmp_path: Path) -> None:
        def written(notes: Sequence[Note]) -> bytes:
            path = tmp_path / "answer.mid"
            write_midi(path, [Track("Answer", notes)], 133.3)
            return path.read_bytes()

        assert written(CHORDS) == written(CHORDS[::-1]) == written(CHORDS) == as_midi([Track("Answer", CHORDS)], 133.3)

    def test_the_bytes_of_a_small_file_are_these(self, tmp_path: Path) -> None:
        path = tmp_path / "answer.mid"
        write_midi(path, [Track("A", [Note(60, 1.0, 0.5, 80)], 4)], 120.0, Meter(3, 4))
        assert path.read_bytes().hex(" ") == (
            "4d 54 68 64 00 00 00 06 00 01 00 02 01 e0 "  # type 1, 2 tracks, 480 ticks in a beat
            "4d 54 72 6b 00 00 00 13 00 ff 51 03 07 a1 20 "  # 500,000 microseconds in a beat
            "00 ff 58 04 03 02 18 08 01 ff 2f 00 "  # 3/4
            "4d 54 72 6b 00 00 00 15 00 ff 03 01 41 00 c0 04 "  # A, electric piano
            "83 60 90 3c 50 81 70 3c 00 01 ff 2f 00"  # on after 480 ticks, off after 240 more
        )

    def test_it_replaces_what_was_there(self, tmp_path: Path) -> None:
        path = tmp_path / "answer.mid"
        path.write_bytes(b"an older answer")
        write_midi(path, [Track("Answer", PHRASE)], 120.0)
        assert read_seed(path).notes == tuple(PHRASE)
        assert [file.name for file in tmp_path.iterdir()] == ["answer.mid"]

    def test_when_it_fails_nothing_is_left_and_nothing_is_lost(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fill_the_disk(file: Path, content: bytes) -> None:
            with file.open("wb") as begun:
                begun.write(content[:4])
            raise OSError(28, "No space left on device")

        path = tmp_path / "answer.mid"
        path.write_bytes(b"an older answer")
        monkeypatch.setattr(Path, "write_bytes", fill_the_disk)
        with pytest.raises(OSError, match="No space left"):
            write_midi(path, [Track("Answer", PHRASE)], 120.0)
        assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("answer.mid", b"an older answer")]

    def test_a_place_that_is_not_there_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            write_midi(tmp_path / "nowhere" / "answer.mid", [Track("Answer", PHRASE)], 120.0)

    def test_a_long_line_loses_no_note(self, tmp_path: Path) -> None:
        path = tmp_path / "long.mid"
        write_midi(path, [Track("Answer", exercise(600))], 97.0)
        assert read_seed(path).notes == tuple(exercise(600))
