"""Ardour as a program: started on the JACK server in use, given Lua, and asked for the notes that it recorded.

It runs Debian's `ardour7-lua` (Ardour without its windows) with `ardour_driver.lua`; a session is prepared by `ardour_session`.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

from bench.live import jackd_server

PROGRAM = "ardour7-lua"
DRIVER = Path(__file__).with_name("ardour_driver.lua")
CLIENT_PREFIX = "ardour"
CLOCK_PORT = "ardour:MIDI Clock out"
SAMPLE_RATE = 48_000
TIMEOUT_S = 90.0
"""Starting Ardour takes up to a third of this on a busy machine."""
END_TIMEOUT_S = 5.0
"""How long an answer may take once Ardour is lost, and how long it then has to end."""
JACK, NO_SOUND = "JACK", "None (Dummy)"
LOST = "JACK HALTED"
"""What Ardour prints when it is no longer a client of its server."""


class ArdourError(RuntimeError):
    """Ardour refused a command, or ended."""


class ArdourLost(ArdourError):
    """Ardour is no longer a client of its JACK server; start it again.

    While Ardour 7.3 loads a session, two of its threads may speak to the server at once, on one socket: the server then reads
    nonsense, and drops it. On two cores that was every second start.
    """


@dataclass(frozen=True, slots=True)
class SessionNote:
    """A note of a region, placed by the session: in samples and in quarter notes from its start."""

    sample: int
    onset_beats: float
    length_beats: float
    pitch: int
    velocity: int
    channel: int


class Ardour:
    """A running Ardour; `run` gives it Lua."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._printed: SimpleQueue[str | None] = SimpleQueue()
        self._remarks: list[str] = []
        self._lost = Event()
        Thread(target=self._read, daemon=True).start()

    def run(self, lua: str) -> str:
        """Runs a piece of Lua; returns what it returns, as text.

        Raises ArdourError if it fails or takes too long, and ArdourLost if Ardour lost its server.
        """
        if self.is_lost():
            raise ArdourLost(self._error_text(lua))
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{lua}\n--run\n")
            self._process.stdin.flush()
        except OSError as error:
            raise ArdourLost(self._error_text(lua)) from error
        answer: list[str] | None = None
        status = ""
        until_s = time.perf_counter() + TIMEOUT_S
        while (line := self._next_line(until_s)) != ">>>" or answer is None:
            match line:
                case None:
                    raise (ArdourLost if self.is_lost() else ArdourError)(self._error_text(lua))
                case "<<<ok" | "<<<error":
                    status, answer = line, []
                case _ if answer is not None:
                    answer.append(line)
                case _:
                    self._remarks.append(line)
        text = "\n".join(answer)
        if status == "<<<error":
            raise (ArdourLost if self.is_lost() else ArdourError)(f"{lua}: {text}")
        return text

    def notes(self, track: str) -> list[SessionNote]:
        """The notes of a track's regions, by onset."""
        rows = [line.split() for line in self.run(f"return notes({lua_text(track)})").splitlines() if line]
        notes = [
            SessionNote(int(sample), float(onset), float(length), int(pitch), int(velocity), int(channel))
            for sample, onset, length, pitch, velocity, channel in rows
        ]
        return sorted(notes, key=lambda note: (note.onset_beats, note.pitch))

    def wait_for(self, sample: int) -> None:
        """Returns once the rolling transport is past a sample. Raises ArdourError if it does not get there."""
        until_s = time.perf_counter() + TIMEOUT_S + sample / SAMPLE_RATE
        while self.position < sample:
            if time.perf_counter() > until_s:
                raise ArdourError(self._error_text(f"the transport stands at {self.position}, before {sample}"))
            time.sleep(0.1)

    def is_lost(self) -> bool:
        """Whether Ardour has lost its server, or ended."""
        return self._lost.is_set()

    @property
    def position(self) -> int:
        """Where the transport is, in samples."""
        return int(self.run("return session:transport_sample()"))

    def _next_line(self, until_s: float) -> str | None:
        """The next printed line; None if there is none in time, or Ardour has ended."""
        while (left_s := until_s - time.perf_counter()) > 0:
            try:
                return self._printed.get(timeout=min(left_s, END_TIMEOUT_S))
            except Empty:
                if self.is_lost():
                    break
        return None

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(LOST):
                self._lost.set()
            self._printed.put(line.rstrip("\n"))
        self._lost.set()
        self._printed.put(None)

    def _error_text(self, lua: str) -> str:
        return "\n".join([f"Ardour did not answer: {lua}", *self._remarks[-10:]])


@contextmanager
def running(folder: Path, backend: str = JACK) -> Iterator[Ardour]:
    """Runs Ardour, as a client of the JACK server in use or without sound; its configuration is in `folder`, and not that of the user."""
    if backend == JACK:
        _wait_until_no_other_is_a_client()
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    with subprocess.Popen(
        (PROGRAM, str(DRIVER)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        ardour = Ardour(process)
        try:
            ardour.run(f"start_engine({lua_text(backend)})")
            yield ardour
        finally:
            assert process.stdin is not None
            try:
                process.stdin.close()
                process.wait(END_TIMEOUT_S if ardour.is_lost() else TIMEOUT_S)
            except (OSError, subprocess.TimeoutExpired):
                process.kill()


def _wait_until_no_other_is_a_client() -> None:
    """The server may notice only after a while that another Ardour has ended, and would give a new one another name."""
    until_s = time.perf_counter() + TIMEOUT_S
    while any(port.startswith(CLIENT_PREFIX) for port in jackd_server.port_names()):
        if time.perf_counter() > until_s:
            raise ArdourError("another Ardour is still a client of the server")
        time.sleep(0.1)


def lua_text(text: str | Path) -> str:
    """A text as a literal of Lua."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
