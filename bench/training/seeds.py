"""How long a seed of two hours takes to be read, and how much memory, against other checkouts and against mido reading the same file.

Each reading is in a new process, and checkouts take turns, so that other load on the machine affects all.
`ROUNDS=5 BUILD=.,../other python -m bench seeds`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from bench.table import show
from model.files.midi.midi_writer import as_midi
from model.files.song import Track
from model.notes import Note

BUILDS = tuple(os.environ.get("BUILD", ".").split(","))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
NOTES = 28_800
# How long each process goes on reading. A reader that takes a second is measured a few times, one that takes 10 ms some hundred times.
MEASURED_S = 4.0
# The code that reads; older checkouts have their reader elsewhere.
BY_BUILD = """
try:
    from model.files.seed import read_seed
except ImportError:
    from model.midi_file import read_seed

def read(path):
    return read_seed(path).notes
"""
BY_MIDO = """
import mido

def read(path):
    return [message for message in mido.MidiFile(path).tracks[1] if message.type == "note_on" and message.velocity]
"""
# A short file comes first, so that no import is timed. Prints the number of notes, the median seconds of a reading, and the process's
# peak in MiB.
MEASURE = """
import statistics, sys, time
from pathlib import Path

short, long, measured_s = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
read(short)
durations_s = []
while sum(durations_s) < measured_s:
    started_s = time.perf_counter()
    notes = read(long)
    durations_s.append(time.perf_counter() - started_s)
peak = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(len(notes), statistics.median(durations_s), peak / 1024)
"""
MIDO = "mido"


def run() -> None:
    """Prints the table. Linux only: reads /proc."""
    figures: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        short, long = (_seed(Path(folder) / f"{count}.mid", count) for count in (8, NOTES))
        for _ in range(ROUNDS):
            for build in BUILDS:
                figures[build].append(_reading(BY_BUILD, Path(build), short, long))
            figures[MIDO].append(_reading(BY_MIDO, Path(BUILDS[0]), short, long))
    ours_s, ours_mib = _typical(figures[BUILDS[0]])
    rows = []
    for name, readings in figures.items():
        seconds, mib = _typical(readings)
        per_round = [theirs[1] / ours[1] for theirs, ours in zip(readings, figures[BUILDS[0]], strict=True)]
        spread = f"{seconds / ours_s:.1f} x ({min(per_round):.1f} to {max(per_round):.1f})"
        rows.append(
            (name, f"{readings[0][0]:,}", f"{seconds * 1000:.1f}", spread, f"{mib:.0f}", f"{ours_mib / mib:.2f}")
        )
    show(
        f"A seed of {NOTES:,} notes; medians of {ROUNDS} rounds in turn, and the least and the most of a round",
        ("reader", "notes", "ms", "time against ours", "peak MiB", "ours / theirs"),
        rows,
    )


def _typical(readings: list[tuple[int, float, float]]) -> tuple[float, float]:
    return statistics.median(row[1] for row in readings), statistics.median(row[2] for row in readings)


def _seed(path: Path, count: int) -> Path:
    notes = [Note(48 + number * 7 % 36, number * 0.5, 0.4, 80) for number in range(count)]
    path.write_bytes(as_midi([Track("Seed", notes)], 120.0))
    return path


def _reading(reader: str, build: Path, short: Path, long: Path) -> tuple[int, float, float]:
    """Notes, seconds and peak MiB of a new process that reads both files with this code."""
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", reader + MEASURE, str(short), str(long), str(MEASURED_S)],
        cwd=build,
        env={**os.environ, "PYTHONPATH": str(build.resolve())},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return int(printed[0]), float(printed[1]), float(printed[2])
