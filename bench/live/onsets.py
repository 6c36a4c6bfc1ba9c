"""How far the jam's notes are from the beat of a MIDI clock: one jam for each period and tempo, recorded by `jack_recorder`.

`jack_midi_clock` sends the clock, from JACK's transport, on jackd without sound hardware. Each onset is compared with the tick of
its beat, both by the transport's frames, which number the ticks too: so a lost tick moves nothing. The first beats, in which the
jam does not know the clock yet, are left out. Where the server reported an xrun or missed cycles ("gaps"), no program could play
on time: the last column leaves out the two beats after each of these.

`FRAMES=256,1024 TEMPI=97,120 MINUTES=5 python -m bench onsets`; `BUILD=.,../other` also runs the jam of another checkout.
`MODE=fours` takes turns of a bar with a robot player instead of playing continuously, and `JITTER=20` lets the clock wander by 20 %.
Under `chrt -r 5` other programs on the machine do not matter. `SERVER=NAME` names the JACK server, so that several benchmarks can run at the same time. `FOLDER=PATH` keeps the recordings.
"""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
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
FOLDER = os.environ.get("FOLDER")
SETTLED_BEATS, RECOVERY_BEATS = 16, 2
STEP_BEATS = 0.5
TICKS_PER_BEAT = 24
SAMPLE_RATE = 48_000
TIMEOUT_S = 15.0
FOURS = (sys.executable, "-c", "import sys; from server.cli import main; sys.exit(main())")
CLOCK_PORT = "jack_midi_clock:mclk_out"

Frames = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recording:
    """What the recorder wrote. Ticks and onsets have two columns: the server's frame, and the transport's. `channels` are those of the onsets, from 0."""

    ticks: Frames
    onsets: Frames
    channels: npt.NDArray[np.int64]
    gaps: Frames
    """The frames before which cycles are missing."""
    xruns: Frames

    @classmethod
    def read(cls, lines: list[str]) -> "Recording":
        """Reads the lines of the recorder."""
        ticks, onsets, channels, gaps, xruns = [], [], [], [], []
        for words in (line.split() for line in lines):
            match words:
                case ["clock", frame, song, "f8"]:
                    ticks.append((float(frame), float(song)))
                case ["notes", frame, song, data] if data[0] == "9" and not data.endswith("00"):
                    onsets.append((float(frame), float(song)))
                    channels.append(int(data[1], 16))
                case ["gap", frame, _]:
                    gaps.append(float(frame))
                case ["xrun", frame]:
                    xruns.append(float(frame))
        return cls(_pairs(ticks), _pairs(onsets), np.array(channels, np.int64), np.array(gaps), np.array(xruns))

    def of_channels(self, *channels: int) -> "Recording":
        """The same with the onsets of these channels alone."""
        is_one = np.isin(self.channels, channels)
        return replace(self, onsets=self.onsets[is_one], channels=self.channels[is_one])

    def beats_at(self, songs: Frames, tempo_bpm: float) -> Frames:
        """The beats of the clock at frames of the transport."""
        return np.asarray(np.interp(songs, self.ticks[:, 1], self._tick_numbers(tempo_bpm)) / TICKS_PER_BEAT)

    def songs_at(self, beats: Frames, tempo_bpm: float) -> Frames:
        """The frames of the transport at beats of the clock."""
        return np.asarray(np.interp(beats * TICKS_PER_BEAT, self._tick_numbers(tempo_bpm), self.ticks[:, 1]))

    def _tick_numbers(self, tempo_bpm: float) -> Frames:
        """The number of each tick, by the transport's frames, so that lost ticks count too."""
        tick_frames = 60 * SAMPLE_RATE / tempo_bpm / TICKS_PER_BEAT
        songs = self.ticks[:, 1]
        # One by one, as a clock that wanders may move far from its tempo.
        return np.cumsum(np.round(np.diff(songs, prepend=0.0) / tick_frames))


def _pairs(rows: list[tuple[float, float]]) -> Frames:
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def errors_ms(recording: Recording, tempo_bpm: float) -> tuple[Frames, npt.NDArray[np.bool_]]:
    """How much later than its tick each onset came, in milliseconds, from `SETTLED_BEATS` on.

    Also returns, for each onset, whether more than `RECOVERY_BEATS` have passed since the last xrun or gap.
    """
    frames, songs = recording.onsets.T
    beats = recording.beats_at(songs, tempo_bpm)
    is_measured = (beats > SETTLED_BEATS) & (frames < recording.ticks[-1, 0])
    frames, songs, beats = frames[is_measured], songs[is_measured], beats[is_measured]
    places = np.round(beats / STEP_BEATS) * STEP_BEATS
    off_ms = (songs - recording.songs_at(places, tempo_bpm)) / SAMPLE_RATE * 1000
    recovery_frames = RECOVERY_BEATS * 60 * SAMPLE_RATE / tempo_bpm
    is_clear = np.ones(len(frames), dtype=np.bool_)
    for frame in (*recording.xruns, *recording.gaps):
        is_clear &= (frames < frame) | (frames > frame + recovery_frames)
    return off_ms, is_clear


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
        ("frames", "bpm", "build", "onsets", "median ms", "p99 ms", "worst ms", "xruns", "gaps", "worst 2 beats after"),
        rows,
    )


def _figures(recording: Recording, tempo_bpm: float) -> tuple[str, ...]:
    counts = (str(len(recording.xruns)), str(len(recording.gaps)))
    off_ms, is_clear = errors_ms(recording, tempo_bpm)
    if not len(off_ms):
        return ("0", "-", "-", "-", *counts, "-")
    off_ms = np.abs(off_ms)
    median, p99, worst = np.percentile(off_ms, [50, 99, 100])
    clear = f"{off_ms[is_clear].max():.3f} ({is_clear.sum()})" if is_clear.any() else "-"
    return (str(len(off_ms)), f"{median:.3f}", f"{p99:.3f}", f"{worst:.3f}", *counts, clear)


def record(
    tempo_bpm: float,
    seconds: float,
    build: Path,
    mode: str = MODE,
    controls: tuple[str, ...] = (),
    at_half_time: Callable[[], object] = lambda: None,
) -> Recording:
    """Records a jam that follows the clock; in `fours` a robot plays all the time, so that there is a phrase to answer.

    `controls` are more options of the jam; `at_half_time` is called in the middle.
    """
    jitter = ("-J", str(JITTER_PERCENT)) if JITTER_PERCENT else ()
    clock = ("jack_midi_clock", "-b", f"{tempo_bpm:g}", "-B", *jitter)
    with ExitStack() as stack:
        process = stack.enter_context(_recorder())
        stack.enter_context(jackd_server.client(clock, CLOCK_PORT))
        midi_in, midi_out = stack.enter_context(_jam(build.resolve(), mode, controls))
        jackd_server.connect(CLOCK_PORT, midi_in)
        jackd_server.connect(CLOCK_PORT, "onset-recorder:clock")
        jackd_server.connect(midi_out, "onset-recorder:notes")
        if mode != "continuous":
            stack.enter_context(_playing_phrases(midi_in))
        jackd_server.roll()
        time.sleep(seconds / 2)
        at_half_time()
        time.sleep(seconds / 2)
        jackd_server.stop()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=TIMEOUT_S)
    if FOLDER is not None:
        name = f"{jackd_server.NAME}-{tempo_bpm:g}-{build.resolve().name}-{time.time():.0f}.txt"
        (Path(FOLDER) / name).write_text(out, encoding="utf-8")
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
def _jam(build: Path, mode: str, more: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Runs the jam of a checkout in a temporary folder; yields the names of its input and output."""
    turns = () if mode == "continuous" else ("--turn-bars", "1", "--over", "overlap")
    on_the_grid = ("--approach", "pitch", "--rhythm", "fixed", "--step", str(STEP_BEATS), "--quantize", "1/8")
    controls = ("--mode", mode, *turns, *on_the_grid, *more)
    config = '[panel]\non = false\n[takes]\nfolder = "takes"\n'
    with running_jam(build, ("--osc-port", str(jackd_server.free_udp_port()), *controls), config) as jam:
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
