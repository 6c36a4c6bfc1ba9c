"""What a page may say, read from JSON into values, and nothing else; knows no socket and no control's range."""

import json
from dataclasses import dataclass

from server.controls.control_table import Raw
from server.errors import BadMessage

LONGEST_MESSAGE = 1024
"""Characters. The longest that a page of ours sends has a pack's folder in it."""

CONTROL_CHANGE, NOTE_OFF, NOTE_ON = 0xB0, 0x80, 0x90
PLAYED = (NOTE_OFF, NOTE_ON, CONTROL_CHANGE)
MESSAGE_BYTES = 3
LARGEST_DATA_BYTE = 0x7F


@dataclass(frozen=True, slots=True)
class PlayMessage:
    """A key or a pedal moved: one MIDI message."""

    data: bytes

    @property
    def key(self) -> tuple[int, int]:
        """The channel and the pitch, or the controller, that it is about."""
        return self.data[0] & 0x0F, self.data[1]

    @property
    def is_note_on(self) -> bool:
        return self.data[0] & ~0x0F == NOTE_ON and self.data[2] > 0

    @property
    def is_note_off(self) -> bool:
        return self.data[0] & ~0x0F == NOTE_OFF or (self.data[0] & ~0x0F == NOTE_ON and self.data[2] == 0)


@dataclass(frozen=True, slots=True)
class SetControl:
    """A control is to have a value, or an action is to be done, at 1."""

    control: str
    value: Raw


@dataclass(frozen=True, slots=True)
class LearnControl:
    """The next knob that moves is to be a control's; without one, none is waited for any longer."""

    control: str | None


@dataclass(frozen=True, slots=True)
class Ping:
    """What time is it? `sent_ms` is the page's own, which it gets back."""

    sent_ms: float


PageMessage = PlayMessage | SetControl | LearnControl | Ping


def read_page_message(text: str | bytes) -> PageMessage:
    """What a page said. Raises BadMessage, saying what is wrong with it."""
    if isinstance(text, bytes):
        raise BadMessage("the panel takes text, and this was binary")
    if len(text) > LONGEST_MESSAGE:
        raise BadMessage(f"a message has at most {LONGEST_MESSAGE} characters, and this had {len(text)}")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadMessage("this was no JSON") from error
    if not isinstance(said, dict):
        raise BadMessage("a message is an object with a type")
    match said:
        case {"type": "play", "data": list(data), **rest} if not rest:
            return PlayMessage(_midi(data))
        case {"type": "set", "control": str(control), "value": bool() | int() | float() | str() as value, **rest} if (
            not rest
        ):
            return SetControl(control, value)
        case {"type": "learn", "control": str() | None as control, **rest} if not rest:
            return LearnControl(control)
        case {"type": "ping", "sent_ms": int() | float() as sent_ms, **rest} if not rest:
            return Ping(float(sent_ms))
        case {"type": "play" | "set" | "learn" | "ping" as kind}:
            raise BadMessage(f"a {kind} message has {_PARTS[kind]}, and nothing else")
    raise BadMessage("a message's type is play, set, learn or ping")


_PARTS = {"play": "data", "set": "control and value", "learn": "control", "ping": "sent_ms"}


def _midi(data: list[object]) -> bytes:
    """Three bytes of a note or a controller: what a page may play."""
    numbers = [item for item in data if isinstance(item, int) and not isinstance(item, bool)]
    if len(numbers) != len(data) or len(data) != MESSAGE_BYTES:
        raise BadMessage(f"data is {MESSAGE_BYTES} whole numbers: a MIDI message")
    status, *values = numbers
    if status & ~0x0F not in PLAYED:
        raise BadMessage(f"the panel takes notes and controllers, and {status} is no status byte of theirs")
    if not all(0 <= value <= LARGEST_DATA_BYTE for value in values):
        raise BadMessage(f"what follows a status byte is 0 to {LARGEST_DATA_BYTE}")
    return bytes(numbers)
