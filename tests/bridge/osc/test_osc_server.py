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
"""How long a test waits for something that must come; only a failing test waits that long."""

TEMPERATURE = OscMessage("/fours/temperature", (0.5,))
CUT_OFF = encode(TEMPERATURE)[:-4]


class App:
    """An OSC client, such as a phone or a script: one socket that sends from the port on which it listens."""

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

    async def receive(self) -> OscMessage:
        (message,) = await self.receive_bundle()
        return message

    async def receive_bundle(self) -> tuple[OscMessage, ...]:
        packet = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._socket, 65536), PATIENCE_S)
        return decode(packet)

    async def ask(self, packet: bytes) -> OscMessage:
        self.send(packet)
        return await self.receive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class EchoHandler:
    """A message handler that records each message, and sends it back."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[OscMessage] = asyncio.Queue()

    def __call__(self, message: OscMessage, sender: Address) -> list[OscMessage]:
        self.messages.put_nowait(message)
        return [message]

    async def receive(self) -> OscMessage:
        return await asyncio.wait_for(self.messages.get(), PATIENCE_S)


def run(test: Coroutine[None, None, None]) -> None:
    asyncio.run(test)


@asynccontextmanager
async def server_and_app(handler: EchoHandler) -> AsyncIterator[tuple[OscServer, App]]:
    async with OscServer(HOST, 0, handler) as server:
        with App(server.address) as app:
            yield server, app


def test_a_message_is_answered_to_its_sender() -> None:
    async def test() -> None:
        async with server_and_app(EchoHandler()) as (_, app):
            assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE

    run(test())


def test_all_messages_of_a_bundle_are_handled_in_order_without_waiting_for_its_timetag() -> None:
    tempo = OscMessage("/fours/tempo", (90,))
    elements = b"".join(len(part).to_bytes(4, "big") + part for part in map(encode, (TEMPERATURE, tempo)))
    in_a_century = b"#bundle\0" + (2**64 - 1).to_bytes(8, "big") + elements

    async def test() -> None:
        async with server_and_app(EchoHandler()) as (_, app):
            assert [await app.ask(in_a_century), await app.receive()] == [TEMPERATURE, tempo]

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
def test_a_bad_packet_is_answered_with_one_sentence_and_not_handled(bad: bytes) -> None:
    async def test() -> None:
        handler = EchoHandler()
        async with server_and_app(handler) as (_, app):
            error_message = await app.ask(bad)
            assert error_message.address == "/fours/error"
            (sentence,) = error_message.arguments
            assert isinstance(sentence, str)
            assert sentence.endswith(".")
            # The server still answers, and the bad packet did not reach the handler.
            assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE
            assert handler.messages.qsize() == 1

    run(test())


def test_a_large_message_arrives_complete() -> None:
    large = OscMessage("/fours/say", ("x" * 60_000,))

    async def test() -> None:
        async with server_and_app(EchoHandler()) as (_, app):
            assert await app.ask(encode(large)) == large

    run(test())


def test_a_reply_too_large_for_udp_is_counted_and_the_next_one_is_sent() -> None:
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
                    error_message = await app.ask(encode(TEMPERATURE))
                    error_text = "/fours/temperature could not be handled; the log says why."
                    assert error_message == OscMessage("/fours/error", (error_text,))
            assert server.faults.counts == {"LookupError": 3}

    with caplog.at_level(logging.WARNING, "fours.osc.in"):
        run(test())
    assert [record.name for record in caplog.records] == ["fours.osc.in"]


def test_a_reply_that_is_not_osc_is_counted_and_not_sent() -> None:
    def handle(message: OscMessage, _sender: Address) -> list[OscMessage]:
        return [OscMessage("no slash"), message]

    async def test() -> None:
        async with OscServer(HOST, 0, handle) as server:
            with App(server.address) as app:
                assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE
            assert server.faults.counts == {"BadOsc": 1}

    run(test())


def test_replies_also_go_to_the_reply_port() -> None:
    async def test() -> None:
        with App((HOST, 0)) as screen:
            async with OscServer(HOST, 0, EchoHandler(), reply_port=screen.port) as server:
                with App(server.address) as sender:
                    assert await sender.ask(encode(TEMPERATURE)) == TEMPERATURE
                    assert await screen.receive() == TEMPERATURE
                    assert (await sender.ask(CUT_OFF)).address == "/fours/error"
                    assert (await screen.receive()).address == "/fours/error"

    run(test())


def test_a_sender_that_listens_on_the_reply_port_is_answered_once() -> None:
    tempo = OscMessage("/fours/tempo", (90,))

    async def test() -> None:
        handler = EchoHandler()
        async with server_and_app(handler) as (server, app):
            async with OscServer(HOST, 0, handler, reply_port=app.port) as other:
                app._to = other.address
                assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE
                assert await app.ask(encode(tempo)) == tempo
            assert server.address != other.address

    run(test())


def test_an_error_message_from_another_server_is_not_answered() -> None:
    async def test() -> None:
        async with server_and_app(EchoHandler()) as (_, app):
            app.send(encode(OscMessage("/fours/error", ("what?",))))
            assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE

    run(test())


def test_it_does_not_answer_itself() -> None:
    async def test() -> None:
        handler = EchoHandler()
        async with server_and_app(handler) as (server, app):
            server.send(TEMPERATURE, server.address)
            # As if a packet came with a forged sender.
            server._receive(encode(TEMPERATURE), server.address)
            assert await handler.receive() == TEMPERATURE
            assert await app.ask(encode(OscMessage("/fours/tempo"))) == OscMessage("/fours/tempo")
            assert handler.messages.qsize() == 1

    run(test())


def test_the_prefix_of_error_messages_can_be_chosen() -> None:
    async def test() -> None:
        async with OscServer(HOST, 0, EchoHandler(), prefix="/jam") as server:
            with App(server.address) as app:
                assert (await app.ask(CUT_OFF)).address == "/jam/error"

    run(test())


def test_a_taken_port_is_reported_with_what_to_do() -> None:
    async def test() -> None:
        async with OscServer(HOST, 0, EchoHandler()) as first:
            port = first.address[1]
            with pytest.raises(OscPortTaken) as refused:
                await OscServer(HOST, port, EchoHandler()).start()
            assert str(refused.value) == (
                f"OSC port {port} on 127.0.0.1 is taken, perhaps by another jam. "
                "Stop that program, or choose another OSC port (--osc-port)."
            )

    run(test())


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_a_host_of_another_machine_is_refused(host: str) -> None:
    async def test() -> None:
        with pytest.raises(OscHostUnknown, match=r"Use 127[.]0[.]0[.]1, or 0[.]0[.]0[.]0 for all[.]$"):
            await OscServer(host, 0, EchoHandler()).start()

    run(test())


def test_a_port_that_does_not_exist_is_refused() -> None:
    async def test() -> None:
        with pytest.raises(OscPortTaken, match="OSC port 70000 does not exist"):
            await OscServer(HOST, 70_000, EchoHandler()).start()

    run(test())


class TestBroadcast:
    def test_values_arrive_one_by_one_and_the_other_messages_in_bundles(self) -> None:
        tempo, bundled = OscMessage("/fours/tempo", (90.0,)), [OscMessage(f"/fours/show/{n}", (n,)) for n in range(3)]

        async def test() -> None:
            async with server_and_app(EchoHandler()) as (server, app):
                with App(server.address) as other:
                    server.broadcast([TEMPERATURE, tempo], bundled, [(HOST, app.port), (HOST, other.port)])
                    for screen in (app, other):
                        assert [await screen.receive(), await screen.receive()] == [TEMPERATURE, tempo]
                        assert await screen.receive_bundle() == tuple(bundled)

        run(test())

    def test_a_bad_message_and_an_unreachable_address_are_counted_and_the_others_still_get_their_packets(self) -> None:
        async def test() -> None:
            async with server_and_app(EchoHandler()) as (server, app):
                server.broadcast([OscMessage("no slash")], [], [(HOST, app.port)])
                server.broadcast([TEMPERATURE], [], [("no host", 1), server.address, (HOST, app.port)])
                assert await app.receive() == TEMPERATURE
                assert server.faults.counts["BadOsc"] == 1
                assert server.faults.counts.total() == 2

        run(test())


class TestUntrustedSenders:
    def test_packets_of_untrusted_senders_are_neither_read_nor_answered_but_counted(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def test() -> None:
            handler = EchoHandler()
            async with server_and_app(handler) as (server, app):
                for packet in (encode(TEMPERATURE), CUT_OFF):
                    server._receive(packet, ("192.168.1.20", app.port))
                assert handler.messages.empty()
                assert server.faults.counts == {"UntrustedSender": 2}
                assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE

        with caplog.at_level(logging.WARNING, "fours.osc.in"):
            run(test())
        assert (
            "192.168.1.20 is not trusted; if it is yours, start with --trust 192.168.1.20, or add it to osc.trust"
            in caplog.text
        )

    def test_a_trusted_sender_is_read(self) -> None:
        async def test() -> None:
            handler = EchoHandler()
            async with OscServer(HOST, 0, handler, trust=TrustedSenders.read(["192.168.1.0/24"])) as server:
                server._receive(encode(TEMPERATURE), ("192.168.1.20", 9001))
                assert await handler.receive() == TEMPERATURE

        run(test())


def test_a_stopped_server_has_released_its_port_and_can_start_again() -> None:
    async def test() -> None:
        handler = EchoHandler()
        async with OscServer(HOST, 0, handler) as server:
            address = server.address
        server.send(TEMPERATURE, address)
        await server.stop()
        async with OscServer(*address, handler) as again:
            await again.start()
            with App(address) as app:
                assert await app.ask(encode(TEMPERATURE)) == TEMPERATURE

    run(test())


def test_a_message_of_oscsend_is_answered_to_oscdump() -> None:
    oscsend, oscdump = require_program("oscsend"), require_program("oscdump")

    async def test() -> None:
        with App((HOST, 0)) as placeholder:
            port = placeholder.port
        screen = await asyncio.create_subprocess_exec(oscdump, "-L", str(port), stdout=PIPE)
        assert screen.stdout is not None
        try:
            handler = EchoHandler()
            async with OscServer(HOST, 0, handler, reply_port=port) as server:
                # oscdump prints nothing when it is ready, so send messages until it prints one.
                line = b""
                while b"/ready" not in line:
                    server.send(OscMessage("/ready"), (HOST, port))
                    line = await _line(screen.stdout)
                arguments = ["/fours/approach", "sifTF", "pitch", "3", "0.25"]
                await (await asyncio.create_subprocess_exec(oscsend, HOST, str(server.address[1]), *arguments)).wait()
                assert await handler.receive() == OscMessage("/fours/approach", ("pitch", 3, 0.25, True, False))
                while b"/ready" in line or not line:
                    line = await _line(screen.stdout)
                assert line.split()[1:] == [b"/fours/approach", b"sifTF", b'"pitch"', b"3", b"0.250000", b"#T", b"#F"]
        finally:
            screen.terminate()
            await screen.wait()

    run(test())


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or an empty one if none comes in a tenth of a second."""
    try:
        return await asyncio.wait_for(stream.readline(), 0.1)
    except TimeoutError:
        return b""
