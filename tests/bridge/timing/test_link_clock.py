import sys
from dataclasses import dataclass, field

import pytest

from bridge.errors import LinkMissing
from bridge.timing.clock import ManualClock
from bridge.timing.link_clock import SETTLE_S, LinkClock, LinkMoment, RawState, create_peer

BOOTED_S = 1000.0
"""How much earlier than ours Link's clock began."""


@dataclass
class FakeState:
    bpm: float = 120.0
    playing: bool = False

    def tempo(self) -> float:
        return self.bpm

    def setTempo(self, bpm: float, at_micros: int) -> None:  # noqa: N802
        self.bpm = bpm

    def beatAtTime(self, micros: int, quantum: float) -> float:  # noqa: N802
        return (micros / 1e6 - BOOTED_S) * self.bpm / 60.0

    def isPlaying(self) -> bool:  # noqa: N802
        return self.playing


@dataclass
class FakeClock:
    clock: ManualClock

    def micros(self) -> int:
        return int((self.clock.now_s() + BOOTED_S) * 1e6)


@dataclass
class FakeLink:
    our_clock: ManualClock
    state: RawState = field(default_factory=FakeState)
    enabled: bool = False
    startStopSyncEnabled: bool = False  # noqa: N815

    def clock(self) -> FakeClock:
        return FakeClock(self.our_clock)

    def captureAppSessionState(self) -> RawState:  # noqa: N802
        return self.state

    def commitAppSessionState(self, state: RawState) -> None:  # noqa: N802
        self.state = state


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(50.0)


@pytest.fixture
def peer(clock: ManualClock) -> FakeLink:
    return FakeLink(clock)


def joined(clock: ManualClock, peer: FakeLink, *, shares_start_stop: bool = True) -> LinkClock:
    link = LinkClock(120.0, clock, shares_start_stop=shares_start_stop, peer=peer)
    clock.advance(SETTLE_S)
    assert link.moment(4.0) is None
    assert peer.enabled
    return link


def test_link_is_enabled_after_half_a_second_so_that_it_does_not_set_the_sessions_tempo(
    clock: ManualClock, peer: FakeLink
) -> None:
    link = LinkClock(120.0, clock, peer=peer)
    clock.advance(SETTLE_S - 0.01)
    assert link.moment(4.0) is None
    assert not peer.enabled
    clock.advance(0.01)
    link.moment(4.0)
    assert peer.enabled


def test_a_moment_is_in_our_seconds_with_any_link_clock(clock: ManualClock, peer: FakeLink) -> None:
    link = joined(clock, peer)
    assert link.moment(4.0) == LinkMoment(50.5, 101.0, 120.0, is_playing=False)


def test_without_shared_start_and_stop_is_playing_is_none(clock: ManualClock, peer: FakeLink) -> None:
    moment = joined(clock, peer, shares_start_stop=False).moment(4.0)
    assert moment is not None
    assert moment.is_playing is None


def test_a_tempo_is_set_for_the_session(clock: ManualClock, peer: FakeLink) -> None:
    link = joined(clock, peer)
    link.set_tempo(97.0)
    assert peer.state == FakeState(97.0)


def test_a_closed_link_leaves_the_session_for_good(clock: ManualClock, peer: FakeLink) -> None:
    with joined(clock, peer) as link:
        pass
    assert not peer.enabled
    clock.advance(10.0)
    assert link.moment(4.0) is None
    assert not peer.enabled


def test_the_error_without_the_library_says_that_it_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "link", None)
    with pytest.raises(LinkMissing, match=r"^Ableton Link is an extra that is not installed$"):
        create_peer(120.0)
