"""OSC 1.0 packets to messages and back, whole or not at all. Knows no sockets, and waits for no timetag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pythonosc.osc_message_builder import BuildError, OscMessageBuilder
from pythonosc.parsing import osc_types

from bridge.errors import BadOsc

OscArgument = int | float | bool | str

BUNDLE = b"#bundle\x00"
TIMETAG_BYTES = 8
SIZE_BYTES = 4
MAX_BUNDLE_DEPTH = 8
MAX_SHOWN_CHARACTERS = 60
IMMEDIATE_TIMETAG = bytes(7) + b"\x01"
MAX_BUNDLE_BYTES = 1_400
"""What one packet of any network carries whole: a larger one is cut up on the way, and lost where a part of it is."""


@dataclass(frozen=True, slots=True)
class OscMessage:
    """An address, and what was said to it; no argument at all is a question."""

    address: str
    arguments: tuple[OscArgument, ...] = ()


# Of fixed size, for each type tag: how many bytes there must be, and what reads them. python-osc alone would read a
# float that was cut off as 0.0.
FIXED_SIZE_TYPES: dict[str, tuple[int, Callable[[bytes, int], tuple[int | float, int]]]] = {
    "i": (4, osc_types.get_int),
    "h": (8, osc_types.get_int64),
    "f": (4, osc_types.get_float),
    "d": (8, osc_types.get_double),
}
BOOLEAN_TAGS = {"T": True, "F": False}
STRING_TAGS = "sS"


def decode(packet: bytes) -> tuple[OscMessage, ...]:
    """All messages of a packet, bundled or not, in order; `BadOsc` if any of it is bad, for a bundle goes as one."""
    return tuple(_read_messages(packet, 0))


def encode(message: OscMessage) -> bytes:
    """The packet of one message."""
    if not message.address.startswith("/"):
        raise BadOsc(f"{shortened(message.address)} is no OSC address: it does not begin with /.")
    if any("\0" in text for text in (message.address, *message.arguments) if isinstance(text, str)):
        raise BadOsc(f"{shortened(message.address)} cannot be sent: OSC's strings end at a zero byte, and it has one.")
    builder = OscMessageBuilder(message.address)
    try:
        for argument in message.arguments:
            builder.add_arg(argument)
        return builder.build().dgram
    except (BuildError, ValueError, OverflowError) as error:
        raise BadOsc(f"{shortened(message.address)} cannot be sent as OSC: {error}.") from error


def encode_bundles(messages: Iterable[OscMessage]) -> Iterator[bytes]:
    """Packets of as many messages as fit in each, in order, to be taken at once; one that is larger goes alone."""
    bundle = b""
    for message in messages:
        packet = encode(message)
        element = len(packet).to_bytes(SIZE_BYTES, "big") + packet
        if bundle and len(bundle) + len(element) > MAX_BUNDLE_BYTES:
            yield bundle
            bundle = b""
        bundle = (bundle or BUNDLE + IMMEDIATE_TIMETAG) + element
    if bundle:
        yield bundle


def _read_messages(packet: bytes, depth: int) -> Iterator[OscMessage]:
    if not packet.startswith(BUNDLE):
        yield _read_message(packet)
        return
    if depth == MAX_BUNDLE_DEPTH:
        raise BadOsc(f"A bundle lies in more than {MAX_BUNDLE_DEPTH} others. Send its messages plainly.")
    # By hand, and not with python-osc's OscBundle: an element of negative size sends that round and round for ever.
    at = len(BUNDLE) + TIMETAG_BYTES
    if at > len(packet):
        raise BadOsc("A bundle was cut off within its timetag. Send it whole.")
    while at < len(packet):
        size, at = _read_number(packet, at, "i", "a bundle")
        if not 0 < size <= len(packet) - at:
            raise BadOsc(f"A bundle has an element of {size} bytes where {len(packet) - at} are left. Send it whole.")
        yield from _read_messages(packet[at : at + int(size)], depth + 1)
        at += int(size)


def _read_message(packet: bytes) -> OscMessage:
    if not packet.startswith(b"/"):
        raise BadOsc(f"This is no OSC: it begins with {shortened(packet[:12])}, not with /ADDRESS or #bundle.")
    address, at = _read_string(packet, 0, "its address")
    # Old senders leave the type tags out where there are no arguments.
    if at == len(packet):
        return OscMessage(address)
    tags, at = _read_string(packet, at, shortened(address))
    if not tags.startswith(","):
        raise BadOsc(
            f"{shortened(address)} came without type tags, so its arguments cannot be told. Send them as OSC 1.0."
        )
    arguments: list[OscArgument] = []
    for tag in tags[1:]:
        if tag in BOOLEAN_TAGS:
            arguments.append(BOOLEAN_TAGS[tag])
        elif tag in STRING_TAGS:
            text, at = _read_string(packet, at, shortened(address))
            arguments.append(text)
        elif tag in FIXED_SIZE_TYPES:
            number, at = _read_number(packet, at, tag, shortened(address))
            arguments.append(number)
        else:
            raise BadOsc(f"{shortened(address)} has an argument of type {tag!r}. Send i, f, s, T, F, h or d.")
    if at != len(packet):
        raise BadOsc(f"{shortened(address)} has {len(packet) - at} bytes more than its type tags tell of.")
    return OscMessage(address, tuple(arguments))


def _read_number(packet: bytes, at: int, tag: str, where: str) -> tuple[int | float, int]:
    size, read = FIXED_SIZE_TYPES[tag]
    if at + size > len(packet):
        raise BadOsc(f"{where[:1].upper()}{where[1:]} was cut off: {len(packet) - at} of {size} bytes of an argument.")
    return read(packet, at)


def _read_string(packet: bytes, at: int, where: str) -> tuple[str, int]:
    try:
        return osc_types.get_string(packet, at)
    except osc_types.ParseError as error:
        raise BadOsc(f"OSC was cut off in {where}: a string does not end, or is not padded to 4 bytes.") from error
    except UnicodeDecodeError as error:
        raise BadOsc(f"OSC has a string in {where} that is not UTF-8.") from error


def shortened(text: str | bytes) -> str:
    """Short enough for a sentence; bytes as they would be written in Python."""
    whole = text if isinstance(text, str) else repr(text)[1:]
    return whole if len(whole) <= MAX_SHOWN_CHARACTERS else f"{whole[:MAX_SHOWN_CHARACTERS]}…"
