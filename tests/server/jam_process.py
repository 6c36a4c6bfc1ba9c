"""The other side of a running jam: a keyboard, a recorder and a phone, each a program or a socket of its own."""

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
"""How long a test waits for what is sure to come; nothing waits that long unless it fails."""

HOST = "127.0.0.1"
ERROR = "/fours/error"
SAMPLE_RATE = 48_000
# Fast, so that little time is spent listening: a beat is 0.2 s.
TEMPO_BPM = 300.0
BEAT_S = 60.0 / TEMPO_BPM
QUIET_S = 3 * BEAT_S
"""After so long a silence nothing more comes: a phrase is answered a beat after its end."""
FOURS = (sys.executable, "-c", "import sys; from server.cli import main; sys.exit(main())")

# A keyboard in a process of its own, with rtmidi alone: on each line a phrase, seconds and messages in turns.
KEYBOARD = """
import sys, time, rtmidi
port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="test keyboard")
port.open_port(port.get_ports().index(sys.argv[1]), name="out")
time.sleep(0.1)
for line in sys.stdin:
    words = line.split()
    began_s = time.monotonic()
    for at_s, message in zip(words[::2], words[1::2]):
        time.sleep(max(0.0, began_s + float(at_s) - time.monotonic()))
        port.send_message(bytes.fromhex(message))
    print("played", flush=True)
time.sleep(0.1)
port.close_port()
"""


def free_port() -> int:
    """A UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until(there: Callable[[], bool], what: str) -> None:
    """Asks over and over; fails where `what` never comes."""
    clock = MonotonicClock()
    until_s = clock.now_s() + PATIENCE_S
    while not there():
        assert clock.now_s() < until_s, f"{what} never came"


class Keyboard:
    """Plays to a port from another process."""

    def __init__(self, port_name: str) -> None:
        command = [sys.executable, "-c", KEYBOARD, port_name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def play(self, notes: Iterable[Note]) -> None:
        """Returns when all keys are up."""
        self.send((message.beat * BEAT_S, message.message) for message in as_played(notes))

    def send(self, timed: Iterable[tuple[float, Message]]) -> None:
        """Sends messages, each so many seconds from now; returns when all are sent."""
        words = (f"{at_s:.6f} {encode_midi(message).hex()}" for at_s, message in timed)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(*words, file=self._process.stdin, flush=True)
        assert self._process.stdout.readline() == "played\n"

    def close(self) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(PATIENCE_S)


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A message that was recorded, and the second at which."""

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
    """What `jack_midi_dump` hears; each method waits for more, and `heard` keeps all of it."""

    incoming: SimpleQueue[RecordedMessage] = field(default_factory=SimpleQueue)
    messages: list[RecordedMessage] = field(default_factory=list)

    def next(self, patience_s: float = PATIENCE_S) -> RecordedMessage:
        """The next message; raises Empty where none comes."""
        self.messages.append(self.incoming.get(timeout=patience_s))
        return self.messages[-1]

    def next_note_on(self) -> RecordedMessage:
        """The next beginning of a note."""
        while not (came := self.next()).is_note_on:
            pass
        return came

    def until_quiet(self, quiet_s: float = QUIET_S) -> list[RecordedMessage]:
        """All that comes until there is silence for so long."""
        before = len(self.messages)
        with suppress(Empty):
            while True:
                self.next(PATIENCE_S if sounding_pitches(self.messages) else quiet_s)
        return self.messages[before:]

    def next_answer(self) -> list[RecordedMessage]:
        """All that comes from the next beginning of a note until there is silence."""
        return [self.next_note_on(), *self.until_quiet()]


def sounding_pitches(heard: Iterable[RecordedMessage]) -> set[int]:
    """The pitches that were begun and not ended; none is begun twice."""
    pitches: set[int] = set()
    for came in heard:
        if came.is_note_on:
            assert came.pitch not in pitches
            pitches.add(came.pitch)
        elif came.is_note_off:
            pitches.discard(came.pitch)
    return pitches


@contextmanager
def recording(port_name: str) -> Iterator[MidiRecording]:
    """Records a port by `jack_midi_dump`."""
    dump, connect, lister = (require_program(name) for name in ("jack_midi_dump", "jack_connect", "jack_lsp"))
    client = f"test-recorder-{free_port()}"
    # Through a pipe it would keep its lines to itself until there are 4 kB of them.
    command = ["stdbuf", "-oL", dump, "-a", client]
    made = MidiRecording()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            wait_until(lambda: f"{client}:input" in _lines([lister]), client)
            subprocess.run([connect, port_name, f"{client}:input"], check=True, timeout=PATIENCE_S)
            assert process.stdout is not None
            reader = Thread(target=_record, args=(process.stdout, made), daemon=True)
            reader.start()
            yield made
        finally:
            # By SIGTERM it would die without a word to JACK, and of that jackd may die in turn.
            process.send_signal(signal.SIGINT)
            reader.join(PATIENCE_S)
            process.terminate()


def _record(lines: Iterable[str], made: MidiRecording) -> None:
    for line in lines:
        frame, _, rest = line.partition(":")
        if frame.strip().isdigit():
            made.incoming.put(RecordedMessage(bytes.fromhex("".join(rest.split()[:3])), int(frame) / SAMPLE_RATE))


def _lines(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout.splitlines()


@contextmanager
def oscdump(port: int) -> Iterator[Callable[[str], str]]:
    """What comes to a port, as liblo's `oscdump` prints it; each call waits for a line that begins so, without its time."""
    said: SimpleQueue[str] = SimpleQueue()
    command = [require_program("oscdump"), "-L", str(port)]
    hello = encode(OscMessage("/hello"))

    def read(lines: Iterable[str]) -> None:
        for line in lines:
            said.put(line[line.find("/") :].strip())

    def heard(beginning: str) -> str:
        # What everyone is told comes in between.
        while not (line := said.get(timeout=PATIENCE_S)).startswith(beginning):
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
            # Greeted until it is there, then once more: what follows comes after the last greeting.
            while said.empty():
                caller.sendto(hello, (HOST, port))
                with suppress(Empty):
                    said.put(said.get(timeout=0.05))
            caller.sendto(encode(OscMessage("/ready")), (HOST, port))
            while said.get(timeout=PATIENCE_S) != "/ready":
                pass
            yield heard
        finally:
            process.terminate()
            reader.join(PATIENCE_S)


class Phone:
    """A socket that says things by OSC, and hears what is answered to it."""

    def __init__(self, port: int, host: str = HOST) -> None:
        self._to = (host, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE_S)
        self._heard: deque[OscMessage] = deque()

    def ask(self, address: str, *arguments: OscArgument) -> OscMessage:
        """What comes back, which is the value that was taken, or a complaint."""
        return self.ask_raw(encode(OscMessage(address, arguments)), address)

    def ask_raw(self, packet: bytes, wanted: str = ERROR) -> OscMessage:
        self._socket.sendto(packet, self._to)
        return self.receive(wanted)

    def send(self, address: str, *arguments: OscArgument) -> None:
        self._socket.sendto(encode(OscMessage(address, arguments)), self._to)

    def receive(self, address: str) -> OscMessage:
        """The next of that address, or the next complaint; what else everyone is told is passed over."""
        while True:
            while self._heard:
                message = self._heard.popleft()
                if message.address in {address, ERROR}:
                    return message
            self._heard.extend(decode(self._socket.recv(65536)))

    def close(self) -> None:
        self._socket.close()


@dataclass(slots=True)
class RunningJam:
    """A `fours jam` that has said that it is ready."""

    process: subprocess.Popen[str]
    printed_lines: list[str]
    """What it has printed."""
    stderr_file: Path
    """The file of its stderr."""
    osc_port: int
    reply_port: int
    phone: Phone
    keyboard: Keyboard | None = None

    def start_line(self, label: str) -> str:
        """What a line of the start says after its label."""
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
        """Ends it by a signal; its exit status, and what it said on stderr."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        return status, self.stderr_file.read_text(encoding="utf-8")


@contextmanager
def running_jam(
    folder: Path, *options: str, osc_port: int | None = None, more_config: str = ""
) -> Iterator[RunningJam]:
    """A jam in a process of its own, with OSC ports that nobody has; `folder` holds its configuration."""
    osc_port, reply_port = osc_port or free_port(), free_port()
    (folder / "config.toml").write_text(
        f"[osc]\nport = {osc_port}\nreply_port = {reply_port}\n[controls]\ntempo = {TEMPO_BPM}\n{more_config}",
        encoding="utf-8",
    )
    # Many jams at once have one panel's port between them, so only who asks for a panel has one.
    panel = () if "--panel-port" in options else ("--no-panel",)
    command = [*FOURS, "jam", *options, *panel]
    phone = Phone(osc_port)
    # To a file: a pipe that nobody reads is full after 64 kB, and whoever logs into it then waits for ever.
    complaints = folder / "stderr.txt"
    with (
        complaints.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        jam = None
        try:
            jam = RunningJam(process, _said_at_start(process, complaints), complaints, osc_port, reply_port, phone)
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


def _said_at_start(process: subprocess.Popen[str], complaints: Path) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("Ready in"):
            return lines
    status = process.wait(PATIENCE_S)
    raise AssertionError(f"the jam ended with {status} and said: {lines} {complaints.read_text(encoding='utf-8')}")
