"""A stand-in for a DAW on JACK, in a process of its own: one track that passes notes on, and a song with MIDI clock that records."""

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.programs import require_program

PATIENCE_S = 15
RATE, TICKS_PER_BEAT = 48_000, 24
DAW_OUT, DAW_IN = "test daw:out", "test daw:in"

# It reads `clock BPM` to play its song, and `notes`, to print the frame of each note-on since the song began.
DAW_SCRIPT = """
import sys, jack
client = jack.Client("test daw", no_start_server=True)
source, out = client.midi_inports.register("in"), client.midi_outports.register("out")
song = {"interval": None, "start": None, "tick": 0}
recorded = []

@client.set_process_callback
def process(frames):
    out.clear_buffer()
    base = client.last_frame_time
    came = [(offset, bytes(data)) for offset, data in source.incoming_midi_events()]
    if song["interval"] is None:
        for offset, data in came:
            out.write_midi_event(offset, data)
        return
    if song["start"] is None:
        song["start"] = base + frames
        out.write_midi_event(frames - 1, b"\\xfa")
        return
    recorded.extend((base + offset - song["start"], data) for offset, data in came)
    while (due := song["start"] + round(song["tick"] * song["interval"])) < base + frames:
        out.write_midi_event(max(due - base, 0), b"\\xf8")
        song["tick"] += 1

with client:
    print("ready", flush=True)
    for line in sys.stdin:
        if line.startswith("clock"):
            song["interval"] = client.samplerate * 60 / (float(line.split()[1]) * 24)
        else:
            print(*[frame for frame, data in list(recorded) if data[0] >> 4 == 9 and data[2]], flush=True)
"""


class JackDaw:
    """The running DAW, connected to the ports of a program of ours."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def connect(self, its_out: str, its_in: str) -> None:
        """Connects its track between the output and the input of a program."""
        connect(its_out, DAW_IN)
        connect(DAW_OUT, its_in)

    def play(self, tempo_bpm: float) -> None:
        """Starts the song and its clock."""
        self._say(f"clock {tempo_bpm}")

    def recorded_frames(self) -> list[int]:
        """The frames of all notes so far, counted from the song's first tick."""
        self._say("notes")
        assert self._process.stdout is not None
        return [int(word) for word in self._process.stdout.readline().split()]

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)


@contextmanager
def jack_daw() -> Iterator[JackDaw]:
    """Runs it on the default server."""
    command = [sys.executable, "-c", DAW_SCRIPT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield JackDaw(process)
        finally:
            process.stdin.close()
            process.wait(PATIENCE_S)


def connect(source: str, target: str) -> None:
    """Connects two ports of JACK."""
    subprocess.run([require_program("jack_connect"), source, target], check=True, timeout=PATIENCE_S)


def lateness_ms(frames: list[int], tempo_bpm: float, grid_beats: float) -> float:
    """How late the notes are against the song's own grid, in milliseconds: the median."""
    step = RATE * 60 / tempo_bpm * grid_beats
    return statistics.median(1000 / RATE * (frame - round(frame / step) * step) for frame in frames)
