"""How punctual the band is, beside the answers of the same jam: both play to a MIDI clock, recorded by frames as in `bench onsets`.

All notes lie on eighths: the band plays rock, and the answers go on without an end. `FRAMES=256 MINUTES=1 python -m bench band`.
"""

from pathlib import Path

import numpy as np

from bench.live import jackd_server
from bench.live.onsets import FRAMES, SECONDS, TEMPI_BPM, errors_ms, record
from bench.table import show

ANSWERS = (0,)
BAND = {"bass": (1,), "chords": (2,), "drums": (9,), "the band": (1, 2, 9)}
CONTROLS = ("--chart", "blues", "--band", "full", "--feel", "rock")


def run() -> None:
    """Prints the table."""
    rows = []
    for frames in FRAMES:
        for tempo_bpm in TEMPI_BPM:
            with jackd_server.running(frames):
                recording = record(tempo_bpm, SECONDS, Path(), "continuous", CONTROLS)
            answers_p99 = 0.0
            for name, channels in {"answers": ANSWERS, **BAND}.items():
                off_ms, _ = errors_ms(recording.of_channels(*channels), tempo_bpm)
                if not len(off_ms):
                    rows.append((str(frames), f"{tempo_bpm:g}", name, "0", "-", "-", "-", "-"))
                    continue
                median, p99, worst = np.percentile(np.abs(off_ms), [50, 99, 100])
                answers_p99 = answers_p99 or p99
                figures = (f"{median:.3f}", f"{p99:.3f}", f"{worst:.3f}", f"{p99 / answers_p99:.2f}")
                rows.append((str(frames), f"{tempo_bpm:g}", name, str(len(off_ms)), *figures))
            rows[-1] = (*rows[-1][:-1], f"{rows[-1][-1]}; {len(recording.xruns)} xruns")
    show(
        f"Onsets against the clock's ticks, {SECONDS:g} s each",
        ("frames", "bpm", "who", "onsets", "median ms", "p99 ms", "worst ms", "p99 / answers"),
        rows,
    )
