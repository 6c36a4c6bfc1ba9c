"""The jam's JACK client and its ports, which outlive the server: where it ends, they come back with the next one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event, Lock

from bridge.errors import NoMidiSystem, PortNotFound, PortTaken
from bridge.fault_counter import FaultCounter
from bridge.midi.jack.jack_helper import Answer, JackHelper
from bridge.midi.jack.jack_library import (
    HOW_TO_GET_IT,
    can_be_tried,
    pipewire_environment,
    pipewire_library_folder,
    pipewire_runs,
)
from bridge.midi.ports import CLIENT_NAME, Direction

logger = logging.getLogger("fours.midi")
RESTART_S = 0.5


@dataclass(frozen=True, slots=True)
class JackState:
    """How the server runs, and what was counted since it was there."""

    frames: int = 0
    rate: int = 0
    latency_s: float = 0.0
    """How much later than handed over a message goes out, and how much earlier than its frame one is dated."""
    xruns: int = 0
    unread: int = 0
    too_late: int = 0
    dropped: int = 0


class JackPort:
    """What the connection knows of a port of ours, and tells it; the ports that others see build on it."""

    def __init__(self, connection: JackConnection, number: int, direction: Direction, short_name: str) -> None:
        self.connection = connection
        self.number = number
        self.direction: Direction = direction
        self.short_name = short_name
        self.wanted: str | None = None
        self.name = short_name
        self.is_lost = False
        self.receive: Callable[[bytes, float], None] = _ignore
        self.on_lost: Callable[[], None] = _do_nothing
        self.on_found: Callable[[], None] = _do_nothing

    def lose(self) -> None:
        """The server is gone, or the port that it is connected to."""
        if not self.is_lost:
            self.is_lost = True
            self._tell(self.on_lost)

    def find(self, name: str) -> None:
        """It is there again."""
        self.name = name
        if self.is_lost:
            self.is_lost = False
            self._tell(self.on_found)

    def _tell(self, watcher: Callable[[], None]) -> None:
        try:
            watcher()
        except Exception as error:  # noqa: BLE001  the thread that calls this has to go on
            self.connection.faults.count(error)


class JackConnection:
    """A client of the server that runs; raises `NoMidiSystem` where none does. Ends with the last that uses it."""

    def __init__(self, name: str = CLIENT_NAME) -> None:
        if not can_be_tried():
            raise NoMidiSystem("JACK needs JACK-Client, which is not installed: pip install JACK-Client")
        self._name = name
        self._ports: dict[int, JackPort] = {}
        self._opened = 0
        self._users = 1
        self._lock = Lock()
        self._ended = Event()
        self.faults = FaultCounter(logger, "JACK")
        self.state = JackState()
        self.through_pipewire = False
        """Whether PipeWire's own library was needed, and found."""
        self._environment: Mapping[str, str] = os.environ
        self._helper = self._begin()

    def ask_names(self, direction: Direction) -> list[str]:
        """The ports that could be listened to, or played to."""
        return list(self._ask(do="list", direction=direction)["names"])

    def open(self, direction: Direction, short_name: str, wanted: str | None) -> JackPort:
        """A new port; `PortNotFound` and `PortTaken` as in `MidiSystem`."""
        with self._lock:
            self._opened += 1
            port = JackPort(self, self._opened, direction, short_name)
        port.wanted = wanted
        # Before it is asked for: a message may come with the answer.
        self._ports[port.number] = port
        try:
            port.name = self._ask(**self._command(port, patient=False))["name"]
        except BaseException:
            del self._ports[port.number]
            raise
        self._users += 1
        return port

    def listen(self, port: JackPort, receive: Callable[[bytes, float], None]) -> None:
        """From now on `receive` hears what comes in."""
        port.receive = receive

    def send(self, due_s: float, port: JackPort, data: bytes) -> None:
        """A message to go out; never waits. Raises OSError where the client is gone."""
        self._helper.send(due_s, port.number, data)

    def close(self, port: JackPort) -> None:
        """Takes a port away, once what it was given has gone out."""
        if self._ports.pop(port.number, None) is None:
            return
        try:
            if port.is_lost:
                # The client waits for a server and reads no commands before: this is for when it has one.
                self._helper.tell(_ignore_answer, do="close", port=port.number)
            else:
                self._ask(do="close", port=port.number)
        except NoMidiSystem as error:
            logger.debug("closing %s: %s", port.name, error)
        finally:
            self.leave()

    def leave(self) -> None:
        """One user less; the last one ends the client."""
        with self._lock:
            self._users -= 1
            if self._users > 0 or self._ended.is_set():
                return
            self._ended.set()
        self._helper.end()

    def _ask(self, **command: object) -> Answer:
        answer = self._helper.ask(**command)
        match answer.get("kind"):
            case None:
                return answer
            case "not found":
                raise PortNotFound(str(answer["error"]))
            case _:
                raise PortTaken(f"JACK refuses the port ({answer['error']}). Name another one, or start JACK anew.")

    def _begin(self) -> JackHelper:
        """A first try with the system's library, and one with PipeWire's where that is another."""
        first = self._started(patient=False)
        answer = first.wait_until_ready()
        if answer["notice"] == "ready":
            return first
        first.end()
        if not pipewire_runs():
            raise NoMidiSystem(_no_server(answer))
        folder = pipewire_library_folder()
        if folder is None:
            raise NoMidiSystem(
                f"PipeWire runs, but its JACK library is not there. Install it ({HOW_TO_GET_IT}), then start the jam anew."
            )
        self._environment = pipewire_environment(folder)
        second = self._started(patient=False)
        answer = second.wait_until_ready()
        if answer["notice"] == "ready":
            self.through_pipewire = True
            return second
        second.end()
        raise NoMidiSystem(
            f"PipeWire runs, but its JACK library in {folder} does not reach it ({answer['reason']}). "
            "Start the jam under pw-jack to see what it says: pw-jack fours jam."
        )

    def _started(self, *, patient: bool) -> JackHelper:
        return JackHelper(self._name, self._environment, self._on_message, self._on_notice, patient=patient)

    def _command(self, port: JackPort, *, patient: bool) -> dict[str, object]:
        return {
            "do": "open",
            "port": port.number,
            "direction": port.direction,
            "name": port.short_name,
            "wanted": port.wanted,
            "patient": patient,
        }

    def _on_message(self, number: int, data: bytes, at_s: float) -> None:
        port = self._ports.get(number)
        if port is not None:
            port.receive(data, at_s)

    def _on_notice(self, answer: Answer) -> None:
        """In the thread that hears the client's process."""
        match answer["notice"]:
            case "ready" | "state":
                self._take_state(answer)
            case "plugged":
                self._ports[answer["port"]].find(answer["name"])
            case "unplugged":
                self._ports[answer["port"]].lose()
            case "gone":
                self._on_gone(answer["reason"])

    def _take_state(self, answer: Answer) -> None:
        values = {name: answer[name] for name in JackState.__slots__}
        self.state = JackState(**values)
        for kind, count in answer["faults"].items():
            logger.debug("in JACK's callback: %s (%d times)", kind, count)

    def _on_gone(self, reason: str) -> None:
        if self._ended.is_set() or not self._ports:
            return
        logger.warning("the JACK server is gone (%s); the ports come back with it", reason)
        for port in list(self._ports.values()):
            port.lose()
        if self._ended.wait(RESTART_S):
            return
        with self._lock:
            if self._ended.is_set():
                return
            before, self._helper = self._helper, self._started(patient=True)
        before.end()
        for port in list(self._ports.values()):
            self._helper.tell(self._on_found_of(port), **self._command(port, patient=True))

    def _on_found_of(self, port: JackPort) -> Callable[[Answer], None]:
        def on_answer(answer: Answer) -> None:
            if answer.get("connected"):
                port.find(answer["name"])

        return on_answer


def _no_server(answer: Answer) -> str:
    if answer["notice"] == "no library":
        return "JACK's library is not there. Install jackd2 (JACK) or pipewire-jack (PipeWire)."
    if "not answer" in answer["reason"]:
        return "The JACK server does not answer. Start it anew."
    return "No JACK server is running. Start JACK (jackd -d dummy -r 48000 -p 64) or PipeWire."


def _ignore(_data: bytes, _at_s: float) -> None:
    """Before anybody listens."""


def _ignore_answer(_answer: Answer) -> None:
    """Nobody waits for it."""


def _do_nothing() -> None:
    """Nobody watches."""
