"""A running jam whose JACK server is killed in the middle of an answer, and comes back."""

import os
from contextlib import ExitStack
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
BACK_WITHIN_S = 3.0
"""From the server's return to the first note that another program receives; `python -m bench lost_server` measures it."""
MOST_LOSSES = 4
"""On a busy machine, the programs that listen take longer than that to start: then the server is lost once more."""
RECONNECT_STARTS_S = 1.5
"""After this, the new process that waits for a server has started."""
AWAY_S = 4.0
MOST_MEASUREMENTS = 4
MOST_CPU_WHILE_AWAY = 0.02
PHRASE = [*line(60, 62, 64, velocity=90), Note(65, 1.5, 0.25, 90)]
SENTENCES = [
    'MIDI input "Trading Fours:Trading Fours In" is back',
    'MIDI input "Trading Fours:Trading Fours In" is lost; it is used again when it is back',
    'MIDI output "Trading Fours:Trading Fours Out" is back',
    'MIDI output "Trading Fours:Trading Fours Out" is lost; it is used again when it is back',
]


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


def lowest_cpu_share(jam: RunningJam) -> float:
    """The share of a core that it uses, measured again where a busy machine made it high: starting and switching cost more there."""
    clock = MonotonicClock()
    shares: list[float] = []
    while len(shares) < MOST_MEASUREMENTS and (not shares or shares[-1] >= MOST_CPU_WHILE_AWAY):
        Event().wait(RECONNECT_STARTS_S)
        before_s, since_s = cpu_s(jam.process.pid), clock.now_s()
        Event().wait(AWAY_S)
        shares.append((cpu_s(jam.process.pid) - before_s) / (clock.now_s() - since_s))
    return shares[-1]


def lose_server(server: Jackd, jam: RunningJam) -> None:
    """Kills the server, and the keyboard that was connected to it; returns once the jam has noticed."""
    server.kill()
    if jam.keyboard is not None:
        jam.keyboard.kill()
        jam.keyboard = None
    wait_for_readout(jam, "/fours/midi_out", "lost")
    wait_for_readout(jam, "/fours/midi_in", "lost")
    assert jam.phone.ask("/fours/state").arguments == ("listening",)


def play_again(jam: RunningJam, mode: str) -> float:
    """Waits until a note arrives at another program; returns how many seconds that took."""
    clock = MonotonicClock()
    back_s = clock.now_s()
    wait_for_readout(jam, "/fours/midi_out", "ok")
    wait_for_readout(jam, "/fours/midi_in", "ok")
    with recorded_port(jam.midi_out) as recording:
        if mode == "answer":
            jam.play(PHRASE)
        recording.next_note_on()
        return clock.now_s() - back_s


@pytest.mark.parametrize("mode", ["answer", "continuous", "fours"])
def test_a_jam_plays_again_within_three_seconds_of_the_servers_return(
    tiny_pack: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, mode: str
) -> None:
    options = ("--pack", str(tiny_pack), "--mode", mode, "--answer-length", "256", "--turn-bars", "1")
    took_s: list[float] = []
    with ExitStack() as stack:
        with running_jackd(SERVER, tmp_path_factory, FRAMES) as server:
            jam = stack.enter_context(running_jam(tmp_path, *options))
            with recorded_port(jam.midi_out) as recording:
                jam.play(PHRASE)
                recording.next_note_on()
                server.kill()
            lose_server(server, jam)
        cpu_share = lowest_cpu_share(jam)
        while len(took_s) < MOST_LOSSES and (not took_s or took_s[-1] >= BACK_WITHIN_S):
            with running_jackd(SERVER, tmp_path_factory, FRAMES) as server:
                took_s.append(play_again(jam, mode))
                if took_s[-1] < BACK_WITHIN_S:
                    status, printed = jam.stop()
                else:
                    lose_server(server, jam)
    assert took_s[-1] < BACK_WITHIN_S, took_s
    assert cpu_share < MOST_CPU_WHILE_AWAY
    assert status == 0
    sentences = [line.partition("fours.session: ")[2] for line in printed.splitlines()]
    assert sorted(sentences) == sorted(SENTENCES * len(took_s))
