import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import UnreadableError
from model.files.midi import midi_track, symusic_parser
from model.files.midi.midi_reader import LONGEST_S, read_midi
from model.files.score import Part
from model.files.time_signature import MeterChange, TimeSignature
from tests.model.files.midi.midi_parts import (
    END_OF_TRACK,
    LENGTH_TICKS,
    ODD_FILES,
    PLAIN,
    STEP_TICKS,
    VELOCITY,
    chunk,
    event,
    meta,
    meter,
    midi_file,
    mpe_line,
    pitch_at,
    plain,
    tempo,
    track,
)
from tests.music import BROKEN_MIDI_FILES, DAMAGED_MIDI_FILES, WHOLE_MIDI_FILE

Rows = list[tuple[int, int, int, int]]


def rows(part: Part) -> Rows:
    """Tick, end, pitch and velocity of each note."""
    columns = (part.tick, part.end, part.pitch, part.velocity)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def plain_rows(count: int = 80) -> Rows:
    starts = [index * STEP_TICKS for index in range(count)]
    return [(start, start + LENGTH_TICKS, pitch_at(index), VELOCITY) for index, start in enumerate(starts)]


def only_part(content: bytes) -> Part:
    (part,) = read_midi(content).parts
    return part


def reason(content: bytes) -> str:
    with pytest.raises(UnreadableError) as raised:
        read_midi(content)
    return str(raised.value)


class TestOddFiles:
    @pytest.mark.parametrize("content", ODD_FILES.values(), ids=ODD_FILES.keys())
    def test_plain_music_is_read_with_anything_before_and_after_it(self, content: bytes) -> None:
        score = read_midi(content)
        assert [rows(part) for part in score.parts] == [plain_rows()]
        assert score.tempi.microseconds.tolist() == [500_000]
        assert score.remarks == ()

    def test_a_header_with_a_wrong_number_of_tracks_is_reported(self) -> None:
        score = read_midi(midi_file(track(), track(plain()), declared=9))
        assert [rows(part) for part in score.parts] == [plain_rows()]
        assert score.remarks == ("says that it has 9 tracks and has 2",)

    @pytest.mark.parametrize(
        ("division", "ticks_per_beat"), [(0xE728, 500.0), (0xE250, 1200.0), (0xE350, 1_200_000 / 1001)]
    )
    def test_ticks_of_film_frames_are_read_as_beats_at_120_bpm(self, division: int, ticks_per_beat: float) -> None:
        score = read_midi(midi_file(track(tempo(300_000), plain()), division=division))
        assert score.ticks_per_beat == pytest.approx(ticks_per_beat)
        assert score.remarks == ("counts seconds, not beats, so its beats are those of 120 bpm",)
        # At 25 frames of 40 ticks a second has 1,000 of them, whatever tempo the file names.
        assert score.seconds_at(score.last_tick) == pytest.approx(
            (79 * STEP_TICKS + LENGTH_TICKS) / (2 * ticks_per_beat)
        )

    def test_more_than_ten_million_ticks_are_read(self) -> None:
        part = only_part(midi_file(track(event(10_000_000, 0x90, 60, 80), event(400, 0x80, 60, 0)), division=960))
        assert rows(part) == [(10_000_000, 10_000_400, 60, 80)]


def test_reading_does_not_load_what_symusic_downloads_sound_fonts_with() -> None:
    script = (
        "import sys; from model.files.midi.midi_reader import read_midi; "
        f"assert len(read_midi({PLAIN!r}).parts) == 1; assert 'pySmartDL' not in sys.modules; "
        "import symusic; assert len(symusic.Score.from_midi("
        f"{PLAIN!r}).tracks) == 1; assert len(read_midi({PLAIN!r}).parts) == 1"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


class TestLines:
    def test_a_change_of_program_does_not_cut_a_line(self) -> None:
        phrases = b"".join(event(0, 0xC0, number) + plain(8) for number in range(10))
        part = only_part(midi_file(track(phrases)))
        assert (len(part), part.program) == (80, 0)

    def test_a_change_of_program_by_running_status_does_not_cut_it_either(self) -> None:
        part = only_part(
            midi_file(track(event(0, 0xC0, 5), event(0, 7), plain(4), event(0, 0xC0, 9), event(0, 11), plain(4)))
        )
        assert (len(part), part.program) == (8, 7)

    def test_its_program_is_the_one_that_it_begins_with(self) -> None:
        assert only_part(midi_file(track(event(0, 0xC0, 26), plain()))).program == 26
        assert only_part(midi_file(track(event(0, 0xC0, 1), event(0, 0xC0, 26), plain()))).program == 26
        assert only_part(midi_file(track(plain(4), event(0, 0xC0, 26), plain(4)))).program == 0

    @pytest.mark.parametrize("channel", [3, 9])
    def test_a_note_that_sounds_over_a_change_of_program_ends_where_it_ends(self, channel: int) -> None:
        on, off, change = 0x90 | channel, 0x80 | channel, 0xC0 | channel
        notes = [event(0, change, 9), event(0, on, 60, 80), event(10, change, 4), event(5, on, 60, 81)]
        ends = [
            event(10, off, 60, 0),
            event(0, change, 9),
            event(10, off, 60, 0),
            event(0, on, 62, 7),
            event(9, off, 62, 0),
        ]
        score = read_midi(midi_file(track(plain()), track(*notes, *ends), track(plain())))
        assert [len(part) for part in score.parts] == [80, 3, 80]
        assert rows(score.parts[1]) == [(0, 25, 60, 80), (15, 35, 60, 81), (35, 44, 62, 7)]
        assert (score.parts[1].channel, score.parts[1].program) == (channel, 9)
        assert score.parts[1].programs is not None
        assert score.parts[1].programs.tolist() == [9, 4, 9]

    def test_a_channel_with_programs_beside_other_tracks_is_parsed_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        parsed: list[bytes] = []

        def parse(content: bytes) -> symusic_parser.Parsed | None:
            parsed.append(content)
            return symusic_parser.parse(content)

        monkeypatch.setattr(midi_track, "parse", parse)
        solo = (event(0, 0xC2, 30), plain(40, 2), event(48, 0xC2, 27), plain(40, 2, first=40))
        score = read_midi(midi_file(track(plain()), track(*solo), track(plain(), event(0, 0xC0, 5))))
        assert [(part.track, part.channel, part.program, len(part)) for part in score.parts] == [
            (0, 0, 0, 80), (1, 2, 30, 80), (2, 0, 0, 80),
        ]  # fmt: skip
        assert len(parsed) == 1

    def test_tracks_may_be_named_by_the_numbers_of_others(self) -> None:
        names = [meta(0x03, name) for name in (b"2", b"0", b"1", b"99999", b"9" * 5000, "\u0663".encode(), b"\xff\xfe")]
        ended = event(0, 0xFF, 0x2F, 0)  # a track may end in the middle, before the name that the reader gives it
        tracks = [
            track(name, plain(8 + n), *[ended] * (n % 2), event(0, 0xC0, 9), plain(4)) for n, name in enumerate(names)
        ]
        score = read_midi(midi_file(*tracks))
        assert [(part.track, len(part)) for part in score.parts] == [
            (n, 8 + n + 4 * (n % 2 == 0)) for n in range(len(names))
        ]

    def test_each_of_more_tracks_than_a_byte_can_number_keeps_its_notes(self) -> None:
        score = read_midi(midi_file(*(track(plain(1 + n % 7)) for n in range(300))))
        assert [(part.track, len(part)) for part in score.parts] == [(n, 1 + n % 7) for n in range(300)]

    def test_of_two_programs_that_begin_at_once_the_first_written_is_the_program(self) -> None:
        chord = [event(0, 0xC0, 90), event(0, 0x90, 60, 80), event(0, 0xC0, 4), event(0, 0x90, 64, 80)]
        part = only_part(midi_file(track(*chord, event(10, 0x80, 60, 0), event(0, 0x80, 64, 0))))
        assert (rows(part), part.program) == ([(0, 10, 60, 80), (0, 10, 64, 80)], 90)

    def test_channels_of_one_track_stay_separate_and_the_tenth_is_drums(self) -> None:
        events = b"".join(plain(2, channel) for channel in range(16))
        score = read_midi(midi_file(track(events), kind=0))
        assert [(part.channel, len(part), part.is_drums) for part in score.parts] == [
            (channel, 2, channel == 9) for channel in range(16)
        ]

    def test_tracks_of_one_channel_stay_separate(self) -> None:
        score = read_midi(midi_file(track(plain(3)), track(), track(plain(2))))
        assert [(part.track, part.channel, len(part)) for part in score.parts] == [(0, 0, 3), (2, 0, 2)]

    def test_a_data_byte_that_looks_like_a_status_makes_no_note(self) -> None:
        text = meta(0x01, bytes(range(0x80, 0x100)))
        assert rows(only_part(midi_file(track(text, plain())))) == plain_rows()

    @pytest.mark.parametrize("zone", [
        event(0, 0xB0, 101, 0) + event(0, 0xB0, 100, 6) + event(0, 0xB0, 6, 15),
        event(0, 0xB0, 101, 0) + event(0, 100, 6) + event(0, 6, 15),
        event(0, 0xB0, 100, 6) + event(3, 101, 0) + event(200, 6, 15),
    ])  # fmt: skip
    def test_a_zone_of_mpe_names_its_channels(self, zone: bytes) -> None:
        score = read_midi(midi_file(track(zone, mpe_line(30))))
        assert {part.members for part in score.parts} == {frozenset(range(16))}

    def test_an_upper_zone_counts_down_from_the_last_channel(self) -> None:
        zone = event(0, 0xBF, 101, 0) + event(0, 0xBF, 100, 6) + event(0, 0xBF, 6, 4)
        score = read_midi(midi_file(track(zone, mpe_line(30, range(11, 15)))))
        assert {part.members for part in score.parts} == {frozenset({11, 12, 13, 14, 15})}


class TestSeparatePieces:
    LONG = (tempo(400_000), meter(3, 2), plain(20))
    SHORT = (tempo(750_000), meter(5, 2), plain(8))

    @pytest.mark.parametrize("tracks", [(LONG, SHORT), (SHORT, LONG)])
    def test_of_the_pieces_of_type_2_the_longest_has_its_own_tempo_and_bars(
        self, tracks: tuple[tuple[bytes, ...], ...]
    ) -> None:
        score = read_midi(midi_file(*[track(*events) for events in tracks], kind=2))
        number = tracks.index(self.LONG) + 1
        assert score.remarks == (f"holds 2 separate pieces, of which tempo and bars are those of track {number}",)
        assert [score.tempi.tempo_at(tick) for tick in score.tempi.ticks.tolist()] == [150.0]
        assert score.meters == (MeterChange(0.0, TimeSignature(3, 4)),)
        assert sorted(len(part) for part in score.parts) == [8, 20]

    def test_a_file_of_type_2_with_one_piece_is_like_any_other(self) -> None:
        score = read_midi(midi_file(track(*self.LONG), kind=2))
        assert (score.remarks, score.tempi.tempo_at(0)) == ((), 150.0)


class TestNotes:
    def test_a_note_that_is_open_at_the_end_ends_with_its_track(self) -> None:
        open_note = event(48, 0x90, 72, 90)
        part = only_part(midi_file(track(plain(7), open_note, end=event(480, 0xFF, 0x2F, 0))))
        assert rows(part)[7] == (6 * STEP_TICKS + LENGTH_TICKS + 48, 6 * STEP_TICKS + LENGTH_TICKS + 528, 72, 90)

    def test_a_pitch_that_is_struck_again_and_never_released_gives_a_note_each_time(self) -> None:
        part = only_part(midi_file(track(*[event(10, 0x90, 60, 80)] * 40, end=event(10, 0xFF, 0x2F, 0))))
        assert rows(part) == [(10 * (index + 1), 410, 60, 80) for index in range(40)]

    def test_of_overlapping_notes_of_one_pitch_the_first_ends_first(self) -> None:
        notes = event(0, 0x90, 60, 80) + event(10, 0x90, 60, 81) + event(10, 0x80, 60, 0) + event(10, 0x80, 60, 0)
        assert rows(only_part(midi_file(track(notes)))) == [(0, 20, 60, 80), (10, 30, 60, 81)]

    @pytest.mark.parametrize("controller", [120, 123, 126])
    def test_all_notes_off_ends_the_notes_of_its_channel(self, controller: int) -> None:
        notes = event(0, 0x90, 60, 80) + event(0, 0x91, 60, 80) + event(0, 64, 80) + event(10, 0xB0, controller, 0)
        first, second = read_midi(midi_file(track(notes, end=event(5, 0xFF, 0x2F, 0)))).parts
        assert rows(first) == [(0, 10, 60, 80)]
        assert rows(second) == [(0, 15, 60, 80), (0, 15, 64, 80)]

    def test_a_note_off_after_all_notes_off_ends_the_note_that_began_since(self) -> None:
        strike = event(0, 0x90, 60, 80) + event(0, 60, 81)
        notes = strike + event(10, 0xB0, 7, 100) + event(0, 123, 0) + strike + event(5, 60, 0) + event(5, 60, 0)
        expected = [(0, 10, 60, 80), (0, 10, 60, 81), (10, 15, 60, 80), (10, 20, 60, 81)]
        assert rows(only_part(midi_file(track(notes)))) == expected

    def test_all_notes_off_counts_among_system_messages_and_programs(self) -> None:
        between = meta(0x01, bytes(200)) + event(0, 0xF0, 2, 0x41, 0xF7) + event(0, 0xF8) + event(0, 0xC0, 7)
        notes = event(0, 0x90, 60, 80) + between + event(10, 0xB0, 123, 0) + between + event(5, 0x90, 62, 80)
        part = only_part(midi_file(track(notes, end=event(5, 0xFF, 0x2F, 0))))
        assert rows(part) == [(0, 10, 60, 80), (15, 20, 62, 80)]

    def test_a_note_of_no_length_is_read(self) -> None:
        notes = event(0, 0x90, 60, 80) + event(0, 0x80, 60, 0) + event(10, 0x90, 62, 80) + event(10, 0x80, 62, 0)
        assert rows(only_part(midi_file(track(notes)))) == [(0, 0, 60, 80), (10, 20, 62, 80)]

    def test_a_note_off_without_a_note_is_ignored(self) -> None:
        assert rows(only_part(midi_file(track(event(0, 0x80, 61, 0), plain())))) == plain_rows()

    def test_a_note_on_of_no_velocity_by_running_status_is_a_note_off(self) -> None:
        notes = event(0, 0x90, 60, 80) + event(10, 60, 0) + event(0, 62, 81) + event(5, 62, 0)
        assert rows(only_part(midi_file(track(notes)))) == [(0, 10, 60, 80), (10, 15, 62, 81)]

    @pytest.mark.parametrize("between", [
        meta(0x01, b"text", 5), event(5, 0xF0, 3, 0x41, 0x10, 0xF7), event(5, 0xF0, 1, 0x41), event(5, 0xF8), event(5, 0xF2, 1, 1),
    ])  # fmt: skip
    def test_a_running_status_that_goes_on_after_a_system_message_is_read(self, between: bytes) -> None:
        notes = event(0, 0x90, 60, 80) + between + event(5, 60, 0) + event(0, 62, 81) + between + event(5, 62, 0)
        assert rows(only_part(midi_file(track(notes)))) == [(0, 10, 60, 80), (10, 20, 62, 81)]

    def test_a_program_by_running_status_after_a_system_message_is_the_program(self) -> None:
        events = event(0, 0xC0, 5) + event(0, 0xF8) + event(0, 7) + plain(4)
        assert only_part(midi_file(track(events))).program == 7

    def test_a_pitch_that_stays_open_many_times_does_not_hide_the_rest_of_a_track(self) -> None:
        # Pitch 0 on the first channel is also that of the note that the reader appends.
        strikes = b"".join(event(1, 0x90, 0, 80) for _ in range(40))
        part = only_part(midi_file(track(plain(), strikes)))
        assert len(part) == 120

    def test_pressure_and_bends_between_notes_are_ignored(self) -> None:
        between = event(0, 0xD0, 40) + event(0, 41) + event(0, 0xE0, 0, 64) + event(0, 0xA0, 60, 9)
        assert rows(only_part(midi_file(track(between, plain())))) == plain_rows()


class TestTempoAndMeter:
    def test_tempo_and_meter_are_read_from_any_track(self) -> None:
        score = read_midi(midi_file(track(), track(plain()), track(tempo(300_000), meter(3, 2))))
        assert score.tempi.tempo_at(0) == 200.0
        assert score.meters == (MeterChange(0.0, TimeSignature(3, 4)),)

    @pytest.mark.parametrize("odd", [meta(0x51, b"\x07"), meta(0x51, b""), meta(0x58, b"\x03"), meta(0x58, b"")])
    def test_a_tempo_or_meter_that_is_too_short_is_left_out(self, odd: bytes) -> None:
        score = read_midi(midi_file(track(odd, plain())))
        assert (score.tempi.microseconds.tolist(), score.meters) == ([500_000], ())
        assert [rows(part) for part in score.parts] == [plain_rows()]

    def test_every_change_is_read_in_order_of_time(self) -> None:
        late = track(tempo(1_000_000, 960), meter(6, 3, 480))
        score = read_midi(midi_file(track(tempo(500_000)), late, track(meter(3, 2, 480), plain())))
        assert (score.tempi.ticks.tolist(), score.tempi.microseconds.tolist()) == ([0, 960], [500_000, 1_000_000])
        assert score.meters == (MeterChange(1.0, TimeSignature(3, 4)), MeterChange(3.0, TimeSignature(6, 8)))

    def test_of_two_tempi_at_one_tick_the_later_applies(self) -> None:
        score = read_midi(midi_file(track(tempo(250_000), tempo(1_000_000), meter(3, 2), meter(4, 2), plain())))
        assert score.tempi.microseconds.tolist() == [1_000_000]
        assert score.meters == (MeterChange(0.0, TimeSignature(4, 4)),)

    def test_seconds_follow_the_tempi(self) -> None:
        score = read_midi(midi_file(track(tempo(1_000_000), tempo(500_000, 960), plain())))
        assert score.tempi.seconds(np.array([0, 480, 960, 1440]), 480.0).tolist() == [0.0, 1.0, 2.0, 2.5]


class TestBrokenEnds:
    def test_a_track_that_is_cut_off_is_read_as_far_as_it_goes(self) -> None:
        score = read_midi(PLAIN[:-200])
        assert score.remarks == ("breaks off in its last track",)
        (part,) = score.parts
        assert 40 < len(part) < 80
        assert rows(part)[:-1] == plain_rows(len(part) - 1)

    def test_a_file_cut_at_any_byte_is_read_up_to_there(self) -> None:
        counts = []
        for length in range(23, len(PLAIN)):
            score = read_midi(PLAIN[:length])
            counts.append(sum(len(part) for part in score.parts))
            assert score.remarks == ("breaks off in its last track",)
        assert counts == sorted(counts)
        assert (counts[0], counts[-1]) == (0, 80)

    def test_after_an_invalid_byte_the_rest_of_that_track_alone_is_left_out(self) -> None:
        broken = track(plain(3), b"\x00\x90\xbc\x50", plain(3))
        score = read_midi(midi_file(broken, track(plain(5))))
        assert [len(part) for part in score.parts] == [3, 5]
        assert score.remarks == ("breaks off in track 1 of 2",)

    @pytest.mark.parametrize("content", DAMAGED_MIDI_FILES.values(), ids=DAMAGED_MIDI_FILES.keys())
    def test_one_sentence_lists_what_is_wrong(self, content: bytes) -> None:
        score = read_midi(content)
        assert len(score.remarks) == 1
        assert score.parts

    def test_a_track_after_one_with_an_unset_length_is_read(self) -> None:
        first = b"MTrk\xff\xff\xff\xff" + plain(3) + END_OF_TRACK
        score = read_midi(midi_file(first, track(plain(2))))
        assert [len(part) for part in score.parts] == [3, 2]


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("cut off in its header", "breaks off in its header"),
            ("cut off after its header", "breaks off after its header"),
            ("a text", "is not a MIDI file: it does not begin as one does, with MThd"),
            ("a picture", "is not a MIDI file: it does not begin as one does, with MThd"),
            ("with no ticks in a beat", "counts no ticks per beat, so it says nothing of time"),
        ],
    )
    def test_the_error_says_what_is_wrong(self, name: str, sentence: str) -> None:
        assert reason(BROKEN_MIDI_FILES[name]) == sentence

    def test_an_empty_file_is_refused(self) -> None:
        assert reason(b"") == "is empty"

    def test_a_file_without_tracks_is_refused(self) -> None:
        assert reason(midi_file(chunk(b"XFIH", b"abc"), declared=0)) == "holds no tracks"

    def test_a_file_with_an_unknown_frame_rate_is_refused(self) -> None:
        assert reason(midi_file(track(plain()), division=0xEE28)) == (
            "counts time in 18 frames of 40 ticks, which MIDI files do not have"
        )

    def test_a_file_that_claims_to_last_for_days_is_refused(self) -> None:
        assert LONGEST_S == 24 * 3600
        long = midi_file(track(tempo(0xFFFFFF), event(0xFFFFFFF, 0x90, 60, 80), event(480, 0x80, 60, 0)))
        assert reason(long) == "claims to last 2,606 hours"

    def test_a_file_whose_times_overflow_is_refused(self) -> None:
        rests = [event(0xFFFFFFF, 0xB0, 7, 127)] * 9
        content = midi_file(
            track(event(0, 0x90, 60, 80), event(9, 0x80, 60, 0), *rests, event(0, 0x90, 60, 80)), division=0x7FFF
        )
        assert reason(content) == "has delta times that run over"


@given(st.data())
def test_a_file_with_random_changes_gives_ordered_music_or_a_reason(data: st.DataObject) -> None:
    content = bytearray(WHOLE_MIDI_FILE[: data.draw(st.integers(1, len(WHOLE_MIDI_FILE)))])
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnreadableError):
        check(read_midi(bytes(content)).parts)


def check(parts: Sequence[Part]) -> None:
    for part in parts:
        found = rows(part)
        assert found == sorted(found, key=lambda row: (row[0], row[2]))
        assert all(0 <= tick <= end and pitch <= 127 and velocity <= 127 for tick, end, pitch, velocity in found)
