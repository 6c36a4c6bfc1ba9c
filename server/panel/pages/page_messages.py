"""The messages that a page may send, read from JSON into values. It knows no socket, and no control's range."""

import json
import math
from dataclasses import dataclass
from typing import NoReturn

from bridge.errors import cut_short
from server.controls.control_table import Raw
from server.errors import BadMessage

LONGEST_MESSAGE = 32 * 1024
"""In characters. The longest message of our own page sets a chart, here of 1,000 bars with three chords each."""

CONTROL_CHANGE, NOTE_OFF, NOTE_ON = 0xB0, 0x80, 0x90
PLAYABLE_KINDS = (NOTE_OFF, NOTE_ON, CONTROL_CHANGE)
MIDI_MESSAGE_BYTES = 3
LONGEST_INTEGER = 20
"""In characters: 64 bits and a sign. A page sends only much shorter ones."""
LARGEST_DATA_BYTE = 0x7F


@dataclass(frozen=True, slots=True)
class PlayMessage:
    """A key or a controller was moved; `data` is one MIDI message of three bytes."""

    data: bytes

    @property
    def kind(self) -> int:
        """The status byte without its channel."""
        return self.data[0] & ~0x0F

    @property
    def key(self) -> tuple[int, int]:
        """The channel, from 0, and the pitch or the controller's number."""
        return self.data[0] & 0x0F, self.data[1]

    @property
    def is_note_on(self) -> bool:
        return self.kind == NOTE_ON and self.data[2] > 0

    @property
    def is_note_off(self) -> bool:
        return self.kind == NOTE_OFF or (self.kind == NOTE_ON and self.data[2] == 0)

    @property
    def is_release(self) -> bool:
        """Whether it is a note-off, or lifts a pedal if its controller is one."""
        return self.is_note_off or (self.kind == CONTROL_CHANGE and self.data[2] == 0)


@dataclass(frozen=True, slots=True)
class SetControl:
    """Sets a control to a value; for an action, the value 1 requests it."""

    control: str
    value: Raw


@dataclass(frozen=True, slots=True)
class LearnControl:
    """The next knob that moves will be bound to this control; None ends learning."""

    control: str | None


@dataclass(frozen=True, slots=True)
class Ping:
    """The page wants to know the jam's time. `sent_ms` is the page's own time, which it gets back."""

    sent_ms: float


PageMessage = PlayMessage | SetControl | LearnControl | Ping

_FIELDS = {"play": "data", "set": "control and value", "learn": "control", "ping": "sent_ms"}


def read_page_message(text: str | bytes) -> PageMessage:
    """Reads what a page has sent. Raises BadMessage, whose sentence names what is wrong."""
    if isinstance(text, bytes):
        raise BadMessage("the panel takes text messages, and this one was binary")
    if len(text) > LONGEST_MESSAGE:
        raise BadMessage(f"a message has at most {LONGEST_MESSAGE} characters, and this one has {len(text)}")
    try:
        message = json.loads(text, parse_constant=_refuse_number, parse_float=_finite, parse_int=_short_integer)
    except (ValueError, RecursionError) as error:
        raise BadMessage("the message is not JSON") from error
    if not isinstance(message, dict):
        raise BadMessage("a message is an object with a type")
    match message:
        case {"type": "play", "data": list(data), **rest} if not rest:
            return PlayMessage(_midi_bytes(data))
        case {"type": "set", "control": str(control), "value": bool() | int() | float() | str() as value, **rest} if (
            not rest
        ):
            return SetControl(control, value)
        case {"type": "learn", "control": str() | None as control, **rest} if not rest:
            return LearnControl(control)
        case {"type": "ping", "sent_ms": int() | float() as sent_ms, **rest} if not rest:
            return Ping(float(sent_ms))
        case {"type": "play" | "set" | "learn" | "ping" as kind}:
            raise BadMessage(f"a {kind} message has {_FIELDS[kind]}, and nothing else")
    raise BadMessage("a message's type is play, set, learn or ping")


def _refuse_number(text: str) -> NoReturn:
    """Refuses NaN and infinity, which Python's JSON reader accepts, though JSON has neither."""
    raise BadMessage(f"{cut_short(text)} is not a number that the panel takes")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _short_integer(text: str) -> int:
    return int(text) if len(text) <= LONGEST_INTEGER else _refuse_number(text)


def _midi_bytes(data: list[object]) -> bytes:
    """The three bytes of a note message or a control change, which are all that a page may play."""
    numbers = [item for item in data if isinstance(item, int) and not isinstance(item, bool)]
    if len(numbers) != len(data) or len(data) != MIDI_MESSAGE_BYTES:
        raise BadMessage(f"data is {MIDI_MESSAGE_BYTES} whole numbers: a MIDI message")
    status, *values = numbers
    if status & ~0x0F not in PLAYABLE_KINDS:
        raise BadMessage(f"the panel takes notes and controllers, and {status} is no status byte of theirs")
    if not all(0 <= value <= LARGEST_DATA_BYTE for value in values):
        raise BadMessage(f"what follows a status byte is 0 to {LARGEST_DATA_BYTE}")
    return bytes(numbers)
