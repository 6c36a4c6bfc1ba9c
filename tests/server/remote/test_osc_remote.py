import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import pytest

from bridge.osc.osc_packets import OscArgument, OscMessage, decode, encode
from bridge.timing.clock import MonotonicClock
from bridge.timing.timeline import Timeline
from server.config.config import OscSection
from server.controls.control_store import ControlStore
from server.controls.control_table import CONTROLS, Settings
from server.music.feed import Feed, StatusChanged, TimelineChanged
from server.remote.osc_remote import OscRemote
from tests.server.recording_receiver import RecordingReceiver

HOST = "127.0.0.1"
PATIENCE_S = 10


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class App:
    """A socket that talks to a remote."""

    def __init__(self, port: int) -> None:
        self._to = (HOST, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._socket.bind((HOST, 0))

    def send(self, packet: bytes) -> None:
        self._socket.sendto(packet, self._to)

    def says(self, address: str, *arguments: OscArgument) -> None:
        self.send(encode(OscMessage(address, arguments)))

    async def hears(self, address: str, *values: OscArgument) -> None:
        """Waits until that comes."""
        wanted = OscMessage(address, values)
        while wanted not in await self.hear():
            pass

    async def hear(self) -> tuple[OscMessage, ...]:
        """The next packet's messages."""
        loop = asyncio.get_running_loop()
        return decode(await asyncio.wait_for(loop.sock_recv(self._socket, 65536), PATIENCE_S))

    def close(self) -> None:
        self._socket.close()


class Concert:
    """A desk, a feed, and the remote on a port of its own."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.desk = ControlStore(Settings(), RecordingReceiver(), {})
        self.port = free_port()
        config = OscSection(port=self.port, reply_port=free_port(), advertise=False)
        self.remote = OscRemote(config, self.desk, self.feed, MonotonicClock())
        self.apps: list[App] = []

    def app(self) -> App:
        self.apps.append(App(self.port))
        return self.apps[-1]


@asynccontextmanager
async def playing() -> AsyncIterator[Concert]:
    concert = Concert()
    async with concert.remote:
        try:
            yield concert
        finally:
            for app in concert.apps:
                app.close()


def run(test: Coroutine[None, None, None]) -> None:
    asyncio.run(test)


def test_whoever_says_anything_is_told_everything() -> None:
    async def test() -> None:
        async with playing() as concert:
            app = concert.app()
            app.says("/fours/sync")
            missing = {row.address for row in CONTROLS}
            while missing:
                missing -= {message.address for message in await app.hear()}

    run(test())


def test_what_one_app_or_the_music_changes_every_app_is_told() -> None:
    async def test() -> None:
        async with playing() as concert:
            phone, tablet = concert.app(), concert.app()
            for app in (phone, tablet):
                app.says("/fours/sync")
                await app.hears("/fours/tempo", 120.0)
            phone.says("/fours/tempo", 96.0)
            await tablet.hears("/fours/tempo", 96.0)
            await phone.hears("/fours/tempo", 96.0)
            concert.desk.record_change("tempo", 90.0)
            for app in (phone, tablet):
                await app.hears("/fours/tempo/text", "90 bpm")

    run(test())


def test_a_bundle_for_the_next_century_blocks_nobody() -> None:
    elements = b"".join(
        len(part).to_bytes(4, "big") + part
        for part in (encode(OscMessage("/fours/tempo", (90,))), encode(OscMessage("/fours/key/D_dorian", (1,))))
    )

    async def test() -> None:
        async with playing() as concert:
            app = concert.app()
            app.send(b"#bundle\0" + (2**64 - 1).to_bytes(8, "big") + elements)
            await app.hears("/fours/key", "D dorian")
            assert concert.desk.value("tempo") == 90.0

    run(test())


def test_how_the_jam_stands_is_told_from_the_feed() -> None:
    async def test() -> None:
        async with playing() as concert:
            app = concert.app()
            app.says("/fours/sync")
            await app.hears("/fours/state", "listening")
            concert.feed.put(StatusChanged("answering", None, (), 0.0))
            await app.hears("/fours/state", "answering")
            concert.feed.put(TimelineChanged(Timeline.start(390.0, MonotonicClock().now_s()), "free", "internal", 0.0))
            for beat in (1, 2, 3, 4):
                await app.hears("/fours/beat", beat)
            await app.hears("/fours/bar", 2)

    run(test())


def test_when_it_is_closed_it_listens_to_nobody() -> None:
    async def test() -> None:
        async with playing() as concert:
            watched = [concert.feed.has_subscribers]
        watched.append(concert.feed.has_subscribers)
        assert watched == [True, False]
        concert.desk.set("tempo", 90.0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind((HOST, concert.port))

    run(test())


@pytest.mark.parametrize("trusted", [True, False])
def test_who_is_trusted_is_the_configurations(trusted: bool) -> None:  # noqa: FBT001  one of two cases
    config = OscSection(port=free_port(), trust=["10.0.0.0/8"] if trusted else [])
    remote = OscRemote(config, ControlStore(Settings(), RecordingReceiver(), {}), Feed(), MonotonicClock())
    remote.server._receive(encode(OscMessage("/fours/sync")), ("10.1.2.3", 9001))
    assert bool(remote.osc_controls.subscribers.addresses) is trusted
