"""The panel over HTTP: the page's files, its websocket, the token, seeds and takes; knows no port, and asks the gate first."""

import asyncio
from contextlib import suppress
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from model.errors import SeedError
from server.errors import ServerError
from server.panel.access import AccessControl
from server.panel.dropped_seeds import LARGEST_BYTES, DroppedSeeds
from server.panel.jam_handle import JamHandle
from server.panel.page_connections import PageConnection, PageConnections
from server.panel.page_files import INDEX, page_files

LONGEST_TOKEN = 100
# How long a page that says too much is not listened to; meanwhile TCP makes it wait.
FLOOD_REST_S = 0.05
TOO_MANY_PAGES = 1013
MIDI_TYPE = "audio/midi"

HEADERS = {
    # No request leaves this machine, whatever a page is talked into.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PanelApp:
    """What is served, on this stage and behind this gate."""

    def __init__(self, stage: JamHandle, gate: AccessControl, guests: PageConnections, port: int) -> None:
        self._stage = stage
        self._gate = gate
        self._guests = guests
        self._cookie = f"fours-{port}"  # a browser's cookies are a host's, whatever the port: two jams have one each
        self.seeds = DroppedSeeds(stage)
        routes = [
            Route("/", self._index),
            Route("/door", self._door, methods=["GET", "POST"]),
            Route("/seed", self._seed, methods=["POST", "DELETE"]),
            Route("/takes", self._takes),
            Route("/takes/{name}.mid", self._take),
            Route("/{name}", self._file),
            WebSocketRoute("/jam", self._jam),
        ]
        self.asgi: ASGIApp = _HostCheck(Starlette(routes=routes), gate)

    async def _index(self, request: Request) -> Response:
        return _file_response(INDEX, request.headers)

    async def _file(self, request: Request) -> Response:
        return _file_response(request.path_params["name"], request.headers)

    async def _door(self, request: Request) -> Response:
        """Whether the page may come in; or, with the token that it was told, that it may from now on."""
        if request.method == "GET":
            return JSONResponse({"open": self._may_come_in(request)})
        token = await _body(request, LONGEST_TOKEN)
        shown = "" if token is None else token.decode(errors="replace")
        bought = self._gate.exchange_token(shown, self._stage.clock.now_s())
        if not self._is_own_page(request) or bought is None:
            return _refusal("this is not the token that the start of the jam has printed", 403)
        response = JSONResponse({"open": True})
        response.set_cookie(self._cookie, bought, httponly=True, samesite="strict")
        return response

    async def _seed(self, request: Request) -> Response:
        """A `.mid` file to be played in, or the end of it."""
        if not (self._is_own_page(request) and self._may_come_in(request)):
            return _refusal("seeds are taken from a page of this panel only", 403)
        if request.method == "DELETE":
            await self.seeds.stop()
            return JSONResponse({})
        content = await _body(request, LARGEST_BYTES)
        if content is None:
            return _refusal(f"a seed has at most {LARGEST_BYTES // 1024} kB", 413)
        try:
            seed = await self.seeds.play(unquote(request.headers.get("x-name", "seed.mid")), content)
        except SeedError as error:
            return _refusal(str(error), 422)
        return JSONResponse(seed)

    async def _takes(self, request: Request) -> Response:
        shelf = self._stage.takes
        if shelf is None or not self._may_come_in(request):
            return _refusal("there are no takes here", 404)
        rows = await run_in_threadpool(shelf.rows)
        return JSONResponse(
            [{"id": row.id, "began_at": row.began_at, "seconds": row.seconds, "notes": row.notes} for row in rows]
        )

    async def _take(self, request: Request) -> Response:
        shelf = self._stage.takes
        if shelf is None or not self._may_come_in(request):
            return _refusal("there are no takes here", 404)
        try:
            content = await run_in_threadpool(shelf.midi, request.path_params["name"])
        except ServerError as error:
            return _refusal(str(error), 404)
        return Response(content, media_type=MIDI_TYPE, headers={"Content-Disposition": "attachment"})

    async def _jam(self, websocket: WebSocket) -> None:
        """One page, for as long as it is there."""
        headers = websocket.headers
        if not (
            self._gate.is_own_page(headers.get("host"), headers.get("origin"))
            and self._gate.has_access(websocket.cookies.get(self._cookie))
        ):
            await websocket.close()  # before it was accepted: 403
            return
        await websocket.accept()
        if self._guests.is_full:
            await websocket.close(TOO_MANY_PAGES, "there are too many panels of this jam; close one")
            return
        guest = self._guests.connect(websocket.state.cut)
        telling = asyncio.create_task(_tell(websocket, guest), name=guest.name)
        try:
            await self._listen(websocket, guest)
        finally:
            telling.cancel()
            self._guests.disconnect(guest)

    async def _listen(self, websocket: WebSocket, guest: PageConnection) -> None:
        """Until it is gone."""
        never = asyncio.Event()
        while True:
            message = await websocket.receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if not self._guests.receive(guest, message.get("bytes") or b"" if text is None else text):
                with suppress(TimeoutError):
                    await asyncio.wait_for(never.wait(), FLOOD_REST_S)

    def _is_own_page(self, request: Request) -> bool:
        return self._gate.is_own_page(request.headers.get("host"), request.headers.get("origin"))

    def _may_come_in(self, request: Request) -> bool:
        return self._gate.has_access(request.cookies.get(self._cookie))


class _HostCheck:
    """In front of everything: only who asks for us by a name of ours is let through, and every answer has our headers."""

    def __init__(self, app: ASGIApp, gate: AccessControl) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.update(HEADERS)
            await send(message)

        host = Headers(scope=scope).get("host")
        if self._gate.knows_host(host):
            await self._app(scope, receive, send_with_headers)
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close()
        else:
            refusal = PlainTextResponse("The panel is not called by that name.\n", status_code=421)
            await refusal(scope, receive, send_with_headers)


async def _tell(websocket: WebSocket, guest: PageConnection) -> None:
    """Sends what is laid out for a page, as fast as it takes it."""
    with suppress(WebSocketDisconnect, RuntimeError):  # it is gone: the one who listens to it will notice
        while True:
            await websocket.send_text(await guest.outbox.get())


async def _body(request: Request, at_most: int) -> bytes | None:
    """What was sent, or None where it is more than that; no more is read then."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > at_most:
            return None
    return content


def _file_response(name: str, headers: Headers) -> Response:
    file = page_files().get(name)
    if file is None:
        return _refusal(f"there is no {name} here", 404)
    told = {"ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=told)
    if "gzip" in headers.get("accept-encoding", ""):
        return Response(file.zipped, headers={**told, "Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.content, headers=told, media_type=file.media_type)


def _refusal(reason: str, status: int) -> Response:
    return JSONResponse({"reason": reason}, status_code=status)
