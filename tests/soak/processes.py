"""The processes of a soak: the JACK server, the peers on its ports, and the jam."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.live.jackd_server import may_be_realtime
from bridge.midi.messages import parse
from tests.server.jam_process import PATIENCE_S, wait_until
from tests.soak.evidence import TimedMessage

SYNTH = "soak-synth"
START_TIMEOUT_S = 10


@contextmanager
def jack_server(name: str, frames: int) -> Iterator[None]:
    """Runs a JACK server without sound hardware, for all that is started in the block."""
    priority = ("-R", "-P", "70") if may_be_realtime() else ("-r",)
    command = ["jackd", "--name", name, *priority, "-d", "dummy", "-r", "48000", "-p", str(frames)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        os.environ["JACK_DEFAULT_SERVER"], os.environ["JACK_NO_START_SERVER"] = name, "1"
        try:
            wait = ["jack_wait", "--server", name, "--wait", "--timeout", str(START_TIMEOUT_S)]
            subprocess.run(wait, check=True, capture_output=True)
            yield
        finally:
            server.terminate()
            server.wait(PATIENCE_S)


@contextmanager
def running_peer(role: str, random_seed: int) -> Iterator["PeerProcess"]:
    """Runs a peer while the block does."""
    peer = PeerProcess(role, random_seed)
    try:
        yield peer
    finally:
        peer.close()


class PeerProcess:
    """A peer, with what it has reported so far."""

    def __init__(self, role: str, random_seed: int) -> None:
        command = [sys.executable, "-m", "tests.soak.peer", role, str(random_seed)]
        self.events: list[tuple[str, float, str]] = []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: bool(self.events), f"the {role}")

    def command(self, name: str, seconds: float) -> None:
        assert self._process.stdin is not None
        print(name, seconds, file=self._process.stdin, flush=True)

    def close(self) -> None:
        assert self._process.stdin is not None
        with self._process:
            self._process.stdin.close()
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._reader.join(PATIENCE_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            what, at_s, detail = f"{line.strip()} ".split(" ", 2)
            self.events.append((what, float(at_s), detail.strip()))

    def messages(self, what: str) -> list[TimedMessage]:
        return [
            TimedMessage(at_s, parse(bytes.fromhex(data))) for kind, at_s, data in list(self.events) if kind == what
        ]


@dataclass(frozen=True, slots=True)
class JamReport:
    """What the jam tells: the lateness of each message since the last time, the second from which its journal counts, the faults
    of the music thread, and how many contexts each of its memories holds."""

    lateness_s: Sequence[float]
    origin_s: float
    faults: dict[str, int]
    remembered: tuple[int, ...]


class JamProcess:
    """A jam whose output is the synth's port; `takes` is the folder of its journals."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._stderr = folder / "stderr.txt"
        (folder / "config.toml").write_text('[takes]\nfolder = "takes"\n', encoding="utf-8")
        self.takes = folder / "takes"
        with self._stderr.open("w", encoding="utf-8") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.soak.jam", "jam", "--midi-out", SYNTH, *options],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("Ready"):
                return
        raise AssertionError(f"the jam did not start: {self.stderr_text()}")

    def report(self) -> JamReport:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("report "):
                lateness_s, origin_s, faults, remembered = json.loads(line.removeprefix("report "))
                return JamReport(lateness_s, origin_s, faults, tuple(remembered))
        raise AssertionError(f"the jam ended: {self.stderr_text()}")

    def resident_mib(self) -> float:
        """The memory of the jam's own process."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) / 1024

    def stop(self) -> int:
        with self._process:
            self._process.terminate()
            try:
                return self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                return self._process.wait(PATIENCE_S)

    def kill(self, *, with_helpers: bool) -> None:
        """Ends it as a crash does, and with it, or not, the processes that it started."""
        with self._process:
            if with_helpers:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
            self._process.wait(PATIENCE_S)

    def stderr_text(self) -> str:
        return self._stderr.read_text(encoding="utf-8")
