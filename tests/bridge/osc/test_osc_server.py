import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from subprocess import PIPE
from typing import Self

import pytest

from bridge.errors import OscHostUnknown, OscPortTaken
from bridge.osc.osc_packets import OscMessage, decode, encode
from bridge.osc.osc_server import Address, OscServer
from bridge.osc.trusted_senders import TrustedSenders
from tests.programs import require_program

HOST = "127.0.0.1"
PATIENCE_S = 10
"""How long a test waits for what is sure to come; nothing waits that long unless it fails."""

TEMPERATURE = OscMessage("/fours/temperature", (0.5,))
CUT_OFF = encode(TEMPERATURE)[:-4]


class App:
    """A phone or a script on the other side: one socket that sends from where it listens."""

    def __init__(self, to: Address) -> None:
        self._to = to
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._socket.bind((HOST, 0))

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def send(self, packet: bytes) -> None:
        self._socket.sendto(packet, self._to)

    async def hear(self) -> OscMessage:
        (message,) = await self.hear_bundle()
        return message

    async def hear_bundle(self) -> tuple[OscMessage, ...]:
        packet = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._socket, 65536), PATIENCE_S)
        return decode(packet)

    async def ask(self, packet: bytes) -> OscMessage:
        self.send(packet)
        return await self.hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class Desk:
    """A handler that keeps what it is told, and says it back."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[OscMessage] = asyncio.Queue()

    def __call__(self, message: OscMessage, sender: Address) -> list[OscMessage]:
        self.heard.put_nowait(message)
        return [message]

    async def hear(self) -> OscMessage:
        return await asyncio.wait_for(self.heard.get(), PATIENCE_S)


def run(test: Coroutine[None, None, None]) -> None:
    asyncio.run(test)


@asynccontextmanager
async def talking(desk: Desk) -> AsyncIterator[tuple[OscServer, App]]:
    async with OscServer(HOST, 0, desk) as server:
        with App(server.address) as app:
            yield server, app


def test_a_message_is_answered_to_where_it_came_from() -> None:
    async def test() -> None:
        async with talking(Desk()) as (_, app):
            assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE

    run(test())


def test_all_messages_of_a_bundle_are_handled_at_once_and_in_order() -> None:
    tempo = OscMessage("/fours/tempo", (90,))
    elements = b"".join(len(part).to_bytes(4, "big") + part for part in map(encode, (TEMPERATURE, tempo)))
    in_a_century = b"#bundle\0" + (2**64 - 1).to_bytes(8, "big") + elements

    async def test() -> None:
        async with talking(Desk()) as (_, app):
            assert [await app.ask(in_a_century), await app.hear()] == [TEMPERATURE, tempo]

    run(test())


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(CUT_OFF, id="cut off"),
        pytest.param(b"", id="empty"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no OSC"),
        pytest.param(b"/fours/temperature", id="without padding"),
        pytest.param(b"/\xff\xff\0,\0\0\0", id="not UTF-8"),
        pytest.param(b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc", id="a bundle with a negative size"),
        pytest.param(b"/" + b"a" * 65_000, id="65 kB without an end"),
    ],
)
def test_a_bad_packet_is_answered_with_one_sentence_and_changes_nothing(bad: bytes) -> None:
    async def test() -> None:
        desk = Desk()
        async with talking(desk) as (_, app):
            complaint = await app.ask(bad)
            assert complaint.address == "/fours/error"
            (sentence,) = complaint.arguments
            assert isinstance(sentence, str)
            assert sentence.endswith(".")
            # Still there, and the bad one reached nobody.
            assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE
            assert desk.heard.qsize() == 1

    run(test())


def test_a_large_message_arrives_whole() -> None:
    large = OscMessage("/fours/say", ("x" * 60_000,))

    async def test() -> None:
        async with talking(Desk()) as (_, app):
            assert await app.ask(encode(large)) == large

    run(test())


def test_an_answer_too_large_for_udp_is_counted_and_the_next_one_is_sent() -> None:
    def handle(message: OscMessage, _sender: Address) -> list[OscMessage]:
        return [OscMessage("/fours/say", ("x" * 70_000,)), message]

    async def test() -> None:
        async with OscServer(HOST, 0, handle) as server:
            with App(server.address) as app:
                assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE
            assert server.faults.counts.total() == 1

    run(test())


def test_a_handler_that_fails_is_reported_and_the_server_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def handle(message: OscMessage, _sender: Address) -> list[OscMessage]:
        raise LookupError(f"a bug of ours, met by {message.address}")

    async def test() -> None:
        async with OscServer(HOST, 0, handle) as server:
            with App(server.address) as app:
                for _ in range(3):
                    complaint = await app.ask(encode(TEMPERATURE))
                    said = "/fours/temperature could not be handled; the log says why."
                    assert complaint == OscMessage("/fours/error", (said,))
            assert server.faults.counts == {"LookupError": 3}

    with caplog.at_level(logging.WARNING, "fours.osc.in"):
        run(test())
    assert [record.name for record in caplog.records] == ["fours.osc.in"]


def test_an_answer_that_is_no_osc_is_counted_and_not_sent() -> None:
    def handle(message: OscMessage, _sender: Address) -> list[OscMessage]:
        return [OscMessage("no slash"), message]

    async def test() -> None:
        async with OscServer(HOST, 0, handle) as server:
            with App(server.address) as app:
                assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE
            assert server.faults.counts == {"BadOsc": 1}

    run(test())


def test_answers_also_go_to_the_reply_port() -> None:
    async def test() -> None:
        with App((HOST, 0)) as screen:
            async with OscServer(HOST, 0, Desk(), reply_port=screen.port) as server:
                with App(server.address) as fingers:
                    assert await fingers.ask(encode(TEMPERATURE)) == TEMPERATURE
                    assert await screen.hear() == TEMPERATURE
                    assert (await fingers.ask(CUT_OFF)).address == "/fours/error"
                    assert (await screen.hear()).address == "/fours/error"

    run(test())


def test_a_sender_that_listens_on_the_reply_port_is_answered_once() -> None:
    tempo = OscMessage("/fours/tempo", (90,))

    async def test() -> None:
        desk = Desk()
        async with talking(desk) as (server, app):
            async with OscServer(HOST, 0, desk, reply_port=app.port) as other:
                app._to = other.address
                assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE
                assert await app.ask(encode(tempo)) == tempo
            assert server.address != other.address

    run(test())


def test_a_complaint_of_another_server_is_not_answered() -> None:
    async def test() -> None:
        async with talking(Desk()) as (_, app):
            app.send(encode(OscMessage("/fours/error", ("what?",))))
            assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE

    run(test())


def test_it_does_not_talk_to_itself() -> None:
    async def test() -> None:
        desk = Desk()
        async with talking(desk) as (server, app):
            server.send(TEMPERATURE, server.address)
            # As a packet with a forged sender would have it.
            server._receive(encode(TEMPERATURE), server.address)
            assert await desk.hear() == TEMPERATURE
            assert await app.ask(encode(OscMessage("/fours/tempo"))) == OscMessage("/fours/tempo")
            assert desk.heard.qsize() == 1

    run(test())


def test_the_prefix_of_complaints_can_be_chosen() -> None:
    async def test() -> None:
        async with OscServer(HOST, 0, Desk(), prefix="/jam") as server:
            with App(server.address) as app:
                assert (await app.ask(CUT_OFF)).address == "/jam/error"

    run(test())


def test_a_taken_port_is_named_with_what_to_do() -> None:
    async def test() -> None:
        async with OscServer(HOST, 0, Desk()) as first:
            port = first.address[1]
            with pytest.raises(OscPortTaken) as refused:
                await OscServer(HOST, port, Desk()).start()
            assert str(refused.value) == (
                f"OSC port {port} on 127.0.0.1 is taken, perhaps by another jam. "
                "Stop that program, or choose another OSC port (--osc-port)."
            )

    run(test())


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    async def test() -> None:
        with pytest.raises(OscHostUnknown, match=r"Use 127[.]0[.]0[.]1, or 0[.]0[.]0[.]0 for all[.]$"):
            await OscServer(host, 0, Desk()).start()

    run(test())


def test_a_port_that_does_not_exist_is_refused() -> None:
    async def test() -> None:
        with pytest.raises(OscPortTaken, match="OSC port 70000 does not exist"):
            await OscServer(HOST, 70_000, Desk()).start()

    run(test())


class TestManyAreToldTheSame:
    def test_values_come_one_by_one_and_what_shows_them_in_bundles(self) -> None:
        tempo, shows = OscMessage("/fours/tempo", (90.0,)), [OscMessage(f"/fours/show/{n}", (n,)) for n in range(3)]

        async def test() -> None:
            async with talking(Desk()) as (server, app):
                with App(server.address) as other:
                    server.broadcast([TEMPERATURE, tempo], shows, [(HOST, app.port), (HOST, other.port)])
                    for screen in (app, other):
                        assert [await screen.hear(), await screen.hear()] == [TEMPERATURE, tempo]
                        assert await screen.hear_bundle() == tuple(shows)

        run(test())

    def test_what_is_no_osc_is_counted_and_one_place_that_cannot_be_reached_keeps_no_other_from_hearing(self) -> None:
        async def test() -> None:
            async with talking(Desk()) as (server, app):
                server.broadcast([OscMessage("no slash")], [], [(HOST, app.port)])
                server.broadcast([TEMPERATURE], [], [("no host", 1), server.address, (HOST, app.port)])
                assert await app.hear() == TEMPERATURE
                assert server.faults.counts["BadOsc"] == 1
                assert server.faults.counts.total() == 2

        run(test())


class TestUntrustedSenders:
    def test_are_not_read_not_answered_and_counted(self, caplog: pytest.LogCaptureFixture) -> None:
        async def test() -> None:
            desk = Desk()
            async with talking(desk) as (server, app):
                for packet in (encode(TEMPERATURE), CUT_OFF):
                    server._receive(packet, ("192.168.1.20", app.port))
                assert desk.heard.empty()
                assert server.faults.counts == {"UntrustedSender": 2}
                assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE

        with caplog.at_level(logging.WARNING, "fours.osc.in"):
            run(test())
        assert (
            "192.168.1.20 is not trusted; if it is yours, start with --trust 192.168.1.20, or add it to osc.trust"
            in caplog.text
        )

    def test_whoever_is_trusted_is_read(self) -> None:
        async def test() -> None:
            desk = Desk()
            async with OscServer(HOST, 0, desk, trust=TrustedSenders.read(["192.168.1.0/24"])) as server:
                server._receive(encode(TEMPERATURE), ("192.168.1.20", 9001))
                assert await desk.hear() == TEMPERATURE

        run(test())


def test_a_stopped_server_has_given_its_port_back_and_can_start_again() -> None:
    async def test() -> None:
        desk = Desk()
        async with OscServer(HOST, 0, desk) as server:
            address = server.address
        server.send(TEMPERATURE, address)
        await server.stop()
        async with OscServer(*address, desk) as again:
            await again.start()
            with App(address) as app:
                assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE

    run(test())


def test_oscsend_sets_a_value_and_oscdump_hears_it_back() -> None:
    oscsend, oscdump = require_program("oscsend"), require_program("oscdump")

    async def test() -> None:
        with App((HOST, 0)) as placeholder:
            port = placeholder.port
        screen = await asyncio.create_subprocess_exec(oscdump, "-L", str(port), stdout=PIPE)
        assert screen.stdout is not None
        try:
            desk = Desk()
            async with OscServer(HOST, 0, desk, reply_port=port) as server:
                # oscdump says nothing when it is ready, so it is asked until it answers.
                line = b""
                while b"/ready" not in line:
                    server.send(OscMessage("/ready"), (HOST, port))
                    line = await _line(screen.stdout)
                said = ["/fours/approach", "sifTF", "pitch", "3", "0.25"]
                await (await asyncio.create_subprocess_exec(oscsend, HOST, str(server.address[1]), *said)).wait()
                assert await desk.hear() == OscMessage("/fours/approach", ("pitch", 3, 0.25, True, False))
                while b"/ready" in line or not line:
                    line = await _line(screen.stdout)
                assert line.split()[1:] == [b"/fours/approach", b"sifTF", b'"pitch"', b"3", b"0.250000", b"#T", b"#F"]
        finally:
            screen.terminate()
            await screen.wait()

    run(test())


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or nothing where none comes in a tenth of a second."""
    try:
        return await asyncio.wait_for(stream.readline(), 0.1)
    except TimeoutError:
        return b""
