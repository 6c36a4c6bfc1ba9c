"""What Ardour records of a jam in one roll of the transport, and how far it is from the bars of the session."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bench.daw.ardour_program import SAMPLE_RATE, TIMEOUT_S, Ardour, ArdourError, SessionNote, lua_text
from bench.live import jackd_server

POLL_S = 0.1
SETTLING_BEATS = 2


def wire(*pairs: tuple[str, str]) -> None:
    """Connects ports, each a source and a target."""
    for source, target in pairs:
        jackd_server.connect(source, target)


def stop(daw: Ardour) -> None:
    """Stops the transport; returns once it stands still."""
    daw.run("stop()")
    wait_until(lambda: daw.run("return tostring(session:transport_stopped())") == "true", "the transport goes on")


def go_to_start(daw: Ardour) -> None:
    """Moves the stopped transport to the first sample."""
    daw.run("locate(0, false)")
    wait_until(lambda: daw.position == 0, "the transport does not go to its start")


def settle(daw: Ardour, tempo_bpm: float) -> None:
    """Rolls for a moment: in the first roll after a session was opened, Ardour 7.3 records one output latency too early."""
    go_to_start(daw)
    daw.run("roll()")
    daw.wait_for(round(SETTLING_BEATS * 60 / tempo_bpm * SAMPLE_RATE))
    stop(daw)


def record(daw: Ardour, track: str, beats: float, tempo_bpm: float) -> list[SessionNote]:
    """Records this many beats of a new roll on an armed track, from the start; returns its notes."""
    daw.run(f"clear({lua_text(track)})")
    go_to_start(daw)
    daw.run("session:maybe_enable_record(false)")
    daw.run("roll()")
    daw.wait_for(round(beats * 60 / tempo_bpm * SAMPLE_RATE))
    stop(daw)
    wait_until(lambda: daw.notes(track), f"nothing is recorded on {track}")
    return daw.notes(track)


def off_grid_ms(notes: Sequence[SessionNote], step_beats: float, tempo_bpm: float) -> npt.NDArray[np.float64]:
    """How much later than the nearest place of the grid each onset is, in milliseconds."""
    onsets = np.array([note.onset_beats for note in notes])
    return np.asarray((onsets - np.round(onsets / step_beats) * step_beats) * 60_000 / tempo_bpm, dtype=np.float64)


def wait_until(is_so: Callable[[], object], otherwise: str) -> None:
    """Waits until `is_so` returns something true. Raises ArdourError, with the text `otherwise`, if it never does."""
    until_s = time.perf_counter() + TIMEOUT_S
    while not is_so():
        if time.perf_counter() > until_s:
            raise ArdourError(otherwise)
        time.sleep(POLL_S)
