"""The process that holds the JACK client: takes commands as lines of JSON, and says what becomes of ports and server.

It ends with the process that started it, whatever way that ends: it ends the notes that sound, then goes.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn

from bridge.errors import PortNotFound
from bridge.midi.jack.jack_client import ClientPort, JackClient, Pipes, load_jack
from bridge.midi.ports import Direction, match_port
from bridge.timing.clock import MonotonicClock

LOOK_S = 0.5
"""How often ports, cycles and counts are looked at, and a server that is away is asked for."""
STALLED_LOOKS = 3
"""After so many looks without a cycle in between the server counts as gone: it may be there, and does nothing."""
RELEASE_S = 0.5
"""How long it may take to end what sounds; where JACK is frozen, nothing can be ended."""
DRAIN_S = 1.0
"""How long a port that is closed waits for its last messages to go out."""

Command = Mapping[str, object]
Answer = dict[str, object]


def main(arguments: list[str]) -> None:
    """The client's name, the numbers of its three pipes, and `wait` to stay until there is a server."""
    name, *fds, manner = arguments
    # Ctrl-C is meant for the jam, which then closes this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipes = Pipes(*map(int, fds))
    os.set_blocking(pipes.received_fd, False)
    os.set_blocking(pipes.to_send_fd, False)
    served = Served(name, pipes, patient=manner == "wait")
    # Nothing in here makes cycles, so there is nothing to collect.
    gc.disable()
    served.run()


class Served:
    """One client from the server's first answer to its end."""

    def __init__(self, name: str, pipes: Pipes, *, patient: bool) -> None:
        self._clock = MonotonicClock()
        self._lines = b""
        self._said: Answer = {}
        self._client = self._connect(name, pipes, patient=patient)
        self._commands: dict[str, Callable[[Command], Answer]] = {
            "list": self._list,
            "open": self._open,
            "close": self._close,
        }

    def run(self) -> NoReturn:
        """Until the server or whoever started this is gone."""
        self._said = self._state()
        say({"notice": "ready", "name": self._client.name, **self._said})
        look_at_s = self._clock.now_s() + LOOK_S
        cycles, idle_looks = -1, 0
        while True:
            self._serve(max(0.0, look_at_s - self._clock.now_s()))
            late_s = self._clock.now_s() - look_at_s
            if late_s < 0:
                continue
            look_at_s = self._clock.now_s() + LOOK_S
            # A process that was itself suspended has seen no cycles either.
            idle_looks = idle_looks + 1 if self._client.cycles == cycles and late_s < LOOK_S else 0
            cycles = self._client.cycles
            if idle_looks >= STALLED_LOOKS:
                leave("it does not answer any more")
            self._client.offset_s = self._client.measure_offset_s()
            self._reconnect()
            self._say_changes()

    def _connect(self, name: str, pipes: Pipes, *, patient: bool) -> JackClient:
        try:
            jack = load_jack()
        except OSError as error:
            leave(str(error), "no library")
        jack.set_error_function(_hear_nothing)
        jack.set_info_function(_hear_nothing)
        while True:
            try:
                return JackClient(name, pipes, leave)
            except jack.JackError as error:
                if not patient:
                    leave(str(error), "no server")
            self._wait(LOOK_S)

    def _wait(self, seconds: float) -> None:
        """Lets time go by; leaves where whoever started this is gone. Commands wait until there is a server."""
        until_s = self._clock.now_s() + seconds
        while (left_s := until_s - self._clock.now_s()) > 0:
            readable, _, _ = select.select([sys.stdin], [], [], left_s)
            if readable and not self._read_lines():
                leave("the jam is gone")

    def _serve(self, seconds: float) -> None:
        readable, _, _ = select.select([sys.stdin] if b"\n" not in self._lines else [], [], [], seconds)
        if readable and not self._read_lines():
            self._release()
            leave("the jam is gone")
        while b"\n" in self._lines:
            line, _, self._lines = self._lines.partition(b"\n")
            self._obey(json.loads(line))

    def _read_lines(self) -> bool:
        """Takes what was said to this process; False once nobody can say anything any more."""
        chunk = os.read(sys.stdin.fileno(), 65536)
        self._lines += chunk
        return bool(chunk)

    def _obey(self, command: Command) -> None:
        try:
            answer = self._commands[str(command["do"])](command)
        except PortNotFound as error:
            answer = {"error": str(error), "kind": "not found"}
        except Exception as error:  # noqa: BLE001  it is told to the one who asked
            answer = {"error": f"{type(error).__name__}: {error}", "kind": "failed"}
        say({"id": command["id"], **answer})

    def _list(self, command: Command) -> Answer:
        return {"names": self._client.names(_direction(command))}

    def _open(self, command: Command) -> Answer:
        direction, wanted = _direction(command), command["wanted"]
        found = None
        if isinstance(wanted, str):
            names = self._client.names(direction)
            try:
                found = names[match_port(wanted, direction, names)]
            except PortNotFound:
                if not command["patient"]:
                    raise
        port = self._client.open(
            int(str(command["port"])), direction, str(command["name"]), str(wanted) if wanted else None
        )
        if found is not None:
            try:
                self._client.connect(port, found)
            except BaseException:
                self._client.close(port)
                raise
        return {"name": found or port.port.name, "connected": wanted is None or found is not None}

    def _close(self, command: Command) -> Answer:
        for port in self._client.ports:
            if port.number == command["port"]:
                if port.direction == "output":
                    self._drain((port,), DRAIN_S)
                self._client.close(port)
        return {}

    def _release(self) -> None:
        """What sounds must not go on sounding for ever."""
        self._client.release()
        self._drain(tuple(port for port in self._client.ports if port.direction == "output"), RELEASE_S)

    def _drain(self, ports: tuple[ClientPort, ...], patience_s: float) -> None:
        until_s = self._clock.now_s() + patience_s
        # What was sent before this was asked for may still be in the pipe for one cycle.
        self._pass_cycles(2, until_s)
        while self._clock.now_s() < until_s and not all(self._client.has_sent(port) for port in ports):
            self._pass_cycles(1, until_s)

    def _pass_cycles(self, count: int, until_s: float) -> None:
        last = self._client.cycles + count
        while self._client.cycles < last and self._clock.now_s() < until_s:
            select.select([], [], [], self._client.frames / self._client.rate)

    def _reconnect(self) -> None:
        """A port that was asked for by name went, or came back."""
        if not self._client.ports_changed:
            return
        self._client.ports_changed = False
        for port in self._client.ports:
            if port.wanted is None:
                continue
            names = self._client.names(port.direction)
            if port.target is not None and port.target not in names:
                port.target = None
                say({"notice": "unplugged", "port": port.number})
            if port.target is None:
                try:
                    target = names[match_port(port.wanted, port.direction, names)]
                    self._client.connect(port, target)
                except Exception as error:  # noqa: BLE001  it may be gone again, and comes back then
                    self._client.faults[f"{type(error).__name__}: {error}"] += 1
                    continue
                say({"notice": "plugged", "port": port.number, "name": target})

    def _say_changes(self) -> None:
        state = self._state()
        if state != self._said:
            self._said = state
            say({"notice": "state", **state})

    def _state(self) -> Answer:
        """The period, the latency, and what was counted."""
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


def say(answer: Answer) -> None:
    """One line to whoever started this."""
    os.write(sys.stdout.fileno(), json.dumps(answer).encode() + b"\n")


def leave(reason: str, notice: str = "gone") -> NoReturn:
    """Says why, and ends at once: to close the client of a server that is gone may take for ever."""
    try:
        say({"notice": notice, "reason": reason})
    finally:
        os._exit(0)


def _direction(command: Command) -> Direction:
    return "input" if command["direction"] == "input" else "output"


def _hear_nothing(_text: str) -> None:
    """What libjack would print is told in other words."""
