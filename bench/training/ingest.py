"""How fast MIDI files become token shards, against pretty_midi reading the same files; and what memory it takes.

The way there is timed whole: hashing, parsing in worker processes, choosing tracks, near-duplicates, the cache, the vocabulary, the
tokens on disk. Memory is the peak of the process, of a corpus and of one four times as large.
"""

import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from random import Random

import pretty_midi

from bench.table import show
from train.corpus.corpora import joined, read_corpora
from train.corpus.dataset import event_vocabulary, pieces_on_disk
from train.corpus.reading import Choice

CORPORA = Path(os.environ.get("FOURS_CORPORA", "../shared/corpora"))
FOLDERS = ("freedoom", "mutopia", "openewld_pd", "openscore_lieder")
BY_PRETTY_MIDI = 110
TIMES_LARGER = 4
AT_LEAST = 24_000


def run() -> None:
    """Prints the time of both for each corpus, and the peak of memory at two sizes."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        every = [sorted((CORPORA / name).rglob("*.mid")) for name in FOLDERS]
        for name, files in zip(FOLDERS, every, strict=True):
            theirs_s = _by_pretty_midi(Random(0).sample(files, BY_PRETTY_MIDI))
            # Often enough that what it takes to start the workers, once for however many files, is little of it.
            times = max(1, round(AT_LEAST / len(files)))
            ours_s, _ = _apart(_copies(files, place / name, times), place / f"{name}-cache")
            ours_s /= times * len(files)
            rows.append(
                (
                    name,
                    f"{theirs_s * 1000:.1f}",
                    f"{ours_s * 1000:.2f}",
                    f"{1 / ours_s:,.0f}",
                    f"{theirs_s / ours_s:.0f} x",
                )
            )
        show(
            "From MIDI files to token shards, two worker processes, against pretty_midi reading them",
            ("corpus", "pretty_midi, ms a file", "ours, ms a file", "ours, files/s", "ratio"),
            rows,
        )
        files = [file for files in every for file in files]
        small, large = _copies(files, place / "small", 1), _copies(files, place / "large", TIMES_LARGER)
        sizes = [
            (len(files) * times, *_apart(folder, place / "cache"))
            for times, folder in ((1, small), (TIMES_LARGER, large))
        ]
        again_s, _ = _apart(large, place / "cache")
    show(
        "Memory of the process, at its peak",
        ("files", "seconds", "MiB"),
        [(f"{count:,}", f"{seconds:.1f}", f"{mib:.0f}") for count, seconds, mib in sizes]
        + [(f"{sizes[-1][0]:,}, all cached", f"{again_s:.1f}", "")],
    )


def _by_pretty_midi(files: list[Path]) -> float:
    """Seconds a file."""
    began_s = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            pretty_midi.PrettyMIDI(str(file))
    return (time.perf_counter() - began_s) / len(files)


def _copies(files: list[Path], folder: Path, times: int) -> Path:
    """The files, so many times over, each time with other bytes after their end, so that none is known by its content."""
    folder.mkdir()
    for number in range(times):
        for index, file in enumerate(files):
            (folder / f"{number}-{index}.mid").write_bytes(file.read_bytes() + bytes(number + times))
    return folder


def _apart(folder: Path, cache: Path) -> tuple[float, float]:
    """Seconds and peak MiB of a process of its own, its workers not among them."""
    command = [sys.executable, "-m", "bench.training.ingest", str(folder), str(cache)]
    seconds, mib = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(mib)


def _ingest(folder: Path, cache: Path) -> None:
    began_s = time.perf_counter()
    lines = joined(read_corpora([folder], cache, Choice()), "train")
    vocabulary = event_vocabulary(lines, "commonest", 32)
    pieces_on_disk(vocabulary, lines, cache / "event.tokens")
    print(time.perf_counter() - began_s, _peak_mib())


def _peak_mib() -> float:
    """Of this process alone: getrusage counts what its parent had when it started it. Linux only: reads /proc."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    _ingest(Path(sys.argv[1]), Path(sys.argv[2]))
