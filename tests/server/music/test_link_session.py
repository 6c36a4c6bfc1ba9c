import asyncio
from dataclasses import dataclass, field

import pytest

from bridge.errors import LinkMissing
from bridge.timing.clock import Clock, ManualClock
from bridge.timing.link_clock import LinkClock, LinkMoment
from server.controls.control_table import Settings
from server.music.link_session import LinkSession

IN_LINK = Settings(clock="link", tempo=93.0, meter="3/4")


@dataclass
class FakePeer(LinkClock):
    """A session of one that is wherever it is asked to be."""

    tempo_bpm: float
    asked: list[float] = field(default_factory=list)
    is_closed: bool = False

    def moment(self, beats_per_bar: float) -> LinkMoment | None:
        self.asked.append(beats_per_bar)
        return LinkMoment(1.0, 2.0, self.tempo_bpm)

    def set_tempo(self, tempo_bpm: float) -> None:
        self.tempo_bpm = tempo_bpm

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Room:
    """A link session, the peers that it opened, and what it told."""

    peers: list[FakePeer] = field(default_factory=list)
    told: list[LinkMoment] = field(default_factory=list)

    def session(self) -> LinkSession:
        return LinkSession(self.told.append, ManualClock(), self._open)

    def _open(self, tempo_bpm: float, _clock: Clock) -> FakePeer:
        self.peers.append(FakePeer(tempo_bpm))
        return self.peers[-1]


def test_it_joins_where_the_clock_is_links_and_tells_where_the_session_is() -> None:
    room = Room()

    async def play() -> None:
        async with room.session() as link:
            link.apply_settings(IN_LINK)

    asyncio.run(play())
    assert room.told == [LinkMoment(1.0, 2.0, 93.0)]
    assert room.peers[0].asked == [3.0]
    assert room.peers[0].is_closed


def test_it_stays_away_where_another_clock_is_asked_for_and_leaves_when_it_is() -> None:
    room = Room()

    async def play() -> None:
        async with room.session() as link:
            link.apply_settings(Settings(clock="auto"))
            assert room.peers == []
            link.apply_settings(IN_LINK)
            link.apply_settings(IN_LINK)
            link.apply_settings(Settings(clock="internal"))
            assert [peer.is_closed for peer in room.peers] == [True]

    asyncio.run(play())


def test_our_tempo_is_the_sessions() -> None:
    room = Room()

    async def play() -> None:
        async with room.session() as link:
            link.set_tempo(140.0)  # nobody is there yet
            link.apply_settings(IN_LINK)
            link.set_tempo(140.0)

    asyncio.run(play())
    assert room.peers[0].tempo_bpm == 140.0


def test_where_link_is_not_installed_that_is_said_and_nothing_is_joined() -> None:
    def missing(_tempo_bpm: float, _clock: Clock) -> LinkClock:
        raise LinkMissing("not installed")

    async def play() -> None:
        async with LinkSession(lambda _moment: None, ManualClock(), missing) as link:
            with pytest.raises(LinkMissing):
                link.apply_settings(IN_LINK)

    asyncio.run(play())
