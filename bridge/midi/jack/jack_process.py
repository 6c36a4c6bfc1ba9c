"""The process that holds the JACK client: carries out commands (lines of JSON on stdin), and reports changes on stdout.

It ends when its stdin closes, and so always with the jam, even if the jam is killed. Before that, it ends all sounding
notes.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Mapping
from threading import Thread
from typing import NoReturn

from bridge.errors import PortNotFound
from bridge.midi.jack.client_port import ClientPort
from bridge.midi.jack.jack_client import JackClient, Pipes
from bridge.midi.jack.jack_library import load_jack
from bridge.midi.ports import Direction, match_port
from bridge.timing.clock import MonotonicClock

CHECK_EVERY_S = 0.5
"""How often ports, cycles and counters are checked, and how often a missing server is looked for."""
STALLED_CHECKS = 3
"""After this many checks without a new cycle the server counts as gone: it may be there, but does nothing."""
CHECKS_PER_DATE = 2
"""How many checks lie between two cycles that are dated in any case."""
CHECKS_PER_OFFSET = 20
"""How many checks lie between two comparisons of our clock with JACK's, which are the same on Linux."""
RELEASE_TIMEOUT_S = 0.5
"""How long ending the sounding notes may take; with a frozen server they cannot be ended."""
CLOSE_TIMEOUT_S = 1.0
"""How long taking leave of the server may take; a server that works needs two of its cycles."""
DRAIN_TIMEOUT_S = 1.0
"""How long a port that is being closed waits for its last messages to go out."""

Command = Mapping[str, object]
Reply = dict[str, object]


def main(arguments: list[str]) -> None:
    """Arguments: the client's name, the file numbers of `Pipes`, and `wait` to wait for a server, or `once`."""
    name, *fds, waiting = arguments
    # Ctrl-C is for the jam, which then closes this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipes = Pipes(*map(int, fds))
    if sys.platform != "win32":  # there is no JACK-Client for it, see `is_supported`
        os.set_blocking(pipes.received_fd, False)
        os.set_blocking(pipes.to_send_fd, False)
    process = JackProcess(name, pipes, waits_for_server=waiting == "wait")
    # Nothing here makes reference cycles, so there is no garbage to search for.
    gc.disable()
    process.run()


class JackProcess:
    """One client, from the server's first answer to its end."""

    def __init__(self, name: str, pipes: Pipes, *, waits_for_server: bool) -> None:
        self._clock = MonotonicClock()
        self._input = b""
        self._reported_state: Reply = {}
        self._client = self._connect(name, pipes, waits_for_server=waits_for_server)
        self._commands: dict[str, Callable[[Command], Reply]] = {
            "list": self._list,
            "open": self._open,
            "close": self._close,
        }

    def run(self) -> NoReturn:
        """Runs until the server or the jam is gone."""
        self._reported_state = self._state()
        report({"notice": "ready", "name": self._client.name, **self._reported_state})
        next_check_s = self._clock.now_s() + CHECK_EVERY_S
        last_cycles, stalled_checks, checks = -1, 0, 0
        while True:
            self._handle_commands(max(0.0, next_check_s - self._clock.now_s()))
            late_s = self._clock.now_s() - next_check_s
            if late_s < 0:
                continue
            next_check_s = self._clock.now_s() + CHECK_EVERY_S
            # A check that is late does not count: this process was suspended itself, and had no cycles either.
            is_stalled = self._client.cycles == last_cycles and late_s < CHECK_EVERY_S
            stalled_checks = stalled_checks + 1 if is_stalled else 0
            last_cycles = self._client.cycles
            if stalled_checks >= STALLED_CHECKS:
                exit_with("it does not answer any more")
            checks += 1
            if not checks % CHECKS_PER_OFFSET:
                self._client.compare_clocks()
            if not checks % CHECKS_PER_DATE:
                self._client.date_next_cycle()
            self._client.find_connected_inputs()
            self._reconnect()
            self._report_changes()

    def _connect(self, name: str, pipes: Pipes, *, waits_for_server: bool) -> JackClient:
        try:
            jack = load_jack()
        except OSError as error:
            exit_with(str(error), "no library")
        jack.set_error_function(_ignore_text)
        jack.set_info_function(_ignore_text)
        while True:
            try:
                return JackClient(name, pipes, exit_with)
            except jack.JackError as error:
                if not waits_for_server:
                    exit_with(str(error), "no server")
            self._wait(CHECK_EVERY_S)

    def _wait(self, seconds: float) -> None:
        """Waits, and exits if the jam is gone. Commands are read, and carried out once there is a server."""
        until_s = self._clock.now_s() + seconds
        while (left_s := until_s - self._clock.now_s()) > 0:
            readable, _, _ = select.select([sys.stdin], [], [], left_s)
            if readable and not self._read_input():
                exit_with("the jam is gone")

    def _handle_commands(self, seconds: float) -> None:
        """Carries out all commands that are there; waits up to `seconds` for the first."""
        readable, _, _ = select.select([sys.stdin] if b"\n" not in self._input else [], [], [], seconds)
        if readable and not self._read_input():
            self._end_all_notes()
            self._close_client()
            exit_with("the jam is gone")
        while b"\n" in self._input:
            line, _, self._input = self._input.partition(b"\n")
            self._execute(json.loads(line))

    def _read_input(self) -> bool:
        """Reads what is there of the commands; False once the jam has closed its end."""
        chunk = os.read(sys.stdin.fileno(), 65536)
        self._input += chunk
        return bool(chunk)

    def _execute(self, command: Command) -> None:
        try:
            reply = self._commands[str(command["do"])](command)
        except PortNotFound as error:
            reply = {"error": str(error), "kind": "not found"}
        except Exception as error:  # noqa: BLE001  it is reported to the jam
            reply = {"error": f"{type(error).__name__}: {error}", "kind": "failed"}
        report({"id": command["id"], **reply})

    def _list(self, command: Command) -> Reply:
        return {"names": self._client.port_names(_direction(command))}

    def _open(self, command: Command) -> Reply:
        direction, wanted = _direction(command), command["wanted"]
        found = None
        if isinstance(wanted, str):
            try:
                found = self._match(wanted, direction)
            except PortNotFound:
                if not command["may_be_missing"]:
                    raise
        port = self._client.open_port(
            int(str(command["port"])), direction, str(command["name"]), str(wanted) if wanted else None
        )
        if found is not None:
            try:
                self._client.connect(port, found)
            except BaseException:
                self._client.close_port(port)
                raise
        return {"name": found or port.port.name, "connected": wanted is None or found is not None}

    def _match(self, wanted: str, direction: Direction) -> str:
        """The port that a name means. One of our own is meant by its full name only, as a jam must not hear itself by chance."""
        if wanted in self._client.port_names(direction):
            return wanted
        names = self._client.port_names(direction, with_own=False)
        return names[match_port(wanted, direction, names)]

    def _close(self, command: Command) -> Reply:
        for port in self._client.ports:
            if port.number == command["port"]:
                if port.direction == "output":
                    self._drain((port,), DRAIN_TIMEOUT_S)
                self._client.close_port(port)
        return {}

    def _end_all_notes(self) -> None:
        self._client.end_all_notes()
        self._drain(tuple(port for port in self._client.ports if port.direction == "output"), RELEASE_TIMEOUT_S)

    def _close_client(self) -> None:
        # In a thread, because it does not return where the server is frozen.
        closing = Thread(target=self._client.close, name="jack-close", daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT_S)

    def _drain(self, ports: tuple[ClientPort, ...], timeout_s: float) -> None:
        """Waits until all messages of these ports are out."""
        until_s = self._clock.now_s() + timeout_s
        # Messages that were sent before may still be in the pipe for one cycle.
        self._wait_for_cycles(2, until_s)
        while self._clock.now_s() < until_s and not all(self._client.is_drained(port) for port in ports):
            self._wait_for_cycles(1, until_s)

    def _wait_for_cycles(self, count: int, until_s: float) -> None:
        last = self._client.cycles + count
        while self._client.cycles < last and self._clock.now_s() < until_s:
            select.select([], [], [], self._client.frames / self._client.rate)

    def _reconnect(self) -> None:
        """Notices ports of other programs that are gone or have another name, and connects to those that are back."""
        changes = self._client.port_changes
        if not changes.take_has_changed():
            return
        new_names, renames = changes.take_new_names(), changes.take_renames()
        for port in self._client.ports:
            if port.wanted is None:
                continue
            for before, after in renames:
                if port.target == before:
                    port.target = after  # it stays connected
                    report({"notice": "plugged", "port": port.number, "name": after})
            names = self._client.port_names(port.direction)
            # A program that was closed and started again between two checks has a port of the same name, connected to nothing.
            is_new = port.target in new_names and not self._client.is_connected(port)
            if port.target is not None and (port.target not in names or is_new):
                port.target = None
                report({"notice": "unplugged", "port": port.number})
            if port.target is None:
                try:
                    target = self._match(port.wanted, port.direction)
                    self._client.connect(port, target)
                except Exception as error:  # noqa: BLE001  it may be gone again already, and is tried at the next change
                    self._client.faults[f"{type(error).__name__}: {error}"] += 1
                    continue
                report({"notice": "plugged", "port": port.number, "name": target})

    def _report_changes(self) -> None:
        state = self._state()
        if state != self._reported_state:
            self._reported_state = state
            report({"notice": "state", **state})

    def _state(self) -> Reply:
        """The period, the latency, and the counters."""
        client = self._client
        return {
            "frames": client.frames,
            "rate": client.rate,
            "latency_s": client.latency_s,
            "xruns": client.xruns,
            "unread": client.unread,
            "too_late": sum(port.queue.too_late for port in client.ports),
            "dropped": sum(port.queue.dropped for port in client.ports),
            "faults": dict(client.faults),
        }


def report(reply: Reply) -> None:
    """Writes one line to the jam."""
    os.write(sys.stdout.fileno(), json.dumps(reply).encode() + b"\n")


def exit_with(reason: str, notice: str = "gone") -> NoReturn:
    """Reports why, and exits at once: closing the client of a server that is gone may take forever."""
    try:
        report({"notice": notice, "reason": reason})
    finally:
        os._exit(0)


def _direction(command: Command) -> Direction:
    return "input" if command["direction"] == "input" else "output"


def _ignore_text(_text: str) -> None:
    """Drops what libjack would print, as the jam prints sentences of its own."""
