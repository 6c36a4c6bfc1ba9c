"""uvicorn's websocket with a limit to its patience: a page that takes nothing for some seconds is cut off, not waited for."""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

STUCK_S = 3.0
"""A laptop that is shut, a phone out of reach: it comes back by itself, and is told everything anew."""


class PageSocketProtocol(WebSocketsSansIOProtocol):
    """One page's line; `websocket.state.cut` ends it at once, whatever is still to be sent."""

    _cutting: asyncio.TimerHandle | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # it was a websocket
            self.scope["state"]["cut"] = self.transport.abort

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cutting = asyncio.get_running_loop().call_later(STUCK_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._cutting is not None:
            self._cutting.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cutting is not None:
            self._cutting.cancel()
        super().connection_lost(exc)
