"""uvicorn's HTTP protocol with limits: for unfinished requests, for pages that read nothing, and for each address.

One address can have a limited number of connections; of too many, its oldest unfinished one is closed. So nobody on the
network can lock out others.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

UNFINISHED_S = 5.0
"""How long a request's head may take to arrive; a page sends it at once."""
STUCK_S = 10.0
"""How long a client may read nothing of a response."""
MOST_PER_ADDRESS = 32
"""A browser opens some seven; several may come from one machine."""


class PageHttpProtocol(H11Protocol):
    """One connection, until it becomes a WebSocket or closes."""

    _patience_timer: asyncio.TimerHandle | None = None
    _stuck_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._wait_for_head()
        self._close_one_of_too_many()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            if self._patience_timer is None:
                self._wait_for_head()
        else:
            self._stop_waiting()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck_timer = self.loop.call_later(STUCK_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()

    @property
    def is_unfinished(self) -> bool:
        """Whether no whole head of a request has come yet."""
        return self._patience_timer is not None

    def _wait_for_head(self) -> None:
        self._patience_timer = self.loop.call_later(UNFINISHED_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._patience_timer is not None:
            self._patience_timer.cancel()
            self._patience_timer = None

    def _close_one_of_too_many(self) -> None:
        host = self.client[0] if self.client else None
        same = [other for other in self.connections if (getattr(other, "client", None) or [None])[0] == host]
        if len(same) > MOST_PER_ADDRESS:
            unfinished = [other for other in same if isinstance(other, PageHttpProtocol) and other.is_unfinished]
            min(unfinished, key=PageHttpProtocol.waits_until_s).give_up()

    def waits_until_s(self) -> float:
        """The second of the loop at which an unfinished request is given up."""
        return 0.0 if self._patience_timer is None else self._patience_timer.when()

    def give_up(self) -> None:
        """Ends the connection at once. It does not count any more, although the loop notices its end only later."""
        self._stop_waiting()
        self.connections.discard(self)
        self.transport.abort()
