import asyncio
import logging

import pytest

from bridge.osc.discovery import ServiceAnnouncement


def test_where_it_cannot_be_told_that_is_counted_and_nothing_else_happens(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with ServiceAnnouncement("Trading Fours", "no.such.host.invalid", 8000) as advert:
            await advert.wait_until_announced()
            assert advert.faults.counts.total() == 1

    with caplog.at_level(logging.WARNING, "fours.osc.out"):
        asyncio.run(test())
    assert len(caplog.records) == 1


def test_one_that_ends_before_it_has_begun_leaves_nothing_behind() -> None:
    async def test() -> None:
        async with ServiceAnnouncement("Trading Fours", "127.0.0.1", 8000) as advert:
            pass
        assert advert.faults.counts == {}

    asyncio.run(test())
