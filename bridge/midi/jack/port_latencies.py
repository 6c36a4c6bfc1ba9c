"""Reads from libjack the latency of what our ports are connected to: between a key and our input, and between our output and the ear.

Programs and drivers report it to JACK, which adds it up along the connections (JACK-Client does not wrap that function).
"""

from __future__ import annotations

import ctypes

from bridge.midi.ports import Direction

MODES: dict[Direction, int] = {"input": 0, "output": 1}
"""`JackCaptureLatency` and `JackPlaybackLatency`."""
LONGEST_S = 1.0
"""A longer latency is not believed: nobody could play with it, and a loop of connections may add up without an end."""


class LatencyRange(ctypes.Structure):
    """`jack_latency_range_t`: the shortest and the longest way through all connections, in frames."""

    _fields_ = (("min", ctypes.c_uint32), ("max", ctypes.c_uint32))


class PortLatencies:
    """Asks one library. For any thread but JACK's."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._get_range = library.jack_port_get_latency_range
        self._get_range.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(LatencyRange))
        self._get_range.restype = None

    def connected_s(self, port: int, direction: Direction, rate: int) -> float:
        """The longest latency of what a port of ours is connected to, in seconds; 0 where nothing is reported.

        `port` is JACK's pointer to it, and `rate` the sample rate.
        """
        latency = LatencyRange()
        self._get_range(port, MODES[direction], ctypes.byref(latency))
        seconds = float(latency.max) / rate
        return seconds if seconds <= LONGEST_S else 0.0
