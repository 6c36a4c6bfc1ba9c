"""How fast MIDI files become token shards, against pretty_midi reading the same files; and how much memory it takes.

The whole process is timed: hashing, parsing in worker processes, choosing tracks, near-duplicates, the cache, the
vocabulary, and the tokens on disk. Memory is the peak of the process, for a corpus and for one four times as large.

`BUILD=.,../other FOLDERS=freedoom FILES=2400 ROUNDS=5 python -m bench ingest` compares checkouts instead: the CPU time of the process and
its workers, in turn, so that other load on the machine affects all.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from random import Random

import pretty_midi

from bench.corpora import CORPORA
from bench.table import show

FOLDERS = tuple(os.environ.get("FOLDERS", "freedoom,mutopia,openewld_pd,openscore_lieder").split(","))
PRETTY_MIDI_FILES = 110
LARGE_COPIES = 4
MIN_FILES = int(os.environ.get("FILES", "24000"))
BUILDS = tuple(os.environ.get("BUILD", ".").split(","))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
# Prints the seconds, the process's peak in MiB (VmHWM, as getrusage includes the memory of the parent at the start; Linux only),
# and the CPU seconds of the process and its workers. 64122d6 and its like have another name for what selects the lines.
INGEST = """
import os, sys, time
from pathlib import Path
from train.corpus.corpora import joined, read_corpora
from train.corpus.dataset import event_vocabulary, pieces_on_disk
try:
    from train.corpus.reading import LineSelection
except ImportError:
    from train.corpus.reading import Choice as LineSelection

if __name__ == "__main__":
    folder, cache = Path(sys.argv[1]), Path(sys.argv[2])
    started_s, before = time.perf_counter(), os.times()
    lines = joined(read_corpora([folder], cache, LineSelection()), "train")
    vocabulary = event_vocabulary(lines, "commonest", 32)
    pieces_on_disk(vocabulary, lines, cache / "event.tokens")
    seconds, after = time.perf_counter() - started_s, os.times()
    status = Path("/proc/self/status").read_text().splitlines()
    peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    print(seconds, peak_kib / 1024, sum(after[:4]) - sum(before[:4]))
"""


def run() -> None:
    """Prints the times of both for each corpus, and the peak memory at two sizes; or the ratios of several checkouts."""
    if len(BUILDS) > 1:
        _compare_checkouts()
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder_path = Path(folder)
        files_by_corpus = [sorted((CORPORA / name).rglob("*.mid")) for name in FOLDERS]
        for name, files in zip(FOLDERS, files_by_corpus, strict=True):
            pretty_midi_s = _by_pretty_midi(Random(0).sample(files, PRETTY_MIDI_FILES))
            # Enough copies that the start of the workers, which happens once, is a small part of the time.
            copies = max(1, round(MIN_FILES / len(files)))
            ours_s, *_ = _in_new_process(_copies(files, folder_path / name, copies), folder_path / f"{name}-cache")
            ours_s /= copies * len(files)
            rows.append(
                (
                    name,
                    f"{pretty_midi_s * 1000:.1f}",
                    f"{ours_s * 1000:.2f}",
                    f"{1 / ours_s:,.0f}",
                    f"{pretty_midi_s / ours_s:.0f} x",
                )
            )
        show(
            "From MIDI files to token shards, two worker processes, against pretty_midi reading them",
            ("corpus", "pretty_midi, ms a file", "ours, ms a file", "ours, files/s", "ratio"),
            rows,
        )
        files = [file for files in files_by_corpus for file in files]
        small, large = _copies(files, folder_path / "small", 1), _copies(files, folder_path / "large", LARGE_COPIES)
        sizes = [
            (len(files) * times, *_in_new_process(folder, folder_path / "cache")[:2])
            for times, folder in ((1, small), (LARGE_COPIES, large))
        ]
        again_s, *_ = _in_new_process(large, folder_path / "cache")
    show(
        "Memory of the process, at its peak",
        ("files", "seconds", "MiB"),
        [(f"{count:,}", f"{seconds:.1f}", f"{mib:.0f}") for count, seconds, mib in sizes]
        + [(f"{sizes[-1][0]:,}, all cached", f"{again_s:.1f}", "")],
    )


def _by_pretty_midi(files: list[Path]) -> float:
    """Seconds per file."""
    started_s = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            pretty_midi.PrettyMIDI(str(file))
    return (time.perf_counter() - started_s) / len(files)


def _copies(files: list[Path], folder: Path, times: int) -> Path:
    """Copies of the files, each with other bytes appended, so that no copy is recognised by its content."""
    folder.mkdir()
    for number in range(times):
        for index, file in enumerate(files):
            (folder / f"{number}-{index}.mid").write_bytes(file.read_bytes() + bytes(number + times))
    return folder


def _compare_checkouts() -> None:
    """Prints for each corpus the CPU time of each checkout against that of the first one."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder_path = Path(folder)
        for name in FOLDERS:
            files = sorted((CORPORA / name).rglob("*.mid"))
            copies = max(1, round(MIN_FILES / len(files)))
            corpus = _copies(files, folder_path / name, copies)
            cpu_s: dict[str, list[float]] = {build: [] for build in BUILDS}
            for turn in range(ROUNDS):
                for number, build in enumerate(BUILDS):
                    cache = folder_path / f"{name}-{turn}-{number}"
                    cpu_s[build].append(_in_new_process(corpus, cache, Path(build))[2])
            first_s = cpu_s[BUILDS[0]]
            for build, seconds in cpu_s.items():
                ratio = (
                    f"{min(seconds) / min(first_s):.2f}, {statistics.median(seconds) / statistics.median(first_s):.2f}"
                )
                rows.append((name, f"{copies * len(files):,}", build, f"{min(seconds):.2f}", ratio))
    show(
        f"From MIDI files to token shards, CPU time with workers; {ROUNDS} rounds in turn",
        ("corpus", "files", "checkout", "CPU s, least", "against the first: least, median"),
        rows,
    )


def _in_new_process(folder: Path, cache: Path, build: Path = Path()) -> tuple[float, float, float]:
    """Seconds and peak MiB of ingesting in a new process, without its workers; and CPU seconds, with them."""
    # Workers import the main module, so it has to be a file.
    script = cache.with_name("ingest.py")
    script.write_text(INGEST, encoding="utf-8")
    printed = subprocess.run(
        [sys.executable, str(script), str(folder), str(cache)],
        env={**os.environ, "PYTHONPATH": str(build.resolve())},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return float(printed[0]), float(printed[1]), float(printed[2])
