"""The start of a whole process, its time and memory, beside other checkouts. Linux only: reads /proc.

A jam runs without ports and without the panel, so that nothing but the program itself is timed. Every build starts once before it
is timed, so that its modules are compiled, as they are where it is installed; then the builds take turns.

`RUNS=15 BUILD=.,../other python -m bench startup`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.live.idle import cpu_times_s
from bench.live.jackd_server import free_udp_port
from bench.live.jam_process import FOURS, running_jam
from bench.table import show

RUNS = int(os.environ.get("RUNS", "15"))
BUILDS = tuple(os.environ.get("BUILD", ".").split(","))
IMPORTS = {"python alone": "pass", "import torch, which a jam does without": "import torch"}


@dataclass(frozen=True, slots=True)
class Start:
    """One start: the seconds until `fours --help` has ended and until a jam is ready, and what the jam has used by then."""

    help_s: float
    ready_s: float
    cpu_s: float
    own_mib: float
    """Resident memory, of its own and of files; without what is shared with a JACK server."""


def run() -> None:
    """Prints the table of builds, and what the interpreter alone and an import of torch take."""
    alone = [
        (name, f"{statistics.median(_seconds(sys.executable, '-c', code) for _ in range(RUNS)):.2f} s")
        for name, code in IMPORTS.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        for build in BUILDS:
            _start(Path(build))
        starts: dict[str, list[Start]] = {build: [] for build in BUILDS}
        for _ in range(RUNS):
            for build in BUILDS:
                starts[build].append(_start(Path(build)))
    show(f"Other starts, median of {RUNS}", ("what", "time"), alone)
    first = [start.ready_s for start in starts[BUILDS[0]]]
    rows = []
    for build, runs in starts.items():
        ready_s = [start.ready_s for start in runs]
        rows.append(
            (
                build,
                f"{statistics.median(start.help_s for start in runs):.2f} s",
                f"{statistics.median(ready_s):.2f} s",
                f"{min(ready_s):.2f} s",
                f"{statistics.median(start.cpu_s for start in runs):.2f} s",
                f"{statistics.median(start.own_mib for start in runs):.0f} MiB",
                f"{statistics.median(ours / theirs for ours, theirs in zip(first, ready_s, strict=True)):.2f}",
            )
        )
    show(
        f"The start of fours, medians of {RUNS} in turn",
        ("build", "--help", "jam is ready", "shortest", "CPU time", "memory", "ready: first build / this"),
        rows,
    )


def _seconds(*command: str, build: Path = Path()) -> float:
    environment = {**os.environ, "PYTHONPATH": str(build.resolve())}
    started_s = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started_s


def _start(build: Path) -> Start:
    help_s = _seconds(*FOURS, "--help", build=build)
    arguments = ("--midi-api", "none", "--no-panel", "--osc-port", str(free_udp_port()))
    started_s = time.perf_counter()
    with running_jam(build, arguments, '[takes]\nfolder = "takes"\n') as jam:
        ready_s = time.perf_counter() - started_s
        return Start(help_s, ready_s, sum(cpu_times_s(jam.pid)), _own_mib(jam.pid))


def _own_mib(pid: int) -> float:
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return sum(int(words[1]) for words in lines if words[0] in {"RssAnon:", "RssFile:"}) / 1024
