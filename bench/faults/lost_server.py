"""How soon a jam plays again once its JACK server is back, and what it costs while the server is away, in each mode.

The seconds run from the moment in which the server answers to the first note that another program receives. The CPU share
is that of the jam and its JACK client together, beside the share of the same jam with a server and nobody playing.
`RETURNS=3 python -m bench lost_server`; Linux only.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.live.idle import cpu_times_s
from bench.live.jam_process import RunningJam, running_jam
from bench.table import show

MODES = ("continuous", "fours")
"""The modes that play on by themselves."""
RETURNS = int(os.environ.get("RETURNS", "3"))
FRAMES = 256
SETTLE_S, WATCHED_S, PATIENCE_S = 2.0, 5.0, 30.0
OSC_PORT = "18778"
SERVER = "fours-bench-lost"
# Plays one key, and prints the moment of the first note-on that arrives after that.
LISTENER = """
import sys, time, jack, threading
client = jack.Client("bench listener", no_start_server=True)
heard, played = client.midi_inports.register("in"), client.midi_outports.register("out")
arrived, keys = threading.Event(), [b"\\x90\\x3c\\x50", b"\\x80\\x3c\\x00"] if sys.argv[3] == "play" else []
moments = []

@client.set_process_callback
def process(frames):
    played.clear_buffer()
    if keys and played.number_of_connections:
        played.write_midi_event(0, keys.pop(0))
    for _, data in heard.incoming_midi_events():
        if bytes(data)[0] >> 4 == 9 and bytes(data)[2] and not moments:
            moments.append(time.monotonic())
            arrived.set()

with client:
    until_s = time.monotonic() + 20
    while True:
        try:
            client.connect(sys.argv[1], heard)
            client.connect(played, sys.argv[2])
            break
        except jack.JackError:
            assert time.monotonic() < until_s
            time.sleep(0.02)
    assert arrived.wait(20)
    print(moments[0], flush=True)
"""


def run() -> None:
    """Prints the table."""
    os.environ["JACK_DEFAULT_SERVER"], os.environ["JACK_NO_START_SERVER"] = SERVER, "1"
    rows = []
    for mode in MODES:
        back_s, away_share, idle_share = _lose_and_return(mode)
        worst = f"{max(back_s):.2f}"
        rows.append((mode, f"{statistics.median(back_s):.2f}", worst, f"{away_share:.2%}", f"{idle_share:.2%}"))
    show(
        f"A JACK server that is killed and comes back, {RETURNS} returns in each mode",
        ("mode", "plays again, median s", "worst s", "CPU while away", "CPU with a server"),
        rows,
    )


def _lose_and_return(mode: str) -> tuple[list[float], float, float]:
    """The seconds to the first note after each return, and the shares of a core without a server and with one."""
    options = ("--mode", mode, "--turn-bars", "1", "--tempo", "240", "--no-panel", "--osc-port", OSC_PORT)
    server = _start_server()
    try:
        with running_jam(Path.cwd(), options, '[takes]\nfolder = "takes"\n') as jam:
            idle_share = _cpu_share(jam.pid)
            _first_note_s(jam, listener="play")
            _kill(server)
            away_share, back_s = _cpu_share(jam.pid), []
            for _ in range(RETURNS):
                server = _start_server()
                since_s = time.monotonic()
                back_s.append(_first_note_s(jam, listener="listen") - since_s)
                _kill(server)
                time.sleep(SETTLE_S)
            return back_s, away_share, idle_share
    finally:
        _kill(server)


def _start_server() -> "subprocess.Popen[bytes]":
    command = ["jackd", "-n", SERVER, "-r", "-S", "-d", "dummy", "-r", "48000", "-p", str(FRAMES)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["jack_wait", "-s", SERVER, "-w", "-t", "10"], check=True, capture_output=True)
    return server


def _kill(server: "subprocess.Popen[bytes]") -> None:
    server.kill()
    server.wait(PATIENCE_S)


def _first_note_s(jam: RunningJam, listener: str) -> float:
    """Connects another program; returns the moment at which the first note reached it."""
    command = [sys.executable, "-c", LISTENER, jam.wiring["MIDI out"], jam.wiring["MIDI in"], listener]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=2 * PATIENCE_S)
    return float(done.stdout)


def _cpu_share(pid: int) -> float:
    time.sleep(SETTLE_S)
    before_s, since_s = sum(cpu_times_s(pid)), time.monotonic()
    time.sleep(WATCHED_S)
    return (sum(cpu_times_s(pid)) - before_s) / (time.monotonic() - since_s)
