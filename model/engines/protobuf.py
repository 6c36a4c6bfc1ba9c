"""Reads the wire format of protocol buffers, in which `.onnx` files are written; knows no schema.

Only what the file's own bytes can hold is returned, as views on them, so a hostile file takes no more memory than it is long.
"""

from collections.abc import Iterator

Field = int | memoryview
"""A number, or the bytes of a text, of a message or of an array."""

DAMAGED, TOO_MANY = "it is cut off or damaged", "it has too many parts"
"""The texts of the errors."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}


def fields_of(message: memoryview, most: int) -> Iterator[tuple[int, Field]]:
    """The fields of a message in order, each with its number. Raises ValueError where it is no message, or has more than `most`."""
    at = 0
    for _ in range(most):
        if at == len(message):
            return
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, at = _varint(message, at)
        elif kind in _FIXED_BYTES:
            length = _FIXED_BYTES[kind]
        else:
            raise ValueError(DAMAGED)
        if length > len(message) - at:
            raise ValueError(DAMAGED)
        yield key >> 3, message[at : at + length]
        at += length
    if at != len(message):
        raise ValueError(TOO_MANY)


def signed(value: int) -> int:
    """A varint as the signed 64-bit number that it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value


def varints_of(packed: memoryview, most: int) -> Iterator[int]:
    """The numbers of a packed array. Raises ValueError where there are more than `most`."""
    at = 0
    for _ in range(most):
        if at == len(packed):
            return
        value, at = _varint(packed, at)
        yield value
    if at != len(packed):
        raise ValueError(TOO_MANY)


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, at + place + 1
    raise ValueError(DAMAGED)
