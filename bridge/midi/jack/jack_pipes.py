"""Dated MIDI messages as bytes in a pipe between two processes; whole messages only, whatever the pipe does to them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEADER = struct.Struct("<dBH")
"""Its second, its port's number, its length."""
LONGEST_BYTES = 500
"""The longest message that passes: with its header it is shorter than the least that a pipe takes or refuses as a whole
(512 on macOS). Longer ones are system exclusive dumps, which nobody here reads."""
DOORBELL_BYTES = 1


def pack(at_s: float, port: int, data: bytes) -> bytes:
    """One message, ready for the pipe."""
    return HEADER.pack(at_s, port, len(data)) + data


class Unpacker:
    """Finds the messages in what a pipe gives, piece by piece."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, chunk: bytes) -> Iterator[tuple[float, int, bytes]]:
        """Each message that is complete now: its second, its port's number, its bytes."""
        buffer = self._rest + chunk if self._rest else chunk
        begin, size = 0, len(buffer)
        while size - begin >= HEADER.size:
            at_s, port, length = HEADER.unpack_from(buffer, begin)
            end = begin + HEADER.size + length
            if end > size:
                break
            yield at_s, port, buffer[begin + HEADER.size : end]
            begin = end
        self._rest = buffer[begin:]
