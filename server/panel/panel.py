"""The panel of a running jam: binds its port, prints its address, serves it in the jam's event loop, and ends with it.

The web server takes a fifth of a second to import, so a thread imports it once the jam is ready. A page that connects
before that waits in the port's queue.
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

from server.config.config import PanelSection, host_and_port, is_every_address
from server.errors import PanelError
from server.panel.jam_handle import JamHandle
from server.panel.web.access import AccessControl
from server.panel.web.panel_address import network_address, network_names, qr_code
from server.panel.work.worker import Worker

if TYPE_CHECKING:
    import uvicorn

    from server.panel.app import PanelApp
    from server.panel.pages.page_connections import PageConnections

logger = logging.getLogger("fours.panel")

Say = Callable[[str], None]

MOST_CONNECTIONS = 256
"""Of all addresses together; `page_http` has the limit of each."""
LARGEST_FRAME = 64 * 1024
PING_EVERY_S = 5.0
SHUTDOWN_TIMEOUT_S = 1
BACKLOG = 64


class Panel:
    """Serves the panel while `async with` is open.

    `say` prints a line of the start. Entering raises PanelError where the port cannot be used.
    """

    def __init__(self, config: PanelSection, jam: JamHandle, say: Say, worker: Worker | None = None) -> None:
        """`worker` does the heavy work; the panel starts and stops it."""
        self._worker = worker or Worker()
        self._config = config
        self._jam = jam
        self._say = say
        self._access = AccessControl(lan=config.lan, names=network_names() if config.lan else ())
        self._connections: PageConnections | None = None
        self._serving: asyncio.Task[None] | None = None
        self._stop_requested = asyncio.Event()

    async def __aenter__(self) -> Self:
        listener = bind_panel(self._config.bind_host, self._config.port)
        self._print_address(listener.getsockname()[1])
        self._serving = asyncio.create_task(self._serve(listener), name="panel")
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._connections is not None:
            self._connections.stop()
        self._stop_requested.set()
        if self._serving is not None:
            await self._serving

    def _print_address(self, port: int) -> None:
        if not self._config.lan:
            self._say(f"Panel      http://{host_and_port(self._config.host, port)}")
            return
        host = self._config.bind_host
        if is_every_address(host):
            host = network_address() or socket.gethostname()
        address = host_and_port(host, port)
        # The token stands behind the #, because a browser does not send that part to any server.
        link = f"http://{address}/#{self._access.token}"
        self._say(f"Panel      http://{address}, token {self._access.token}")
        for line in qr_code(link):
            self._say(f"           {line}")

    async def _serve(self, listener: socket.socket) -> None:
        try:
            # Importing these modules is what takes the time.
            for module in ("app", "web.page_http", "web.page_socket"):
                await asyncio.to_thread(importlib.import_module, f"server.panel.{module}")
            from server.panel.app import PanelApp
            from server.panel.pages.page_connections import PageConnections

            if self._stop_requested.is_set():
                return
            self._connections = connections = PageConnections(self._jam)
            connections.start()
            app = PanelApp(self._jam, self._access, connections, listener.getsockname()[1], self._worker)
            server = _server(app)
            await server.startup(sockets=[listener])
            # Once more after the session's start, for the modules loaded since: the collector never searches frozen
            # objects.
            gc.freeze()
            await self._stop_requested.wait()
            await app.uploaded_seeds.stop()
            await server.shutdown(sockets=[listener])
        except Exception:
            # The jam goes on without a panel.
            logger.exception("the panel has ended")
        finally:
            await self._worker.stop()
            with suppress(OSError):
                listener.close()


def _server(app: "PanelApp") -> "uvicorn.Server":
    """A uvicorn server that is loaded but not started.

    Its own `run` would take over the signals and wake ten times a second.
    """
    import uvicorn

    from server.panel.web.page_http import PageHttpProtocol
    from server.panel.web.page_socket import PageSocketProtocol

    config = uvicorn.Config(
        app.asgi,
        http=PageHttpProtocol,
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
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        backlog=BACKLOG,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server


def bind_panel(host: str, port: int) -> socket.socket:
    """A socket that listens at this port. Raises PanelError."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Allows a port that was closed a moment ago. On Windows this option would share the port with another
            # program.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            reason = "is taken, perhaps by another jam. Stop that program, or choose another port (--panel-port)"
        else:
            reason = f"cannot be used: {error.strerror or error}. Choose another host or port in [panel]"
        raise PanelError(
            f"The panel's port {port} on {host} {reason}; or start the jam without the panel (--no-panel)."
        ) from error
    listener.settimeout(0.0)
    return listener
