import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from queue import Empty, SimpleQueue
from threading import Event, Thread

import pytest

from bridge.midi.ports import OutputPort, PortInfo, list_all_ports
from bridge.midi.rtmidi_system import RtMidiSystem
from bridge.timing.clock import MonotonicClock
from tests.programs import require_program

pytestmark = pytest.mark.usefixtures("jackd")

PATIENCE_S = 10
"""How long a test waits for something that is certain to happen; only a failing test waits that long."""

NOTE = bytes([0x90, 60, 100])
CLOCK = bytes([0xF8])
SYSEX = bytes([0xF0, 0x7D, 1, 2, 0xF7])

# Sent until one arrives: JACK may drop or repeat messages in the cycle in which it connects two ports.
PING = bytes([0xB0, 102, 1])
READY = bytes([0xB0, 102, 2])

# Another process, with rtmidi alone: it sends the given messages to the given port.
PLAYER = """
import sys, time, rtmidi
port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="test player")
port.open_port(port.get_ports().index(sys.argv[1]), name="out")
time.sleep(0.1)
for message in sys.argv[2:]:
    port.send_message(bytes.fromhex(message))
time.sleep(0.1)
port.close_port()
port.delete()
"""

Heard = SimpleQueue[tuple[bytes, float]]


@pytest.fixture
def heard() -> Heard:
    return SimpleQueue()


def play(port_name: str, *messages: bytes) -> None:
    hexadecimal = [message.hex() for message in messages]
    subprocess.run([sys.executable, "-c", PLAYER, port_name, *hexadecimal], check=True, timeout=PATIENCE_S)


def wait_until_connected(port: OutputPort, heard: Heard) -> None:
    """Waits until a message that is sent arrives."""
    came = b""
    while came != PING:
        port.send(PING)
        with suppress(Empty):
            came = heard.get(timeout=0.05)[0]
    port.send(READY)
    while came != READY:
        came = heard.get(timeout=PATIENCE_S)[0]


@contextmanager
def dumped_messages(port: OutputPort) -> Iterator[Iterator[bytes]]:
    """The messages that `jack_midi_dump` prints for a port; the iterator waits for each."""
    client = "test-dump"
    dump, connect = require_program("jack_midi_dump"), require_program("jack_connect")
    # Through a pipe, without stdbuf, it would buffer its lines up to 4 kB.
    command = ["stdbuf", "-oL", dump, client]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            wait_for_port(f"{client}:input")
            subprocess.run([connect, port.name, f"{client}:input"], check=True, timeout=PATIENCE_S)
            while not select.select([process.stdout], [], [], 0.05)[0]:
                port.send(PING)
            messages = (bytes.fromhex("".join(line.split(":")[1].split()[:3])) for line in process.stdout)
            yield (message for message in messages if message != PING)
        finally:
            process.terminate()


def wait_for_port(port_name: str) -> None:
    lister, clock = require_program("jack_lsp"), MonotonicClock()
    until_s = clock.now_s() + PATIENCE_S
    while port_name not in subprocess.run([lister], capture_output=True, text=True, check=True).stdout.splitlines():
        assert clock.now_s() < until_s, f"{port_name} never came"


def test_auto_finds_the_jack_server() -> None:
    assert RtMidiSystem().api == "jack"


def test_others_see_both_ports_under_their_reported_names() -> None:
    system = RtMidiSystem()
    with system.open_input(None, lambda _data, _at_s: None) as source, system.open_output(None) as sink:
        assert source.name == "Trading Fours:Trading Fours In"
        assert sink.name == "Trading Fours Out:Trading Fours Out"
        for port in (source, sink):
            wait_for_port(port.name)
        assert PortInfo("output", source.name, "jack") in list_all_ports(system)
        assert PortInfo("input", sink.name, "jack") in list_all_ports(system)
    assert not {"Trading Fours In", "Trading Fours Out"} & {row.name.split(":")[-1] for row in list_all_ports(system)}


def test_a_second_jam_on_jack_reports_its_own_names() -> None:
    system = RtMidiSystem()
    with (
        system.open_input(None, lambda _data, _at_s: None),
        system.open_output(None),
        system.open_input(None, lambda _data, _at_s: None) as source,
        system.open_output(None) as sink,
    ):
        assert source.name == "Trading Fours-01:Trading Fours In"
        assert sink.name == "Trading Fours Out-01:Trading Fours Out"


def test_messages_of_another_process_arrive_with_their_time(heard: Heard) -> None:
    clock = MonotonicClock()
    with RtMidiSystem(clock=clock).open_input(None, lambda data, at_s: heard.put((data, at_s))) as port:
        before_s = clock.now_s()
        play(port.name, NOTE, CLOCK, SYSEX)
        came = [heard.get(timeout=PATIENCE_S) for _ in range(3)]
        after_s = clock.now_s()
    assert [data for data, _ in came] == [NOTE, CLOCK, SYSEX]
    moments_s = [before_s, *(at_s for _, at_s in came), after_s]
    assert moments_s == sorted(moments_s)


def test_after_an_exception_the_receiver_gets_the_next_message(heard: Heard, capfd: pytest.CaptureFixture[str]) -> None:
    def raising(data: bytes, at_s: float) -> None:
        heard.put((data, at_s))
        raise RuntimeError("a bug of ours")

    with RtMidiSystem()._open_input(None, raising) as port:
        play(port.name, NOTE, NOTE)
        assert [heard.get(timeout=PATIENCE_S)[0] for _ in range(2)] == [NOTE, NOTE]
    assert port.faults.counts == {"RuntimeError": 2}
    assert not capfd.readouterr().err


def test_jack_midi_dump_reads_what_is_sent() -> None:
    with RtMidiSystem().open_output(None) as port, dumped_messages(port) as messages:
        port.send(NOTE)
        assert next(messages) == NOTE


@pytest.mark.parametrize("attempt", range(3))
def test_messages_sent_right_before_closing_arrive_once_and_undamaged(heard: Heard, attempt: int) -> None:
    system = RtMidiSystem()
    releases = [bytes([0x80, pitch, attempt]) for pitch in range(128)]
    output = system.open_output(None)
    with system.open_input(output.name, lambda data, at_s: heard.put((data, at_s))):
        wait_until_connected(output, heard)
        for release in releases:
            output.send(release)
        output.close()
        assert [heard.get(timeout=PATIENCE_S)[0] for _ in releases] == releases
    assert heard.empty()


def test_chords_arrive_whole_while_another_thread_keeps_python_busy(heard: Heard) -> None:
    chords = [bytes([0x90, pitch, 1 + number]) for number in range(40) for pitch in (48, 55, 60, 64, 67)]
    done = Event()
    busy = Thread(target=lambda: all(not done.is_set() for _ in count()))
    system = RtMidiSystem()
    with (
        system.open_input(None, lambda data, at_s: heard.put((data, at_s))) as port,
        system.open_output(port.name) as out,
    ):
        wait_until_connected(out, heard)
        busy.start()
        try:
            for note in chords:
                out.send(note)
            assert [heard.get(timeout=PATIENCE_S)[0] for _ in chords] == chords
        finally:
            done.set()
            busy.join()


def test_an_existing_port_is_opened_by_a_part_of_its_name(heard: Heard) -> None:
    system = RtMidiSystem()
    with system.open_input(None, lambda data, at_s: heard.put((data, at_s))) as ours:
        with system.open_output("FOURS IN") as port:
            wait_until_connected(port, heard)
            port.send(NOTE)
            assert heard.get(timeout=PATIENCE_S)[0] == NOTE
        assert port.name == ours.name
