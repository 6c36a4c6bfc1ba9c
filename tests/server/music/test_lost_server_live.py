"""A running jam whose JACK server is killed in the middle of an answer, and comes back."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from bridge.timing.clock import MonotonicClock
from model.notes import Note
from tests.conftest import Jackd, running_jackd
from tests.music import line
from tests.server.jam_process import RunningJam, recorded_port, running_jam

SERVER = "fours-lost-server"
FRAMES = 256
BACK_WITHIN_S = 6.0
RECONNECT_STARTS_S = 1.5
"""After this, the new process that waits for a server has started."""
AWAY_S = 4.0
MOST_MEASUREMENTS = 4
MOST_CPU_WHILE_AWAY = 0.02
PHRASE = [*line(60, 62, 64, velocity=90), Note(65, 1.5, 0.25, 90)]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jackd]:
    with running_jackd(SERVER, tmp_path_factory, FRAMES) as jackd:
        yield jackd


def wait_for_readout(jam: RunningJam, address: str, value: str) -> None:
    while jam.phone.ask(address).arguments != (value,):
        Event().wait(0.02)


def cpu_s(pid: int) -> float:
    """The CPU time of a process and of those that it has started."""
    total = 0
    pids = [pid]
    while pids:
        number = pids.pop()
        fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
        for children in Path(f"/proc/{number}/task").glob("*/children"):
            pids += map(int, children.read_text().split())
    return total / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("mode", ["answer", "continuous"])
def test_a_jam_plays_again_within_seconds_of_the_servers_return(
    server: Jackd, tiny_pack: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, mode: str
) -> None:
    clock = MonotonicClock()
    options = ("--pack", str(tiny_pack), "--mode", mode, "--answer-length", "256")
    with running_jam(tmp_path, *options) as jam:
        with recorded_port(jam.midi_out) as recording:
            jam.play(PHRASE)
            recording.next_note_on()
            server.kill()
        assert jam.keyboard is not None
        jam.keyboard.kill()
        jam.keyboard = None
        wait_for_readout(jam, "/fours/midi_out", "lost")
        wait_for_readout(jam, "/fours/midi_in", "lost")
        assert jam.phone.ask("/fours/state").arguments == ("listening",)
        shares: list[float] = []
        # On a busy machine, the process that waits for a server takes longer to start, and costs more than the waiting.
        while len(shares) < MOST_MEASUREMENTS and (not shares or shares[-1] >= MOST_CPU_WHILE_AWAY):
            Event().wait(RECONNECT_STARTS_S)
            before_s, away_since_s = cpu_s(jam.process.pid), clock.now_s()
            Event().wait(AWAY_S)
            shares.append((cpu_s(jam.process.pid) - before_s) / (clock.now_s() - away_since_s))
        with running_jackd(SERVER, tmp_path_factory, FRAMES):
            back_s = clock.now_s()
            wait_for_readout(jam, "/fours/midi_out", "ok")
            wait_for_readout(jam, "/fours/midi_in", "ok")
            with recorded_port(jam.midi_out) as recording:
                if mode == "answer":
                    jam.play(PHRASE)
                recording.next_note_on()
                playing_after_s = clock.now_s() - back_s
            status, printed = jam.stop()
    assert status == 0
    sentences = [line.partition("fours.session: ")[2] for line in printed.splitlines()]
    assert sorted(sentences) == [
        'MIDI input "Trading Fours:Trading Fours In" is back',
        'MIDI input "Trading Fours:Trading Fours In" is lost; it is used again when it is back',
        'MIDI output "Trading Fours:Trading Fours Out" is back',
        'MIDI output "Trading Fours:Trading Fours Out" is lost; it is used again when it is back',
    ]
    assert playing_after_s < BACK_WITHIN_S
    assert shares[-1] < MOST_CPU_WHILE_AWAY
