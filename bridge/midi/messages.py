"""MIDI messages as values, from bytes and to bytes. Knows no ports and no time."""

import importlib
from dataclasses import dataclass
from functools import cache, lru_cache
from types import ModuleType

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


@cache
def mido_module() -> ModuleType:
    """mido, imported at the first call. The import takes some 40 ms, so a port calls this before the first note."""
    return importlib.import_module("mido")


def parse(data: bytes) -> Message:
    """The message in `data`, which must hold exactly one. Raises BadMidi where it does not."""
    try:
        midi = mido_module().Message.from_bytes(data)
    except (ValueError, TypeError, LookupError) as error:
        raise BadMidi(f"{_hex_preview(data)} is no MIDI message: {error}.") from error
    match midi.type:
        case "note_on" if midi.velocity > 0:
            return NoteOn(midi.note, midi.velocity, midi.channel)
        case "note_on" | "note_off":
            # MIDI 1.0: a note-on of velocity 0 is a note-off; most keyboards send that, to save a status byte.
            return NoteOff(midi.note, midi.channel)
        case "control_change":
            return ControlChange(midi.control, midi.value, midi.channel)
        case _:
            return OtherMessage(bytes(data))


def encode(message: Message) -> bytes:
    """The bytes of `message`. Raises BadMidi where a value is out of range, or a note-on has velocity 0."""
    try:
        match message:
            case NoteOn(pitch, velocity, channel):
                if velocity == 0:
                    raise ValueError("a note-on of velocity 0 is a note-off")
                return _bytes("note_on", note=pitch, velocity=velocity, channel=channel)
            case NoteOff(pitch, channel):
                return _bytes("note_off", note=pitch, velocity=0, channel=channel)
            case ControlChange(controller, value, channel):
                return _bytes("control_change", control=controller, value=value, channel=channel)
            case OtherMessage(data):
                return data
    except (ValueError, TypeError) as error:
        raise BadMidi(f"{message} cannot be sent as MIDI: {error}.") from error


# Cached, as a note is encoded in the moment in which it is due, and mido's checks take longer than all else of its sending.
@lru_cache(maxsize=1 << 11, typed=True)
def _bytes(kind: str, **values: int) -> bytes:
    return bytes(mido_module().Message(kind, **values).bytes())


def _hex_preview(data: bytes) -> str:
    """The first eight bytes in hexadecimal, for an error message."""
    first_bytes = data[:8].hex(" ").upper() or "nothing"
    return f"{first_bytes} … ({len(data)} bytes)" if len(data) > 8 else first_bytes
