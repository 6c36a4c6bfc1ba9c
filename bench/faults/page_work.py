"""How late notes are sent while a page asks for heavy work: a take of 20 minutes is downloaded, a seed of 250 kB is dropped.

The jam runs in a separate process and plays all the time. Idle and busy stretches alternate, so that other load on the machine
affects both, and checkouts take turns. `ROUNDS=3 BUILD=.,../other python -m bench page_work`.
"""

import os
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.faults.reporting_jam import PLAYS_ALL_THE_TIME, ReportingJam, reporting_jam
from bench.live.takes import _busy_playing, _write_journal
from bench.table import show
from model.files.midi.midi_writer import as_midi
from model.files.song import Track
from model.notes import Note

BUILDS = tuple(os.environ.get("BUILD", ".").split(","))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
STRETCH_S = 12.0
HOST, PORT, OSC_PORT = "127.0.0.1", 18_771, 18_772
TAKE_MINUTES = 20
TAKE_ID = "2026-02-03-201500"
SEED_BYTES = 250_000
PAUSE_S = 0.5
PATIENCE_S = 60.0
WORK = ("a take downloaded", "a seed dropped")


def run() -> None:
    """Prints the table."""
    late_ms: dict[tuple[str, str], list[float]] = defaultdict(list)
    done: dict[tuple[str, str], int] = defaultdict(int)
    journal, seed = _write_journal(_busy_playing(TAKE_MINUTES * 60.0)), _seed()
    for _ in range(ROUNDS):
        for build in BUILDS:
            with _jam(Path(build).resolve(), journal) as jam:
                _stretch(jam)
                for work in WORK:
                    late_ms[build, "idle"] += _stretch(jam)
                    with _working(work, seed) as counts:
                        late_ms[build, work] += _stretch(jam)
                    done[build, work] += counts[0]
    rows = []
    for build in BUILDS:
        idle_p99 = np.percentile(late_ms[build, "idle"], 99)
        for work in ("idle", *WORK):
            p50, p99, worst = np.percentile(late_ms[build, work], [50, 99, 100])
            figures = (str(len(late_ms[build, work])), f"{p50:.3f}", f"{p99:.3f}", f"{worst:.3f}")
            rows.append((build, work, str(done[build, work]), *figures, f"{p99 / idle_p99:.2f}"))
    show(
        f"Lateness of notes beside a page's work; medians over {ROUNDS} rounds of {STRETCH_S:g} s",
        ("build", "beside", "times", "messages", "p50 ms", "p99 ms", "worst ms", "p99 / idle"),
        rows,
    )


def _seed() -> bytes:
    notes = [Note(48 + number * 7 % 36, number * 0.25, 0.2, 80) for number in range(60_000)]
    count = 1000
    while len(content := as_midi([Track("Seed", notes[:count])], 120.0)) < SEED_BYTES * 0.95:
        count = int(count * SEED_BYTES / len(content))
    return content


@contextmanager
def _jam(build: Path, journal: bytes) -> Iterator[ReportingJam]:
    options = ("--panel-port", str(PORT), "--osc-port", str(OSC_PORT), *PLAYS_ALL_THE_TIME)
    with tempfile.TemporaryDirectory() as folder:
        takes = Path(folder) / "takes"
        takes.mkdir()
        (takes / f"{TAKE_ID}.jam").write_bytes(journal)
        (Path(folder) / "config.toml").write_text('[takes]\nfolder = "takes"\nkeep_days = 36000\n', encoding="utf-8")
        with reporting_jam(build, Path(folder), options) as jam:
            _wait_for_panel()
            yield jam


def _wait_for_panel() -> None:
    until_s = time.perf_counter() + PATIENCE_S
    while True:
        try:
            _request("GET", "/takes")
        except OSError:
            if time.perf_counter() > until_s:
                raise
            time.sleep(0.1)
        else:
            return


def _stretch(jam: ReportingJam) -> list[float]:
    """How late each message was sent over a stretch, in milliseconds."""
    jam.report()
    time.sleep(STRETCH_S)
    return jam.report().late_ms


@contextmanager
def _working(work: str, seed: bytes) -> Iterator[list[int]]:
    """Does the work again and again while the block runs; yields a list with the number of times."""
    done, counts = threading.Event(), [0]

    def repeat() -> None:
        while not done.is_set():
            if work == WORK[0]:
                content = _request("GET", f"/takes/{TAKE_ID}.mid")
                assert content.startswith(b"MThd")
            else:
                _request("POST", "/seed", seed)
                _request("DELETE", "/seed")
            counts[0] += 1
            done.wait(PAUSE_S)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield counts
    finally:
        done.set()
        thread.join()


def _request(method: str, path: str, body: bytes | None = None) -> bytes:
    headers = {"Origin": f"http://{HOST}:{PORT}", "X-Name": "seed.mid"}
    request = urllib.request.Request(f"http://{HOST}:{PORT}{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:  # noqa: S310  as above
        content: bytes = response.read()
    return content
