"""A stub of AbletonOSC that speaks the protocol of its README over UDP: getters, listeners, and errors; it holds one set."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bridge.osc.osc_packets import OscArgument, OscMessage
from bridge.osc.osc_server import Address, OscServer

HOST = "127.0.0.1"


class AbletonStub:
    """Answers to the port `reply_port` of the sender's machine, whatever port the sender has, as AbletonOSC does."""

    def __init__(self, reply_port: int, port: int = 0) -> None:
        self.values: dict[str, OscArgument] = {"tempo": 120.0, "root_note": 0, "scale_name": "Major"}
        self.listened: set[str] = set()
        self.asked: list[str] = []
        self._to: Address = (HOST, reply_port)
        self._server = OscServer(HOST, port, self._handle)

    @property
    def port(self) -> int:
        """The port that it listens to."""
        return self._server.address[1]

    def change(self, name: str, value: OscArgument) -> None:
        """Changes a property, as its user does, and tells it if it is listened to."""
        self.values[name] = value
        if name in self.listened:
            self._tell(name)

    def _handle(self, message: OscMessage, _sender: Address) -> Sequence[OscMessage]:
        *_, verb, name = message.address.split("/")
        self.asked.append(f"{verb} {name}")
        if name not in self.values:
            self._server.send(OscMessage("/live/error", (f"Unknown OSC address: {message.address}",)), self._to)
        elif verb == "stop_listen":
            self.listened.discard(name)
        elif verb in {"get", "start_listen"}:
            self.listened |= {name} if verb == "start_listen" else set()
            self._tell(name)
        return ()

    def _tell(self, name: str) -> None:
        self._server.send(OscMessage(f"/live/song/get/{name}", (self.values[name],)), self._to)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["AbletonStub"]:
        """Listens inside the block; a set that is opened again has no listeners."""
        self.listened.clear()
        async with self._server:
            yield self
