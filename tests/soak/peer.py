"""A JACK client of the soak in a process of its own: `python -m tests.soak.peer ROLE RANDOM_SEED`.

The roles: a `robot` that plays phrases, a `player` that does so without connecting itself, a `synth` that records what it gets, a `clock` that comes and goes, and a client that is
in `trouble`: it delays whole cycles. A line on stdin is a command: `pull SECONDS` unplugs the robot or the synth, `delay SECONDS`
provokes an xrun. Lines on stdout begin with what happened and the monotonic second: `sent`, `got`, `pulled`, `back`, `gap`, `xrun`.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from itertools import cycle
from random import Random

import jack

JAM_INPUT = "Trading Fours:Trading Fours In"
POLL_S = 0.02
RETRY_S = 0.2
CLOCKS_PER_BEAT = 24
NOTE_ON, NOTE_OFF, CONTROL_CHANGE, PEDAL = 0x90, 0x80, 0xB0, 64
START, CLOCK, STOP = b"\xfa", b"\xf8", b"\xfc"
COME, GO = b"come", b"go"
"""No MIDI: the client opens, or closes."""
Playing = Iterator[tuple[float, list[bytes]]]
"""In turns the seconds to wait after the messages, and the messages."""
REPERTOIRE = 12
SOFTEST = 64
"""The robot plays louder than any page, so that its notes can be distinguished from theirs."""


class Peer:
    """A client with a port in each direction, which can be closed and opened again."""

    def __init__(self, role: str, *, plays: bool) -> None:
        self._role, self._plays = role, plays
        self._outgoing: deque[bytes] = deque()
        self._lines: deque[str] = deque()
        self._delay_s = 0.0
        self._client: jack.Client | None = None

    def open(self) -> None:
        """Opens the client; a source of messages connects itself to the jam."""
        client = jack.Client(f"soak-{self._role}", no_start_server=True)
        inputs, output = client.midi_inports.register("in"), client.midi_outports.register("out")
        expected = -1

        @client.set_process_callback  # type: ignore[untyped-decorator]
        def process(frames: int) -> None:
            nonlocal expected
            first = client.last_frame_time
            if expected not in {-1, first}:
                self.report("gap", str(first - expected))
            expected = first + frames
            for _, data in inputs.incoming_midi_events():
                self.report("got", bytes(data).hex())
            output.clear_buffer()
            for offset in range(min(len(self._outgoing), frames)):
                message = self._outgoing.popleft()
                output.write_midi_event(offset, message)
                self.report("sent", message.hex())
            delay_s, self._delay_s = self._delay_s, 0.0
            if delay_s:
                time.sleep(delay_s)

        @client.set_xrun_callback  # type: ignore[untyped-decorator]
        def on_xrun(_delayed_us: float) -> None:
            self.report("xrun", "")

        client.activate()
        self._client = client
        while self._plays:
            try:
                client.connect(output, JAM_INPUT)
            except jack.JackError:
                time.sleep(RETRY_S)
            else:
                break

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        self._outgoing.clear()

    def pull(self, seconds: float) -> None:
        """Unplugs it for some seconds, at any moment."""
        self.report("pulled", "")
        self.close()
        time.sleep(seconds)
        self.open()
        self.report("back", "")

    def delay(self, seconds: float) -> None:
        """Makes the next cycle late."""
        self._delay_s = seconds
        self.report("delayed", "")

    def send(self, message: bytes) -> None:
        self._outgoing.append(message)

    def report(self, what: str, detail: str) -> None:
        self._lines.append(f"{what} {time.monotonic():.6f} {detail}")

    def print_lines(self) -> None:
        while self._lines:
            print(self._lines.popleft(), flush=True)


def main() -> None:
    role, random_seed = sys.argv[1], int(sys.argv[2])
    peer = Peer(role, plays=role in {"robot", "clock"})
    if role != "clock":
        peer.open()
    print(f"ready {time.monotonic():.6f}", flush=True)
    done = threading.Event()
    commands: deque[tuple[str, float]] = deque()

    def read_commands() -> None:
        for line in sys.stdin:
            name, _, seconds = line.partition(" ")
            commands.append((name, float(seconds)))
        done.set()

    threading.Thread(target=read_commands, daemon=True).start()
    playing = _PLAYING.get(role, _idle)(Random(random_seed))
    next_s = time.monotonic()
    while not done.wait(max(0.0, min(next_s - time.monotonic(), POLL_S))):
        while commands:
            name, seconds = commands.popleft()
            {"pull": peer.pull, "delay": peer.delay}[name](seconds)
            next_s = max(next_s, time.monotonic())
        while time.monotonic() >= next_s:
            step_s, messages = next(playing)
            next_s += step_s
            _play(peer, messages)
        peer.print_lines()
    peer.close()
    peer.print_lines()


def _play(peer: Peer, messages: list[bytes]) -> None:
    for message in messages:
        if message == GO:
            peer.close()
        elif message == COME:
            peer.open()
        else:
            peer.send(message)


def _idle(_random: Random) -> Playing:
    while True:
        yield 1.0, []


def _phrases(random: Random) -> Playing:
    """Phrases of a few notes, some of them chords, some with the pedal, on three channels; and rests.

    They are drawn once and come round, so that the jam's memory of them does not grow for ever.
    """
    repertoire = [_phrase(random) for _ in range(REPERTOIRE)]
    for phrase in cycle(repertoire):
        yield from phrase


def _phrase(random: Random) -> list[tuple[float, list[bytes]]]:
    channel = random.randrange(3)
    pedal = [bytes([CONTROL_CHANGE | channel, PEDAL, value]) for value in (127, 0)] if random.random() < 0.2 else []
    steps = [(0.05, pedal[:1])]
    for _ in range(random.randrange(3, 9)):
        pitches = random.sample(range(48, 84), random.choice((1, 1, 1, 1, 3)))
        ons = [bytes([NOTE_ON | channel, pitch, random.randrange(SOFTEST, 128)]) for pitch in pitches]
        steps.append((random.uniform(0.08, 0.3), ons))
        steps.append((random.uniform(0.02, 0.1), [bytes([NOTE_OFF | channel, pitch, 0]) for pitch in pitches]))
    return [*steps, (0.05, pedal[1:]), (random.uniform(0.5, 2.0), [])]


def _visits(random: Random) -> Playing:
    """A clock that appears, leads for some seconds, and goes, with or without a stop."""
    while True:
        yield random.uniform(4.0, 15.0), []
        yield 0.1, [COME]
        tempo_bpm = random.uniform(70.0, 180.0)
        yield 0.0, [START]
        for _ in range(int(random.uniform(3.0, 12.0) * tempo_bpm / 60 * CLOCKS_PER_BEAT)):
            yield 60.0 / tempo_bpm / CLOCKS_PER_BEAT, [CLOCK]
        yield 0.1, [STOP] if random.random() < 0.5 else []
        yield 0.0, [GO]


_PLAYING = {"robot": _phrases, "player": _phrases, "clock": _visits}

if __name__ == "__main__":
    main()
