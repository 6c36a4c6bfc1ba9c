"""uvicorn's WebSocket protocol with a time limit: a page that reads nothing for some seconds is disconnected."""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

STUCK_S = 3.0
"""A laptop is shut, or a phone is out of reach. The page reconnects by itself, and then gets the full state."""


class PageSocketProtocol(WebSocketsSansIOProtocol):
    """The connection of one page. `websocket.state.abort` ends it at once and drops what is still to be sent."""

    _abort_timer: asyncio.TimerHandle | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # uvicorn sets it only where the handshake is valid
            self.scope["state"]["abort"] = self.transport.abort

    def pause_writing(self) -> None:
        super().pause_writing()
        self._abort_timer = asyncio.get_running_loop().call_later(STUCK_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._abort_timer is not None:
            self._abort_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        super().connection_lost(exc)
