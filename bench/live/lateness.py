"""How late notes are sent: the music thread, against `time.sleep` until each note, also beside a thread that never idles."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from bench.table import show
from bridge.midi.memory_ports import MemoryOutput
from bridge.timing.clock import MonotonicClock
from model.approach import APPROACHES
from model.improvising.improvisers import create_improviser
from model.pack.pack import open_pack
from server.controls.control_table import Settings
from server.garbage import search_as_usual
from server.jam.jam import Jam
from server.music.music_thread import MusicThread

SECONDS = 10.0
TEMPO_BPM = 240.0
STEP_BEATS = 0.25


def run() -> None:
    """Prints how much later than due notes were sent, in milliseconds."""
    search_as_usual()  # as a jam does when it is ready: a search for garbage in all modules takes 10 ms
    rows = []
    for busy in (False, True):
        with _busy_thread(busy):
            for name, lateness_s in (("time.sleep", _by_sleep()), ("ours", _by_music_thread())):
                median, p99, worst = np.percentile(np.array(lateness_s) * 1000, [50, 99, 100])
                beside = "a busy thread" if busy else "an idle process"
                rows.append((name, beside, str(len(lateness_s)), f"{median:.3f}", f"{p99:.3f}", f"{worst:.3f}"))
    show("Lateness of notes", ("way", "beside", "notes", "median ms", "p99 ms", "worst ms"), rows)


def _by_music_thread() -> list[float]:
    pack = open_pack(Settings().pack)
    settings = Settings(approach="pitch", tempo=TEMPO_BPM, step=STEP_BEATS, answer_length=SECONDS * TEMPO_BPM / 60)
    improvisers = {name: create_improviser(pack.engine(name, "cpu"), pack.vocabulary(name)) for name in APPROACHES}
    clock = MonotonicClock()
    music = MusicThread(Jam(improvisers, settings, random_seed=0), MemoryOutput("bench", clock), clock)
    music.start()
    music.act("respond")
    time.sleep(SECONDS)
    music.stop()
    # The first answer is due at the moment it is requested, before any of it is composed.
    return list(music.lateness_s)[2:]


def _by_sleep() -> list[float]:
    interval_s = STEP_BEATS * 60 / TEMPO_BPM
    due_s, lateness_s = time.perf_counter(), []
    for _ in range(int(SECONDS / interval_s)):
        due_s += interval_s
        time.sleep(max(0.0, due_s - time.perf_counter()))
        lateness_s.append(time.perf_counter() - due_s)
    return lateness_s


@contextmanager
def _busy_thread(busy: bool) -> Iterator[None]:  # noqa: FBT001  selects one of two rows
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            sum(range(1000))

    thread = threading.Thread(target=run, daemon=True)
    if busy:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if busy:
            thread.join()
