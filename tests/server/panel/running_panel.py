"""A jam of two scripted partners with a panel, in this process, and pages of it that speak for themselves."""

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
from server.controls.control_store import ControlStore
from server.controls.control_table import Settings
from server.jam.jam import Jam
from server.music.music_thread import MusicThread
from server.panel.jam_handle import ConnectionInfo, JamHandle, TakeSource
from server.panel.page_connections import PageConnections
from server.panel.panel import Panel
from server.remote.midi_controllers import MidiControllers
from server.remote.midi_learn import MidiLearn
from tests.server.jams import ScriptedImproviser

HOST = "127.0.0.1"
PATIENCE_S = 10
# Fast, so that little time is spent listening: a beat is 0.15 s.
SETTINGS = Settings(tempo=400.0)
WIRING = ConnectionInfo("Keys", "Synth", "memory", "127.0.0.1:8000", {"pitch": 0.1, "event": 0.2})

NO_KNOBS = MidiSection()
NOWHERE = Path("/nowhere/config.toml")
"""A configuration that cannot be written."""

Told = dict[str, Any]
"""What a page is told: JSON, which a test looks into."""


def free_tcp_port() -> int:
    """A TCP port that nobody has."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def stage(
    takes: TakeSource | None = None,
    settings: Settings = SETTINGS,
    midi: MidiSection = NO_KNOBS,
    config_file: Path = NOWHERE,
) -> JamHandle:
    """A stage whose player has not begun, made in the asyncio loop."""
    clock = MonotonicClock()
    partners = {
        "pitch": ScriptedImproviser("pitch", (60, 62, 64, 65)),
        "event": ScriptedImproviser("event", (72, 74, 76), (1.0, 0.5, 0.5)),
    }
    jam = Jam({"pitch": partners["pitch"], "event": partners["event"]}, settings, 0)
    player = MusicThread(jam, MemoryOutput("Synth", clock), clock)
    desk = ControlStore(settings, player, {})
    controllers = MidiControllers(midi, desk, player.receive_midi, player.send_control_change, clock)
    lessons = MidiLearn(controllers.cc_input, config_file)
    packs = ("songbook", "rock")
    return JamHandle(desk, player, clock, WIRING, controllers.receive_midi, lessons, lambda: packs, takes)


class Page:
    """One page: says things, and waits for what it is told."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self.told: list[Told] = []

    async def say(self, kind: str, **parts: object) -> None:
        await self.line.send(json.dumps({"type": kind, **parts}))

    async def play(self, *data: int) -> None:
        await self.say("play", data=data)

    async def hear(self, fits: Callable[[Told], object]) -> Told:
        """The next that fits; what comes before it is kept in `told` too."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self.told.append(json.loads(await self.line.recv()))
                if fits(self.told[-1]):
                    return self.told[-1]

    async def hear_of(self, kind: str) -> Told:
        return await self.hear(lambda told: told["type"] == kind)

    async def values(self, name: str) -> Any:
        """The next value that is told of a control."""
        told = await self.hear(lambda told: told["type"] == "news" and name in told.get("values", {}))
        return told["values"][name]

    async def notes(self, side: str, kind: str, count: int) -> list[int]:
        """The pitches, or controllers, of the next so many messages of a side."""
        found: list[int] = []
        while len(found) < count:
            told = await self.hear(lambda told: told.get("notes"))
            found += [note[3] for note in told["notes"] if (note[0], note[2]) == (side, kind)]
        return found


@dataclass(slots=True)
class House:
    """The panel that is served, and what it has said at its start."""

    port: int
    stage: JamHandle
    said: list[str] = field(default_factory=list)
    panel: Panel | None = None

    @property
    def guests(self) -> PageConnections:
        """The pages, as the panel has them."""
        assert self.panel is not None
        assert self.panel._open is not None
        return self.panel._open[0]

    @property
    def sent(self) -> list[Message]:
        """What went out of the port."""
        return [parse(data) for data, _ in cast("MemoryOutput", self.stage.music._output).sent]

    @asynccontextmanager
    async def page(self, cookie: str | None = None) -> AsyncIterator[Page]:
        """A page that has been told everything."""
        origin = f"http://{HOST}:{self.port}"
        headers = {} if cookie is None else {"Cookie": cookie}
        async with connect(
            f"ws://{HOST}:{self.port}/jam",
            origin=cast("Any", origin),
            additional_headers=headers,
            proxy=None,
            max_queue=None,
        ) as line:
            page = Page(line)
            await page.hear_of("welcome")
            yield page

    async def ask(
        self, target: str, method: str = "GET", body: bytes = b"", host: str | None = None, headers: Sequence[str] = ()
    ) -> tuple[int, str, bytes]:
        """One request, and the answer's status, head and body."""
        host = f"{HOST}:{self.port}" if host is None else host
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
        if method != "GET":
            lines += [f"Content-Length: {len(body)}"]
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(HOST, self.port)
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
        head, _, content = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), content

    @property
    def own(self) -> str:
        """The header that a page of ours sends."""
        return f"Origin: http://{HOST}:{self.port}"


@asynccontextmanager
async def open_house(
    takes: TakeSource | None = None, midi: MidiSection = NO_KNOBS, config_file: Path = NOWHERE, **panel: Any
) -> AsyncIterator[House]:
    """Serves it, and plays."""
    on = stage(takes, midi=midi, config_file=config_file)
    house = House(free_tcp_port(), on)
    on.music.start()
    try:
        async with Panel(PanelSection(port=house.port, **panel), on, house.said.append) as house.panel:
            yield house
    finally:
        on.music.stop()
