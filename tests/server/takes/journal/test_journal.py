import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, OtherMessage
from bridge.timing.meter import Meter
from bridge.timing.timeline import MAX_SEGMENTS, Segment, Timeline
from model.harmony.chart import MAX_BARS
from model.harmony.notations.text_chart import read_text_chart
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, SettingChanged, TimelineChanged
from server.takes.journal.record_encoder import RecordEncoder
from server.takes.journal.record_reader import read_records
from server.takes.journal.records import JournalBegun, JournalEnded, Mark, Record, with_time_origin
from server.takes.journal.timeline_assembler import TimelineAssembler

BEGUN = JournalBegun("2026-02-03T20:15:00+01:00", 5.0, 8.0)
TIMELINE = Timeline.start(120.0, at_s=0.0)
JAM: list[Record] = [
    BEGUN,
    SettingChanged("temperature", 0.9, 0.0, 0.0),
    SettingChanged("pack", "Jürgens Lieder", 0.0, 0.0),
    TimelineChanged(TIMELINE, "free", "internal", 0.001),
    MessageReceived(NoteOn(60, 80), 1.25, 2.5),
    MessageReceived(ControlChange(64, 127, 3), 1.3, 2.6),
    MessageReceived(OtherMessage(bytes([0xE0, 0, 64])), 1.4, 2.8),
    MessageReceived(NoteOff(60), 1.5, 3.0),
    ActionRequested("capture", 1.6, 3.2),
    MessagePlayed(NoteOn(72, 81, 15), 2.0001, 4.0),
    MessagePlayed(NoteOff(72, 15), 2.5, 5.0),
    MessagePlayed(NoteOn(36, 81, 1), 2.6, 5.2, is_band=True),
    JournalEnded(3.0, 1, 1, (Mark("capture", 1.25, 1.5), Mark("record", 2.0, 3.0))),
]


def encoded(records: Sequence[Record]) -> bytes:
    encoder = RecordEncoder()
    return b"".join(encoder.encode(record) for record in records)


JOURNAL = encoded(JAM)


class TestReadingBack:
    def test_a_journal_gives_back_what_was_written(self) -> None:
        contents = read_records(JOURNAL)
        assert list(contents.records) == JAM
        assert (contents.damaged_lines, contents.whole_bytes) == (0, len(JOURNAL))

    def test_the_longest_chart_is_kept(self) -> None:
        bar = " ".join(["Ebm7b5"] * 8)
        chart = read_text_chart("|".join(["", *[bar] * MAX_BARS, ""])).as_text()
        record = SettingChanged("chart", chart, 1.0, 2.0)
        assert read_records(encoded([record])).records == (record,)

    def test_it_can_be_read_with_a_pager(self) -> None:
        assert JOURNAL.splitlines()[4].endswith(b' ["h",1.25,2.5,"903c50"]')
        assert JOURNAL.isascii()

    def test_an_empty_journal_holds_nothing(self) -> None:
        assert read_records(b"").records == ()

    @given(
        st.builds(
            MessageReceived,
            st.one_of(
                st.builds(NoteOn, st.integers(0, 127), st.integers(1, 127), st.integers(0, 15)),
                st.builds(NoteOff, st.integers(0, 127), st.integers(0, 15)),
                st.builds(ControlChange, st.integers(0, 127), st.integers(0, 127), st.integers(0, 15)),
            ),
            st.floats(0, 1e5),
            st.floats(-1e5, 1e6),
        )
    )
    def test_any_message_comes_back_within_a_tenth_of_a_millisecond(self, heard: MessageReceived) -> None:
        (read,) = read_records(encoded([heard])).records
        assert isinstance(read, MessageReceived)
        assert read.message == heard.message
        assert read.at_s == pytest.approx(heard.at_s, abs=1e-4)
        assert read.beat == pytest.approx(heard.beat, abs=1e-5)


class TestDamage:
    def test_a_journal_that_is_cut_off_anywhere_gives_back_all_whole_records(self) -> None:
        ends = [index + 1 for index, byte in enumerate(JOURNAL) if byte == ord("\n")]
        for cut in range(len(JOURNAL) + 1):
            contents = read_records(JOURNAL[:cut])
            whole = sum(end <= cut for end in ends)
            assert list(contents.records) == JAM[:whole]
            assert contents.damaged_lines == 0
            assert contents.whole_bytes == ([0, *ends][whole])

    def test_any_flipped_bit_is_noticed_and_loses_no_other_record(self) -> None:
        for index in range(len(JOURNAL)):
            for bit in range(8):
                data = bytearray(JOURNAL)
                data[index] ^= 1 << bit
                contents = read_records(bytes(data))
                lost = [record for record in JAM if record not in contents.records]
                # A hit on a line end makes one line of two, or leaves the last line without an end.
                assert 1 <= len(lost) <= 2 if JOURNAL[index] == ord("\n") else len(lost) == 1
                assert contents.damaged_lines or index == len(JOURNAL) - 1
                assert all(record in JAM for record in contents.records)

    @given(st.binary(max_size=300))
    def test_records_before_and_after_rubbish_are_read(self, rubbish: bytes) -> None:
        contents = read_records(JOURNAL + rubbish + b"\n" + JOURNAL)
        assert list(contents.records) == [*JAM, *JAM]

    def test_a_record_of_an_unknown_kind_counts_as_damaged(self) -> None:
        text = b'["weather",1]'
        contents = read_records(JOURNAL + b"%08x %s\n" % (zlib.crc32(text), text) + JOURNAL)
        assert list(contents.records) == [*JAM, *JAM]
        assert contents.damaged_lines == 1


def line(text: str) -> bytes:
    """A line with a right checksum."""
    return b"%08x %s\n" % (zlib.crc32(text.encode()), text.encode())


class TestValuesOutOfRange:
    """A right checksum, and a value that no jam writes: the line counts as damaged, and all others are read."""

    @pytest.mark.parametrize(
        "text",
        [
            '["begun",1,"last Tuesday",5,8]',
            '["begun",1,"2026-02-03T20:15:00",NaN,8]',
            '["begun",1,"2026-02-03T20:15:00",5,-1]',
            '["h",1e999,2,"903c50"]',
            '["h",NaN,2,"903c50"]',
            '["h",1,-Infinity,"903c50"]',
            f'["h",1,{"9" * 400},"903c50"]',
            '["h",true,2,"903c50"]',
            '["h",1,2,"f07df7"]',
            '["h",1,2,"f123"]',
            '["h",1,2,3]',
            '["p",1,2,""]',
            '["c",1,2,3,4]',
            '["c",1,2,"tempo",null]',
            '["c",1,2,"tempo",NaN]',
            f'["c",1,2,"{"x" * 5000}",1]',
            '["a",1,2,["stop"]]',
            '["t",1,[[0,0,0]],"4/4",0,"free","internal"]',
            '["t",1,[[0,0,1e300]],"4/4",0,"free","internal"]',
            '["t",1,[[0,0,-120]],"4/4",0,"free","internal"]',
            '["t",1,[[0,0,120],[1,-5,120]],"4/4",0,"free","internal"]',
            '["t",1,[[0,0]],"4/4",0,"free","internal"]',
            '["t",1,[],"0/4",0,"free","internal"]',
            '["t",1,[],"4/4",1e300,"free","internal"]',
            '["t",1,[],"4/4",0,"flying","internal"]',
            '["t",1,[],"4/4",0,["free"],"internal"]',
            '["ended",1e999,0,0,[]]',
            '["ended",-1,0,0,[]]',
            '["ended",1,1e30,0,[]]',
            '["ended",1,NaN,0,[]]',
            '["ended",1,0,0,[["capture",5,1]]]',
            '["ended",1,0,0,[["wish",0,1]]]',
            '["ended",1,0,0,[3]]',
            "[" * 100_000,
            "{}",
            "7",
        ],
        ids=lambda text: text[:50],
    )
    def test_makes_its_line_a_damaged_one(self, text: str) -> None:
        contents = read_records(JOURNAL + line(text) + JOURNAL)
        assert list(contents.records) == [*JAM, *JAM]
        assert contents.damaged_lines == 1


class TestSize:
    def test_a_note_takes_less_than_fifty_bytes_an_hour_into_the_jam(self) -> None:
        assert len(encoded([MessageReceived(NoteOn(60, 80), 3600.12345, 7200.2468)])) < 50

    @pytest.mark.parametrize(
        "data", [b"\xf0\x7d\xf7", b"\xf0" + bytes(1000) + b"\xf7", b"\xf1\x23", b"\xfe", b"\xf3\x01"]
    )
    def test_what_is_no_music_is_not_written_because_a_flood_of_it_would_fill_the_disk(self, data: bytes) -> None:
        assert encoded([MessageReceived(OtherMessage(data), 0.0, 0.0)]) == b""

    def test_only_the_new_segments_of_a_timeline_are_written(self) -> None:
        timeline, encoder = TIMELINE, RecordEncoder()
        sizes = []
        for number in range(3 * MAX_SEGMENTS):
            timeline = timeline.steered(Segment(float(number), 2.0 * number + 0.01, 120.0), float(number))
            sizes.append(len(encoder.encode(TimelineChanged(timeline, "playing", "midi", float(number)))))
        assert max(sizes) < 200


class TestTimeline:
    def test_is_assembled_from_its_new_segments(self) -> None:
        timelines = [TIMELINE]
        timelines.append(timelines[-1].with_tempo(90.0, 4.0))
        timelines.append(timelines[-1].steered(Segment(8.0, 14.1, 100.0), 8.0))
        timelines.append(timelines[-1].steered(Segment(8.02, 14.2, 101.0), 8.05))  # before the last glide has ended
        timelines.append(timelines[-1].with_tempo(60.0, 12.0).with_meter(Meter(3, 4)).with_downbeat(7.0))
        changes = [TimelineChanged(timeline, "free", "internal", 12.0) for timeline in timelines]
        assembler = TimelineAssembler()
        for record in read_records(encoded(changes)).records:
            assert isinstance(record, TimelineChanged)
            assembler.add(record)
        read = Timeline(assembler.segments)
        for at_s in (0.0, 3.0, 5.0, 8.0, 8.02, 8.06, 8.2, 13.0):
            assert read.beat_at(at_s) == pytest.approx(timelines[-1].beat_at(at_s), abs=1e-5)
        assert isinstance(record, TimelineChanged)
        assert (record.timeline.meter, record.timeline.downbeat) == (Meter(3, 4), 7.0)

    def test_segments_that_contradict_each_other_make_a_timeline_that_runs_forward(self) -> None:
        assembler = TimelineAssembler()
        for segment in (
            Segment(0.0, 0.0, 120.0),
            Segment(1.0, 1e6, 1.0),
            Segment(2.0, 3.0, 9000.0),
            Segment(3.0, 5.0, 60.0),
        ):
            assembler.add(TimelineChanged(Timeline((segment,)), "free", "internal", 0.0))
        read = Timeline(assembler.segments)
        assert [read.beat_at(at_s) for at_s in (0.0, 1.0, 2.0, 2.5, 3.0, 4.0)] == [0.0, 1.5, 3.0, 4.0, 5.0, 6.0]

    @given(st.lists(st.tuples(st.floats(0.01, 2.0), st.floats(30.0, 300.0), st.floats(-0.4, 0.4)), max_size=600))
    def test_is_read_back_whole_after_any_number_of_tempo_changes(
        self, bends: list[tuple[float, float, float]]
    ) -> None:
        encoder, assembler, timeline, at_s = RecordEncoder(), TimelineAssembler(), TIMELINE, 0.0
        written = encoder.encode(TimelineChanged(timeline, "free", "internal", 0.0))
        probes = []
        for wait_s, tempo_bpm, off_beats in bends:
            at_s += wait_s
            probes.append((at_s, timeline.beat_at(at_s)))
            timeline = timeline.steered(Segment(at_s, timeline.beat_at(at_s) + off_beats, tempo_bpm), at_s)
            written += encoder.encode(TimelineChanged(timeline, "playing", "midi", at_s))
        for record in read_records(written).records:
            assert isinstance(record, TimelineChanged)
            assembler.add(record)
        read = Timeline(assembler.segments)
        assert all(read.beat_at(at_s) == pytest.approx(beat, abs=1e-4) for at_s, beat in probes)


def test_seconds_are_counted_from_the_start_of_the_journal() -> None:
    message: Message = NoteOn(60, 80)
    assert with_time_origin(MessageReceived(message, 1001.5, 3.0), 1000.0) == MessageReceived(message, 1.5, 3.0)
    changes = TimelineChanged(Timeline.start(120.0, at_s=1000.0), "free", "internal", 1000.0)
    assert with_time_origin(changes, 1000.0) == TimelineChanged(TIMELINE, "free", "internal", 0.0)
