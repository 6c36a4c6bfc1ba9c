"""Dated MIDI messages as bytes in a pipe between two processes, and back, however the pipe cuts them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from bridge.midi.jack.jack_frames import UNKNOWN_S

HEADER = struct.Struct("<ddBH")
"""The second, the second of frame 0, the number of the port, and the length of a message."""
MAX_MESSAGE_BYTES = 492
"""The longest message that is passed on: with its header it stays below 512 bytes, which every pipe takes or refuses as a
whole (512 is the limit on macOS). Longer messages are system exclusive dumps, which the jam does not use."""
SHARED_BYTES = 16
"""The size of the memory that both processes share: the doorbell is its first four bytes, and two counters are at its end."""
MESSAGES, LOOK, DATE = 0, 1, 2
"""The bytes of the doorbell; one that is not 0 asks the client's callback for something in the next cycle: to read the messages in the pipe, to
look at all ports, or only to date the cycle. The first is for the jam, the others are for the client itself."""
XRUNS, GAPS = 2, 3
"""The places of the counters among the 32-bit numbers of the shared memory."""
COUNTER_NUMBERS = 2**32


class PipedMessage(NamedTuple):
    """A message in the pipe."""

    at_s: float
    port: int
    data: bytes
    frame_zero_s: float = UNKNOWN_S
    """The second of JACK's frame 0, one latency earlier: by it a message that came in was dated, or one that is sent is due."""


def pack(message: PipedMessage) -> bytes:
    """The bytes of one message in the pipe."""
    return HEADER.pack(message.at_s, message.frame_zero_s, message.port, len(message.data)) + message.data


class Unpacker:
    """Collects the pieces that are read from a pipe, and finds the messages in them."""

    def __init__(self) -> None:
        self._rest = b""

    def unpack(self, chunk: bytes) -> Iterator[PipedMessage]:
        """Adds a piece; yields each message that is now complete."""
        buffer = self._rest + chunk if self._rest else chunk
        begin, size = 0, len(buffer)
        while size - begin >= HEADER.size:
            at_s, frame_zero_s, port, length = HEADER.unpack_from(buffer, begin)
            end = begin + HEADER.size + length
            if end > size:
                break
            yield PipedMessage(at_s, port, buffer[begin + HEADER.size : end], frame_zero_s)
            begin = end
        self._rest = buffer[begin:]
