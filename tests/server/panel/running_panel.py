"""A jam of two scripted improvisers with a panel, in this process, and clients that act as its pages."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect

from bridge.midi.memory_ports import MemoryOutput
from bridge.midi.messages import Message, parse
from bridge.timing.clock import MonotonicClock
from server.config.config import MidiSection, PanelSection
from server.config.kept_offsets import StartOffset
from server.controls.control_store import ControlStore
from server.controls.control_table import Settings
from server.jam.jam import Jam
from server.music.music_thread import MusicThread
from server.panel.jam_handle import JamHandle, TakeSource
from server.panel.pages.page_connections import PageConnections
from server.panel.panel import Panel
from server.panel.wiring import Wiring
from server.remote.midi_controllers import MidiControllers
from server.remote.midi_learn import MidiLearn
from tests.server.jams import ScriptedImproviser

HOST = "127.0.0.1"
PATIENCE_S = 30
"""Only a failing test waits that long; a busy machine takes seconds to start the process that reads seeds."""
# Fast, so that tests wait little: a beat is 0.15 s.
SETTINGS = Settings(tempo=400.0)
OFFSET = StartOffset(0.0, "not measured")
WIRING = Wiring("Keys", "Synth", "127.0.0.1:8000", {"pitch": 0.1, "event": 0.2}, OFFSET)

NO_BINDINGS = MidiSection()
UNWRITABLE_CONFIG = Path("/nowhere/config.toml")

JsonObject = dict[str, Any]
"""A message that a page gets, which a test looks into."""


def free_tcp_port() -> int:
    """A TCP port that no program uses."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def jam_handle(
    takes: TakeSource | None = None,
    settings: Settings = SETTINGS,
    midi: MidiSection = NO_BINDINGS,
    config_file: Path = UNWRITABLE_CONFIG,
) -> JamHandle:
    """The handle of a jam whose music thread is not started; call it in the asyncio loop."""
    clock = MonotonicClock()
    improvisers = {
        "pitch": ScriptedImproviser("pitch", (60, 62, 64, 65)),
        "event": ScriptedImproviser("event", (72, 74, 76), (1.0, 0.5, 0.5)),
    }
    jam = Jam({"pitch": improvisers["pitch"], "event": improvisers["event"]}, settings, 0)
    music_thread = MusicThread(jam, MemoryOutput("Synth", clock), clock)
    controls = ControlStore(settings, music_thread, {})
    controllers = MidiControllers(midi, controls, music_thread.receive_midi, music_thread.send_control_change, clock)
    midi_learn = MidiLearn(controllers.cc_input, config_file)
    packs = ("songbook", "rock")
    return JamHandle(
        controls,
        music_thread,
        clock,
        WIRING,
        controllers.receive_midi,
        midi_learn,
        lambda: packs,
        takes,
        describe_ports=lambda: ("keys of a test", "memory"),
    )


class PageClient:
    """Sends and receives messages as a page does."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.received: list[JsonObject] = []

    async def send(self, kind: str, **fields: object) -> None:
        await self.websocket.send(json.dumps({"type": kind, **fields}))

    async def play(self, *data: int) -> None:
        await self.send("play", data=data)

    async def receive(self, matches: Callable[[JsonObject], object]) -> JsonObject:
        """The next message that matches; those before it are kept in `received` too."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self.received.append(json.loads(await self.websocket.recv()))
                if matches(self.received[-1]):
                    return self.received[-1]

    async def receive_type(self, kind: str) -> JsonObject:
        return await self.receive(lambda message: message["type"] == kind)

    async def next_value(self, name: str) -> Any:
        """The next value of a control that is sent."""
        message = await self.receive(lambda message: message["type"] == "news" and name in message.get("values", {}))
        return message["values"][name]

    async def next_notes(self, side: str, kind: str, count: int) -> list[int]:
        """The pitches, or controllers, of the next `count` note messages of a side and a kind."""
        found: list[int] = []
        while len(found) < count:
            message = await self.receive(lambda message: message.get("notes"))
            found += [note[3] for note in message["notes"] if (note[0], note[2]) == (side, kind)]
        return found


@dataclass(slots=True)
class RunningPanel:
    """A panel that is served, its jam, and the lines that it printed at its start."""

    port: int
    jam: JamHandle
    printed_lines: list[str] = field(default_factory=list)
    panel: Panel | None = None

    @property
    def connections(self) -> PageConnections:
        assert self.panel is not None
        assert self.panel._connections is not None  # before it is served, as after an answered request
        return self.panel._connections

    @property
    def sent_messages(self) -> list[Message]:
        """What the jam has sent to its MIDI output."""
        return [parse(data) for data, _ in cast("MemoryOutput", self.jam.music_thread._output).sent]

    @asynccontextmanager
    async def page(self, cookie: str | None = None) -> AsyncIterator[PageClient]:
        """A page that is connected and has received the full state."""
        origin = f"http://{HOST}:{self.port}"
        headers = {} if cookie is None else {"Cookie": cookie}
        async with connect(
            f"ws://{HOST}:{self.port}/jam",
            origin=cast("Any", origin),
            additional_headers=headers,
            proxy=None,
            max_queue=None,
        ) as websocket:
            page = PageClient(websocket)
            await page.receive_type("welcome")
            yield page

    async def request(
        self, target: str, method: str = "GET", body: bytes = b"", host: str | None = None, headers: Sequence[str] = ()
    ) -> tuple[int, str, bytes]:
        """Sends one HTTP request; returns the response's status, head and body."""
        host = f"{HOST}:{self.port}" if host is None else host
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
        if method != "GET":
            lines += [f"Content-Length: {len(body)}"]
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(HOST, self.port)
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            response = await reader.read()
            writer.close()
            await writer.wait_closed()
        head, _, content = response.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), content

    @property
    def own_origin(self) -> str:
        """The header that a page of this panel sends."""
        return f"Origin: http://{HOST}:{self.port}"


@asynccontextmanager
async def running_panel(
    takes: TakeSource | None = None,
    midi: MidiSection = NO_BINDINGS,
    config_file: Path = UNWRITABLE_CONFIG,
    **section: Any,
) -> AsyncIterator[RunningPanel]:
    """A running jam with a panel; `section` has keys of the configuration's section [panel]."""
    jam = jam_handle(takes, midi=midi, config_file=config_file)
    running = RunningPanel(free_tcp_port(), jam)
    jam.music_thread.start()
    try:
        async with Panel(
            PanelSection(port=running.port, **section), jam, running.printed_lines.append
        ) as running.panel:
            yield running
    finally:
        jam.music_thread.stop()
