"""Runs `fours jam` of a checkout in a process that reports how late its messages were sent. The port is silent, so it needs no MIDI system.

An older checkout has the music thread elsewhere, and another name for the moment in which a new pack takes over.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# For each line on stdin it prints how late each message was sent since the last line, and before which of them a pack took over.
JAM = """
import json, sys, threading
from server.cli import main
try:
    from server.jam.jam import Jam
    from server.music.music_thread import MusicThread
except ImportError:
    from server.jam import Jam
    from server.player import Player as MusicThread

threads, places = [], []
start = MusicThread.start
take_over_name = "replace_improvisers" if hasattr(Jam, "replace_improvisers") else "seat"
take_over = getattr(Jam, take_over_name)

def started(music):
    threads.append(music)
    start(music)

def taken_over(jam, *arguments):
    take_over(jam, *arguments)
    places.append(len(threads[0].lateness_s))

def report():
    for _ in sys.stdin:
        late_s = threads[0].lateness_s
        print("report", json.dumps({"late_s": list(late_s), "places": list(places)}), flush=True)
        late_s.clear()
        places.clear()

MusicThread.start = started
setattr(Jam, take_over_name, taken_over)
threading.Thread(target=report, daemon=True).start()
main()
"""
# Sixteenths at 240 bpm: sixteen notes per second, all the time, and a player who plays does not end them.
PLAYS_ALL_THE_TIME = (
    *("--mode", "continuous", "--over", "overlap", "--approach", "pitch"),
    *("--step", "0.25", "--tempo", "240", "--midi-api", "none"),
)


@dataclass(frozen=True, slots=True)
class LatenessReport:
    """How late each message was sent since the last report, in milliseconds, and after how many of them packs took over."""

    late_ms: list[float]
    take_overs: list[int]

    @property
    def next_after_take_over_ms(self) -> list[float]:
        """How late the first message after each take-over was sent."""
        return [self.late_ms[place] for place in self.take_overs if place < len(self.late_ms)]


@dataclass(frozen=True, slots=True)
class ReportingJam:
    """A running jam."""

    process: "subprocess.Popen[str]"

    def report(self) -> LatenessReport:
        """What was sent since the last report."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        report = json.loads(self.process.stdout.readline().removeprefix("report "))
        return LatenessReport([seconds * 1000 for seconds in report["late_s"]], report["places"])


@contextmanager
def reporting_jam(build: Path, folder: Path, options: Sequence[str]) -> Iterator[ReportingJam]:
    """A jam of the checkout `build` that is ready, with `folder` as its working folder. Raises RuntimeError if it does not start."""
    with subprocess.Popen(
        [sys.executable, "-c", JAM, "jam", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(build)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            if not any(line.startswith("Ready") for line in process.stdout):
                raise RuntimeError(f"the jam of {build} did not start")
            yield ReportingJam(process)
        finally:
            process.terminate()
