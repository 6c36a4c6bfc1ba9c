"""Ableton Link in and out: where the session of the network is, in our seconds. Knows no timeline and starts no thread.

Its library is GPL, so it is an extra that whoever wants it installs, and is imported when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, cast

from bridge.errors import LinkMissing
from bridge.timing.clock import Clock

SETTLE_S = 0.5
"""How long Link is left alone before it is enabled. Sooner, it may set the session's tempo instead of taking it."""

READINGS = 5
"""How often the two clocks are read, one between two of the other: the closest pair is not one that was interrupted."""


@dataclass(frozen=True, slots=True)
class LinkMoment:
    """Where a session is at one of our seconds; its beats are quarter notes, and its bars begin at multiples of theirs."""

    at_s: float
    beat: float
    tempo_bpm: float
    is_playing: bool | None = None
    """None where start and stop are not shared."""
    peers: int = 0


class RawState(Protocol):
    """The library's picture of a session, which it changes when it is committed."""

    def tempo(self) -> float: ...
    def setTempo(self, bpm: float, at_micros: int) -> None: ...  # noqa: N802  the library's name
    def beatAtTime(self, micros: int, quantum: float) -> float: ...  # noqa: N802
    def isPlaying(self) -> bool: ...  # noqa: N802
    def setIsPlaying(self, playing: bool, at_micros: int) -> None: ...  # noqa: N802, FBT001


class RawClock(Protocol):
    """The library's clock."""

    def micros(self) -> int: ...


class RawLink(Protocol):
    """The library's peer."""

    enabled: bool
    startStopSyncEnabled: bool  # noqa: N815  the library's name

    def numPeers(self) -> int: ...  # noqa: N802
    def clock(self) -> RawClock: ...
    def captureAppSessionState(self) -> RawState: ...  # noqa: N802
    def commitAppSessionState(self, state: RawState) -> None: ...  # noqa: N802


def create_peer(tempo_bpm: float) -> RawLink:
    """A peer of the installed library, not enabled yet. Raises LinkMissing where there is none."""
    try:
        from link import Link
    except ImportError as error:
        raise LinkMissing(
            'Ableton Link is an extra that is not installed: pip install "trading-fours[link]", then start again.'
        ) from error
    return cast("RawLink", Link(tempo_bpm))


class LinkClock:
    """One peer of the session, to be asked for its `moment` some twenty times a second. Any thread may ask or set."""

    def __init__(
        self, tempo_bpm: float, clock: Clock, *, shares_start_stop: bool = True, peer: RawLink | None = None
    ) -> None:
        self._peer = peer or create_peer(tempo_bpm)
        self._peer.startStopSyncEnabled = shares_start_stop
        self._now_s = clock.now_s
        self._enable_at_s = clock.now_s() + SETTLE_S

    def moment(self, beats_per_bar: float) -> LinkMoment | None:
        """Where the session is now, with bars of so many beats; None while it is not joined yet."""
        now_s, now_micros = self._read_both_clocks()
        if not self._peer.enabled:
            self._peer.enabled = now_s >= self._enable_at_s
            return None
        state = self._peer.captureAppSessionState()
        return LinkMoment(
            now_s,
            state.beatAtTime(now_micros, beats_per_bar),
            state.tempo(),
            state.isPlaying() if self._peer.startStopSyncEnabled else None,
            self._peer.numPeers(),
        )

    def set_tempo(self, tempo_bpm: float) -> None:
        """The session's tempo, for all peers."""
        state = self._peer.captureAppSessionState()
        state.setTempo(tempo_bpm, self._peer.clock().micros())
        self._peer.commitAppSessionState(state)

    def set_playing(self, is_playing: bool) -> None:  # noqa: FBT001  that is what it is
        """Starts or stops the session, for all peers that share it."""
        state = self._peer.captureAppSessionState()
        state.setIsPlaying(is_playing, self._peer.clock().micros())
        self._peer.commitAppSessionState(state)

    def close(self) -> None:
        """Leaves the session."""
        self._enable_at_s = float("inf")
        self._peer.enabled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_both_clocks(self) -> tuple[float, int]:
        """The same moment by our clock and by Link's. They may drift apart, so it is read anew each time."""
        clock = self._peer.clock()
        readings = []
        for _ in range(READINGS):
            before_s, micros, after_s = self._now_s(), clock.micros(), self._now_s()
            readings.append((after_s - before_s, (before_s + after_s) / 2, micros))
        _, at_s, micros = min(readings)
        return at_s, micros
