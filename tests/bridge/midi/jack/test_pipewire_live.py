"""The JACK ports on a real PipeWire of the tests' own, without a session manager, sound hardware or D-Bus."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from threading import Event

import pytest

from bridge.errors import NoMidiSystem
from bridge.midi.jack.jack_library import pipewire_library_folder
from bridge.midi.jack.jack_ports import LEAD_S, JackSystem
from bridge.timing.clock import MonotonicClock
from tests.bridge.midi.jack.jack_loop import Received, loop
from tests.programs import require_program

TIMEOUT_S = 10
MOST_OFF_S = 0.0005
CHECKOUT = Path(__file__).resolve().parents[4]


@pytest.fixture
def pipewire(tmp_path: Path) -> Iterator[None]:
    """A running PipeWire; the default JACK server is one that does not exist."""
    program = require_program("pipewire")
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    clock = MonotonicClock()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", str(folder))
        environment.setenv("JACK_DEFAULT_SERVER", "fours-no-server")
        environment.setenv("JACK_NO_START_SERVER", "1")
        with subprocess.Popen([program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                until_s = clock.now_s() + TIMEOUT_S
                while not (folder / "pipewire-0").exists():
                    assert clock.now_s() < until_s, "PipeWire did not open its socket"
                    Event().wait(0.05)
                yield
            finally:
                process.terminate()
                process.wait(TIMEOUT_S)


@pytest.mark.usefixtures("pipewire")
def test_messages_go_out_on_their_frame_without_pw_jack() -> None:
    if pipewire_library_folder() is None:
        pytest.skip("no JACK library of PipeWire here: apt install pipewire-jack")
    description, error_s = median_error()
    assert description.startswith("jack by PipeWire, ")
    assert error_s < MOST_OFF_S


@pytest.mark.usefixtures("pipewire")
def test_messages_go_out_on_their_frame_under_pw_jack() -> None:
    code = f"from {__name__} import median_error; print(median_error()[1])"
    command = [require_program("pw-jack"), sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=3 * TIMEOUT_S, check=True)
    assert float(ran.stdout) < MOST_OFF_S


def median_error() -> tuple[str, float]:
    """What the port says of itself, and how far thirty messages are from where they are due, in seconds: the median."""
    received: Received = SimpleQueue()
    clock = MonotonicClock()
    with loop(received) as out:
        error_s = []
        for number in range(30):
            due_s = clock.now_s() + LEAD_S
            out.send(bytes([0x90, number, 100]), due_s)
            data, at_s = received.get(timeout=TIMEOUT_S)
            assert data == bytes([0x90, number, 100])
            # JACK delivers a message from an output to an input of the same client one cycle later.
            error_s.append(abs(at_s - due_s - out.latency_s))
        return out.description, median(error_s)


@pytest.mark.usefixtures("pipewire")
def test_without_its_jack_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.midi.jack.jack_connection.pipewire_library_folder", lambda: None)
    with pytest.raises(NoMidiSystem, match=r"PipeWire runs, but its JACK library is missing\. Install it"):
        JackSystem()
