import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, OtherMessage
from bridge.timing.meter import Meter
from bridge.timing.timeline import SEGMENTS_KEPT, Segment, Timeline
from server.music.feed import ActionRequested, ControlChanged, MessagePlayed, MessageReceived, TimelineChanged
from server.takes.journal import (
    LONGEST_MESSAGE_BYTES,
    JournalBegun,
    JournalEnded,
    Mark,
    Record,
    RecordEncoder,
    TimelineAssembler,
    read_records,
    with_time_origin,
)

BEGUN = JournalBegun("2026-02-03T20:15:00+01:00", 5.0, 8.0)
TIMELINE = Timeline.start(120.0, at_s=0.0)
JAM: list[Record] = [
    BEGUN,
    ControlChanged("temperature", 0.9, 0.0, 0.0),
    ControlChanged("pack", "Jürgens Lieder", 0.0, 0.0),
    TimelineChanged(TIMELINE, "free", "internal", 0.001),
    MessageReceived(NoteOn(60, 80), 1.25, 2.5),
    MessageReceived(ControlChange(64, 127, 3), 1.3, 2.6),
    MessageReceived(OtherMessage(bytes([0xE0, 0, 64])), 1.4, 2.8),
    MessageReceived(NoteOff(60), 1.5, 3.0),
    ActionRequested("capture", 1.6, 3.2),
    MessagePlayed(NoteOn(72, 81, 15), 2.0001, 4.0),
    MessagePlayed(NoteOff(72, 15), 2.5, 5.0),
    JournalEnded(3.0, 1, 1, (Mark("capture", 1.25, 1.5), Mark("record", 2.0, 3.0))),
]


def spelt(records: Sequence[Record]) -> bytes:
    scribe = RecordEncoder()
    return b"".join(scribe.encode(record) for record in records)


WHOLE = spelt(JAM)


class TestReadingBack:
    def test_a_journal_gives_back_what_was_written(self) -> None:
        found = read_records(WHOLE)
        assert list(found.records) == JAM
        assert (found.damaged_lines, found.whole_bytes) == (0, len(WHOLE))

    def test_it_can_be_read_with_a_pager(self) -> None:
        assert WHOLE.splitlines()[4].endswith(b' ["h",1.25,2.5,"903c50"]')
        assert WHOLE.isascii()

    def test_an_empty_one_holds_nothing(self) -> None:
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
        (read,) = read_records(spelt([heard])).records
        assert isinstance(read, MessageReceived)
        assert read.message == heard.message
        assert read.at_s == pytest.approx(heard.at_s, abs=1e-4)
        assert read.beat == pytest.approx(heard.beat, abs=1e-5)


class TestDamage:
    def test_cut_at_every_byte_it_gives_back_all_whole_records(self) -> None:
        ends = [index + 1 for index, byte in enumerate(WHOLE) if byte == ord("\n")]
        for cut in range(len(WHOLE) + 1):
            found = read_records(WHOLE[:cut])
            whole = sum(end <= cut for end in ends)
            assert list(found.records) == JAM[:whole]
            assert found.damaged_lines == 0
            assert found.whole_bytes == ([0, *ends][whole])

    def test_a_byte_that_was_flipped_anywhere_is_noticed_and_costs_no_other_record(self) -> None:
        for index in range(len(WHOLE)):
            for bit in range(8):
                data = bytearray(WHOLE)
                data[index] ^= 1 << bit
                found = read_records(bytes(data))
                lost = [record for record in JAM if record not in found.records]
                # Where the end of a line is hit, two lines are one, and the last has no end.
                assert 1 <= len(lost) <= 2 if WHOLE[index] == ord("\n") else len(lost) == 1
                assert found.damaged_lines or index == len(WHOLE) - 1
                assert all(record in JAM for record in found.records)

    @given(st.binary(max_size=300))
    def test_whatever_lies_between_two_records_both_come_back(self, rubbish: bytes) -> None:
        found = read_records(WHOLE + rubbish + b"\n" + WHOLE)
        assert list(found.records) == [*JAM, *JAM]

    def test_a_record_of_a_kind_that_is_not_known_is_counted(self) -> None:
        text = b'["weather",1]'
        found = read_records(WHOLE + b"%08x %s\n" % (zlib.crc32(text), text) + WHOLE)
        assert list(found.records) == [*JAM, *JAM]
        assert found.damaged_lines == 1


class TestSize:
    def test_a_note_takes_less_than_fifty_bytes_an_hour_into_the_jam(self) -> None:
        assert len(spelt([MessageReceived(NoteOn(60, 80), 3600.12345, 7200.2468)])) < 50

    def test_sysex_is_not_written_for_a_flood_of_it_would_fill_the_disk(self) -> None:
        assert spelt([MessageReceived(OtherMessage(b"\xf0" + bytes(LONGEST_MESSAGE_BYTES) + b"\xf7"), 0.0, 0.0)]) == b""

    def test_of_a_timeline_only_what_is_new_is_told(self) -> None:
        timeline, scribe = TIMELINE, RecordEncoder()
        sizes = []
        for number in range(3 * SEGMENTS_KEPT):
            timeline = timeline.steered(Segment(float(number), 2.0 * number + 0.01, 120.0), float(number))
            sizes.append(len(scribe.encode(TimelineChanged(timeline, "playing", "midi", float(number)))))
        assert max(sizes) < 200


class TestATimeline:
    def test_is_put_together_from_its_new_ends(self) -> None:
        timelines = [TIMELINE]
        timelines.append(timelines[-1].with_tempo(90.0, 4.0))
        timelines.append(timelines[-1].steered(Segment(8.0, 14.1, 100.0), 8.0))
        timelines.append(timelines[-1].steered(Segment(8.02, 14.2, 101.0), 8.05))  # before the last glide has ended
        timelines.append(timelines[-1].with_tempo(60.0, 12.0).with_meter(Meter(3, 4)).with_downbeat(7.0))
        kept = [TimelineChanged(timeline, "free", "internal", 12.0) for timeline in timelines]
        ribbon = TimelineAssembler()
        for record in read_records(spelt(kept)).records:
            assert isinstance(record, TimelineChanged)
            ribbon.add(record)
        read = Timeline(ribbon.segments)
        for at_s in (0.0, 3.0, 5.0, 8.0, 8.02, 8.06, 8.2, 13.0):
            assert read.beat_at(at_s) == pytest.approx(timelines[-1].beat_at(at_s), abs=1e-5)
        assert isinstance(record, TimelineChanged)
        assert (record.timeline.meter, record.timeline.downbeat) == (Meter(3, 4), 7.0)

    @given(st.lists(st.tuples(st.floats(0.01, 2.0), st.floats(30.0, 300.0), st.floats(-0.4, 0.4)), max_size=600))
    def test_comes_back_whole_however_often_it_was_bent(self, bends: list[tuple[float, float, float]]) -> None:
        scribe, ribbon, timeline, at_s = RecordEncoder(), TimelineAssembler(), TIMELINE, 0.0
        told = scribe.encode(TimelineChanged(timeline, "free", "internal", 0.0))
        probes = []
        for wait_s, tempo_bpm, off_beats in bends:
            at_s += wait_s
            probes.append((at_s, timeline.beat_at(at_s)))
            timeline = timeline.steered(Segment(at_s, timeline.beat_at(at_s) + off_beats, tempo_bpm), at_s)
            told += scribe.encode(TimelineChanged(timeline, "playing", "midi", at_s))
        for record in read_records(told).records:
            assert isinstance(record, TimelineChanged)
            ribbon.add(record)
        read = Timeline(ribbon.segments)
        assert all(read.beat_at(at_s) == pytest.approx(beat, abs=1e-4) for at_s, beat in probes)


def test_seconds_are_counted_from_the_beginning() -> None:
    message: Message = NoteOn(60, 80)
    assert with_time_origin(MessageReceived(message, 1001.5, 3.0), 1000.0) == MessageReceived(message, 1.5, 3.0)
    kept = TimelineChanged(Timeline.start(120.0, at_s=1000.0), "free", "internal", 1000.0)
    assert with_time_origin(kept, 1000.0) == TimelineChanged(TIMELINE, "free", "internal", 0.0)
