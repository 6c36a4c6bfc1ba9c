import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress

import pytest

from bridge.osc.osc_packets import OscArgument, OscMessage, decode, encode
from bridge.timing.clock import Clock, ManualClock, MonotonicClock
from bridge.timing.timeline import Timeline
from server.config.config import OscSection
from server.controls.control_store import ControlStore
from server.controls.control_table import CONTROLS, Settings
from server.jam.jam_output import JamStatus
from server.music.feed import Feed, StatusChanged, TimelineChanged
from server.remote.osc_remote import TICK_S, OscRemote
from server.remote.osc_subscribers import EXPIRES_AFTER_S
from tests.server.recording_receiver import RecordingReceiver

HOST = "127.0.0.1"
PATIENCE_S = 10


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class OscApp:
    """A socket that sends OSC to the remote, and receives from it."""

    def __init__(self, port: int) -> None:
        self._to = (HOST, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._socket.bind((HOST, 0))

    def send(self, packet: bytes) -> None:
        self._socket.sendto(packet, self._to)

    def send_message(self, address: str, *arguments: OscArgument) -> None:
        self.send(encode(OscMessage(address, arguments)))

    async def wait_for(self, address: str, *values: OscArgument) -> None:
        """Waits until this message comes."""
        wanted = OscMessage(address, values)
        while wanted not in await self.receive():
            pass

    async def receive(self) -> tuple[OscMessage, ...]:
        """The next packet's messages."""
        loop = asyncio.get_running_loop()
        return decode(await asyncio.wait_for(loop.sock_recv(self._socket, 65536), PATIENCE_S))

    def close(self) -> None:
        self._socket.close()


class RemoteHarness:
    """A control store, a feed, and the OSC remote on a port of its own."""

    def __init__(self, clock: Clock) -> None:
        self.feed = Feed()
        self.controls = ControlStore(Settings(), RecordingReceiver(), {})
        self.port = free_port()
        config = OscSection(port=self.port, reply_port=free_port(), advertise="off")
        self.remote = OscRemote(config, self.controls, self.feed, clock)
        self.apps: list[OscApp] = []

    def new_app(self) -> OscApp:
        self.apps.append(OscApp(self.port))
        return self.apps[-1]


@asynccontextmanager
async def running_remote(clock: Clock | None = None) -> AsyncIterator[RemoteHarness]:
    harness = RemoteHarness(clock or MonotonicClock())
    async with harness.remote:
        try:
            yield harness
        finally:
            for app in harness.apps:
                app.close()


def run(test: Coroutine[None, None, None]) -> None:
    asyncio.run(test)


def test_an_app_that_sends_a_message_gets_all_values() -> None:
    async def test() -> None:
        async with running_remote() as harness:
            app = harness.new_app()
            app.send_message("/fours/sync")
            missing = {row.address for row in CONTROLS}
            while missing:
                missing -= {message.address for message in await app.receive()}

    run(test())


def test_a_change_by_an_app_or_by_the_music_goes_to_every_app() -> None:
    async def test() -> None:
        async with running_remote() as harness:
            phone, tablet = harness.new_app(), harness.new_app()
            for app in (phone, tablet):
                app.send_message("/fours/sync")
                await app.wait_for("/fours/tempo", 120.0)
            phone.send_message("/fours/tempo", 96.0)
            await tablet.wait_for("/fours/tempo", 96.0)
            await phone.wait_for("/fours/tempo", 96.0)
            harness.controls.record_change("tempo", 90.0)
            for app in (phone, tablet):
                await app.wait_for("/fours/tempo/text", "90 bpm")

    run(test())


def test_a_bundle_with_a_far_future_time_is_carried_out_at_once() -> None:
    elements = b"".join(
        len(part).to_bytes(4, "big") + part
        for part in (encode(OscMessage("/fours/tempo", (90,))), encode(OscMessage("/fours/key/D_dorian", (1,))))
    )

    async def test() -> None:
        async with running_remote() as harness:
            app = harness.new_app()
            app.send(b"#bundle\0" + (2**64 - 1).to_bytes(8, "big") + elements)
            await app.wait_for("/fours/key", "D dorian")
            assert harness.controls.value("tempo") == 90.0

    run(test())


def test_the_jams_status_comes_from_the_feed() -> None:
    async def test() -> None:
        async with running_remote() as harness:
            app = harness.new_app()
            app.send_message("/fours/sync")
            await app.wait_for("/fours/state", "listening")
            harness.feed.put(StatusChanged(JamStatus("answering"), 0.0))
            await app.wait_for("/fours/state", "answering")
            harness.feed.put(TimelineChanged(Timeline.start(390.0, MonotonicClock().now_s()), "free", "internal", 0.0))
            for beat in (1, 2, 3, 4):
                await app.wait_for("/fours/beat", beat)
            await app.wait_for("/fours/bar", 2)

    run(test())


def test_it_reads_the_feed_only_while_an_app_listens() -> None:
    async def test() -> None:
        clock = ManualClock()
        async with running_remote(clock) as harness:
            harness.feed.put(StatusChanged(JamStatus("answering"), 0.0))
            assert not harness.feed._subscriptions
            app = harness.new_app()
            app.send_message("/fours/state")
            await app.wait_for("/fours/state", "answering")
            has_subscribers = [bool(harness.feed._subscriptions)]
            clock.advance(EXPIRES_AFTER_S + 1.0)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 5 * TICK_S)
            has_subscribers.append(bool(harness.feed._subscriptions))
            assert has_subscribers == [True, False]
            harness.feed.put(StatusChanged(JamStatus(), 0.0))
            app.send_message("/fours/state")
            await app.wait_for("/fours/state", "listening")

    run(test())


def test_after_closing_it_has_left_the_feed_the_controls_and_the_port() -> None:
    async def test() -> None:
        async with running_remote() as harness:
            app = harness.new_app()
            app.send_message("/fours/sync")
            await app.receive()
            has_subscribers = [bool(harness.feed._subscriptions)]
        has_subscribers.append(bool(harness.feed._subscriptions))
        assert has_subscribers == [True, False]
        harness.controls.set("tempo", 90.0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind((HOST, harness.port))

    run(test())


@pytest.mark.parametrize("trusted", [True, False])
def test_only_senders_trusted_by_the_configuration_are_read(trusted: bool) -> None:  # noqa: FBT001  one of two cases
    config = OscSection(port=free_port(), trust=["10.0.0.0/8"] if trusted else [])
    remote = OscRemote(config, ControlStore(Settings(), RecordingReceiver(), {}), Feed(), MonotonicClock())

    async def test() -> None:
        remote.server._receive(encode(OscMessage("/fours/sync")), ("10.1.2.3", 9001))

    run(test())
    assert bool(remote.osc_controls.subscribers.addresses) is trusted
