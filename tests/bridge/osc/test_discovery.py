import asyncio
import logging

import pytest

from bridge.osc.discovery import ServiceAnnouncement


def test_an_announcement_that_fails_is_only_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with ServiceAnnouncement("Trading Fours", "no.such.host.invalid", 8000) as announcement:
            assert announcement._announce_task is not None
            await announcement._announce_task
            assert announcement.faults.counts.total() == 1

    with caplog.at_level(logging.WARNING, "fours.osc.out"):
        asyncio.run(test())
    assert len(caplog.records) == 1


def test_an_announcement_that_is_stopped_at_once_counts_no_fault() -> None:
    async def test() -> None:
        async with ServiceAnnouncement("Trading Fours", "127.0.0.1", 8000) as announcement:
            pass
        assert announcement.faults.counts == {}

    asyncio.run(test())
