"""The OSC server, over UDP: receives packets, passes their messages on, and sends replies; knows no address's meaning."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self, cast

from bridge.errors import BadOsc, OscHostUnknown, OscPortTaken, UntrustedSender
from bridge.fault_counter import FaultCounter
from bridge.osc.osc_packets import OscMessage, decode, encode, encode_bundles, shortened
from bridge.osc.trusted_senders import TrustedSenders

logger_in = logging.getLogger("fours.osc.in")
logger_out = logging.getLogger("fours.osc.out")

Address = tuple[str, int]
"""Host and port."""
MessageHandler = Callable[[OscMessage, Address], Sequence[OscMessage]]
"""Gets a message and its sender's address; returns the replies."""


class OscServer:
    """Listens on one UDP port; calls `on_message` for each message, and sends its replies back to the sender.

    With `reply_port`, the replies also go to that port of the sender's host, because TouchOSC listens on another port
    than it sends from. A packet that is not OSC gets an error message at `prefix`/error, and `on_message` is not called;
    no packet stops the server. A packet from an address that is not in `trust` is neither read nor answered: its sender
    may be forged, and the answer would go to somebody else.

    Errors of sending and receiving are counted in `faults`, not raised. All methods, and `on_message`, run in the asyncio
    loop's thread.
    """

    def __init__(
        self,
        host: str,
        port: int,
        on_message: MessageHandler,
        *,
        reply_port: int | None = None,
        prefix: str = "/fours",
        trust: TrustedSenders | None = None,
    ) -> None:
        self._requested_address: Address = (host, port)
        self._on_message = on_message
        self._reply_port = reply_port
        self._error_address = f"{prefix}/error"
        self._trust = trust or TrustedSenders()
        self._socket: _UdpSocket | None = None
        self.faults = FaultCounter(logger_in, f"OSC {host}:{port}")

    @property
    def address(self) -> Address:
        """The address that it listens on; if port 0 was requested, the real port once it has started."""
        return self._socket.address if self._socket else self._requested_address

    async def start(self) -> None:
        """Binds the port and listens. Raises OscHostUnknown or OscPortTaken; does nothing if already started."""
        if self._socket is not None:
            return
        host, port = self._requested_address
        loop = asyncio.get_running_loop()
        try:
            # Only IPv4: "localhost" may mean ::1 first, which few apps that send OSC support.
            _, self._socket = await loop.create_datagram_endpoint(
                lambda: _UdpSocket(self._receive, self.faults), local_addr=(host, port), family=socket.AF_INET
            )
        except socket.gaierror as error:
            raise OscHostUnknown(f'OSC host "{host}" is not known. Use 127.0.0.1, or 0.0.0.0 for all.') from error
        except OverflowError as error:
            raise OscPortTaken(f"OSC port {port} does not exist. Choose one between 1024 and 65535.") from error
        except OSError as error:
            raise _bind_error(error, host, port) from error

    async def stop(self) -> None:
        """Closes the port; does nothing if already stopped."""
        udp_socket, self._socket = self._socket, None
        if udp_socket is not None:
            await udp_socket.close()

    def send(self, message: OscMessage, to: Address) -> None:
        """Sends one message; the host in `to` must be numeric. A stopped server sends nothing."""
        if self._socket is None or self._is_own_address(to):
            return
        try:
            self._socket.send(encode(message), to)
        except (BadOsc, OSError, ValueError) as error:
            self.faults.count(error)
            return
        logger_out.debug("%s:%d %s", *to, message)

    def broadcast(self, values: Iterable[OscMessage], bundled: Iterable[OscMessage], to: Sequence[Address]) -> None:
        """Sends the same messages to several addresses, whose hosts must be numeric.

        Each of `values` goes in a packet of its own, which every app reads; the messages of `bundled` share packets.
        """
        try:
            packets = [*map(encode, values), *encode_bundles(bundled)]
        except BadOsc as error:
            self.faults.count(error)
            return
        for address in to:
            if self._socket is None or self._is_own_address(address):
                continue
            try:
                for packet in packets:
                    self._socket.send(packet, address)
            except (OSError, ValueError) as error:
                self.faults.count(error)
            logger_out.debug("%s:%d %d packets", *address, len(packets))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _receive(self, packet: bytes, sender: Address) -> None:
        if not self._trust.includes(sender[0]):
            self.faults.count(
                UntrustedSender(
                    f"{sender[0]} is not trusted; if it is yours, start with --trust {sender[0]}, or add it to osc.trust"
                )
            )
            return
        try:
            messages = decode(packet)
        except BadOsc as error:
            self.faults.count(error)
            self._send_error(str(error), sender)
            return
        for message in messages:
            logger_in.debug("%s:%d %s", *sender, message)
            # An error message from another server; two servers that answer each other's errors would never stop.
            if message.address != self._error_address:
                self._handle(message, sender)

    def _handle(self, message: OscMessage, sender: Address) -> None:
        try:
            replies = self._on_message(message, sender)
        except Exception as error:  # noqa: BLE001  a bug in a handler must not end the jam
            self.faults.count(error)
            self._send_error(f"{shortened(message.address)} could not be handled; the log says why.", sender)
            return
        for reply in replies:
            self._reply(reply, sender)

    def _send_error(self, sentence: str, sender: Address) -> None:
        self._reply(OscMessage(self._error_address, (sentence,)), sender)

    def _reply(self, message: OscMessage, sender: Address) -> None:
        self.send(message, sender)
        host, port = sender
        if self._reply_port is not None and self._reply_port != port:
            self.send(message, (host, self._reply_port))

    def _is_own_address(self, to: Address) -> bool:
        """Whether a packet would come back to this server, which would then answer its own answers without end."""
        host, port = self.address
        return to[1] == port and (to[0] == host or to[0].startswith("127."))


class _UdpSocket(asyncio.DatagramProtocol):
    """The asyncio protocol for the socket; knows only packets and addresses."""

    def __init__(self, on_packet: Callable[[bytes, Address], None], faults: FaultCounter) -> None:
        self._on_packet = on_packet
        self._faults = faults
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.get_running_loop().create_future()
        self.address: Address = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before Python 3.12, asyncio's own UDP transport is not a subclass of DatagramTransport.
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            self._on_packet(data, addr)
        except Exception as error:  # noqa: BLE001  no packet may stop the server
            self._faults.count(error)

    def error_received(self, exc: Exception) -> None:
        # Usually the port of a sender that has closed before our answer came.
        self._faults.count(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(None)

    def send(self, packet: bytes, to: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(packet, to)

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await self._closed


def _bind_error(error: OSError, host: str, port: int) -> OscPortTaken | OscHostUnknown:
    if error.errno == errno.EADDRNOTAVAIL:
        return OscHostUnknown(f"OSC host {host} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all.")
    if error.errno == errno.EACCES:
        return OscPortTaken(f"OSC port {port} may not be opened by you. Choose one above 1023.")
    return OscPortTaken(
        f"OSC port {port} on {host} is taken, perhaps by another jam. Stop that program, or choose another OSC port (--osc-port)."
    )
