import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.timing.clock import MonotonicClock
from bridge.timing.link_clock import LinkClock, LinkMoment
from server.controls.control_table import Settings
from server.music.conductor import Conductor

pytest.importorskip("link", reason='no Ableton Link here: pip install "trading-fours[link]"')

PATIENCE_S = 10.0
QUANTUM = 4.0
POLL_S = 0.05
WITHIN_S = 0.001

# Another peer, in another process, with the library alone. perf_counter is the same clock in both processes (on Linux and
# macOS), so the peer can report at which of our seconds a beat fell.
PEER = """
import sys, time, link
peer = link.Link(97.0)
peer.startStopSyncEnabled = True
peer.enabled = True
for line in sys.stdin:
    word, *value = line.split()
    state = peer.captureSessionState()
    if word == "tempo":
        state.setTempo(float(value[0]), peer.clock().micros())
        peer.commitSessionState(state)
    if word == "play":
        state.setIsPlaying(value[0] == "1", peer.clock().micros())
        peer.commitSessionState(state)
    before, micros, after = min(((time.perf_counter(), peer.clock().micros(), time.perf_counter()) for _ in range(9)),
                                key=lambda read: read[2] - read[0])
    print((before + after) / 2, state.phaseAtTime(micros, 4.0), state.tempo(), peer.numPeers(), flush=True)
"""


class Peer:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, *words: object) -> tuple[float, float, float, int]:
        """Returns one of our seconds, the phase then in a bar of four, the tempo, and the number of other peers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(*words, file=self._process.stdin, flush=True)
        at_s, phase, tempo_bpm, peers = self._process.stdout.readline().split()
        return float(at_s), float(phase), float(tempo_bpm), int(peers)


@contextmanager
def other_peer() -> Iterator[Peer]:
    command = [sys.executable, "-c", PEER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Peer(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(PATIENCE_S)


class Follower:
    """Our peer, and the conductor that follows it."""

    def __init__(self, link: LinkClock, clock: MonotonicClock) -> None:
        self.link, self.clock = link, clock
        self.conductor = Conductor(Settings(clock="link"), clock.now_s())
        self.moment: LinkMoment | None = None

    def poll(self) -> None:
        self.moment = self.link.moment(QUANTUM)
        if self.moment is not None:
            self.conductor.follow_link(self.moment, self.clock.now_s())
        time.sleep(POLL_S)

    def poll_for(self, seconds: float) -> None:
        until_s = self.clock.now_s() + seconds
        while self.clock.now_s() < until_s:
            self.poll()


@pytest.fixture
def follower_and_peer() -> Iterator[tuple[Follower, Peer]]:
    clock = MonotonicClock()
    with other_peer() as peer:
        peer.ask("hello")
        # When two sessions meet, the older one's tempo stays. Where their ages differ by less than half a second, either may.
        time.sleep(1.0)
        with LinkClock(120.0, clock) as link:
            follower = Follower(link, clock)
            until_s = clock.now_s() + PATIENCE_S
            while follower.moment is None or peer.ask("where")[3] == 0:
                assert clock.now_s() < until_s, "the two peers never met"
                follower.poll()
            follower.poll_for(1.0)
            yield follower, peer


def bar_difference_s(follower: Follower, peer: Peer) -> float:
    """How far our bar is from the other peer's."""
    at_s, phase, tempo_bpm, _ = peer.ask("where")
    timeline = follower.conductor.timeline
    off_beats = timeline.position(timeline.beat_at(at_s)) - phase
    return (off_beats - QUANTUM * round(off_beats / QUANTUM)) * 60.0 / tempo_bpm


def test_two_peers_agree_on_bars_and_tempo_within_a_millisecond(follower_and_peer: tuple[Follower, Peer]) -> None:
    follower, peer = follower_and_peer
    assert follower.conductor.timeline.tempo_bpm == pytest.approx(97.0, abs=0.001)
    for _ in range(20):
        follower.poll()
        assert abs(bar_difference_s(follower, peer)) < WITHIN_S


def test_a_tempo_set_by_either_is_the_sessions(follower_and_peer: tuple[Follower, Peer]) -> None:
    follower, peer = follower_and_peer
    peer.ask("tempo", 140.0)
    follower.poll_for(1.0)
    assert follower.conductor.timeline.tempo_bpm == pytest.approx(140.0, abs=0.001)
    assert abs(bar_difference_s(follower, peer)) < WITHIN_S
    follower.link.set_tempo(84.0)
    follower.poll_for(1.0)
    assert peer.ask("where")[2] == pytest.approx(84.0, abs=0.001)
    assert abs(bar_difference_s(follower, peer)) < WITHIN_S


def test_start_and_stop_of_the_other_peer_are_received(follower_and_peer: tuple[Follower, Peer]) -> None:
    follower, peer = follower_and_peer
    follower.conductor.take_transport_changes()
    for word, move in ((1, "started"), (0, "stopped")):
        peer.ask("play", word)
        follower.poll_for(1.0)
        assert follower.conductor.take_transport_changes() == (move,)
