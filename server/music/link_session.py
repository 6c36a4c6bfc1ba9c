"""Ableton Link while a jam runs: joins the network's session where the control `clock` is `link`; reports its moments.

It runs on the asyncio thread, and knows no music.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bridge.errors import LinkMissing
from bridge.timing.clock import Clock
from bridge.timing.link_clock import LinkClock, LinkMoment
from bridge.timing.meter import Meter
from model.extras import install_hint
from server.controls.control_table import Settings

# Link can be read at any time; between two readings the timeline goes on by itself.
POLL_S = 0.05

OpenLink = Callable[[float, Clock], LinkClock]
"""Opens a peer of the session, at this tempo in bpm; raises LinkMissing where Link is not installed."""


class LinkSession:
    """Is in the session or not, as the settings ask; `async with` leaves it at the end."""

    def __init__(self, on_moment: Callable[[LinkMoment], None], clock: Clock, open_link: OpenLink = LinkClock) -> None:
        """`on_moment` is called on the asyncio thread, every `POLL_S` while the session is joined."""
        self._on_moment = on_moment
        self._clock = clock
        self._open_link = open_link
        self._peer: LinkClock | None = None
        self._beats_per_bar = Meter().beats_per_bar
        self._next_poll: asyncio.TimerHandle | None = None

    def apply_settings(self, settings: Settings) -> None:
        """Joins the session, at the tempo of the settings, or leaves it.

        Raises LinkMissing where the settings ask for Link and it is not installed.
        """
        self._beats_per_bar = Meter.parse(settings.meter).beats_per_bar
        if settings.clock != "link":
            self._leave()
        elif self._peer is None:
            self._peer = self._open(settings.tempo)
            self._poll()

    def set_tempo(self, tempo_bpm: float) -> None:
        """Sets the session's tempo, for all its peers; does nothing while no session is joined."""
        if self._peer is not None:
            self._peer.set_tempo(tempo_bpm)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _open(self, tempo_bpm: float) -> LinkClock:
        try:
            return self._open_link(tempo_bpm, self._clock)
        except LinkMissing as error:
            raise LinkMissing(f"{error}: {install_hint('link')}; then start again") from error

    def _poll(self) -> None:
        if self._peer is None:
            return
        moment = self._peer.moment(self._beats_per_bar)
        if moment is not None:
            self._on_moment(moment)
        self._next_poll = asyncio.get_running_loop().call_later(POLL_S, self._poll)

    def _leave(self) -> None:
        if self._next_poll is not None:
            self._next_poll.cancel()
        peer, self._peer, self._next_poll = self._peer, None, None
        if peer is not None:
            peer.close()
