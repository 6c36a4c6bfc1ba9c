"""How fast MIDI files become token shards, against pretty_midi reading the same files; and how much memory it takes.

The whole process is timed: hashing, parsing in worker processes, choosing tracks, near-duplicates, the cache, the
vocabulary, and the tokens on disk. Memory is the peak of the process, for a corpus and for one four times as large.
"""

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
from train.corpus.corpora import joined, read_corpora
from train.corpus.dataset import event_vocabulary, pieces_on_disk
from train.corpus.reading import LineSelection

FOLDERS = ("freedoom", "mutopia", "openewld_pd", "openscore_lieder")
PRETTY_MIDI_FILES = 110
LARGE_COPIES = 4
MIN_FILES = 24_000


def run() -> None:
    """Prints the times of both for each corpus, and the peak memory at two sizes."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder_path = Path(folder)
        files_by_corpus = [sorted((CORPORA / name).rglob("*.mid")) for name in FOLDERS]
        for name, files in zip(FOLDERS, files_by_corpus, strict=True):
            pretty_midi_s = _by_pretty_midi(Random(0).sample(files, PRETTY_MIDI_FILES))
            # Enough copies that the start of the workers, which happens once, is a small part of the time.
            copies = max(1, round(MIN_FILES / len(files)))
            ours_s, _ = _in_new_process(_copies(files, folder_path / name, copies), folder_path / f"{name}-cache")
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
            (len(files) * times, *_in_new_process(folder, folder_path / "cache"))
            for times, folder in ((1, small), (LARGE_COPIES, large))
        ]
        again_s, _ = _in_new_process(large, folder_path / "cache")
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


def _in_new_process(folder: Path, cache: Path) -> tuple[float, float]:
    """Seconds and peak MiB of ingesting in a new process, without its workers."""
    command = [sys.executable, "-m", "bench.training.ingest", str(folder), str(cache)]
    seconds, mib = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(mib)


def _ingest(folder: Path, cache: Path) -> None:
    started_s = time.perf_counter()
    lines = joined(read_corpora([folder], cache, LineSelection()), "train")
    vocabulary = event_vocabulary(lines, "commonest", 32)
    pieces_on_disk(vocabulary, lines, cache / "event.tokens")
    print(time.perf_counter() - started_s, _peak_mib())


def _peak_mib() -> float:
    """The peak of this process alone, as getrusage includes the memory of the parent at the start.

    Linux only: reads /proc.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    _ingest(Path(sys.argv[1]), Path(sys.argv[2]))
