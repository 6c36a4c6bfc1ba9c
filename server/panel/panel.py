"""The panel of a running jam: binds its port, says where it is, serves it in this event loop, and ends with the jam.

What serves it takes a fifth of a second to import, so that happens in a thread once the jam is ready; whoever
connects before that waits in the port's queue.
"""

import asyncio
import errno
import gc
import importlib
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from server.config.config import PanelSection
from server.errors import PanelError
from server.panel.access import AccessControl
from server.panel.jam_handle import JamHandle
from server.panel.page_connections import PageConnections
from server.panel.panel_address import network_address, network_names, qr_code

if TYPE_CHECKING:
    import uvicorn

    from server.panel.app import PanelApp

logger = logging.getLogger("fours.panel")

Say = Callable[[str], None]

MOST_CONNECTIONS = 64
LARGEST_FRAME = 64 * 1024
PING_EVERY_S = 5.0
END_S = 1
BACKLOG = 64


class Panel:
    """`async with` serves it; where the configuration says that there is none, it does nothing."""

    def __init__(self, config: PanelSection, stage: JamHandle, say: Say) -> None:
        self._config = config
        self._stage = stage
        self._say = say
        self._gate = AccessControl(
            lan=config.lan, names=network_names() if config.lan else (), now_s=stage.clock.now_s()
        )
        self._open: tuple[PageConnections, asyncio.Task[None]] | None = None
        self._ending = asyncio.Event()

    async def __aenter__(self) -> Self:
        if self._config.on:
            bound = _bind(self._config.bind_host, self._config.port)
            self._invite(bound.getsockname()[1])
            guests = PageConnections(self._stage)
            guests.start()
            self._open = (guests, asyncio.create_task(self._serve(bound, guests), name="panel"))
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._open is None:
            return
        guests, serving = self._open
        guests.stop()
        self._ending.set()
        await serving

    def _invite(self, port: int) -> None:
        if not self._config.lan:
            self._say(f"Panel      http://{self._config.host}:{port}")
            return
        address = network_address() or socket.gethostname()
        # Behind the #, which a browser keeps to itself.
        link = f"http://{address}:{port}/#{self._gate.token}"
        self._say(f"Panel      http://{address}:{port}, token {self._gate.token}")
        for line in qr_code(link):
            self._say(f"           {line}")

    async def _serve(self, bound: socket.socket, guests: PageConnections) -> None:
        try:
            # Both modules: what they import is what takes the time.
            await asyncio.to_thread(importlib.import_module, "server.panel.app")
            await asyncio.to_thread(importlib.import_module, "server.panel.page_socket")
            from server.panel.app import PanelApp

            app = PanelApp(self._stage, self._gate, guests, bound.getsockname()[1])
            server = _server(app)
            await server.startup(sockets=[bound])
            gc.freeze()  # as the session did, before all this was there
            await self._ending.wait()
            await app.seeds.stop()
            await server.shutdown(sockets=[bound])
        except Exception:
            # Without a panel the jam goes on.
            logger.exception("the panel has ended")
        finally:
            with suppress(OSError):
                bound.close()


def _server(app: "PanelApp") -> "uvicorn.Server":
    """uvicorn, loaded and not begun. Its own way of running takes over the signals, and wakes ten times a second."""
    import uvicorn

    from server.panel.page_socket import PageSocketProtocol

    config = uvicorn.Config(
        app.asgi,
        http="h11",
        ws=PageSocketProtocol,
        ws_max_size=LARGEST_FRAME,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PING_EVERY_S,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=END_S,
        backlog=BACKLOG,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server


def _bind(host: str, port: int) -> socket.socket:
    """The port, taken and listened at. Raises PanelError."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # A port that was just given back may be taken again; on Windows this would share it with who has it.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            reason = "is taken, perhaps by another jam. Stop that program, or choose another port (--panel-port)"
        else:
            reason = f"cannot be had: {error.strerror or error}. Choose another host or port in [panel]"
        raise PanelError(f"The panel's port {port} on {host} {reason}; or jam without it (--no-panel).") from error
    bound.settimeout(0.0)
    return bound
