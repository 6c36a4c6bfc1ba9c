"""Dated MIDI messages as bytes in a pipe between two processes, and back, however the pipe cuts them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEADER = struct.Struct("<dBH")
"""The second, the number of the port, and the length of a message."""
MAX_MESSAGE_BYTES = 500
"""The longest message that is passed on: with its header it stays below 512 bytes, which every pipe takes or refuses as a
whole (512 is the limit on macOS). Longer messages are system exclusive dumps, which the jam does not use."""
DOORBELL_BYTES = 1


def pack(at_s: float, port: int, data: bytes) -> bytes:
    """The bytes of one message in the pipe."""
    return HEADER.pack(at_s, port, len(data)) + data


class Unpacker:
    """Collects the pieces that are read from a pipe, and finds the messages in them."""

    def __init__(self) -> None:
        self._rest = b""

    def unpack(self, chunk: bytes) -> Iterator[tuple[float, int, bytes]]:
        """Adds a piece; yields each message that is now complete: its second, the number of its port, its bytes."""
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
