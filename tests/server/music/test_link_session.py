import asyncio
import re
from dataclasses import dataclass, field

import pytest

from bridge.errors import LinkMissing
from bridge.timing.clock import Clock, ManualClock
from bridge.timing.link_clock import LinkClock, LinkMoment
from model.extras import install_hint
from server.controls.control_table import Settings
from server.music.link_session import LinkSession

IN_LINK = Settings(clock="link", tempo=93.0, meter="3/4")


@dataclass
class FakePeer(LinkClock):
    """A session with one peer, always at the same moment."""

    tempo_bpm: float
    requested_bar_beats: list[float] = field(default_factory=list)
    is_closed: bool = False

    def moment(self, beats_per_bar: float) -> LinkMoment | None:
        self.requested_bar_beats.append(beats_per_bar)
        return LinkMoment(1.0, 2.0, self.tempo_bpm)

    def set_tempo(self, tempo_bpm: float) -> None:
        self.tempo_bpm = tempo_bpm

    def close(self) -> None:
        self.is_closed = True


@dataclass
class LinkFixture:
    """A link session, the peers that it opened, and the moments that it reported."""

    peers: list[FakePeer] = field(default_factory=list)
    moments: list[LinkMoment] = field(default_factory=list)

    def session(self) -> LinkSession:
        return LinkSession(self.moments.append, ManualClock(), self._open)

    def _open(self, tempo_bpm: float, _clock: Clock) -> FakePeer:
        self.peers.append(FakePeer(tempo_bpm))
        return self.peers[-1]


def test_it_joins_where_the_clock_is_link_and_reports_moments() -> None:
    fixture = LinkFixture()

    async def play() -> None:
        async with fixture.session() as link:
            link.apply_settings(IN_LINK)

    asyncio.run(play())
    assert fixture.moments == [LinkMoment(1.0, 2.0, 93.0)]
    assert fixture.peers[0].requested_bar_beats == [3.0]
    assert fixture.peers[0].is_closed


def test_it_does_not_join_for_another_clock_and_leaves_when_that_is_chosen() -> None:
    fixture = LinkFixture()

    async def play() -> None:
        async with fixture.session() as link:
            link.apply_settings(Settings(clock="auto"))
            assert fixture.peers == []
            link.apply_settings(IN_LINK)
            link.apply_settings(IN_LINK)
            link.apply_settings(Settings(clock="internal"))
            assert [peer.is_closed for peer in fixture.peers] == [True]

    asyncio.run(play())


def test_a_tempo_set_here_is_set_in_the_session() -> None:
    fixture = LinkFixture()

    async def play() -> None:
        async with fixture.session() as link:
            link.set_tempo(140.0)  # no session is joined yet
            link.apply_settings(IN_LINK)
            link.set_tempo(140.0)

    asyncio.run(play())
    assert fixture.peers[0].tempo_bpm == 140.0


def test_where_link_is_not_installed_an_error_is_raised() -> None:
    def missing(_tempo_bpm: float, _clock: Clock) -> LinkClock:
        raise LinkMissing("not installed")

    async def play() -> None:
        async with LinkSession(lambda _moment: None, ManualClock(), missing) as link:
            with pytest.raises(
                LinkMissing, match=re.escape(f"not installed: {install_hint('link')}; then start again")
            ):
                link.apply_settings(IN_LINK)

    asyncio.run(play())
