"""Multicast DNS on the loopback interface: an app that searches for OSC finds the service, and sees it disappear."""

import asyncio

from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from bridge.osc.discovery import SERVICE, ServiceAnnouncement

HOST = "127.0.0.1"
PATIENCE_S = 10
NAME = "Trading Fours test"


def test_an_app_that_searches_for_osc_finds_it_and_sees_it_disappear() -> None:
    seen: asyncio.Queue[tuple[str, ServiceStateChange]] = asyncio.Queue()

    # zeroconf passes its arguments by these names.
    def on_change(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        assert zeroconf.started
        assert service_type == SERVICE
        if name.startswith(NAME):
            seen.put_nowait((name, state_change))

    async def test() -> None:
        app = AsyncZeroconf(interfaces=[HOST])
        browser = AsyncServiceBrowser(app.zeroconf, SERVICE, handlers=[on_change])
        async with ServiceAnnouncement(NAME, HOST, 8123):
            name, change = await asyncio.wait_for(seen.get(), PATIENCE_S)
            assert change is ServiceStateChange.Added
            info = AsyncServiceInfo(SERVICE, name)
            assert await info.async_request(app.zeroconf, PATIENCE_S * 1000)
            assert (info.port, info.parsed_addresses()) == (8123, [HOST])
        assert await asyncio.wait_for(seen.get(), PATIENCE_S) == (name, ServiceStateChange.Removed)
        await browser.async_cancel()
        await app.async_close()

    asyncio.run(test())
