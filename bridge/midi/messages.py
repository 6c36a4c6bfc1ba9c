"""MIDI messages as values, from bytes and to bytes. Knows no ports and no time."""

from dataclasses import dataclass

from bridge.errors import BadMidi

SUSTAIN_PEDAL, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123
"""Controller numbers of MIDI 1.0."""
PEDAL_DOWN = 64
"""From this value on a pedal is down (MIDI 1.0)."""


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A key goes down. The velocity is 1 to 127; channels count from 0."""

    pitch: int
    velocity: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class NoteOff:
    """A key comes up."""

    pitch: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class ControlChange:
    """A knob, fader or pedal moves."""

    controller: int
    value: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class OtherMessage:
    """Any other whole MIDI message, as its bytes: program, pitch bend, pressure, clock, sysex."""

    data: bytes


Message = NoteOn | NoteOff | ControlChange | OtherMessage

_NOTE_OFF, _NOTE_ON, _CONTROL_CHANGE = 0x80, 0x90, 0xB0
_SYSTEM_EXCLUSIVE, _END_OF_EXCLUSIVE = 0xF0, 0xF7
_CHANNELS, _VALUES = range(16), range(128)

_CHANNEL_MESSAGE_BYTES = {0x80: 3, 0x90: 3, 0xA0: 3, 0xB0: 3, 0xC0: 2, 0xD0: 2, 0xE0: 3}
"""How long a message is with its status byte, by that byte without the channel. MIDI 1.0, table 1."""
_SYSTEM_MESSAGE_BYTES = {0xF1: 2, 0xF2: 3, 0xF3: 2, 0xF6: 1, 0xF8: 1, 0xFA: 1, 0xFB: 1, 0xFC: 1, 0xFE: 1, 0xFF: 1}
"""The same by the status byte. The others of 0xF0 to 0xFF are undefined, or belong to a system exclusive message."""


def parse(data: bytes) -> Message:
    """The message in `data`, which must hold exactly one. Raises BadMidi where it does not."""
    reason = _why_no_message(data)
    if reason is not None:
        raise BadMidi(f"{_hex_preview(data)} is no MIDI message: {reason}.")
    kind, channel = data[0] & 0xF0, data[0] & 0x0F
    if kind == _NOTE_ON and data[2]:
        return NoteOn(data[1], data[2], channel)
    if kind in (_NOTE_ON, _NOTE_OFF):
        # MIDI 1.0: a note-on of velocity 0 is a note-off; most keyboards send that, to save a status byte.
        return NoteOff(data[1], channel)
    if kind == _CONTROL_CHANGE:
        return ControlChange(data[1], data[2], channel)
    return OtherMessage(bytes(data))


def encode(message: Message) -> bytes:
    """The bytes of `message`. Raises BadMidi where a value is out of range, or a note-on has velocity 0."""
    try:
        match message:
            case NoteOn(pitch, velocity, channel):
                if velocity == 0:
                    raise ValueError("a note-on of velocity 0 is a note-off")
                return _bytes(_NOTE_ON, channel, pitch, velocity)
            case NoteOff(pitch, channel):
                return _bytes(_NOTE_OFF, channel, pitch, 0)
            case ControlChange(controller, value, channel):
                return _bytes(_CONTROL_CHANGE, channel, controller, value)
            case OtherMessage(data):
                return data
    except (ValueError, TypeError) as error:
        raise BadMidi(f"{message} cannot be sent as MIDI: {error}.") from error


def _why_no_message(data: bytes) -> str | None:
    """What is wrong with `data`, as the end of a sentence; None where it is one whole message."""
    if not data:
        return "it is empty"
    status, values = data[0], data[1:]
    if status == _SYSTEM_EXCLUSIVE:
        if data[-1] != _END_OF_EXCLUSIVE:
            return f"system exclusive ends with {_END_OF_EXCLUSIVE:02X}"
        values = data[1:-1]
    else:
        length = _CHANNEL_MESSAGE_BYTES.get(status & 0xF0) or _SYSTEM_MESSAGE_BYTES.get(status)
        if length is None:
            return f"none begins with {status:02X}"
        if len(data) != length:
            return f"one that begins with {status:02X} has {length} bytes"
    return None if values.isascii() else "a value is above 127"


def _bytes(kind: int, channel: int, first: int, second: int) -> bytes:
    """A message of a channel. Raises ValueError, or for a number that is not whole TypeError."""
    if channel not in _CHANNELS:
        raise ValueError("a channel is 0 to 15")
    if first not in _VALUES or second not in _VALUES:
        raise ValueError("a value is 0 to 127")
    return bytes((kind | channel, first, second))


def _hex_preview(data: bytes) -> str:
    """The first eight bytes in hexadecimal, for an error message."""
    first_bytes = data[:8].hex(" ").upper() or "nothing"
    return f"{first_bytes} … ({len(data)} bytes)" if len(data) > 8 else first_bytes
