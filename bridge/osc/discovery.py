"""Tells apps on the network where OSC comes in, so that TouchOSC offers it in a list. Knows no OSC and no controls.

By multicast DNS, as `_osc._udp`. Announcing takes a second or two and happens beside everything else; where it cannot
be done, the address has to be typed, and nothing else is lost.
"""

import asyncio
import importlib
import ipaddress
import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from bridge.fault_counter import FaultCounter

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncZeroconf

logger = logging.getLogger("fours.osc.out")

SERVICE = "_osc._udp.local."
ALL_INTERFACES = "0.0.0.0"  # noqa: S104  compared with, not bound to


class ServiceAnnouncement:
    """Says that `name` is at `host` and `port`; `async with` begins to, and takes it back."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self._name = name
        self._host = host
        self._port = port
        self._zeroconf: AsyncZeroconf | None = None
        self._announce_task: asyncio.Task[None] | None = None
        self.faults = FaultCounter(logger, "discovery")

    async def __aenter__(self) -> Self:
        self._announce_task = asyncio.create_task(self._announce())
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._announce_task is not None:
            self._announce_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._announce_task
        if self._zeroconf is not None:
            try:
                await self._zeroconf.async_unregister_all_services()
                await self._zeroconf.async_close()
            except Exception as error:  # noqa: BLE001  as below
                self.faults.count(error)

    async def wait_until_announced(self) -> None:
        """Returns when it is told, or cannot be."""
        if self._announce_task is not None:
            await self._announce_task

    async def _announce(self) -> None:
        try:
            # In a thread, and not before it is needed: it takes some 50 ms to import.
            zeroconf = await asyncio.to_thread(importlib.import_module, "zeroconf.asyncio")
            everywhere = self._host == ALL_INTERFACES
            addresses = _own_addresses() if everywhere else [socket.gethostbyname(self._host)]
            self._zeroconf = zeroconf.AsyncZeroconf(interfaces=addresses)
            info = zeroconf.AsyncServiceInfo(
                SERVICE,
                f"{self._name}.{SERVICE}",
                addresses=[ipaddress.ip_address(address).packed for address in addresses],
                port=self._port,
                server=f"{socket.gethostname()}.local.",
            )
            await (await self._zeroconf.async_register_service(info, allow_name_change=True))
        except Exception as error:  # noqa: BLE001  a network of whatever kind must not end the jam
            self.faults.count(error)


def _own_addresses() -> list[str]:
    adapters = importlib.import_module("ifaddr").get_adapters()
    return [str(own.ip) for adapter in adapters for own in adapter.ips if own.is_IPv4]
