"""Which tracks need no walk through their events: those that surely hold no system messages, whatever their delta times and texts look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.files.midi.midi_events import is_ordinary, repaired
from model.files.midi.midi_track import read_carefully, read_together
from tests.model.files.midi.midi_parts import END_OF_TRACK, event, meta, number

LONG_REST = 0x70 << 7  # its first byte is 0xF0, which is also that of a system exclusive message
NOTE = event(0, 0x90, 60, 90) + event(100, 0x80, 60, 0)

ORDINARY_EVENTS = st.one_of(
    st.builds(
        lambda delta, kind, channel, first, second: event(delta, kind << 4 | channel, first, second),
        st.integers(0, 0xFFFFFFF), st.sampled_from([0x8, 0x9, 0xA, 0xB, 0xE]), st.integers(0, 15),
        st.integers(0, 127), st.integers(0, 127),
    ),
    st.builds(lambda delta, kind, data: event(delta, kind << 4, data), st.integers(0, 0xFFFFFFF), st.sampled_from([0xC, 0xD]), st.integers(0, 127)),
    st.builds(lambda delta, kind, text: meta(kind, text, delta), st.integers(0, 0xFFFFFFF), st.integers(0, 0x2E), st.binary(max_size=48)),
)  # fmt: skip
SYSTEM_EVENTS = st.one_of(
    st.builds(
        lambda delta, status, data: number(delta) + bytes([status]) + number(len(data)) + data,
        st.integers(0, 0xFFFFFFF), st.sampled_from([0xF0, 0xF7]), st.binary(max_size=20),
    ),
    st.builds(event, st.integers(0, 0xFFFFFFF), st.sampled_from([0xF6, 0xF8, 0xFA, 0xFB, 0xFC, 0xFE])),
)  # fmt: skip


@pytest.mark.parametrize(
    "before",
    [b"", meta(0x01, b"\xf7\xf0\xfe"), event(LONG_REST, 0xC0, 5), event(LONG_REST + 1, 0xB0, 64, 127)],
    ids=["nothing", "a text of their bytes", "a long rest", "a longer one"],
)
def test_long_rests_and_texts_are_ordinary(before: bytes) -> None:
    body = before + event(LONG_REST, 0x90, 60, 90) + number(LONG_REST) + bytes([60, 0]) + END_OF_TRACK
    assert is_ordinary(body)
    (quick,) = read_together([body])
    careful, is_broken = read_carefully(body)
    assert quick is not None
    assert not is_broken
    assert [(part.channel, fields(part.records)) for part in quick.channels] == [
        (part.channel, fields(part.records)) for part in careful.channels
    ]
    assert quick.end == careful.end


def fields(records: bytes) -> list[bytes]:
    """The notes of records of twelve bytes: onset and duration of four bytes, pitch and velocity; the last two bytes hold nothing."""
    return [records[start : start + 10] for start in range(0, len(records), 12)]


@pytest.mark.parametrize(
    "odd",
    [
        b"\x00\xf0\x01\xf7", b"\x00\xf7\x03\x90\xff\x80", b"\x00\xfe", b"\x00\xf8", b"\x00\xf1\x23",
        event(0, 0x90, 60, 0xF1), b"\x00\xff\x01\x05abc", b"\x80\x80\x80\x80\x00\x90\x3c\x40", meta(0x01, b"x" * 49),
        meta(0x01, b"") + b"\x00\x3c\x40",
    ],
    ids=lambda odd: odd[:8].hex(" "),
)  # fmt: skip
def test_what_may_need_repair_is_not_ordinary(odd: bytes) -> None:
    assert not is_ordinary(NOTE + odd + END_OF_TRACK)


@given(st.lists(ORDINARY_EVENTS, max_size=20))
def test_a_track_of_whole_channel_and_meta_messages_is_ordinary_and_needs_no_repair(events: list[bytes]) -> None:
    body = b"".join(events) + END_OF_TRACK
    assert is_ordinary(body)
    track = repaired(body)
    assert track.broken_at is None
    assert track.events + b"\xff\x2f\x00" == body


@given(st.lists(ORDINARY_EVENTS, max_size=10), SYSTEM_EVENTS, st.lists(ORDINARY_EVENTS, max_size=10))
def test_a_track_with_one_system_message_is_not(before: list[bytes], system: bytes, after: list[bytes]) -> None:
    assert not is_ordinary(b"".join([*before, system, *after, END_OF_TRACK]))
