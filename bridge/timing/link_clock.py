"""Ableton Link in and out: the beat and tempo of the network's session, at our seconds. Knows no timeline, starts no thread.

The Link library is GPL, so it is an optional extra, and is imported only when Link is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, cast

from bridge.errors import LinkMissing
from bridge.timing.clock import Clock

SETTLE_S = 0.5
"""How long after its creation Link is enabled. Sooner, it may set the session's tempo instead of taking it over."""

READINGS = 5
"""How often the two clocks are read, Link's between two readings of ours. The closest reading was not interrupted."""


@dataclass(frozen=True, slots=True)
class LinkMoment:
    """The state of a session at one of our seconds. Beats are quarter notes; bars begin at multiples of a bar's beats."""

    at_s: float
    beat: float
    tempo_bpm: float
    is_playing: bool | None = None
    """None where start and stop are not shared with the session."""


class RawState(Protocol):
    """The library's copy of a session's state. Committing it changes the session."""

    def tempo(self) -> float: ...
    def setTempo(self, bpm: float, at_micros: int) -> None: ...  # noqa: N802  the library's name
    def beatAtTime(self, micros: int, quantum: float) -> float: ...  # noqa: N802
    def isPlaying(self) -> bool: ...  # noqa: N802


class RawClock(Protocol):
    """The library's clock."""

    def micros(self) -> int: ...


class RawLink(Protocol):
    """The library's peer."""

    enabled: bool
    startStopSyncEnabled: bool  # noqa: N815  the library's name

    def clock(self) -> RawClock: ...
    def captureAppSessionState(self) -> RawState: ...  # noqa: N802
    def commitAppSessionState(self, state: RawState) -> None: ...  # noqa: N802


def create_peer(tempo_bpm: float) -> RawLink:
    """A peer of the installed library, not yet enabled. Raises LinkMissing where the library is not installed."""
    try:
        from link import Link
    except ImportError as error:
        raise LinkMissing("Ableton Link is an extra that is not installed") from error
    return cast("RawLink", Link(tempo_bpm))


class LinkClock:
    """One peer of the session. The caller reads `moment` some twenty times a second. Any thread may call any method."""

    def __init__(
        self, tempo_bpm: float, clock: Clock, *, shares_start_stop: bool = True, peer: RawLink | None = None
    ) -> None:
        self._peer = peer or create_peer(tempo_bpm)
        self._peer.startStopSyncEnabled = shares_start_stop
        self._now_s = clock.now_s
        self._enable_at_s = clock.now_s() + SETTLE_S

    def moment(self, beats_per_bar: float) -> LinkMoment | None:
        """The state of the session now, for bars of this many beats; None until the session is joined."""
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
        )

    def set_tempo(self, tempo_bpm: float) -> None:
        """Sets the tempo of the session, for all peers."""
        state = self._peer.captureAppSessionState()
        state.setTempo(tempo_bpm, self._peer.clock().micros())
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
        """One moment by our clock and by Link's. Both are read each time, as they may drift apart."""
        clock = self._peer.clock()
        readings = []
        for _ in range(READINGS):
            before_s, micros, after_s = self._now_s(), clock.micros(), self._now_s()
            readings.append((after_s - before_s, (before_s + after_s) / 2, micros))
        _, at_s, micros = min(readings)
        return at_s, micros
