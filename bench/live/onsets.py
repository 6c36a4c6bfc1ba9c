"""How far the jam's notes are from the beat of a MIDI clock: one jam for each period and tempo, recorded by `jack_recorder`.

`jack_midi_clock` sends the clock, from JACK's transport, on jackd without sound hardware. Ticks are numbered by their time
and not by counting them, so that a lost tick moves nothing; each onset is compared with the tick of its beat. Cycles that
the server missed ("gaps") have a column of their own: they make notes late that no program could play on time. The first
beats, in which the jam does not know the clock yet, are left out.

`FRAMES=256,1024 TEMPI=97,120 MINUTES=5 python -m bench onsets`; `BUILD=.,../other` also runs the jam of another checkout.
`MODE=fours` takes turns of a bar with a robot player instead of playing continuously, and `JITTER=20` lets the clock wander by 20 %.
"""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.live import jackd_server
from bench.live.jam_process import running_jam
from bench.table import show

FRAMES = tuple(map(int, os.environ.get("FRAMES", "64,128,256,512,1024,2048").split(",")))
TEMPI_BPM = tuple(map(float, os.environ.get("TEMPI", "97,120").split(",")))
SECONDS = 60 * float(os.environ.get("MINUTES", "0.5"))
BUILDS = tuple(os.environ.get("BUILD", ".").split(","))
MODE = os.environ.get("MODE", "continuous")
JITTER_PERCENT = int(os.environ.get("JITTER", "0"))
SETTLED_BEATS = 16
STEP_BEATS = 0.5
TICKS_PER_BEAT = 24
SAMPLE_RATE = 48_000
OSC_PORT = "18767"
TIMEOUT_S = 15.0
FOURS = (sys.executable, "-c", "import sys; from server.cli import main; sys.exit(main())")
CLOCK_PORT = "jack_midi_clock:mclk_out"

Frames = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recording:
    """What the recorder wrote, in frames, and how often JACK reported an xrun."""

    ticks: Frames
    onsets: Frames
    gaps: tuple[tuple[float, float], ...]
    """For each gap, the frame before which cycles are missing, and how many frames are missing."""
    xruns: int

    @classmethod
    def read(cls, lines: list[str]) -> "Recording":
        """Reads the lines of the recorder."""
        ticks, onsets, gaps, xruns = [], [], [], 0
        for words in (line.split() for line in lines):
            match words:
                case ["clock", frame, "f8"]:
                    ticks.append(float(frame))
                case ["notes", frame, data] if data[0] == "9" and not data.endswith("00"):
                    onsets.append(float(frame))
                case ["gap", frame, missing]:
                    gaps.append((float(frame), float(missing)))
                case ["xruns", count]:
                    xruns = int(count)
        return cls(np.array(ticks), np.array(onsets), tuple(gaps), xruns)


def tick_numbers(recording: Recording, tempo_bpm: float) -> Frames:
    """The number of each recorded tick, by the time since the tick before, so that lost ticks count too."""
    tick_frames = 60 * SAMPLE_RATE / tempo_bpm / TICKS_PER_BEAT
    ticks = recording.ticks
    # JACK's transport, and with it the song, stands still while cycles are missed.
    song = ticks - sum((missing * (ticks >= frame) for frame, missing in recording.gaps), np.zeros(len(ticks)))
    return np.concatenate(([0.0], np.cumsum(np.round(np.diff(song) / tick_frames))))


def errors_ms(recording: Recording, tempo_bpm: float) -> Frames:
    """How much later than its tick each onset came, in milliseconds, from `SETTLED_BEATS` on."""
    ticks, numbers = recording.ticks, tick_numbers(recording, tempo_bpm)
    onsets = recording.onsets[recording.onsets > ticks[0] + SETTLED_BEATS * 60 * SAMPLE_RATE / tempo_bpm]
    onsets = onsets[onsets < ticks[-1]]
    step = STEP_BEATS * TICKS_PER_BEAT
    places = np.round(np.interp(onsets, ticks, numbers) / step) * step
    return np.asarray((onsets - np.interp(places, numbers, ticks)) / SAMPLE_RATE * 1000, dtype=np.float64)


def run() -> None:
    """Prints the table."""
    rows = []
    for frames in FRAMES:
        for tempo_bpm in TEMPI_BPM:
            for build in BUILDS:
                with jackd_server.running(frames):
                    recording = record(tempo_bpm, SECONDS, Path(build))
                rows.append((str(frames), f"{tempo_bpm:g}", build, *_figures(recording, tempo_bpm)))
    show(
        f"Onsets against the clock's ticks, {SECONDS:g} s each",
        ("frames", "bpm", "build", "onsets", "median ms", "p99 ms", "worst ms", "xruns", "gaps"),
        rows,
    )


def _figures(recording: Recording, tempo_bpm: float) -> tuple[str, ...]:
    error_ms = np.abs(errors_ms(recording, tempo_bpm))
    if not len(error_ms):
        return ("0", "-", "-", "-", str(recording.xruns), str(len(recording.gaps)))
    median, p99, worst = np.percentile(error_ms, [50, 99, 100])
    figures = (f"{median:.3f}", f"{p99:.3f}", f"{worst:.3f}")
    return (str(len(error_ms)), *figures, str(recording.xruns), str(len(recording.gaps)))


def record(tempo_bpm: float, seconds: float, build: Path, mode: str = MODE) -> Recording:
    """Records a jam that follows the clock; in `fours` a robot plays all the time, so that there is a phrase to answer."""
    jitter = ("-J", str(JITTER_PERCENT)) if JITTER_PERCENT else ()
    clock = ("jack_midi_clock", "-b", f"{tempo_bpm:g}", "-B", *jitter)
    with ExitStack() as stack:
        process = stack.enter_context(_recorder())
        stack.enter_context(jackd_server.client(clock, CLOCK_PORT))
        midi_in, midi_out = stack.enter_context(_jam(build.resolve(), mode))
        jackd_server.connect(CLOCK_PORT, midi_in)
        jackd_server.connect(CLOCK_PORT, "onset-recorder:clock")
        jackd_server.connect(midi_out, "onset-recorder:notes")
        if mode != "continuous":
            stack.enter_context(_playing_phrases(midi_in))
        jackd_server.roll()
        time.sleep(seconds)
        jackd_server.stop()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=TIMEOUT_S)
    return Recording.read(out.splitlines())


@contextmanager
def _recorder() -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, "-m", "bench.live.jack_recorder")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.terminate()


@contextmanager
def _jam(build: Path, mode: str) -> Iterator[tuple[str, str]]:
    """Runs the jam of a checkout in a temporary folder; yields the names of its input and output."""
    turns = () if mode == "continuous" else ("--turn-bars", "1", "--over", "overlap")
    controls = ("--mode", mode, *turns, "--approach", "pitch", "--step", str(STEP_BEATS))
    config = '[panel]\non = false\n[takes]\nfolder = "takes"\n'
    with running_jam(build, ("--osc-port", OSC_PORT, *controls), config) as jam:
        yield jam.wiring["MIDI in"], jam.wiring["MIDI out"]


@contextmanager
def _playing_phrases(port_name: str) -> Iterator[None]:
    """Plays four notes over and over."""
    import rtmidi

    keyboard = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="onset-keyboard")
    keyboard.open_port(keyboard.get_ports().index(port_name), name="out")
    done = threading.Event()

    def play() -> None:
        for pitch in itertools.cycle((60, 62, 64, 67)):
            if done.wait(0.3):
                return
            keyboard.send_message([0x90, pitch, 80])
            done.wait(0.2)
            keyboard.send_message([0x80, pitch, 0])

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(TIMEOUT_S)
        keyboard.close_port()
        keyboard.delete()
