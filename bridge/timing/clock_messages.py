"""The messages of MIDI clock, what they do to a song, and the tempi that are followed; follows no clock itself."""

from typing import Literal

TICK, START, CONTINUE, STOP, SONG_POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
STATUSES = frozenset({TICK, START, CONTINUE, STOP, SONG_POSITION})

TICKS_PER_BEAT = 24
TICKS_PER_SIXTEENTH = 6

SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0

Transport = Literal["free", "playing", "stopped"]
"""`free` means that neither start nor stop has come yet, as with a clock that only ticks."""

TransportChange = Literal["started", "stopped", "relocated"]
"""What happened to the song: it started or continued, it stopped, or it jumped to another place without stopping."""


def is_clock_message(data: bytes) -> bool:
    """Whether these bytes are one complete MIDI clock message; a song position without both of its data bytes is not."""
    return bool(data) and data[0] in STATUSES and len(data) == (3 if data[0] == SONG_POSITION else 1)
