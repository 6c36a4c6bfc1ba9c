import io
from collections.abc import Sequence
from pathlib import Path

import mido
import pretty_midi
import pytest
import symusic
from hypothesis import given
from hypothesis import strategies as st

from model.files.midi.midi_reader import read_midi
from model.files.midi.midi_writer import CHANNELS, TICKS_PER_BEAT, as_midi, as_midi_file
from model.files.seed import read_seed, seed_of
from model.files.song import Event, Marker, Song, SongTrack, Track
from model.files.tempo import TempoChange
from model.files.time_signature import COMMON_TIME, MeterChange, TimeSignature
from model.notes import Note
from model.whole_file import write_whole
from tests.music import exercise, line

PHRASE = line(60, 62, 64, 65)
BASS = line(*[36, 43] * 8, step_beats=1.0)
CHORDS = [Note(pitch, float(beat), 1.0, 80) for beat in range(40) for pitch in (60, 64, 67)]

TUNE = SongTrack(
    "Player",
    [
        Event(b"\x90\x3c\x50", 0.0), Event(b"\x80\x3c\x00", 1.0),
        Event(b"\x90\x3c\x51", 1.0), Event(b"\x80\x3c\x00", 2.5),
        Event(b"\xb0\x40\x7f", 1.0), Event(b"\xb0\x40\x00", 3.0),
    ],
)  # fmt: skip
SONG = Song(
    [TUNE, SongTrack("Answer", [Event(b"\x85\x48\x00", 4.0), Event(b"\x95\x48\x5a", 3.0)])],
    [TempoChange(0.0, 120.0), TempoChange(2.0, 60.0)],
    [MeterChange(0.0, TimeSignature(3, 4)), MeterChange(3.0, TimeSignature(7, 8))],
    [Marker(1.5, "temperature 0.7")],
)

GRID_NOTES = st.lists(
    st.tuples(st.sampled_from([0.25, 1 / 3, 0.5, 2 / 3, 1.0, 3.75]), st.integers(0, 127), st.integers(1, 127)),
    min_size=1,
    max_size=20,
)


def write_midi(path: Path, tracks: Sequence[Track], tempo_bpm: float, meter: TimeSignature = COMMON_TIME) -> None:
    write_whole(path, as_midi(tracks, tempo_bpm, meter))


def by_mido(song: Song) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(as_midi_file(song)))


class TestNotes:
    @given(GRID_NOTES, st.sampled_from([40.0, 95.0, 120.0, 133.3, 240.0]))
    def test_music_on_the_grid_comes_back_exactly(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, int, int]], tempo_bpm: float
    ) -> None:
        tick, notes = 0, []
        for step, pitch, velocity in steps:
            duration = round(step * TICKS_PER_BEAT)
            onset_beats = tick / TICKS_PER_BEAT
            notes.append(Note(pitch, onset_beats, (tick + duration) / TICKS_PER_BEAT - onset_beats, velocity))
            tick += duration
        path = tmp_path_factory.getbasetemp() / "written.mid"
        write_midi(path, [Track("Player", notes)], tempo_bpm)
        seed = read_seed(path)
        assert seed.notes == tuple(notes)
        assert seed.tempo_bpm == tempo_bpm

    def test_tracks_keep_their_names_programs_and_order(self, tmp_path: Path) -> None:
        path = tmp_path / "take.mid"
        write_midi(path, [Track("Player", PHRASE, 66), Track("Answer", BASS, 4)], 120.0, TimeSignature(3, 4))
        read = pretty_midi.PrettyMIDI(str(path))
        assert [(part.name, part.program, len(part.notes)) for part in read.instruments] == [
            ("Player", 66, 4),
            ("Answer", 4, 16),
        ]
        (meter,) = read.time_signature_changes
        assert (meter.numerator, meter.denominator, meter.time) == (3, 4, 0.0)
        assert read.resolution == TICKS_PER_BEAT

    def test_each_track_has_a_channel_of_its_own_which_is_not_that_of_drums(self) -> None:
        content = as_midi([Track(str(number), PHRASE) for number in range(15)], 120.0)
        assert [part.channel for part in read_midi(content).parts] == list(CHANNELS)
        assert 9 not in CHANNELS

    def test_the_same_notes_give_the_same_bytes_in_any_order(self, tmp_path: Path) -> None:
        def written(notes: Sequence[Note]) -> bytes:
            path = tmp_path / "answer.mid"
            write_midi(path, [Track("Answer", notes)], 133.3)
            return path.read_bytes()

        assert written(CHORDS) == written(CHORDS[::-1]) == written(CHORDS) == as_midi([Track("Answer", CHORDS)], 133.3)

    def test_the_bytes_of_a_small_file_are_these(self, tmp_path: Path) -> None:
        path = tmp_path / "answer.mid"
        tracks = [Track("A", [Note(60, 1.0, 0.5, 80)], 4), Track("B", [Note(62, 0.0, 1.0, 90)])]
        write_midi(path, tracks, 97.0, TimeSignature(3, 4))
        assert path.read_bytes().hex(" ") == (
            "4d 54 68 64 00 00 00 06 00 01 00 03 01 e0 "  # type 1, 3 tracks, 480 ticks in a beat
            "4d 54 72 6b 00 00 00 14 00 ff 51 03 09 70 3d "  # 618,557 microseconds in a beat
            "00 ff 58 04 03 02 18 08 8b 20 ff 2f 00 "  # 3/4, and the end after a bar
            "4d 54 72 6b 00 00 00 16 00 ff 03 01 41 00 c0 04 "  # A, electric piano
            "83 60 90 3c 50 81 70 3c 00 85 50 ff 2f 00 "  # on after 480 ticks, off after 240 more, the end after 720
            "4d 54 72 6b 00 00 00 15 00 ff 03 01 42 00 c1 00 "  # B, on the second channel
            "00 91 3e 5a 83 60 3e 00 87 40 ff 2f 00"
        )

    @pytest.mark.parametrize("ticks", [0.0, 0.2, 0.5, 0.9])
    @pytest.mark.parametrize("onset_ticks", [0.0, 480.5, 481.4])
    def test_a_note_shorter_than_a_tick_lasts_a_tick(self, ticks: float, onset_ticks: float) -> None:
        note = Note(60, onset_ticks / TICKS_PER_BEAT, ticks / TICKS_PER_BEAT, 80)
        (part,) = read_midi(as_midi([Track("Seed", [note, Note(60, 4.0, 1.0, 80)])], 120.0)).parts
        begin = round(onset_ticks)
        assert (part.tick.tolist(), part.end.tolist()) == (
            [begin, 1920],
            [max(round(onset_ticks + ticks), begin + 1), 2400],
        )

    def test_a_note_ends_where_its_pitch_is_struck_again_as_programs_differ_in_what_they_end(self) -> None:
        notes = [Note(60, 0.0, 2.0, 80), Note(60, 1.0, 2.0, 81), Note(60, 1.5, 0.25, 82), Note(64, 0.0, 4.0, 83)]
        content = as_midi([Track("Seed", notes)], 60.0)
        expected = [(60, 0.0, 1.0, 80), (64, 0.0, 4.0, 83), (60, 1.0, 1.5, 81), (60, 1.5, 1.75, 82)]
        (strict,) = pretty_midi.PrettyMIDI(io.BytesIO(content)).instruments
        (quick,) = symusic.Score.from_midi(content).to("second").tracks
        for found in (strict.notes, quick.notes):
            assert sorted((n.start, n.pitch, n.end, n.velocity) for n in found) == [
                (start, pitch, end, velocity) for pitch, start, end, velocity in expected
            ]
        assert [
            (note.pitch, note.onset_beats, note.end_beats, note.velocity)
            for note in seed_of(content, Path("a.mid")).notes
        ] == expected

    def test_of_two_notes_of_a_pitch_at_one_tick_one_is_written(self) -> None:
        notes = [Note(60, 1.0, 1.0, 80), Note(60, 1.0002, 0.5, 81)]
        (part,) = read_midi(as_midi([Track("Seed", notes)], 120.0)).parts
        assert (part.tick.tolist(), part.end.tolist(), part.velocity.tolist()) == ([480], [720], [81])

    def test_a_long_line_loses_no_note(self, tmp_path: Path) -> None:
        path = tmp_path / "long.mid"
        write_midi(path, [Track("Answer", exercise(600))], 97.0)
        assert read_seed(path).notes == tuple(exercise(600))


class TestSong:
    def test_tempo_meter_and_markers_are_on_a_first_track_of_their_own(self) -> None:
        file = by_mido(SONG)
        assert (file.type, file.ticks_per_beat) == (1, TICKS_PER_BEAT)
        conductor, *others = file.tracks
        assert [(message.type, message.time) for message in conductor] == [
            ("set_tempo", 0), ("time_signature", 0), ("marker", 720), ("set_tempo", 240), ("time_signature", 480),
            ("end_of_track", 1680),
        ]  # fmt: skip
        assert [track.name for track in others] == ["Player", "Answer"]

    def test_every_track_ends_at_the_bar_line_after_the_last_event(self) -> None:
        ends = {sum(message.time for message in track) for track in by_mido(SONG).tracks}
        assert ends == {(3 + 3.5) * TICKS_PER_BEAT}  # a bar of 3/4 and one of 7/8

    def test_at_one_tick_note_offs_come_first_then_the_pedal_then_note_ons(self) -> None:
        messages = [message for message in by_mido(SONG).tracks[1] if not message.is_meta]
        assert [message.type for message in messages] == [
            "note_on", "note_off", "control_change", "note_on", "note_off", "control_change",
        ]  # fmt: skip

    def test_a_note_that_a_shortened_bar_makes_shorter_than_a_tick_ends_a_tick_later(self) -> None:
        hit = SongTrack("Player", [Event(b"\x99\x26\x50", 1.0), Event(b"\x89\x26\x00", 1.0004), *TUNE.events[2:4]])
        drum, note = read_midi(as_midi_file(Song([hit], SONG.tempi, SONG.meters))).parts[::-1]
        assert [(part.tick.tolist(), part.end.tolist()) for part in (drum, note)] == [([480], [481]), ([480], [1200])]

    def test_of_several_tempi_and_meters_at_one_tick_the_last_is_written(self) -> None:
        tempi = [TempoChange(0.0, 52.0), TempoChange(0.0005, 117.0), TempoChange(0.001, 97.0)]
        meters = [
            MeterChange(0.0, TimeSignature(5, 8)),
            MeterChange(0.0005, TimeSignature(4, 4)),
            MeterChange(4.0, TimeSignature(4, 4)),
        ]
        conductor = by_mido(Song([TUNE], tempi, meters)).tracks[0]
        told = [(message.type, message.time) for message in conductor]
        assert told == [("set_tempo", 0), ("time_signature", 0), ("end_of_track", 4 * TICKS_PER_BEAT)]
        assert (conductor[0].tempo, conductor[1].numerator) == (618_557, 4)

    def test_equal_songs_give_equal_bytes(self) -> None:
        assert as_midi_file(SONG) == as_midi_file(SONG)

    @pytest.mark.parametrize("tempo_bpm", [0.001, 1e9])
    def test_a_tempo_out_of_range_becomes_the_nearest_that_a_file_can_store(self, tempo_bpm: float) -> None:
        assert by_mido(Song([TUNE], [TempoChange(0.0, tempo_bpm)], [])).tracks[0][0].tempo in {1, 0xFFFFFF}


class TestOtherReaders:
    """What every program reads alike: notes, seconds, tempo and meter of a song, by readers that are not ours."""

    NOTES = ((0, 0.0, 0.5, 60, 80), (0, 0.5, 1.5, 60, 81), (5, 2.0, 3.0, 72, 90))

    def test_pretty_midi_reads_the_same_music(self) -> None:
        midi = pretty_midi.PrettyMIDI(io.BytesIO(as_midi_file(SONG)))
        player, answer = midi.instruments
        assert (player.name, answer.name) == ("Player", "Answer")
        found = [(note.start, note.end, note.pitch, note.velocity) for part in midi.instruments for note in part.notes]
        assert found == [row[1:] for row in self.NOTES]
        assert [(m.numerator, m.denominator, m.time) for m in midi.time_signature_changes] == [(3, 4, 0.0), (7, 8, 2.0)]

    def test_symusic_reads_the_same_music(self) -> None:
        score = symusic.Score.from_midi(as_midi_file(SONG))
        seconds = score.to("second")
        found = [(n.start, n.end, n.pitch, n.velocity) for part in seconds.tracks for n in part.notes]
        assert found == [pytest.approx(row[1:]) for row in self.NOTES]
        assert [(tempo.time, tempo.qpm) for tempo in score.tempos] == [(0, 120.0), (960, 60.0)]
        assert [(marker.time, marker.text) for marker in score.markers] == [(720, "temperature 0.7")]

    def test_mido_reads_the_same_music(self) -> None:
        now_s, begun, found = 0.0, {}, []
        for message in mido.MidiFile(file=io.BytesIO(as_midi_file(SONG))):
            now_s += message.time
            if message.type == "note_on":
                begun[message.channel, message.note] = (now_s, message.velocity)
            elif message.type == "note_off":
                start_s, velocity = begun.pop((message.channel, message.note))
                found.append((message.channel, start_s, now_s, message.note, velocity))
        assert found == [pytest.approx(row) for row in self.NOTES]

    def test_our_own_reader_reads_the_same_music(self) -> None:
        score = read_midi(as_midi_file(SONG))
        found = [
            (part.channel, start, end, pitch, velocity)
            for part in score.parts
            for start, end, pitch, velocity in zip(
                *(score.tempi.seconds(ticks, TICKS_PER_BEAT).tolist() for ticks in (part.tick, part.end)),
                part.pitch.tolist(),
                part.velocity.tolist(),
                strict=True,
            )
        ]
        assert tuple(found) == self.NOTES
        assert score.meters == tuple(SONG.meters)


class TestTheFile:
    def test_it_replaces_what_was_there(self, tmp_path: Path) -> None:
        path = tmp_path / "answer.mid"
        path.write_bytes(b"an older answer")
        write_midi(path, [Track("Answer", PHRASE)], 120.0)
        assert read_seed(path).notes == tuple(PHRASE)
        assert [file.name for file in tmp_path.iterdir()] == ["answer.mid"]

    def test_a_failed_write_leaves_no_file_and_keeps_the_old_one(
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

    def test_a_missing_folder_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            write_midi(tmp_path / "nowhere" / "answer.mid", [Track("Answer", PHRASE)], 120.0)
