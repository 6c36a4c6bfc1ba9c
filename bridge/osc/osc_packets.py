"""Decodes and encodes OSC 1.0 packets, each whole or not at all; knows no sockets, and ignores timetags."""

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
"""Fits into one packet of any network: a larger one is sent in fragments, and lost if one fragment is lost."""


@dataclass(frozen=True, slots=True)
class OscMessage:
    """An address and its arguments; a message without arguments asks for the address's value."""

    address: str
    arguments: tuple[OscArgument, ...] = ()


# For each type tag of fixed size, the number of bytes and the function that reads them. The size is checked first,
# because python-osc reads a float that was cut off as 0.0.
FIXED_SIZE_TYPES: dict[str, tuple[int, Callable[[bytes, int], tuple[int | float, int]]]] = {
    "i": (4, osc_types.get_int),
    "h": (8, osc_types.get_int64),
    "f": (4, osc_types.get_float),
    "d": (8, osc_types.get_double),
}
BOOLEAN_TAGS = {"T": True, "F": False}
STRING_TAGS = "sS"


def decode(packet: bytes) -> tuple[OscMessage, ...]:
    """All messages of a packet, bundled or not, in order.

    Raises BadOsc if any part is bad, as a bundle takes effect as a whole.
    """
    return tuple(_read_messages(packet, 0))


def encode(message: OscMessage) -> bytes:
    """The packet of one message. Raises BadOsc if OSC cannot carry it."""
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
    """Packs messages in order into bundles, as many as fit in each; a message that is too large goes alone.

    The timetag of each bundle means "immediately". Raises BadOsc if OSC cannot carry a message.
    """
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
        raise BadOsc(
            f"A bundle lies in more than {MAX_BUNDLE_DEPTH} others. Send its messages without so many bundles."
        )
    # Not read with python-osc's OscBundle, because an element of negative size makes that loop forever.
    offset = len(BUNDLE) + TIMETAG_BYTES
    if offset > len(packet):
        raise BadOsc("A bundle was cut off within its timetag. Send it whole.")
    while offset < len(packet):
        size, offset = _read_number(packet, offset, "i", "a bundle")
        left = len(packet) - offset
        if not 0 < size <= left:
            raise BadOsc(f"A bundle has an element of {size} bytes where {left} are left. Send it whole.")
        yield from _read_messages(packet[offset : offset + int(size)], depth + 1)
        offset += int(size)


def _read_message(packet: bytes) -> OscMessage:
    if not packet.startswith(b"/"):
        raise BadOsc(f"This is no OSC: it begins with {shortened(packet[:12])}, not with /ADDRESS or #bundle.")
    address, offset = _read_string(packet, 0, "its address")
    # Old senders leave the type tags out if there are no arguments.
    if offset == len(packet):
        return OscMessage(address)
    tags, offset = _read_string(packet, offset, shortened(address))
    if not tags.startswith(","):
        raise BadOsc(
            f"{shortened(address)} came without type tags, so its arguments cannot be read. Send them as OSC 1.0."
        )
    arguments: list[OscArgument] = []
    for tag in tags[1:]:
        if tag in BOOLEAN_TAGS:
            arguments.append(BOOLEAN_TAGS[tag])
        elif tag in STRING_TAGS:
            text, offset = _read_string(packet, offset, shortened(address))
            arguments.append(text)
        elif tag in FIXED_SIZE_TYPES:
            number, offset = _read_number(packet, offset, tag, shortened(address))
            arguments.append(number)
        else:
            raise BadOsc(f"{shortened(address)} has an argument of type {tag!r}. Send i, f, s, T, F, h or d.")
    if offset != len(packet):
        raise BadOsc(f"{shortened(address)} has {len(packet) - offset} more bytes than its type tags describe.")
    return OscMessage(address, tuple(arguments))


def _read_number(packet: bytes, offset: int, tag: str, where: str) -> tuple[int | float, int]:
    """The number at `offset`, and the offset after it; `where` names the place in an error."""
    size, read = FIXED_SIZE_TYPES[tag]
    left = len(packet) - offset
    if size > left:
        raise BadOsc(f"{where[:1].upper()}{where[1:]} was cut off: {left} of {size} bytes of an argument.")
    return read(packet, offset)


def _read_string(packet: bytes, offset: int, where: str) -> tuple[str, int]:
    """The string at `offset`, and the offset after it; `where` names the place in an error."""
    try:
        return osc_types.get_string(packet, offset)
    except osc_types.ParseError as error:
        raise BadOsc(f"OSC was cut off in {where}: a string does not end, or is not padded to 4 bytes.") from error
    except UnicodeDecodeError as error:
        raise BadOsc(f"OSC has a string in {where} that is not UTF-8.") from error


def shortened(text: str | bytes) -> str:
    """The text, cut so that it fits into a sentence; bytes are shown as Python writes them."""
    full = text if isinstance(text, str) else repr(text)[1:]
    return full if len(full) <= MAX_SHOWN_CHARACTERS else f"{full[:MAX_SHOWN_CHARACTERS]}…"
