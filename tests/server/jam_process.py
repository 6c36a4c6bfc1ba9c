"""A running `fours jam`, and what surrounds it: a keyboard, a MIDI recorder and a phone, each a process or a socket."""

import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from bridge.midi.messages import Message
from bridge.midi.messages import encode as encode_midi
from bridge.osc.osc_packets import OscArgument, OscMessage, decode, encode
from bridge.timing.clock import MonotonicClock
from model.notes import Note
from tests.programs import require_program
from tests.server.jams import as_played

PATIENCE_S = 15
"""How long a test waits for something that must come; only a failing test waits that long."""

HOST = "127.0.0.1"
ERROR_ADDRESS = "/fours/error"
SAMPLE_RATE = 48_000
# Fast, so that the tests take little time: a beat is 0.2 s.
TEMPO_BPM = 300.0
BEAT_S = 60.0 / TEMPO_BPM
ANSWER_OVER_S = 3 * BEAT_S
"""After a silence of this length an answer is over: a phrase is answered one beat after its end."""
FOURS_COMMAND = (sys.executable, "-c", "import sys; from server.cli import main; sys.exit(main())")

# A keyboard in its own process, which uses only rtmidi. It tells when it is connected. Then each line that it reads is a
# phrase: seconds and a message in hexadecimal, in turns. It deletes its port, because Python's end does not: a client that ends without
# leaving JACK can make a server that waits for its clients (`jackd -S`) stand still for five seconds.
KEYBOARD_SCRIPT = """
import os, sys, time, rtmidi
if hasattr(os, "SCHED_FIFO"):  # a keyboard is not late because a machine is busy
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass
port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="test keyboard")
port.open_port(port.get_ports().index(sys.argv[1]), name="out")
time.sleep(0.1)
print("connected", flush=True)
for line in sys.stdin:
    words = line.split()
    began_s = time.monotonic()
    for at_s, message in zip(words[::2], words[1::2]):
        time.sleep(max(0.0, began_s + float(at_s) - time.monotonic()))
        port.send_message(bytes.fromhex(message))
    print("played", flush=True)
time.sleep(0.1)
port.close_port()
port.delete()
"""


def free_port() -> int:
    """A UDP port that no program uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until(is_there: Callable[[], bool], what: str) -> None:
    """Waits until `is_there` returns true; fails after `PATIENCE_S`, with the description `what`."""
    clock = MonotonicClock()
    until_s = clock.now_s() + PATIENCE_S
    while not is_there():
        assert clock.now_s() < until_s, f"{what} never came"


class Keyboard:
    """Plays to a MIDI port from another process."""

    def __init__(self, port_name: str) -> None:
        """Returns once it is connected."""
        command = [sys.executable, "-c", KEYBOARD_SCRIPT, port_name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._expect("connected")

    def play(self, notes: Iterable[Note]) -> None:
        """Plays the notes at `TEMPO_BPM`; returns when all keys are up."""
        self.send((message.beat * BEAT_S, message.message) for message in as_played(notes))

    def send(self, timed: Iterable[tuple[float, Message]]) -> None:
        """Sends messages, each at a time in seconds from now; returns when all are sent."""
        words = (f"{at_s:.6f} {encode_midi(message).hex()}" for at_s, message in timed)
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)
        self._expect("played")

    def _expect(self, printed: str) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"{printed}\n"

    def kill(self) -> None:
        """Ends it where its JACK server is gone, so that it cannot close its port."""
        with self._process:
            self._process.kill()

    def close(self) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(PATIENCE_S)


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A recorded message, and its time on the JACK server's clock."""

    data: bytes
    at_s: float

    @property
    def is_note_on(self) -> bool:
        return self.data[0] >> 4 == 9 and self.data[2] > 0

    @property
    def is_note_off(self) -> bool:
        return self.data[0] >> 4 == 8 or (self.data[0] >> 4 == 9 and self.data[2] == 0)

    @property
    def pitch(self) -> int:
        return self.data[1]


@dataclass(slots=True)
class MidiRecording:
    """What `jack_midi_dump` records: each method waits for more messages, and `messages` holds all so far."""

    _incoming: SimpleQueue[RecordedMessage] = field(default_factory=SimpleQueue)
    messages: list[RecordedMessage] = field(default_factory=list)

    def next(self, patience_s: float = PATIENCE_S) -> RecordedMessage:
        """The next message; raises Empty if none comes in time."""
        self.messages.append(self._incoming.get(timeout=patience_s))
        return self.messages[-1]

    def next_note_on(self) -> RecordedMessage:
        """The next note-on."""
        while not (message := self.next()).is_note_on:
            pass
        return message

    def until_quiet(self, quiet_s: float = ANSWER_OVER_S) -> list[RecordedMessage]:
        """All messages until no note sounds and none comes for `quiet_s`."""
        before = len(self.messages)
        with suppress(Empty):
            while True:
                self.next(PATIENCE_S if sounding_pitches(self.messages) else quiet_s)
        return self.messages[before:]

    def next_answer(self) -> list[RecordedMessage]:
        """All messages from the next note-on until there is silence."""
        return [self.next_note_on(), *self.until_quiet()]


def sounding_pitches(messages: Iterable[RecordedMessage]) -> set[int]:
    """The pitches with a note-on and no note-off after it; fails if a pitch starts while it sounds."""
    pitches: set[int] = set()
    for message in messages:
        if message.is_note_on:
            assert message.pitch not in pitches
            pitches.add(message.pitch)
        elif message.is_note_off:
            pitches.discard(message.pitch)
    return pitches


@contextmanager
def recorded_port(port_name: str) -> Iterator[MidiRecording]:
    """Records a JACK port with `jack_midi_dump`."""
    dump, connect, lister = (require_program(name) for name in ("jack_midi_dump", "jack_connect", "jack_lsp"))
    client = f"test-recorder-{free_port()}"
    # With `stdbuf`, because it would write to a pipe only in blocks of 4 kB.
    command = ["stdbuf", "-oL", dump, "-a", client]
    recording = MidiRecording()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        reader = Thread(target=_read_dump, args=(process.stdout, recording), daemon=True)
        reader.start()
        try:
            wait_until(lambda: f"{client}:input" in _output_lines([lister]), client)
            subprocess.run([connect, port_name, f"{client}:input"], check=True, timeout=PATIENCE_S)
            yield recording
        finally:
            # SIGTERM would kill it before it closes its JACK client, which can kill jackd too.
            process.send_signal(signal.SIGINT)
            reader.join(PATIENCE_S)
            process.terminate()


def _read_dump(lines: Iterable[str], recording: MidiRecording) -> None:
    for line in lines:
        frame, _, rest = line.partition(":")
        if frame.strip().isdigit():
            recording._incoming.put(RecordedMessage(bytes.fromhex("".join(rest.split()[:3])), int(frame) / SAMPLE_RATE))


def _output_lines(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout.splitlines()


@contextmanager
def osc_listener(port: int) -> Iterator[Callable[[str], str]]:
    """Listens on a UDP port with liblo's `oscdump`; the function waits for a line with this beginning, without its time."""
    printed: SimpleQueue[str] = SimpleQueue()
    command = [require_program("oscdump"), "-L", str(port)]
    hello = encode(OscMessage("/hello"))

    def read(lines: Iterable[str]) -> None:
        for line in lines:
            printed.put(line[line.find("/") :].strip())

    def next_line(beginning: str) -> str:
        # Skips the updates that go to all subscribers.
        while not (line := printed.get(timeout=PATIENCE_S)).startswith(beginning):
            pass
        return line

    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller,
    ):
        assert process.stdout is not None
        reader = Thread(target=read, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            # Sends /hello until it answers, and then /ready: all lines after /ready belong to the test.
            while printed.empty():
                caller.sendto(hello, (HOST, port))
                with suppress(Empty):
                    printed.put(printed.get(timeout=0.05))
            caller.sendto(encode(OscMessage("/ready")), (HOST, port))
            while printed.get(timeout=PATIENCE_S) != "/ready":
                pass
            yield next_line
        finally:
            process.terminate()
            reader.join(PATIENCE_S)


class Phone:
    """An OSC client: a socket that sends messages and receives the replies."""

    def __init__(self, port: int, host: str = HOST) -> None:
        self._to = (host, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE_S)
        self._received: deque[OscMessage] = deque()

    def ask(self, address: str, *arguments: OscArgument) -> OscMessage:
        """Sends a message; returns the reply, which holds the accepted value, or an error message."""
        return self.ask_raw(encode(OscMessage(address, arguments)), address)

    def ask_raw(self, packet: bytes, wanted: str = ERROR_ADDRESS) -> OscMessage:
        self._socket.sendto(packet, self._to)
        return self.receive(wanted)

    def send(self, address: str, *arguments: OscArgument) -> None:
        self._socket.sendto(encode(OscMessage(address, arguments)), self._to)

    def receive(self, address: str) -> OscMessage:
        """The next message with that address, or the next error; skips the updates that go to all subscribers."""
        while True:
            while self._received:
                message = self._received.popleft()
                if message.address in {address, ERROR_ADDRESS}:
                    return message
            self._received.extend(decode(self._socket.recv(65536)))

    def close(self) -> None:
        self._socket.close()


@dataclass(slots=True)
class RunningJam:
    """A `fours jam` that has printed that it is ready."""

    process: subprocess.Popen[str]
    printed_lines: list[str]
    """The lines that it has printed, up to "Ready in"."""
    stderr_file: Path
    """The file of its stderr."""
    osc_port: int
    reply_port: int
    phone: Phone
    keyboard: Keyboard | None = None

    def start_line(self, label: str) -> str:
        """The text after a label in the lines of the start."""
        (line,) = [line for line in self.printed_lines if line.startswith(f"{label} ")]
        return line.removeprefix(label).strip()

    @property
    def midi_in(self) -> str:
        return self.start_line("MIDI in").rpartition(" (")[0]

    @property
    def midi_out(self) -> str:
        return self.start_line("MIDI out").rpartition(" (")[0]

    def play(self, notes: Iterable[Note]) -> None:
        """Plays notes to it; returns when all keys are up."""
        if self.keyboard is None:
            self.keyboard = Keyboard(self.midi_in)
        self.keyboard.play(notes)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Stops it with a signal; returns its exit status and all of its stderr."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        return status, self.stderr_file.read_text(encoding="utf-8")


@contextmanager
def running_jam(
    folder: Path, *options: str, osc_port: int | None = None, more_config: str = ""
) -> Iterator[RunningJam]:
    """A jam in its own process, with free OSC ports; `folder` is its working folder, and gets its config.toml."""
    osc_port, reply_port = osc_port or free_port(), free_port()
    (folder / "config.toml").write_text(
        f"[osc]\nport = {osc_port}\nreply_port = {reply_port}\n[controls]\ntempo = {TEMPO_BPM}\n{more_config}",
        encoding="utf-8",
    )
    # Jams that run at the same time would share the panel's default port, so a test must request a panel with its port.
    panel = () if "--panel-port" in options else ("--no-panel",)
    command = [*FOURS_COMMAND, "jam", *options, *panel]
    phone = Phone(osc_port)
    # Into a file, because a pipe that nobody reads is full after 64 kB, and then blocks the process.
    stderr_file = folder / "stderr.txt"
    with (
        stderr_file.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        jam = None
        try:
            jam = RunningJam(
                process, _lines_until_ready(process, stderr_file), stderr_file, osc_port, reply_port, phone
            )
            yield jam
        finally:
            phone.close()
            if jam is not None and jam.keyboard is not None:
                jam.keyboard.close()
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(PATIENCE_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def _lines_until_ready(process: subprocess.Popen[str], stderr_file: Path) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("Ready in"):
            return lines
    status = process.wait(PATIENCE_S)
    raise AssertionError(f"the jam ended with {status} and said: {lines} {stderr_file.read_text(encoding='utf-8')}")
