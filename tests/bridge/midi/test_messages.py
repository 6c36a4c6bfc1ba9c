import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadMidi
from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, OtherMessage, encode, parse

MIDDLE_C_ON = bytes([0x90, 60, 100])

seven_bits = st.integers(0, 127)
channels = st.integers(0, 15)
spoken: st.SearchStrategy[Message] = st.one_of(
    st.builds(NoteOn, seven_bits, st.integers(1, 127), channels),
    st.builds(NoteOff, seven_bits, channels),
    st.builds(ControlChange, seven_bits, seven_bits, channels),
)


def test_a_key_going_down_is_a_note_on() -> None:
    assert parse(bytes([0x92, 60, 100])) == NoteOn(60, 100, channel=2)


def test_a_note_on_of_velocity_0_is_a_note_off() -> None:
    assert parse(bytes([0x91, 60, 0])) == NoteOff(60, channel=1)


def test_a_note_off_has_no_velocity() -> None:
    assert parse(bytes([0x80, 60, 77])) == NoteOff(60)


def test_the_sustain_pedal_is_a_control_change() -> None:
    assert parse(bytes([0xB0, 64, 127])) == ControlChange(64, 127)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bytes([0xC0, 5]), id="program"),
        pytest.param(bytes([0xE0, 0, 64]), id="pitch bend"),
        pytest.param(bytes([0xA0, 60, 9]), id="poly pressure"),
        pytest.param(bytes([0xD0, 9]), id="channel pressure"),
        pytest.param(bytes([0xF8]), id="clock"),
        pytest.param(bytes([0xFA]), id="start"),
        pytest.param(bytes([0xF2, 4, 0]), id="song position"),
        pytest.param(bytes([0xF0, 1, 2, 0xF7]), id="sysex"),
    ],
)
def test_any_other_message_keeps_its_bytes(data: bytes) -> None:
    assert parse(data) == OtherMessage(data)
    assert encode(parse(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(bytes([0x90, 60]), id="cut off"),
        pytest.param(bytes([0x90, 60, 100, 60]), id="too long"),
        pytest.param(bytes([60, 100]), id="no status byte"),
        pytest.param(bytes([0x90, 200, 100]), id="a pitch over 127"),
        pytest.param(bytes([0xF4]), id="an undefined status"),
        pytest.param(bytes([0xF0, 1, 2]), id="sysex without an end"),
    ],
)
def test_bytes_that_are_no_message_are_an_error(data: bytes) -> None:
    with pytest.raises(BadMidi, match=r"is no MIDI message: .+[.]$"):
        parse(data)


def test_the_error_shows_the_first_bytes_only() -> None:
    with pytest.raises(BadMidi, match=r"^00 01 02 03 04 05 06 07 … \(256 bytes\)"):
        parse(bytes(range(256)))


@given(st.binary(max_size=8))
def test_any_bytes_are_parsed_or_an_error(data: bytes) -> None:
    try:
        message = parse(data)
    except BadMidi:
        return
    assert parse(encode(message)) == message


@given(spoken)
def test_an_encoded_message_is_parsed_back_equal(message: Message) -> None:
    assert parse(encode(message)) == message


@pytest.mark.parametrize(
    "message", [NoteOn(128, 1), NoteOn(60, 128), NoteOn(60, 0), NoteOff(-1), ControlChange(1, 200)]
)
def test_values_out_of_range_are_an_error(message: Message) -> None:
    with pytest.raises(BadMidi, match="cannot be sent as MIDI"):
        encode(message)


def test_mido_is_not_imported_before_it_is_used() -> None:
    question = "import sys, bridge.midi.messages; sys.exit('mido' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", question], check=False).returncode == 0
