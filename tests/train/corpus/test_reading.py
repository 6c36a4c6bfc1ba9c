import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest

from model.notes import Note
from tests.model.files.midi.midi_parts import event, midi_file, plain, track
from tests.music import (
    BROKEN_MIDI_FILES,
    DAMAGED_MIDI_FILES,
    DRUM_CHANNEL,
    TICKS_PER_BEAT,
    Part,
    exercise,
    line,
    midi_bytes,
    tune,
    write_part,
)
from train.corpus.reading import NOMINAL_TEMPO_BPM, NOTE, LineSelection, Reading, Records, TrackChoice, read_file

QUARTER = b"\x83\x60"
"""A delta time of 480 ticks."""
ONE_NOTE = b"\x00\x90\x3c\x50" + QUARTER + b"\x80\x3c\x40"
END = b"\x00\xff\x2f\x00"

CHORDAL = [*exercise(), *(Note(76, 2.0 * beat, 1.0, 80) for beat in range(8))]
"""Nearly a line, but in one onset of eight a chord."""


def records(notes: Sequence[Note]) -> list[tuple[int, int, float, float]]:
    return [(note.pitch, note.velocity, note.onset_beats, note.duration_beats) for note in notes]


def read_lines(path: Path, tracks: TrackChoice = "lead", *, drums: bool = False) -> list[list[tuple[object, ...]]]:
    reading = read_file(path, LineSelection(tracks, drums))
    assert not reading.reason
    return [kept.tolist() for kept in reading.lines]


def one_track(events: bytes, ticks_per_beat: int = TICKS_PER_BEAT) -> bytes:
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, ticks_per_beat)
    return header + b"MTrk" + struct.pack(">I", len(events + END)) + events + END


def tempo(tempo_bpm: float) -> bytes:
    microseconds_per_beat: int = mido.bpm2tempo(tempo_bpm)
    return b"\x00\xff\x51\x03" + microseconds_per_beat.to_bytes(3, "big")


def reading_of(content: bytes, tmp_path: Path, choice: LineSelection) -> Reading:
    path = tmp_path / "file.mid"
    path.write_bytes(content)
    return read_file(path, choice)


@pytest.fixture
def band(tmp_path: Path) -> Path:
    path = tmp_path / "band.mid"
    parts = [
        Part(exercise(80, key=72), channel=0),
        Part(exercise(key=60), channel=1),
        Part(exercise(key=24), channel=2),
        Part(exercise(96, key=61), channel=DRUM_CHANNEL),
        Part(line(60, 62), channel=3),
    ]
    path.write_bytes(midi_bytes(*parts))
    return path


class TestTracks:
    def test_a_lead_is_read_in_beats(self, tmp_path: Path) -> None:
        assert read_lines(write_part(tmp_path / "lead.mid", tune(1))) == [records(tune(1))]

    def test_each_lead_like_track_is_a_line_of_its_own(self, band: Path) -> None:
        assert read_lines(band) == [records(exercise(80, key=72)), records(exercise(key=60))]

    def test_drums_are_read_on_request(self, band: Path) -> None:
        assert len(read_lines(band, drums=True)) == 3
        assert read_lines(band, "most-notes", drums=True) == [records(exercise(96, key=61))]

    def test_most_notes_takes_one_track_of_any_kind(self, band: Path, tmp_path: Path) -> None:
        assert read_lines(band, "most-notes") == [records(exercise(80, key=72))]
        assert read_lines(write_part(tmp_path / "bass.mid", line(24, 26)), "most-notes") == [records(line(24, 26))]

    def test_merged_puts_all_tracks_in_one_line_in_onset_order_from_the_lowest_up(self, band: Path) -> None:
        (merged,) = read_lines(band, "merged")
        every = [*exercise(80, key=72), *exercise(key=60), *exercise(key=24)]
        # Of two tracks that play one pitch at once, one note is left.
        expected = {(note.onset_beats, note.pitch) for note in [*every, *line(60, 62)]}
        assert [(onset_beats, pitch) for pitch, _, onset_beats, _ in merged] == sorted(expected)

    def test_melodic_takes_shorter_lines_and_some_chords_and_marks_leads(self, tmp_path: Path) -> None:
        path = tmp_path / "band.mid"
        path.write_bytes(midi_bytes(Part(exercise(32)), Part(CHORDAL, channel=1), Part(exercise(), channel=2)))
        reading = read_file(path, LineSelection("melodic"))
        assert [len(kept) for kept in reading.lines] == [32, 72, 64]
        assert reading.leads == (False, False, True)
        assert len(read_lines(path)) == 1

    @pytest.mark.parametrize("tracks", ["most-notes", "merged"])
    def test_a_single_note_makes_no_line(self, tracks: TrackChoice, tmp_path: Path) -> None:
        assert read_lines(write_part(tmp_path / "one.mid", line(60)), tracks) == []

    @pytest.mark.parametrize("tracks", ["lead", "melodic", "most-notes", "merged"])
    def test_silence_and_drums_alone_give_no_line_and_are_not_broken(self, tracks: TrackChoice, tmp_path: Path) -> None:
        assert read_lines(write_part(tmp_path / "silence.mid", []), tracks) == []
        assert read_lines(write_part(tmp_path / "drums.mid", exercise(), channel=DRUM_CHANNEL), tracks) == []

    @pytest.mark.parametrize("tracks", ["lead", "melodic"])
    def test_a_solo_by_one_program_between_chords_by_another_is_a_line(
        self, tracks: TrackChoice, tmp_path: Path
    ) -> None:
        chords = event(0, 0xC0, 4) + b"".join(
            event(0, 0x90, 60, 80) + event(0, 64, 80) + event(0, 67, 80) + event(200, 60, 0) + event(0, 64, 0) + event(40, 67, 0)
            for _ in range(100)
        )  # fmt: skip
        path = tmp_path / "solo.mid"
        path.write_bytes(midi_file(track(chords, event(0, 0xC0, 66), plain(80), chords)))
        reading = read_file(path, LineSelection(tracks))
        assert [len(line) for line in reading.lines] == [80]
        assert reading.leads == (True,)
        (every,) = read_file(path, LineSelection("most-notes")).lines
        assert len(every) == 680

    def test_a_line_that_changes_its_program_is_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "line.mid"
        path.write_bytes(midi_file(track(*[event(0, 0xC0, 30 + number) + plain(70) for number in range(3)])))
        assert [len(line) for line in read_file(path, LineSelection()).lines] == [210]

    def test_a_pitch_that_starts_twice_at_once_is_one_note(self, tmp_path: Path) -> None:
        path = tmp_path / "doubled.mid"
        path.write_bytes(midi_bytes(Part([*exercise(), *exercise()])))
        (found,) = read_lines(path)
        assert [(pitch, onset_beats) for pitch, _, onset_beats, _ in found] == [
            (note.pitch, note.onset_beats) for note in exercise()
        ]

    def test_of_two_tracks_with_a_pitch_at_one_tick_the_later_stays(self, tmp_path: Path) -> None:
        path = tmp_path / "unison.mid"
        parts = [Part(line(60, 62, velocity=velocity), channel=channel) for channel, velocity in enumerate((90, 50))]
        path.write_bytes(midi_bytes(*parts))
        assert read_lines(path, "merged") == [records(line(60, 62, velocity=50))]

    def test_notes_are_records_that_need_eighteen_bytes_at_most(self, tmp_path: Path) -> None:
        (kept,) = read_file(write_part(tmp_path / "lead.mid", exercise()), LineSelection()).lines
        assert kept.dtype == NOTE
        assert kept.dtype.itemsize <= 18


class TestSeconds:
    @pytest.fixture
    def rubato(self, tmp_path: Path) -> Path:
        """A file whose tempo changes within notes and between them, with three parts and drums."""
        path = tmp_path / "rubato.mid"
        parts = [Part(tune(1)), Part(tune(2, key=40), channel=1), Part(tune(3), channel=DRUM_CHANNEL)]
        file = mido.MidiFile(ticks_per_beat=TICKS_PER_BEAT)
        written = tmp_path / "steady.mid"
        written.write_bytes(midi_bytes(*parts))
        file.tracks = mido.MidiFile(written).tracks
        conductor = mido.MidiTrack()
        for gap_beats, tempo_bpm in ((0, 90), (4.25, 133), (3.75, 61.5), (0.1, 200), (9.9, 45), (30, 97)):
            ticks = round(gap_beats * TICKS_PER_BEAT)
            conductor.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm), time=ticks))
        file.tracks[0] = conductor
        file.save(path)
        return path

    def test_onsets_and_ends_are_where_pretty_midi_has_them(self, rubato: Path) -> None:
        reading = read_file(rubato, LineSelection("merged", drums=True, time_unit="seconds"))
        (merged,) = reading.lines
        beats_per_second = NOMINAL_TEMPO_BPM / 60
        theirs = pretty_midi.PrettyMIDI(str(rubato))
        notes = sorted(
            {(round(note.start, 6), note.pitch): note for part in theirs.instruments for note in part.notes}.items()
        )
        assert len(notes) == len(merged)
        assert merged["pitch"].tolist() == [pitch for (_, pitch), _ in notes]
        np.testing.assert_allclose(
            merged["onset_beats"] / beats_per_second, [start for (start, _), _ in notes], atol=2e-6
        )
        np.testing.assert_allclose(reading.seconds, theirs.get_end_time(), atol=2e-6)
        (lead,) = read_file(rubato, LineSelection(time_unit="seconds")).lines
        expected = theirs.instruments[0].notes
        np.testing.assert_allclose(lead["onset_beats"] / beats_per_second, [note.start for note in expected], atol=2e-6)
        durations = [note.end - note.start for note in expected]
        np.testing.assert_allclose(lead["duration_beats"] / beats_per_second, durations, atol=2e-6)

    def test_at_the_nominal_tempo_seconds_and_beats_are_the_same(self, tmp_path: Path) -> None:
        path = write_part(tmp_path / "lead.mid", tune(4))
        (in_seconds,) = read_file(path, LineSelection(time_unit="seconds")).lines
        (in_beats,) = read_file(path, LineSelection()).lines
        np.testing.assert_allclose(in_seconds["onset_beats"], in_beats["onset_beats"], rtol=1e-12)

    def test_beats_do_not_depend_on_the_tempo(self, tmp_path: Path) -> None:
        slow, quick = (
            reading_of(bytes(midi_bytes(Part(tune(5)), tempo_bpm=tempo_bpm)), tmp_path, LineSelection())
            for tempo_bpm in (60.0, 240.0)
        )
        assert slow.lines[0].tolist() == quick.lines[0].tolist()
        assert slow.seconds == 4 * quick.seconds

    def test_of_two_tempi_at_one_tick_the_later_counts(self, tmp_path: Path) -> None:
        reading = reading_of(one_track(tempo(240) + tempo(60) + 4 * ONE_NOTE), tmp_path, LineSelection("merged"))
        assert (reading.tempo_bpm, reading.seconds) == (60.0, 4.0)

    def test_a_tempo_of_zero_is_ignored(self, tmp_path: Path) -> None:
        no_time = b"\x00\xff\x51\x03\x00\x00\x00"
        reading = reading_of(
            one_track(tempo(60) + 2 * ONE_NOTE + no_time + 2 * ONE_NOTE), tmp_path, LineSelection("merged")
        )
        assert (reading.tempo_bpm, reading.seconds) == (60.0, 4.0)


class TestWholeFile:
    def test_its_tempo_is_that_of_most_beats(self, tmp_path: Path) -> None:
        music = tempo(90) + 3 * ONE_NOTE + tempo(150) + 4 * ONE_NOTE + tempo(90) + 2 * ONE_NOTE + tempo(60)
        assert reading_of(one_track(music), tmp_path, LineSelection("merged")).tempo_bpm == pytest.approx(90, abs=0.001)

    def test_a_file_without_a_tempo_is_at_120(self, tmp_path: Path) -> None:
        reading = reading_of(one_track(4 * ONE_NOTE), tmp_path, LineSelection("merged"))
        assert (reading.tempo_bpm, reading.seconds) == (120.0, 2.0)

    def test_its_pitch_classes_are_weighted_by_duration(self, tmp_path: Path) -> None:
        notes = [*line(60, 64, 67, step_beats=2.0), *line(72, step_beats=4.0, start_beats=6.0)]
        reading = read_file(write_part(tmp_path / "chord.mid", notes), LineSelection("most-notes"))
        assert reading.pitch_classes.tolist() == [6.0, 0, 0, 0, 2.0, 0, 0, 2.0, 0, 0, 0, 0]

    def test_its_signature_is_that_of_a_transposed_copy_and_of_no_other(self, tmp_path: Path) -> None:
        home, away, other = (
            read_file(write_part(tmp_path / "file.mid", notes), LineSelection()).signature
            for notes in (tune(1), tune(1, key=55), tune(2))
        )
        assert home is not None
        assert away is not None
        assert other is not None
        assert (home == away).all()
        assert not (home == other).any()

    def test_the_same_content_has_the_same_hash_under_any_name(self, tmp_path: Path) -> None:
        one, other = (
            read_file(write_part(tmp_path / name, exercise()), LineSelection()) for name in ("a.mid", "b.mid")
        )
        assert one.sha256 == other.sha256 != ""

    def test_a_known_file_is_not_parsed(self, tmp_path: Path) -> None:
        path = tmp_path / "broken.mid"
        path.write_bytes(b"no music")
        sha256 = read_file(path, LineSelection()).sha256
        known = read_file(path, LineSelection(), {sha256})
        assert (known.sha256, known.known, known.reason) == (sha256, True, "")


class TestBadFiles:
    @pytest.mark.parametrize("content", BROKEN_MIDI_FILES.values(), ids=BROKEN_MIDI_FILES.keys())
    def test_an_incomplete_midi_file_is_refused_in_one_line(self, content: bytes, tmp_path: Path) -> None:
        reading = reading_of(content, tmp_path, LineSelection("merged", drums=True))
        assert reading.lines == ()
        assert reading.reason.startswith(("is not a MIDI file: ", "breaks off ", "counts no ticks per beat"))
        assert "\n" not in reading.reason

    @pytest.mark.parametrize("content", DAMAGED_MIDI_FILES.values(), ids=DAMAGED_MIDI_FILES.keys())
    def test_the_readable_part_of_a_damaged_file_is_read_with_a_remark(self, content: bytes, tmp_path: Path) -> None:
        reading = reading_of(content, tmp_path, LineSelection("merged"))
        assert len(reading.lines) == len(reading.remarks) == 1

    def test_an_empty_file_is_refused_in_one_line(self, tmp_path: Path) -> None:
        assert reading_of(b"", tmp_path, LineSelection()).reason == "is empty"

    def test_a_missing_file_is_broken_and_has_no_hash(self, tmp_path: Path) -> None:
        reading = read_file(tmp_path / "gone.mid", LineSelection())
        assert (reading.sha256, reading.reason) == ("", "cannot be read (No such file or directory)")

    def test_a_file_that_claims_to_last_for_days_is_refused(self, tmp_path: Path) -> None:
        slowest, longest_delta = b"\x00\xff\x51\x03\xff\xff\xff", b"\xff\xff\xff\x7f"
        rest = longest_delta + b"\xb0\x07\x7f"
        reading = reading_of(one_track(slowest + ONE_NOTE + rest + ONE_NOTE), tmp_path, LineSelection("merged"))
        assert reading.lines == ()
        assert reading.reason == "claims to last 2,606 hours"

    def test_a_file_whose_times_overflow_is_refused(self, tmp_path: Path) -> None:
        rest = b"\xff\xff\xff\x7f\xb0\x07\x7f"
        reading = reading_of(one_track(ONE_NOTE + 9 * rest + 3 * ONE_NOTE, 0x7FFF), tmp_path, LineSelection("merged"))
        assert reading.lines == ()
        assert reading.reason == "has delta times that run over"

    def test_a_file_with_random_changes_gives_ordered_music_or_a_reason(self, tmp_path: Path) -> None:
        random = np.random.default_rng(0)
        content = bytes(midi_bytes(Part(tune(1, 12)), Part(tune(2, 12), channel=DRUM_CHANNEL)))
        read = 0
        for _ in range(150):
            changed = bytearray(content)
            changed[random.integers(22, len(changed))] = random.integers(256)
            reading = reading_of(bytes(changed), tmp_path, LineSelection("merged", drums=True, time_unit="seconds"))
            assert np.isfinite([reading.seconds, reading.tempo_bpm]).all()
            assert bool(reading.lines) != bool(reading.reason)
            read += bool(reading.lines)
            for kept in reading.lines:
                assert_plausible(kept)
        assert read > 100


def assert_plausible(kept: Records) -> None:
    assert kept["pitch"].max() <= 127
    assert kept["velocity"].max() <= 127
    assert kept["onset_beats"][0] >= 0
    assert kept["duration_beats"].min() >= 0
    assert all((a[2], a[0]) < (b[2], b[0]) for a, b in pairwise(kept.tolist()))
