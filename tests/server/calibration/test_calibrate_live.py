"""`fours calibrate` as a process on JACK: a bare loop, a stand-in for a DAW, an interruption, and a terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from bridge.timing.clock import MonotonicClock
from server.calibration.space_bar import SpaceBar
from server.config.config import load
from server.errors import CalibrationError
from tests.conftest import running_jackd
from tests.server.calibration.jack_daw import RATE, JackDaw, connect, jack_daw, lateness_ms
from tests.server.jam_process import (
    FOURS_COMMAND,
    TEMPO_BPM,
    recorded_port,
    running_jam,
    sounding_pitches,
    wait_until,
)

SERVER = "fours-jack-ports"
"""A name that other tests use too, one after the other: JACK has room for eight, and one that was killed keeps its place."""
PATIENCE_S = 40
OUT, IN = "Trading Fours:Trading Fours Out", "Trading Fours:Trading Fours In"
ATTEMPTS = 4
"""An overrun of the server makes some clicks late, and then the measurement is refused, as it should be."""
EXACT_MS = 1.0
EIGHTH_BEATS, NOTES = 0.5, 24

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(params=[256, 1024])
def frames(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The period of a running server."""
    with running_jackd(SERVER, tmp_path_factory, request.param):
        yield request.param


@contextmanager
def calibration(folder: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """`fours calibrate`, once its ports are open."""
    command = [*FOURS_COMMAND, "calibrate", "--wait", "30", *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(f"Clicks go out on {OUT}, and must come back on {IN} (jack")
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE_S)


def measured_ms(folder: Path, daw: JackDaw | None = None) -> float:
    """The offset that is kept after a measurement of the bare loop, or of the loop through a DAW."""
    said = ""
    for _ in range(ATTEMPTS):
        with calibration(folder) as process:
            if daw is None:
                connect(OUT, IN)
            else:
                daw.connect(OUT, IN)
            said, refused = process.communicate(timeout=PATIENCE_S)
        if process.returncode == 0:
            (kept,) = load(folder / "config.toml").midi.offset_ms.items()
            assert kept[0] == "Trading Fours Out"
            assert f"offset_ms = {kept[1]:.1f} is kept" in said
            return kept[1]
        assert re.search("differ too much|too few|more than once", refused), refused
    pytest.fail(f"no measurement in {ATTEMPTS} attempts: {said}")


def test_a_bare_loop_takes_the_period_of_jack_and_nothing_else(frames: int, tmp_path: Path) -> None:
    assert measured_ms(tmp_path) == pytest.approx(-1000 * frames / RATE, abs=EXACT_MS)


def test_a_calibrated_jam_plays_on_the_grid_of_the_daw_whose_clock_it_follows(
    frames: int, tmp_path: Path, tiny_pack: Path
) -> None:
    with jack_daw() as daw:
        offset_ms = measured_ms(tmp_path, daw)
    kept = f'[midi.offset_ms]\n"Trading Fours Out" = {offset_ms}\n'
    eighths = ("--mode", "continuous", "--approach", "pitch", "--rhythm", "fixed", "--touch", "0")
    with running_jam(tmp_path, "--pack", str(tiny_pack), *eighths, more_config=kept) as jam, jack_daw() as daw:
        assert jam.start_line("Offset") == f'{offset_ms:g} ms (measured by fours calibrate for "Trading Fours Out")'
        daw.connect(jam.midi_out, jam.midi_in)
        daw.play(TEMPO_BPM)
        calibrated_ms = settled_lateness_ms(daw, 0.0)
        jam.phone.ask("/fours/offset_ms", 0.0)
        period_ms = 1000 * frames / RATE
        plain_ms = settled_lateness_ms(daw, period_ms)
    assert abs(calibrated_ms) < EXACT_MS
    # Without it each note is late by the cycle in which JACK passes it back to the sender of the clock.
    assert plain_ms == pytest.approx(period_ms, abs=EXACT_MS)


def settled_lateness_ms(daw: JackDaw, expected_ms: float) -> float:
    """How late the notes are that the DAW records; measured again where the tempo is not yet found, or an overrun spoilt it."""
    lateness = float("inf")
    for _ in range(ATTEMPTS):
        before = len(daw.recorded_frames())

        def has_recorded(count: int = before + NOTES) -> bool:
            Event().wait(0.2)
            return len(daw.recorded_frames()) >= count

        wait_until(has_recorded, f"{NOTES} notes")
        lateness = lateness_ms(daw.recorded_frames()[before:], TEMPO_BPM, EIGHTH_BEATS)
        if abs(lateness - expected_ms) < EXACT_MS:
            break
    return lateness


def test_an_offset_of_the_command_line_goes_before_what_is_kept_even_if_it_is_0(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, tiny_pack: Path
) -> None:
    kept = '[midi.offset_ms]\n"Trading Fours Out" = -12.5\n'
    with (
        running_jackd(SERVER, tmp_path_factory, 256),
        running_jam(tmp_path, "--pack", str(tiny_pack), "--offset-ms", "0", more_config=kept) as jam,
    ):
        assert jam.start_line("Offset") == "0 ms (from the command line)"
        assert jam.phone.ask("/fours/offset_ms").arguments == (0.0,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_click_that_sounds_and_nothing_is_changed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, number: signal.Signals
) -> None:
    with (
        running_jackd(SERVER, tmp_path_factory, 256),
        calibration(tmp_path) as process,
        recorded_port(OUT) as recording,
    ):
        recording.next_note_on()
        process.send_signal(number)
        _, refused = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, refused) == (1, "fours: Stopped; nothing is changed.\n")
        recording.until_quiet(0.3)
        assert sounding_pitches(recording.messages) == set()
    assert not list(tmp_path.iterdir())


class TestTheSpaceBar:
    def test_each_press_is_dated_and_the_terminal_is_as_it_was_afterwards(self) -> None:
        hand, terminal = pty.openpty()
        before = termios.tcgetattr(terminal)
        clock = MonotonicClock()
        with os.fdopen(terminal, "r") as stream:
            space_bar = SpaceBar(stream, clock)

            def press() -> None:
                with space_bar:
                    assert not termios.tcgetattr(terminal)[3] & (termios.ICANON | termios.ECHO)
                    for presses in (1, 2):
                        pressed_s = clock.now_s()
                        os.write(hand, b"x ")
                        wait_until(lambda: len(space_bar.pressed_s) == presses, "the press")  # noqa: B023
                        assert pressed_s <= space_bar.pressed_s[-1] <= clock.now_s()
                    raise CalibrationError("whatever happens")

            with pytest.raises(CalibrationError):
                press()
            assert termios.tcgetattr(terminal) == before
        os.close(hand)

    def test_ctrl_c_while_one_taps_leaves_the_terminal_as_it_was(
        self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        hand, terminal = pty.openpty()
        before = termios.tcgetattr(terminal)
        # The terminal becomes that of the process, so that Ctrl-C is a signal to it.
        script = "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from server.cli import main; main()"
        command = [sys.executable, "-c", script, "calibrate", "--by-ear"]
        with (
            running_jackd(SERVER, tmp_path_factory, 256),
            subprocess.Popen(
                command,
                cwd=tmp_path,
                stdin=terminal,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            assert process.stdout is not None
            assert "Press the space bar with each one" in process.stdout.readline()
            assert termios.tcgetattr(terminal) != before
            os.write(hand, b"\x03")
            _, refused = process.communicate(timeout=PATIENCE_S)
            assert (process.returncode, refused) == (1, "fours: Stopped; nothing is changed.\n")
        assert termios.tcgetattr(terminal) == before
        assert not list(tmp_path.iterdir())
        os.close(terminal)
        os.close(hand)

    def test_without_a_terminal_it_is_refused_in_a_sentence(self, tmp_path: Path) -> None:
        command = [*FOURS_COMMAND, "calibrate", "--by-ear"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr == (
            "fours: Without a terminal there is no space bar to tap on: run fours calibrate --by-ear in one.\n"
        )
