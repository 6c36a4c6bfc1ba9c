"""Announces the OSC server to apps on the network, so that TouchOSC lists it; knows no OSC and no controls.

It uses multicast DNS (RFC 6762) with the service type `_osc._udp`. Announcing takes a second or two, in a task of its
own; if it fails, users must type the address, and nothing else is lost.
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
    """Announces that the service `name` is at `host` and `port`, from the start of `async with` to its end.

    The start does not wait for the announcement. Errors are counted in `faults`, never raised.
    """

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
            except Exception as error:  # noqa: BLE001  for the reason given in `_announce`
                self.faults.count(error)

    async def _announce(self) -> None:
        try:
            # Imported only when it is needed, and in a thread, because the import takes some 50 ms.
            zeroconf = await asyncio.to_thread(importlib.import_module, "zeroconf.asyncio")
            is_on_all = self._host == ALL_INTERFACES
            addresses = _own_addresses() if is_on_all else [socket.gethostbyname(self._host)]
            self._zeroconf = zeroconf.AsyncZeroconf(interfaces=addresses)
            info = zeroconf.AsyncServiceInfo(
                SERVICE,
                f"{self._name}.{SERVICE}",
                addresses=[ipaddress.ip_address(address).packed for address in addresses],
                port=self._port,
                server=f"{socket.gethostname()}.local.",
            )
            await (await self._zeroconf.async_register_service(info, allow_name_change=True))
        except Exception as error:  # noqa: BLE001  no trouble of the network may end the jam
            self.faults.count(error)


def _own_addresses() -> list[str]:
    adapters = importlib.import_module("ifaddr").get_adapters()
    return [str(address.ip) for adapter in adapters for address in adapter.ips if address.is_IPv4]
