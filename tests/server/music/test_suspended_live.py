"""A music thread in a process that is stopped for a while and goes on, as on a laptop that sleeps."""

import signal
import subprocess
import sys
from collections.abc import Iterable
from itertools import pairwise
from threading import Event

from tests.conftest import CHECKOUT

# Plays without an end, a note each tenth of a second, and prints when it sends each note-on, in seconds.
SCRIPT = """
import sys, threading
from bridge.timing.clock import MonotonicClock
from server.controls.control_table import Settings
from server.jam.jam import Jam
from server.music.music_thread import MusicThread
from tests.server.jams import ScriptedImproviser

clock = MonotonicClock()

class Printer:
    lead_s = latency_s = 0.0
    is_lost = False
    overruns = 0

    def send(self, data, due_s=None):
        if data[0] >> 4 == 9:
            print(clock.now_s(), flush=True)

partners = {name: ScriptedImproviser(name, (60, 62, 64, 65)) for name in ("pitch", "event")}
settings = Settings(approach="pitch", mode="continuous", tempo=300.0)
music_thread = MusicThread(Jam(partners, settings, 0), Printer(), clock)
music_thread.start()
music_thread.receive_midi(bytes((0x90, 48, 80)), clock.now_s())
music_thread.receive_midi(bytes((0x80, 48, 0)), clock.now_s())
threading.Event().wait()
"""
STEP_S = 0.1
SUSPENDED_S = 3.0
NOTES = 20
HEAP_S, MOST_HEAPS = 0.05, 4
"""Where the thirty that were missed came in one heap, all twenty gaps were this short; a busy machine makes single notes late."""
LATE_S = 0.03
"""How late the median of the notes may be here, where the machine may be busy; bench/ measures the real figure."""


def test_what_was_missed_is_left_out_and_then_it_plays_in_time() -> None:
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            before_s = onsets_s(process.stdout, NOTES)
            process.send_signal(signal.SIGSTOP)
            Event().wait(SUSPENDED_S)
            process.send_signal(signal.SIGCONT)
            after_s = onsets_s(process.stdout, NOTES)
        finally:
            process.kill()
    resumed_s = [at_s for at_s in after_s if at_s - before_s[-1] > SUSPENDED_S - 1.0]
    assert sum(later_s - earlier_s < HEAP_S for earlier_s, later_s in pairwise(resumed_s)) <= MOST_HEAPS
    phases_s = sorted((at_s - before_s[0] + STEP_S / 2) % STEP_S - STEP_S / 2 for at_s in resumed_s)
    assert abs(phases_s[len(phases_s) // 2]) < LATE_S


def onsets_s(lines: Iterable[str], count: int) -> list[float]:
    """The times of the next note-ons."""
    return [float(line) for line, _ in zip(lines, range(count), strict=False)]
