from contextlib import suppress
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import SeedError
from model.files.seed import Seed, read_seed, seed_notice
from model.files.tempo import TempoChange
from model.files.time_signature import MeterChange, TimeSignature
from model.notes import Note, in_onset_order
from tests.model.files.midi.midi_parts import event, meter, midi_file, mpe_line, plain, tempo, track
from tests.music import BROKEN_MIDI_FILES, DAMAGED_MIDI_FILES, DRUM_CHANNEL, WHOLE_MIDI_FILE, Part, line, midi_bytes

HELP = "a seed is a file of music with at least one pitched note"
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
    def test_notes_are_in_beats_at_any_tempo(self, seed_file: Path) -> None:
        for tempo_bpm in (40.0, 120.0, 133.7, 240.0):
            seed_file.write_bytes(midi_bytes(Part(PHRASE), tempo_bpm=tempo_bpm))
            assert read_seed(seed_file).notes == tuple(PHRASE)

    def test_a_seed_has_tempo_meter_and_program(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(Part(PHRASE, program=66), tempo_bpm=96.0, meter=(6, 8)))
        seed = read_seed(seed_file)
        assert seed == Seed(tuple(PHRASE), 96.0, TimeSignature(6, 8), 66)
        assert type(seed.program) is int
        assert (seed.meter.beats_per_bar, seed.end_beats) == (3.0, 2.0)

    def test_without_a_time_signature_the_meter_is_4_4(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(Part(PHRASE), meter=None))
        assert read_seed(seed_file).meter == TimeSignature(4, 4)

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

    def test_tempo_and_meter_are_read_from_any_track(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_file(track(), track(plain(2)), track(tempo(300_000), meter(3, 2))))
        seed = read_seed(seed_file)
        assert (seed.tempo_bpm, seed.meter, seed.tempi, seed.meters) == (200.0, TimeSignature(3, 4), (), ())

    @pytest.mark.parametrize("tempo_bpm", [97.0, 133.3, 61.5, 96.123, 222.0])
    def test_a_tempo_is_read_as_it_was_meant(self, tempo_bpm: float, seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(Part(PHRASE), tempo_bpm=tempo_bpm))
        assert read_seed(seed_file).tempo_bpm == tempo_bpm

    def test_its_tempo_is_that_of_its_first_note_and_later_changes_follow(self, seed_file: Path) -> None:
        tempi = tempo(1_000_000) + tempo(500_000, 960) + tempo(600_000, 960)
        seed_file.write_bytes(midi_file(track(tempi), track(event(960, 0xB0, 7, 100), plain(20))))
        seed = read_seed(seed_file)
        assert (seed.tempo_bpm, seed.tempi) == (120.0, (TempoChange(4.0, 100.0),))


class TestPickup:
    def test_a_first_bar_that_is_shorter_is_a_pickup_and_ends_a_bar(self, seed_file: Path) -> None:
        meters = meter(1, 2) + meter(4, 2, 480)
        seed_file.write_bytes(midi_file(track(meters), track(plain(4))))
        seed = read_seed(seed_file)
        assert (seed.meter, seed.meters) == (TimeSignature(4, 4), ())
        assert [note.onset_beats for note in seed.notes] == [3.0, 3.5, 4.0, 4.5]

    def test_tempi_move_with_the_notes(self, seed_file: Path) -> None:
        conductor = meter(1, 3) + tempo(500_000) + meter(6, 3, 240) + tempo(600_000, 240)
        seed_file.write_bytes(midi_file(track(conductor), track(plain(4))))
        seed = read_seed(seed_file)
        assert (seed.meter, seed.tempo_bpm, seed.tempi) == (TimeSignature(6, 8), 120.0, (TempoChange(3.5, 100.0),))
        assert seed.notes[0].onset_beats == 2.5

    def test_a_whole_first_bar_is_no_pickup(self, seed_file: Path) -> None:
        meters = meter(4, 2) + meter(3, 2, 4 * 480)
        seed_file.write_bytes(midi_file(track(meters), track(plain(12))))
        seed = read_seed(seed_file)
        assert (seed.meter, seed.notes[0].onset_beats) == (TimeSignature(4, 4), 0.0)
        assert seed.bars == (MeterChange(0.0, TimeSignature(4, 4)), MeterChange(4.0, TimeSignature(3, 4)))


class TestLine:
    def test_a_line_whose_program_changes_is_one(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_file(track(event(0, 0xC0, 4), plain(40), event(0, 0xC0, 40), plain(44))))
        seed = read_seed(seed_file)
        assert (len(seed.notes), seed.program) == (84, 4)

    def test_a_player_of_mpe_is_one(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_file(track(mpe_line())))
        assert len(read_seed(seed_file).notes) == 120

    @pytest.mark.parametrize("content", DAMAGED_MIDI_FILES.values(), ids=DAMAGED_MIDI_FILES.keys())
    def test_the_readable_part_of_a_damaged_file_is_the_seed_with_a_remark(
        self, content: bytes, seed_file: Path
    ) -> None:
        seed_file.write_bytes(content)
        seed = read_seed(seed_file)
        assert seed.notes
        assert seed_notice(seed_file, seed) == f"seed.mid {seed.remarks[0]}; what can be read of it is played"


class TestBadSeed:
    def test_a_missing_file_is_refused(self, seed_file: Path) -> None:
        assert complaint(seed_file) == f"there is no file {seed_file}; {HELP}"

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        assert complaint(tmp_path) == f"{tmp_path} is a folder; {HELP}"

    def test_an_empty_file_is_refused(self, seed_file: Path) -> None:
        seed_file.touch()
        assert complaint(seed_file) == f"{seed_file} is empty; {HELP}"

    @pytest.mark.parametrize("content", BROKEN_MIDI_FILES.values(), ids=BROKEN_MIDI_FILES.keys())
    def test_a_file_that_is_no_music_is_refused(self, content: bytes, seed_file: Path) -> None:
        seed_file.write_bytes(content)
        assert complaint(seed_file).startswith(f"{seed_file} ")
        assert complaint(seed_file).endswith(f"; {HELP}")

    @pytest.mark.parametrize("parts", [[], [Part([])]])
    def test_a_file_without_notes_is_refused(self, parts: list[Part], seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(*parts))
        assert complaint(seed_file) == f"{seed_file} holds no notes; {HELP}"

    def test_a_file_with_drums_alone_is_refused(self, seed_file: Path) -> None:
        seed_file.write_bytes(midi_bytes(Part(line(36, 38), channel=DRUM_CHANNEL)))
        assert complaint(seed_file) == (f"{seed_file} holds nothing but drums; {HELP}")

    @given(st.data())
    def test_a_damaged_file_gives_a_seed_or_one_sentence(
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
