"""The JACK ports on a real jackd without sound hardware, with short, medium and long periods."""

import gc
import os
import signal
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

import pytest

from bridge.errors import PortLost, PortNotFound
from bridge.midi.jack.jack_ports import LEAD_S, JackSystem
from bridge.midi.midi_systems import open_midi_system
from bridge.midi.ports import Period
from bridge.timing.clock import MonotonicClock
from tests.bridge.midi.jack.jack_loop import Received, loop, settle
from tests.conftest import Jackd, running_jackd
from tests.programs import require_program
from tests.soak.processes import running_peer

TIMEOUT_S = 10
SERVER = "fours-jack-ports"
SAMPLE_RATE = 48_000
NOTE = bytes([0x90, 60, 100])
ATTEMPTS, MOST_ERROR_MS = 6, 1.1
CHECKS_S = 1.2
"""In so long, all ports are looked at twice."""
LATE_S = 0.06
"""Longer than any period in use by these tests."""
MISSING_S = 3
"""A message that has not come after so long was left out."""


@pytest.fixture(params=[64, 256, 1024])
def frames(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The period of a running server."""
    with running_jackd(SERVER, tmp_path_factory, request.param):
        yield request.param


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jackd]:
    with running_jackd(SERVER, tmp_path_factory, 256) as running:
        yield running


@pytest.fixture
def received() -> Received:
    return SimpleQueue()


def wait_until(is_true: Callable[[], bool], what: str, timeout_s: float = TIMEOUT_S) -> None:
    clock = MonotonicClock()
    until_s = clock.now_s() + timeout_s
    while not is_true():
        assert clock.now_s() < until_s, f"{what} did not come"
        Event().wait(0.02)


def test_auto_opens_the_jack_system(frames: int) -> None:
    system = open_midi_system("auto", MonotonicClock(), platform="linux")
    assert isinstance(system, JackSystem)
    with system.open_output(None) as out:
        assert out.name == "Trading Fours:Trading Fours Out"
        assert out.latency_s == pytest.approx(frames / SAMPLE_RATE)
        milliseconds = 1000 * frames / SAMPLE_RATE
        assert out.description == f"jack, {frames} frames: notes on their frame, {milliseconds:.1f} ms ahead"
        assert out.name in system.inputs()
    with system.open_input(None, lambda _data, _at_s: None) as source:
        assert source.name in system.outputs()


def test_a_message_goes_out_on_the_frame_of_its_due_time_at_every_period(frames: int) -> None:
    # A message that is not on its frame is half a period off. jackd without real-time priority stands still at times, for long
    # where other programs are busy: then messages are late or left out, and the test is done again.
    errors_ms = []
    for _ in range(ATTEMPTS):
        try:
            errors_ms.append(median_error_ms(frames))
        except Empty:
            continue
        if abs(errors_ms[-1]) <= MOST_ERROR_MS:
            return
    pytest.fail(f"messages were off by {errors_ms} ms in {ATTEMPTS} attempts")


def median_error_ms(frames: int) -> float:
    """How much later than due messages came, without the cycle that JACK takes from an output to an input of the same client."""
    clock = MonotonicClock()
    received: Received = SimpleQueue()
    with loop(received) as out:
        due_s = [clock.now_s() + 0.05 + 0.0137 * number for number in range(60)]
        for number, second in enumerate(due_s):
            clock.wait_until(second - LEAD_S, 0.0)
            out.send(bytes([0x90, number, 100]), second)
        arrived = [received.get(timeout=MISSING_S) for _ in due_s]
    assert [data[1] for data, _ in arrived] == list(range(60))
    late_s = [at_s - second - frames / SAMPLE_RATE for (_, at_s), second in zip(arrived, due_s, strict=True)]
    return 1000 * statistics.median(late_s)


@pytest.mark.usefixtures("frames")
def test_a_message_is_never_dated_after_the_moment_at_which_it_is_read(received: Received) -> None:
    clock = MonotonicClock()
    age_s: list[float] = []
    with loop(received) as out:
        for _ in range(30):
            out.send(NOTE)
            _, at_s = received.get(timeout=TIMEOUT_S)
            age_s.append(clock.now_s() - at_s)
    assert statistics.median(age_s) > 0.0
    assert min(age_s) > -0.002


@pytest.mark.usefixtures("frames")
def test_a_note_off_that_is_due_before_its_note_on_comes_after_it(received: Received) -> None:
    clock = MonotonicClock()
    with loop(received) as out:
        out.send(NOTE, clock.now_s() + LEAD_S)
        out.send(bytes([0x80, 60, 0]))
        out.send(bytes([0xB0, 123, 0]))
        arrived = [received.get(timeout=TIMEOUT_S)[0] for _ in range(3)]
    assert arrived == [NOTE, bytes([0x80, 60, 0]), bytes([0xB0, 123, 0])]


@pytest.mark.usefixtures("frames")
def test_chords_arrive_complete_while_another_thread_keeps_python_busy(received: Received) -> None:
    chords = [bytes([0x90, pitch, 1 + number]) for number in range(40) for pitch in (48, 55, 60, 64, 67)]
    done = Event()
    busy = Thread(target=lambda: all(not done.is_set() for _ in count()))
    with loop(received) as out:
        busy.start()
        try:
            for note in chords:
                out.send(note)
            assert [received.get(timeout=TIMEOUT_S)[0] for _ in chords] == chords
        finally:
            done.set()
            busy.join()


def test_a_server_that_waits_for_its_clients_does_not_wait_for_one_that_ended(server: Jackd) -> None:
    for _ in range(6):
        system = JackSystem()
        assert system.inputs() is not None
        del system
        gc.collect()
    # It would have stood still for five seconds before it let the next client in, after three of four clients that just end.
    JackSystem()
    assert "SuspendRefNum error" not in server.log.read_text(encoding="utf-8", errors="replace")


@pytest.mark.usefixtures("frames")
def test_messages_sent_just_before_closing_go_out(received: Received) -> None:
    releases = [bytes([0x80, pitch, 64]) for pitch in range(128)]
    with loop(received) as out:
        for release in releases:
            out.send(release)
        out.close()
        assert [received.get(timeout=TIMEOUT_S)[0] for _ in releases] == releases


@pytest.mark.usefixtures("server")
class TestPorts:
    def test_an_existing_port_is_opened_by_a_part_of_its_name(self, received: Received) -> None:
        ours, other = JackSystem(), JackSystem()
        with (
            ours.open_input(None, lambda data, at_s: received.put((data, at_s))) as source,
            other.open_output("FOURS IN") as out,
        ):
            assert out.name == source.name
            settle(out, received)
            out.send(NOTE)
            assert received.get(timeout=TIMEOUT_S)[0] == NOTE

    def test_the_error_for_a_missing_port_names_it(self) -> None:
        with pytest.raises(PortNotFound, match='No MIDI input port fits "keys"'):
            JackSystem().open_input("keys", lambda _data, _at_s: None)

    def test_a_part_of_a_name_never_means_a_port_of_our_own(self) -> None:
        system = JackSystem()
        with (
            system.open_output(None),
            pytest.raises(PortNotFound, match='No MIDI input port fits "fours out": there are none'),
        ):
            system.open_input("fours out", lambda _data, _at_s: None)

    def test_the_ports_of_a_second_jam_have_another_name(self) -> None:
        with JackSystem().open_input(None, lambda _data, _at_s: None), JackSystem().open_output(None) as second:
            assert second.name == "Trading Fours-01:Trading Fours Out"

    def test_a_named_port_is_lost_and_found_again_with_its_program(self, received: Received) -> None:
        lost, found = Event(), Event()
        other = JackSystem()
        source = other.open_input(None, lambda data, at_s: received.put((data, at_s)))
        with JackSystem().open_output("fours in") as out:
            out.watch(lost.set, found.set)
            source.close()
            assert lost.wait(TIMEOUT_S)
            assert out.is_lost
            with pytest.raises(PortLost):
                out.send(NOTE)
            with other.open_input(None, lambda data, at_s: received.put((data, at_s))):
                assert found.wait(TIMEOUT_S)
                settle(out, received)
                out.send(NOTE)
                assert received.get(timeout=TIMEOUT_S)[0] == NOTE

    def test_a_named_port_whose_program_was_started_again_at_once_is_found_again(self, received: Received) -> None:
        lost, found = Event(), Event()
        other = JackSystem()
        source = other.open_input(None, lambda data, at_s: received.put((data, at_s)))
        with JackSystem().open_output("fours in") as out:
            out.watch(lost.set, found.set)
            source.close()
            # Before the ports are checked again, there is a port of this name, which is connected to nothing.
            with other.open_input(None, lambda data, at_s: received.put((data, at_s))):
                assert lost.wait(TIMEOUT_S)
                assert found.wait(TIMEOUT_S)
                settle(out, received)
                out.send(NOTE)
                assert received.get(timeout=TIMEOUT_S)[0] == NOTE

    def test_a_named_port_that_is_renamed_is_not_lost(self, received: Received) -> None:
        lost = Event()
        other = JackSystem()
        with (
            other.open_input(None, lambda data, at_s: received.put((data, at_s))) as source,
            JackSystem().open_output("fours in") as out,
        ):
            out.watch(lost.set, lambda: None)
            settle(out, received)
            rename = "import jack, sys; jack.Client('renamer').get_port_by_name(sys.argv[1]).shortname = 'Keys'"
            subprocess.run(_python(rename, source.name), check=True)
            wait_until(lambda: out.name == "Trading Fours:Keys", "the other name")
            # Another program's port, which makes the ports be looked at again.
            with JackSystem().open_input(None, lambda _data, _at_s: None):
                assert not lost.wait(CHECKS_S)
            out.send(NOTE)
            assert received.get(timeout=TIMEOUT_S)[0] == NOTE

    @pytest.mark.parametrize("what", ["plugged", "unplugged"])
    def test_a_change_of_a_port_that_was_closed_meanwhile_is_ignored(self, what: str) -> None:
        system = JackSystem()
        with system.open_input(None, lambda _data, _at_s: None) as source:
            system.connection._on_notice({"notice": what, "port": 99, "name": "synth:in"})
            assert not source.is_lost

    def test_a_receiver_that_raises_gets_the_next_message_too(self, received: Received) -> None:
        def raising(data: bytes, at_s: float) -> None:
            received.put((data, at_s))
            raise RuntimeError("a bug of ours")

        with JackSystem().open_input(None, raising) as source, JackSystem().open_output(source.name) as out:
            settle(out, received)
            before = source.faults.counts["RuntimeError"]
            for _ in range(2):
                out.send(NOTE)
                assert received.get(timeout=TIMEOUT_S)[0] == NOTE
            wait_until(lambda: source.faults.counts["RuntimeError"] == before + 2, "the second fault")

    def test_sounding_notes_are_ended_when_the_jam_is_killed(self, received: Received, tmp_path: Path) -> None:
        player = (
            "import os, signal, sys, time; from bridge.midi.jack.jack_ports import JackSystem\n"
            "out = JackSystem().open_output(sys.argv[1]); time.sleep(0.3)\n"
            "out.send(bytes([0x92, 60, 100])); time.sleep(0.3); os.kill(os.getpid(), signal.SIGKILL)"
        )
        with JackSystem().open_input(None, lambda data, at_s: received.put((data, at_s))) as source:
            killed = subprocess.run(_python(player, source.name), check=False, timeout=TIMEOUT_S, env=_environment())
            assert killed.returncode == -signal.SIGKILL
            arrived = [received.get(timeout=TIMEOUT_S)[0] for _ in range(4)]
        assert arrived == [bytes([0x92, 60, 100]), bytes([0x82, 60, 0]), bytes([0xB2, 64, 0]), bytes([0xB2, 123, 0])]


class TestServer:
    @pytest.mark.parametrize(
        ("before", "after", "rate"), [(256, 1024, 44_100), (1024, 256, 44_100), (256, 1024, 48_000)]
    )
    def test_the_ports_come_back_with_the_server_whatever_its_period_and_sample_rate(
        self, received: Received, tmp_path_factory: pytest.TempPathFactory, before: int, after: int, rate: int
    ) -> None:
        clock = MonotonicClock()
        lost, found = Event(), Event()
        with running_jackd(SERVER, tmp_path_factory, before):
            system = JackSystem()
            source = system.open_input(None, lambda data, at_s: received.put((data, at_s)))
            out = system.open_output(None)
            out.watch(lost.set, found.set)
        with source, out:
            assert lost.wait(TIMEOUT_S)
            with pytest.raises(PortLost, match="comes back by itself"):
                out.send(NOTE)
            with running_jackd(SERVER, tmp_path_factory, after, rate):
                assert found.wait(TIMEOUT_S)
                wait_until(lambda: not source.is_lost, "the input")
                assert system.period == Period("jack", after, rate)
                assert out.latency_s == pytest.approx(after / rate)
                subprocess.run([require_program("jack_connect"), out.name, source.name], check=True)
                settle(out, received)
                error_ms = []
                for _ in range(30):
                    due_s = clock.now_s() + LEAD_S
                    out.send(NOTE, due_s)
                    data, at_s = received.get(timeout=TIMEOUT_S)
                    assert data == NOTE
                    error_ms.append(1000 * (at_s - due_s - after / rate))
        # Dated by the frames of another sample rate, a note would be seconds off, and by those of another period 5 to 20 ms.
        assert statistics.median(error_ms) == pytest.approx(0.0, abs=1.1)

    @pytest.mark.usefixtures("server")
    def test_an_output_counts_the_overruns_of_another_program(self, received: Received) -> None:
        """They lose messages of ours; the server tells every client of them."""
        with loop(received) as out, running_peer("trouble", 1) as trouble:
            before = out.overruns
            trouble.command("delay", LATE_S)
            wait_until(lambda: out.overruns > before, "the overrun")

    def test_a_frozen_server_never_blocks_the_sender(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        clock = MonotonicClock()
        lost = Event()
        with running_jackd(SERVER, tmp_path_factory, 256) as jackd, JackSystem().open_output(None) as out:
            out.watch(lost.set, lambda: None)
            jackd.process.send_signal(signal.SIGSTOP)
            try:
                longest_s = 0.0
                with suppress(PortLost):
                    for _ in range(20_000):
                        before_s = clock.now_s()
                        out.send(NOTE)
                        longest_s = max(longest_s, clock.now_s() - before_s)
                assert longest_s < 0.1
                assert lost.wait(TIMEOUT_S)
                with pytest.raises(PortLost):
                    out.send(NOTE)
            finally:
                jackd.process.send_signal(signal.SIGCONT)


def _python(script: str, *arguments: str) -> list[str]:
    import sys

    return [sys.executable, "-c", script, *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path.cwd())}
