"""A stand-in for a DAW on JACK: sends MIDI messages each on its frame, and records the jam's notes with theirs.

It runs in a process of its own (`python -m tests.server.session.scripted_clock`), which reads what to send and prints what it has sent and
received. Frames are the server's, so what is compared does not depend on how late a process ran.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
TICKS_PER_BEAT = 24
CHECKOUT = Path(__file__).resolve().parents[3]
BEGINS_AFTER_S, ENDS_AFTER_S = 0.3, 0.5
PATIENCE_S = 30.0

Timed = tuple[float, bytes]
"""The second of a message, from the beginning, and the message."""


class Script:
    """What the DAW sends: each method adds to what was there before, and returns the script."""

    def __init__(self) -> None:
        self.messages: list[Timed] = []
        self.next_s = 0.0
        """The second of the next tick."""

    def send(self, *messages: bytes) -> "Script":
        """Sends messages with the next tick, before it."""
        self.messages += [(self.next_s, message) for message in messages]
        return self

    def tick(
        self, beats: float, tempo_bpm: float, *, in_one_frame: int = 1, copied_after_s: float | None = None
    ) -> "Script":
        """Ticks for so many beats, of which so many at a time come on one frame, or each has a copy so many seconds after it."""
        interval_s = 60.0 / tempo_bpm / TICKS_PER_BEAT
        for number in range(round(beats * TICKS_PER_BEAT)):
            at_s = self.next_s + number // in_one_frame * in_one_frame * interval_s
            self.messages.append((at_s, TICK))
            if copied_after_s is not None:
                self.messages.append((at_s + copied_after_s, TICK))
        self.next_s += round(beats * TICKS_PER_BEAT) * interval_s
        return self

    def rest(self, seconds: float) -> "Script":
        """Sends nothing for a while."""
        self.next_s += seconds
        return self


@dataclass(frozen=True, slots=True)
class Heard:
    """What was sent and what came, each with its frame, and how often a cycle was missed or the server was late."""

    sent: list[tuple[int, bytes]]
    received: list[tuple[int, bytes]]
    gaps: int
    rate: int

    @property
    def onsets(self) -> list[int]:
        """The frames of the jam's note-ons."""
        return [frame for frame, data in self.received if data[0] >> 4 == 9 and data[2]]

    @property
    def ticks(self) -> list[int]:
        """The frames of the ticks that were sent."""
        return [frame for frame, data in self.sent if data == TICK]


def play(script: Script, midi_in: str, midi_out: str) -> Heard:
    """Plays the script to the jam with these ports; returns what was heard."""
    lines = [json.dumps([at_s, data.hex()]) for at_s, data in script.messages]
    done = subprocess.run(
        [sys.executable, "-m", "tests.server.session.scripted_clock", midi_in, midi_out],
        input="\n".join(lines),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=script.next_s + PATIENCE_S,
        check=True,
    )
    sent, received, gaps, rate = [], [], 0, 0
    for words in (line.split() for line in done.stdout.splitlines()):
        match words:
            case ["sent", frame, data]:
                sent.append((int(frame), bytes.fromhex(data)))
            case ["received", frame, data]:
                received.append((int(frame), bytes.fromhex(data)))
            case ["gap"]:
                gaps += 1
            case ["rate", number]:
                rate = int(number)
    return Heard(sent, received, gaps, rate)


def main(midi_in: str, midi_out: str, lines: Sequence[str]) -> None:
    """Sends each message of the lines on its frame, and prints what was sent and received."""
    import jack

    client = jack.Client("scripted-daw", no_start_server=True)
    out, source = client.midi_outports.register("out"), client.midi_inports.register("in")
    rate = client.samplerate
    waiting = [(round(at_s * rate), bytes.fromhex(data)) for at_s, data in map(json.loads, lines)][::-1]
    printed = [f"rate {rate}"]
    state = {"next": -1, "zero": -1}
    done = Event()

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        first = client.last_frame_time
        if state["next"] not in {-1, first}:
            printed.append("gap")
        state["next"] = first + frames
        for offset, data in source.incoming_midi_events():
            printed.append(f"received {first + offset} {bytes(data).hex()}")
        out.clear_buffer()
        if state["zero"] < 0:
            return
        while waiting and state["zero"] + waiting[-1][0] < first + frames:
            frame, data = waiting.pop()
            offset = max(0, state["zero"] + frame - first)
            out.write_midi_event(offset, data)
            printed.append(f"sent {first + offset} {data.hex()}")
        if not waiting:
            done.set()

    @client.set_xrun_callback  # type: ignore[untyped-decorator]
    def on_xrun(_delayed_us: float) -> None:
        printed.append("gap")

    with client:
        client.connect(out.name, midi_in)
        client.connect(midi_out, source.name)
        Event().wait(BEGINS_AFTER_S)
        state["zero"] = client.frame_time + rate // 10
        done.wait()
        Event().wait(ENDS_AFTER_S)
    print(*printed, sep="\n", flush=True)  # noqa: T201  its output is what it is for


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.stdin.read().splitlines())
