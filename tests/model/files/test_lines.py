from dataclasses import replace

import numpy as np
import pytest

from model.files.lines import GRACE_BEATS, LONGEST_GIVEN_BEATS, begins_of, by_program, lines_of, merged
from model.files.midi.midi_reader import read_midi
from model.files.score import FileScore, Part, TempoMap
from tests.model.files.midi.midi_parts import event, expressed_notes, midi_file, mpe_line, plain, track

TICKS_PER_BEAT = 480


def part_of(*notes: tuple[int, int, int], channel: int = 0) -> Part:
    """A part of notes of tick, end and pitch."""
    tick, end, pitch = np.array(notes).T
    return Part(tick, end, pitch.astype(np.uint8), np.full(len(notes), 80, np.uint8), channel=channel)


def line_of(*notes: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    (line,) = lines_of(FileScore(float(TICKS_PER_BEAT), (part_of(*notes),), TempoMap.of(())))
    return list(zip(line.tick.tolist(), line.end.tolist(), line.pitch.tolist(), strict=True))


class TestLengths:
    def test_a_note_of_no_length_lasts_until_the_next_onset(self) -> None:
        assert line_of((0, 0, 60), (240, 240, 62), (360, 480, 64)) == [(0, 240, 60), (240, 360, 62), (360, 480, 64)]

    def test_a_note_of_no_length_lasts_a_beat_at_most(self) -> None:
        assert LONGEST_GIVEN_BEATS == 1.0
        assert line_of((0, 0, 60), (4800, 4800, 62)) == [(0, 480, 60), (4800, 5280, 62)]

    def test_chords_of_no_length_end_together(self) -> None:
        assert line_of((0, 0, 60), (0, 0, 64), (240, 480, 62)) == [(0, 240, 60), (0, 240, 64), (240, 480, 62)]


class TestGraces:
    def test_a_grace_at_the_tick_of_its_main_note_is_moved_before_it(self) -> None:
        assert GRACE_BEATS == 1 / 8
        assert line_of((0, 240, 60), (480, 480, 64), (480, 960, 62)) == [(0, 240, 60), (420, 480, 64), (480, 960, 62)]

    def test_several_graces_come_one_after_another(self) -> None:
        found = line_of((0, 240, 60), (480, 480, 61), (480, 480, 64), (480, 960, 62))
        assert found == [(0, 240, 60), (360, 420, 61), (420, 480, 64), (480, 960, 62)]

    def test_a_grace_with_little_room_takes_half_of_it(self) -> None:
        assert line_of((440, 470, 60), (480, 480, 64), (480, 960, 62))[1] == (460, 480, 64)

    def test_a_grace_at_the_very_beginning_joins_its_chord(self) -> None:
        assert line_of((0, 0, 64), (0, 480, 62), (480, 960, 60))[0] == (0, 480, 64)


class TestChords:
    def test_notes_that_begin_nearly_together_and_sound_together_are_one_chord(self) -> None:
        part = part_of((0, 480, 60), (10, 480, 64), (20, 480, 67), (480, 960, 60))
        assert begins_of(part, TICKS_PER_BEAT).tolist() == [0, 0, 0, 480]

    def test_a_grace_that_ends_before_its_note_is_not_in_the_chord(self) -> None:
        part = part_of((0, 20, 61), (20, 480, 60), (480, 960, 60))
        assert begins_of(part, TICKS_PER_BEAT).tolist() == [0, 20, 480]

    def test_notes_further_apart_are_not_in_one_chord(self) -> None:
        part = part_of((0, 480, 60), (30, 480, 64))
        assert begins_of(part, TICKS_PER_BEAT).tolist() == [0, 30]


class TestOnePitchPerTick:
    def test_of_two_equal_pitches_at_one_tick_the_last_stays(self) -> None:
        assert line_of((0, 100, 60), (0, 200, 60), (0, 300, 62)) == [(0, 200, 60), (0, 300, 62)]

    def test_of_two_equal_pitches_in_merged_parts_the_later_parts_stays(self) -> None:
        one, other = part_of((0, 100, 60), (200, 300, 62)), part_of((0, 150, 60), (100, 200, 55))
        line = merged([one, other])
        assert (line.tick.tolist(), line.end.tolist(), line.pitch.tolist()) == (
            [0, 100, 200],
            [150, 200, 300],
            [60, 55, 62],
        )


class TestMpe:
    @pytest.mark.parametrize("channels", [range(1, 16), range(1, 5), (14, 13, 12, 11)])
    def test_notes_that_go_round_the_channels_are_one_line(self, channels: range) -> None:
        (line,) = lines_of(read_midi(midi_file(track(mpe_line(60, channels)))))
        assert (len(line), line.is_drums) == (60, False)

    def test_an_mpe_zone_is_one_line_with_any_notes(self) -> None:
        zone = event(0, 0xB0, 101, 0) + event(0, 0xB0, 100, 6) + event(0, 0xB0, 6, 4)
        lines = lines_of(read_midi(midi_file(track(zone, plain(3, 1), plain(2, 4), plain(5, 9)))))
        assert [(len(line), line.is_drums) for line in lines] == [(5, False), (5, True)]

    @pytest.mark.parametrize("expression", [0xE0, 0xD0, 0xB0])
    @pytest.mark.parametrize(
        ("channels", "length"),
        [
            ([1, 2] * 20, 260),  # the lowest free channel, legato
            ([1, 5, 3, 9, 4, 6, 2, 1, 7, 5] * 4, 220),  # in no order, with that of drums
            ([1, 2, 3, 4] * 10, 900),  # chords
        ],
    )
    def test_notes_that_each_begin_with_an_expression_are_one_line_without_a_zone(
        self, channels: list[int], length: int, expression: int
    ) -> None:
        (line,) = lines_of(read_midi(midi_file(track(expressed_notes(channels, length, expression)))))
        assert (len(line), line.is_drums) == (40, False)

    def test_the_players_of_two_tracks_are_two_lines(self) -> None:
        tracks = [track(expressed_notes(channels * 10)) for channels in ([1, 2, 3], [3, 1, 2, 9])]
        assert [(line.track, len(line)) for line in lines_of(read_midi(midi_file(*tracks)))] == [(0, 30), (1, 40)]

    def test_a_band_in_one_track_that_bends_some_notes_is_a_line_for_each_channel(self) -> None:
        bass, lead = expressed_notes([1] * 20), plain(20, 2)
        assert len(lines_of(read_midi(midi_file(track(bass, lead))))) == 2
        assert len(lines_of(read_midi(midi_file(track(expressed_notes([0, 1] * 20, 260)))))) == 2

    def test_a_choir_on_four_channels_is_four_lines(self) -> None:
        begins = b"".join(event(0, 0x90 | channel, 60 + channel, 80) for channel in range(1, 5))
        ends = b"".join(event(480 if channel == 1 else 0, 0x80 | channel, 60 + channel, 0) for channel in range(1, 5))
        assert len(lines_of(read_midi(midi_file(track(*[begins + ends] * 20))))) == 4

    def test_players_who_take_turns_by_phrases_are_lines_of_their_own(self) -> None:
        phrases = b"".join(plain(8, channel) for channel in (1, 2, 3) * 4)
        assert len(lines_of(read_midi(midi_file(track(phrases))))) == 3

    def test_notes_on_the_managers_channel_rule_out_mpe(self) -> None:
        assert len(lines_of(read_midi(midi_file(track(mpe_line(60, range(16))))))) == 16


def test_tracks_are_lines_in_the_order_of_the_file() -> None:
    score = FileScore(
        480.0, tuple(replace(part_of((0, 1, pitch)), track=pitch) for pitch in (72, 40, 60)), TempoMap.of(())
    )
    assert [line.track for line in lines_of(score)] == [72, 40, 60]


def test_the_notes_of_each_program_are_a_line_also_after_notes_got_their_lengths() -> None:
    programs = np.array([7, 3, 7], np.uint8)
    part = replace(part_of((0, 0, 60), (0, 240, 62), (480, 720, 64)), program=7, programs=programs)
    (line,) = lines_of(FileScore(480.0, (part,), TempoMap.of([])))
    pieces = by_program(line)
    assert [(piece.program, piece.pitch.tolist(), piece.programs) for piece in pieces] == [
        (3, [62], None),
        (7, [60, 64], None),
    ]


def test_a_part_of_one_program_is_its_own_only_line() -> None:
    part = part_of((0, 240, 60))
    assert by_program(part) == [part]
