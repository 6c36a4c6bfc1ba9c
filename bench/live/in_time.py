"""How close to a DAW's beat the partner plays: `jack_midi_clock` leads a jam in fours, and `jack_midi_dump` records each frame.

Everything is real: jackd without sound hardware, a process for the clock, one for the jam, and a keyboard on a port. The
recorded ticks of the clock are the grid, and the partner's onsets are compared with it. The alternative is a bare loop that
sends notes by its own clock through the same library: it shows the error of the machine itself.
`MINUTES=5 python -m bench in_time`.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.table import show

MINUTES = float(os.environ.get("MINUTES", "1"))
SAMPLE_RATE, CYCLE_FRAMES = 48_000, 64
TEMPO_BPM, OTHER_TEMPO_BPM = 97.0, 140.0
STEP_BEATS = 0.5
TICKS_PER_BEAT = 24
SETTLED_BEATS = 8
SERVER = "fours-in-time"
OSC_PORT = "18766"
PATIENCE_S = 15.0
FOURS = (sys.executable, "-c", "import sys; from server.cli import main; sys.exit(main())")
CLOCK_PORT = "jack_midi_clock:mclk_out"

# A simple loop on the beat of its own clock, through the same MIDI library.
BARE_LOOP = """
import sys, time, rtmidi
port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="bare loop")
port.open_virtual_port("out")
print("ready", flush=True)
interval_s, due_s = float(sys.argv[1]), time.perf_counter() + 1.0
while True:
    due_s += interval_s
    time.sleep(max(0.0, due_s - time.perf_counter() - 0.001))
    while time.perf_counter() < due_s:
        pass
    port.send_message([0x90, 60, 80])
"""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `jack_midi_dump` recorded: the times of ticks and onsets, in seconds."""

    ticks_s: Floats
    onsets_s: Floats


def run() -> None:
    """Prints the distances of onsets from the grid, in milliseconds."""
    rows = []
    with jackd():
        for name, jitter in (("jack_midi_clock", ()), ("jack_midi_clock -J 20", ("-J", "20"))):
            recorded = in_fours(60 * MINUTES, *jitter)
            rows.append(_row(f"ours, led by {name}", *deviations_ms(recorded)))
        rows.append(_row("a bare loop on its own clock", *_bare(min(60 * MINUTES, 60))))
        rows.append(
            _row(f"ours, from {TEMPO_BPM:g} to {OTHER_TEMPO_BPM:g} bpm, from a beat after the change on", *_change())
        )
    show(
        f"Distance of onsets from the grid, {MINUTES:g} minutes each, JACK at {CYCLE_FRAMES} frames",
        ("what", "onsets", "median ms", "p99 ms", "worst ms", "drift ms/min"),
        rows,
    )


def _row(what: str, at_s: Floats, off_ms: Floats) -> tuple[str, ...]:
    median, p99, worst = np.percentile(np.abs(off_ms), [50, 99, 100])
    drift = float(np.polyfit(at_s / 60, off_ms, 1)[0]) if len(off_ms) > 1 else 0.0
    return (what, str(len(off_ms)), f"{median:.2f}", f"{p99:.2f}", f"{worst:.2f}", f"{drift:+.3f}")


def in_fours(seconds: float, *clock_options: str) -> Recorded:
    """Runs a jam in turns of one bar, led by a clock, with a phrase in each of the player's turns; returns what was recorded."""
    with ExitStack() as stack:
        jam_in, jam_out = stack.enter_context(_jam())
        clock = ("jack_midi_clock", "-b", str(TEMPO_BPM), "-B", *clock_options)
        stack.enter_context(_running_client(clock, CLOCK_PORT))
        lines = stack.enter_context(_recording(CLOCK_PORT, jam_out))
        _connect(CLOCK_PORT, jam_in)
        stack.enter_context(_playing_phrases(jam_in))
        subprocess.run(["jack_transport"], input="locate 0\nplay\nquit\n", text=True, capture_output=True, check=True)
        time.sleep(seconds)
        subprocess.run(["jack_transport"], input="stop\nquit\n", text=True, capture_output=True, check=True)
        time.sleep(0.5)
        return parse_dump(lines)


def deviations_ms(recorded: Recorded) -> tuple[Floats, Floats]:
    """For each onset after the clock has settled: its time, and how much later than its tick it came.

    It is compared with its tick, and not with a line through all ticks, because `-J` changes each interval at random, so that
    the clock itself wanders.
    """
    grid_s = recorded.ticks_s
    numbers = np.arange(len(grid_s), dtype=np.float64)
    onsets_s = recorded.onsets_s[recorded.onsets_s > grid_s[0] + SETTLED_BEATS * 60 / TEMPO_BPM]
    beats = np.interp(onsets_s, grid_s, numbers) / TICKS_PER_BEAT
    grid_beats = np.round(beats / STEP_BEATS) * STEP_BEATS
    return onsets_s - grid_s[0], (onsets_s - np.interp(grid_beats * TICKS_PER_BEAT, numbers, grid_s)) * 1000


def _bare(seconds: float) -> tuple[Floats, Floats]:
    """The onsets of a bare loop, against the line through them."""
    interval_s = STEP_BEATS * 60 / TEMPO_BPM
    with (
        _running_client((sys.executable, "-c", BARE_LOOP, str(interval_s)), "bare loop:out"),
        _recording("bare loop:out") as lines,
    ):
        time.sleep(seconds)
        onsets_s = parse_dump(lines).onsets_s
    numbers = np.arange(len(onsets_s), dtype=np.float64)
    # Its grid is its own clock, which the earliest onsets show best.
    off_ms = (onsets_s - np.polyval(np.polyfit(numbers, onsets_s, 1), numbers)) * 1000
    return onsets_s, off_ms - off_ms.min()


def _change() -> tuple[Floats, Floats]:
    """In continuous mode the clock's tempo changes, as in a DAW; onsets count from a beat after the change."""
    import jack

    tempo_bpm = [TEMPO_BPM]
    master = jack.Client("tempo master", servername=SERVER)

    def timebase(_state: object, _frames: int, position: "jack.Position", _new: bool) -> None:  # noqa: FBT001  JACK's own signature
        position.valid = jack.POSITION_BBT
        position.beats_per_bar, position.beat_type, position.ticks_per_beat = 4.0, 4.0, 1920.0
        position.beats_per_minute = tempo_bpm[0]
        position.bar = position.beat = 1

    master.set_timebase_callback(timebase)
    with ExitStack() as stack:
        stack.enter_context(master)
        jam_in, jam_out = stack.enter_context(_jam("--mode", "continuous"))
        stack.enter_context(_running_client(("jack_midi_clock", "-P"), CLOCK_PORT))
        lines = stack.enter_context(_recording(CLOCK_PORT, jam_out))
        _connect(CLOCK_PORT, jam_in)
        master.transport_locate(0)
        master.transport_start()
        time.sleep(10)
        tempo_bpm[0] = OTHER_TEMPO_BPM
        time.sleep(10)
        master.transport_stop()
        time.sleep(0.5)
        recorded = parse_dump(lines)
    intervals_s = np.diff(recorded.ticks_s)
    changed_s = recorded.ticks_s[int(np.argmax(intervals_s < 60 / (TEMPO_BPM + OTHER_TEMPO_BPM) * 2 / TICKS_PER_BEAT))]
    at_s, off_ms = deviations_ms(recorded)
    after = at_s > changed_s - recorded.ticks_s[0] + 60 / OTHER_TEMPO_BPM
    return at_s[after], off_ms[after]


def parse_dump(lines: list[str]) -> Recorded:
    """Parses the lines of `jack_midi_dump`."""
    ticks, onsets = [], []
    for line in lines:
        frame, _, rest = line.partition(":")
        message = bytes.fromhex("".join(word for word in rest.split()[:3] if len(word) == 2))
        if frame.strip().isdigit() and message:
            if message[0] == 0xF8:
                ticks.append(int(frame))
            elif message[0] >> 4 == 9 and message[2]:
                onsets.append(int(frame))
    return Recorded(np.array(ticks) / SAMPLE_RATE, np.array(onsets) / SAMPLE_RATE)


@contextmanager
def jackd() -> Iterator[None]:
    """Runs a separate JACK server, the default for everything that is started within the block."""
    previous = os.environ.get("JACK_DEFAULT_SERVER")
    # With real-time priority, where that is allowed: otherwise other programs make its cycles late, and its frame counter, by
    # which everything is measured, stands still.
    priority = ("-R", "-P", "70") if _may_be_realtime() else ("-r",)
    command = ["jackd", "-n", SERVER, *priority, "-d", "dummy", "-r", str(SAMPLE_RATE), "-p", str(CYCLE_FRAMES)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        os.environ["JACK_DEFAULT_SERVER"], os.environ["JACK_NO_START_SERVER"] = SERVER, "1"
        try:
            subprocess.run(["jack_wait", "-s", SERVER, "-w", "-t", "10"], check=True, capture_output=True)
            yield
        finally:
            server.terminate()
            if previous is None:
                del os.environ["JACK_DEFAULT_SERVER"]
            else:
                os.environ["JACK_DEFAULT_SERVER"] = previous


def _may_be_realtime() -> bool:
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(70))
    except OSError:
        return False
    os.sched_setscheduler(0, policy, priority)
    return True


@contextmanager
def _jam(*options: str) -> Iterator[tuple[str, str]]:
    """Runs a jam in the pitch approach; yields the names of its ports."""
    controls = (
        "--mode",
        "fours",
        "--turn-bars",
        "1",
        "--approach",
        "pitch",
        "--step",
        str(STEP_BEATS),
        "--over",
        "overlap",
    )
    command = [*FOURS, "jam", "--osc-port", OSC_PORT, *controls, *options]
    # In a separate folder, so that the user's configuration does not count, and nothing is left behind.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.toml").write_text('[panel]\non = false\n[takes]\nfolder = "takes"\n', encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            ports: dict[str, str] = {}
            for line in process.stdout:
                label, _, value = line.rstrip("\n").partition("  ")
                ports[label] = value.strip().rpartition(" (")[0]
                if line.startswith("Ready"):
                    break
            try:
                yield ports["MIDI in"], ports["MIDI out"]
            finally:
                process.terminate()
                process.wait(PATIENCE_S)


@contextmanager
def _running_client(command: tuple[str, ...], port: str) -> Iterator[None]:
    """Runs a JACK client in a separate process; the block begins once its port exists."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield
        finally:
            # SIGINT first, so that the client can close its JACK ports; a process started in the background may ignore it.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(2.0)
            except subprocess.TimeoutExpired:
                process.terminate()


@contextmanager
def _recording(*ports: str) -> Iterator[list[str]]:
    """Yields the lines that `jack_midi_dump` prints for these ports."""
    lines: list[str] = []
    command = ["stdbuf", "-oL", "jack_midi_dump", "-a", "in-time-recorder"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
        try:
            _wait_for("in-time-recorder:input")
            for port in ports:
                _connect(port, "in-time-recorder:input")
            reader.start()
            yield lines
        finally:
            process.send_signal(signal.SIGINT)
            reader.join(PATIENCE_S)
            process.terminate()


@contextmanager
def _playing_phrases(port_name: str) -> Iterator[None]:
    """Plays four notes over and over, so that there is a phrase to answer."""
    import rtmidi

    keyboard = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="in-time-keyboard")
    keyboard.open_port(next(i for i, name in enumerate(keyboard.get_ports()) if name == port_name), name="out")
    done = threading.Event()

    def play() -> None:
        index = 0
        while not done.wait(0.3):
            pitch = (60, 62, 64, 67)[index % 4]
            keyboard.send_message([0x90, pitch, 80])
            done.wait(0.2)
            keyboard.send_message([0x80, pitch, 0])
            index += 1

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(PATIENCE_S)
        keyboard.close_port()
        keyboard.delete()


def _connect(source: str, target: str) -> None:
    subprocess.run(["jack_connect", source, target], check=True, capture_output=True)


def _wait_for(port: str) -> None:
    until_s = time.perf_counter() + PATIENCE_S
    while port not in subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True).stdout.splitlines():
        if time.perf_counter() > until_s:
            raise TimeoutError(f"{port} never came")
        time.sleep(0.05)
