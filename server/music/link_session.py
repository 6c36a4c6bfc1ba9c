"""Ableton Link while a jam runs: joins the network's session where the control `clock` asks for it, and tells the player where it is.

Lives on the asyncio thread; knows no music.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bridge.timing.clock import Clock
from bridge.timing.link_clock import LinkClock, LinkMoment
from bridge.timing.meter import Meter
from server.controls.control_table import Settings

# Link tells where it is whenever it is asked; in between, the timeline goes on by itself.
POLL_S = 0.05

Opener = Callable[[float, Clock], LinkClock]


class LinkSession:
    """In the session, or not, as the settings have it; `async with` leaves it at the end."""

    def __init__(self, told: Callable[[LinkMoment], None], clock: Clock, opener: Opener = LinkClock) -> None:
        self._told = told
        self._clock = clock
        self._open = opener
        self._peer: LinkClock | None = None
        self._beats_per_bar = Meter().beats_per_bar
        self._next: asyncio.TimerHandle | None = None

    def apply_settings(self, settings: Settings) -> None:
        """Joins, leaves, and takes the tempo along. Raises LinkMissing where Link is asked for and not installed."""
        self._beats_per_bar = Meter.read(settings.meter).beats_per_bar
        if settings.clock != "link":
            self._leave()
        elif self._peer is None:
            self._peer = self._open(settings.tempo, self._clock)
            self._poll()

    def set_tempo(self, tempo_bpm: float) -> None:
        """The session's tempo, for all who are in it; while none is joined this is nothing."""
        if self._peer is not None:
            self._peer.set_tempo(tempo_bpm)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _poll(self) -> None:
        if self._peer is None:
            return
        moment = self._peer.moment(self._beats_per_bar)
        if moment is not None:
            self._told(moment)
        self._next = asyncio.get_running_loop().call_later(POLL_S, self._poll)

    def _leave(self) -> None:
        if self._next is not None:
            self._next.cancel()
        peer, self._peer, self._next = self._peer, None, None
        if peer is not None:
            peer.close()
