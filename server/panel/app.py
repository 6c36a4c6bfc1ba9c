"""The panel's HTTP application: files, WebSocket, token, seeds and takes. It knows no port; `AccessControl` guards it."""

import asyncio
from contextlib import suppress
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from model.errors import SeedError
from server.errors import ServerError
from server.panel.jam_handle import JamHandle
from server.panel.pages.page_connections import PageConnection, PageConnections
from server.panel.uploaded_seeds import LARGEST_BYTES, UploadedSeeds
from server.panel.web.access import AccessControl
from server.panel.web.page_files import INDEX, page_files
from server.panel.work.worker import Worker

LONGEST_TOKEN = 100
BODY_TIMEOUT_S = 20.0
"""The time in which a request's body must arrive: enough for the largest seed over a poor connection."""
# How long a page that sends too much is not read; meanwhile TCP makes it wait.
FLOOD_PAUSE_S = 0.05
TRY_AGAIN_LATER = 1013  # the WebSocket close code of that name (IANA registry)
MIDI_TYPE = "audio/midi"

HEADERS = {
    # A page that was made to run other code can send requests to this server only.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PanelApp:
    """Serves the panel of one jam; `asgi` is the application to run."""

    def __init__(
        self, jam: JamHandle, access: AccessControl, connections: PageConnections, port: int, worker: Worker
    ) -> None:
        self._jam = jam
        self._access = access
        self._connections = connections
        self._worker = worker
        # Browsers share cookies between the ports of a host, so the name has the port: two jams have a cookie each.
        self._cookie = f"fours-{port}"
        self.uploaded_seeds = UploadedSeeds(jam, worker)
        routes = [
            Route("/", self._send_index),
            Route("/access", self._handle_token, methods=["GET", "POST"]),
            Route("/seed", self._handle_seed, methods=["POST", "DELETE"]),
            Route("/takes", self._send_take_list),
            Route("/takes/{name}.mid", self._send_take),
            Route("/{path:path}", self._send_file),
            WebSocketRoute("/jam", self._serve_page),
        ]
        self.asgi: ASGIApp = _HostCheck(Starlette(routes=routes), access)

    async def _send_index(self, request: Request) -> Response:
        # As the page may ask for takes or send a seed. If the system starts no process now, it is told so then.
        with suppress(OSError):
            await self._worker.start()
        return _file_response(INDEX, request.headers)

    async def _send_file(self, request: Request) -> Response:
        return _file_response(request.path_params["path"], request.headers)

    async def _handle_token(self, request: Request) -> Response:
        """GET: whether the page has access. POST: exchanges a token for access, which a cookie then proves."""
        if request.method == "GET":
            return JSONResponse({"open": self._has_access(request)})
        address = request.client.host if request.client else ""
        body = await _read_body(request, LONGEST_TOKEN)
        token = "" if body is None else body.decode(errors="replace")
        session_key = self._access.exchange_token(token, address, self._jam.clock.now_s())
        if not self._is_own_page(request) or session_key is None:
            return _refusal("this is not the token that the jam has printed at its start", 403)
        response = JSONResponse({"open": True})
        response.set_cookie(self._cookie, session_key, httponly=True, samesite="strict")
        return response

    async def _handle_seed(self, request: Request) -> Response:
        """POST: plays a file of music (MIDI, MusicXML or ABC) into the jam. DELETE: stops it."""
        if not (self._is_own_page(request) and self._has_access(request)):
            return _refusal("seeds are taken from a page of this panel only", 403)
        if request.method == "DELETE":
            await self.uploaded_seeds.stop()
            return JSONResponse({})
        content = await _read_body(request, LARGEST_BYTES)
        if content is None:
            return _refusal(f"a seed has at most {LARGEST_BYTES // 1024} kB", 413)
        try:
            seed = await self.uploaded_seeds.play(unquote(request.headers.get("x-name", "seed.mid")), content)
        except SeedError as error:
            return _refusal(str(error), 422)
        return JSONResponse(seed)

    async def _send_take_list(self, request: Request) -> Response:
        takes = self._jam.takes
        if takes is None or not self._has_access(request):
            return _refusal("this jam has no takes", 404)
        try:
            listings = await takes.listings()
        except ServerError as error:
            return _refusal(str(error), 503)
        return JSONResponse(
            [
                {"id": listing.id, "began_at": listing.began_at, "seconds": listing.seconds, "notes": listing.notes}
                for listing in listings
            ]
        )

    async def _send_take(self, request: Request) -> Response:
        takes = self._jam.takes
        if takes is None or not self._has_access(request):
            return _refusal("this jam has no takes", 404)
        try:
            content = await takes.as_midi(request.path_params["name"])
        except ServerError as error:
            return _refusal(str(error), 404)
        return Response(content, media_type=MIDI_TYPE, headers={"Content-Disposition": "attachment"})

    async def _serve_page(self, websocket: WebSocket) -> None:
        """The WebSocket of one page, until it closes."""
        headers = websocket.headers
        if not (
            self._access.is_own_page(headers.get("host"), headers.get("origin"))
            and self._access.has_access(websocket.cookies.get(self._cookie))
        ):
            await websocket.close()  # before it was accepted, so the page gets a 403
            return
        await websocket.accept()
        if self._connections.is_full:
            await websocket.close(TRY_AGAIN_LATER, "there are too many panels of this jam; close one")
            return
        connection = self._connections.connect(websocket.state.abort)
        sending = asyncio.create_task(_send_outbox(websocket, connection), name=connection.name)
        try:
            await self._receive_messages(websocket, connection)
        finally:
            sending.cancel()
            self._connections.disconnect(connection)

    async def _receive_messages(self, websocket: WebSocket, connection: PageConnection) -> None:
        """Handles the page's messages until it disconnects; reads more slowly while it sends too much."""
        never_set = asyncio.Event()
        while True:
            message = await websocket.receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if not self._connections.receive(connection, message.get("bytes") or b"" if text is None else text):
                with suppress(TimeoutError):
                    await asyncio.wait_for(never_set.wait(), FLOOD_PAUSE_S)

    def _is_own_page(self, request: Request) -> bool:
        return self._access.is_own_page(request.headers.get("host"), request.headers.get("origin"))

    def _has_access(self, request: Request) -> bool:
        return self._access.has_access(request.cookies.get(self._cookie))


class _HostCheck:
    """Wraps the application: refuses requests whose Host is not ours, and adds `HEADERS` to every response."""

    def __init__(self, app: ASGIApp, access: AccessControl) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.update(HEADERS)
            await send(message)

        host = Headers(scope=scope).get("host")
        if self._access.is_own_host(host):
            await self._app(scope, receive, send_with_headers)
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close()
        else:
            refusal = PlainTextResponse("The panel is not called by that name.\n", status_code=421)
            await refusal(scope, receive, send_with_headers)


async def _send_outbox(websocket: WebSocket, connection: PageConnection) -> None:
    """Sends the messages of a page's outbox, as fast as the page reads them."""
    with suppress(WebSocketDisconnect, RuntimeError):  # it is closed, which `_receive_messages` notices too
        while True:
            await websocket.send_text(await connection.outbox.get())


async def _read_body(request: Request, at_most: int) -> bytes | None:
    """A request's body; None where it has more bytes than `at_most`, and then the rest is not read."""
    content = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                content += chunk
                if len(content) > at_most:
                    return None
    except TimeoutError as error:
        raise HTTPException(408) from error  # its connection is closed then, too
    return content


def _file_response(path: str, request_headers: Headers) -> Response:
    file = page_files().get(path)
    if file is None:
        return _refusal(f"there is no {path} here", 404)
    headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request_headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request_headers.get("accept-encoding", ""):
        return Response(file.gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)


def _refusal(reason: str, status: int) -> Response:
    return JSONResponse({"reason": reason}, status_code=status)
