"""CPU use of a whole jam in which nobody plays, its JACK client included, at several periods and beside other checkouts.

Each jam runs as musicians start it, with panel, OSC and recorder, on jackd without sound hardware. The CPU time of its
process and of all processes that it started is read from /proc over `SECONDS`; Linux only. Checkouts take turns, so that
what else the machine does meets all of them alike.

`FRAMES=64,256,1024 RUNS=3 BUILD=.,../other python -m bench idle`.
"""

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench.live import jackd_server
from bench.live.jam_process import running_jam
from bench.table import show

FRAMES = tuple(map(int, os.environ.get("FRAMES", "64,256,1024").split(",")))
BUILDS = tuple(os.environ.get("BUILD", ".").split(","))
RUNS = int(os.environ.get("RUNS", "3"))
SECONDS = 30.0
SETTLE_S = 4.0
OSC_PORT, PANEL_PORT = "18769", "18770"


def run() -> None:
    """Prints the table."""
    rows = []
    for frames in FRAMES:
        shares: dict[str, list[tuple[float, float]]] = {build: [] for build in BUILDS}
        with jackd_server.running(frames):
            for _ in range(RUNS):
                for build in BUILDS:
                    shares[build].append(idle_shares(Path(build)))
        first = statistics.median(sum(pair) for pair in shares[BUILDS[0]])
        for build, pairs in shares.items():
            whole = statistics.median(sum(pair) for pair in pairs)
            own, started = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
            runs = ", ".join(f"{sum(pair):.2%}" for pair in pairs)
            rows.append(
                (str(frames), build, f"{own:.2%}", f"{started:.2%}", f"{whole:.2%}", runs, f"{first / whole:.2f}")
            )
    show(
        f"An idle jam, share of a core over {SECONDS:g} s, medians of {RUNS} runs",
        ("frames", "build", "jam", "its client", "whole", "each run", "first build / this"),
        rows,
    )


def idle_shares(build: Path) -> tuple[float, float]:
    """The shares of a core that the jam's own process and the processes started by it use while nobody plays."""
    ports = ("--osc-port", OSC_PORT, "--panel-port", PANEL_PORT)
    with running_jam(build, ports, '[takes]\nfolder = "takes"\n') as jam:
        time.sleep(SETTLE_S)
        before_s, started_s = cpu_times_s(jam.pid), time.perf_counter()
        time.sleep(SECONDS)
        after_s, passed_s = cpu_times_s(jam.pid), time.perf_counter() - started_s
    return (after_s[0] - before_s[0]) / passed_s, (after_s[1] - before_s[1]) / passed_s


def cpu_times_s(pid: int) -> tuple[float, float]:
    """The CPU time that a process has used so far, and that of all processes that descend from it."""
    return _cpu_s(pid), sum(_cpu_s(child) for child in _descendants(pid))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _descendants(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from _descendants(child)
