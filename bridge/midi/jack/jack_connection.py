"""The jam's JACK client and its ports, which outlive the server: when it ends, they come back with the next one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event, Lock

from bridge.errors import NoMidiSystem, PortNotFound, PortTaken
from bridge.fault_counter import FaultCounter
from bridge.midi.jack.jack_frames import UNKNOWN_S
from bridge.midi.jack.jack_helper import JackHelper, OnReply, Reply
from bridge.midi.jack.jack_library import (
    INSTALL_HINT,
    is_pipewire_running,
    is_supported,
    pipewire_environment,
    pipewire_library_folder,
)
from bridge.midi.jack.jack_pipes import PipedMessage
from bridge.midi.ports import CLIENT_NAME, Direction

logger = logging.getLogger("fours.midi")
RESTART_AFTER_S = 0.5
DATED_LATELY_S = 1.0
"""For so long after a message that came in, messages are due by its frame 0: the slowest clock ticks every 0.125 s. Later the sound card's
rate would have moved it."""


@dataclass(frozen=True, slots=True)
class JackState:
    """The server's period (`frames`) and sample rate, and what was counted since the client connected to it."""

    frames: int = 0
    rate: int = 0
    latency_s: float = 0.0
    """How much later than due a message goes out, and how much earlier than its frame an incoming one is dated."""
    xruns: int = 0
    unread: int = 0
    """Messages that arrived and found the pipe to the jam full."""
    too_late: int = 0
    """Note-ons that were left out because they would have sounded too late."""
    dropped: int = 0
    """Messages that found the queue full."""


class JackPort:
    """One of our ports as the connection knows it; the ports of `jack_ports` are built on it."""

    def __init__(self, connection: JackConnection, number: int, direction: Direction, short_name: str) -> None:
        self.connection = connection
        self.number = number
        self.direction: Direction = direction
        self.short_name = short_name
        self.wanted: str | None = None
        """The text that selects the port to connect to; None for a virtual port."""
        self.name = short_name
        self.is_lost = False
        self.on_message: Callable[[PipedMessage], None] = _ignore_message
        self.on_lost: Callable[[], None] = _ignore_change
        self.on_found: Callable[[], None] = _ignore_change

    def mark_lost(self) -> None:
        """Records that the server, or the port that this one is connected to, is gone."""
        if not self.is_lost:
            self.is_lost = True
            self._call(self.on_lost)

    def mark_found(self, name: str) -> None:
        """Records that the port is there again, under this name."""
        self.name = name
        if self.is_lost:
            self.is_lost = False
            self._call(self.on_found)

    def _call(self, on_change: Callable[[], None]) -> None:
        try:
            on_change()
        except Exception as error:  # noqa: BLE001  the thread that reads the notices must go on
            self.connection.faults.count(error)


class JackConnection:
    """A client of the running server. Raises NoMidiSystem where there is none.

    It counts its users: the creator and each open port. It ends when the last one is removed.
    """

    def __init__(self, name: str = CLIENT_NAME) -> None:
        if not is_supported():
            raise NoMidiSystem("JACK needs JACK-Client, which is not installed: pip install JACK-Client")
        self._name = name
        self._ports: dict[int, JackPort] = {}
        self._last_number = 0
        self._user_count = 1
        self._lock = Lock()
        self._closed = Event()
        self._last_message = PipedMessage(float("-inf"), 0, b"")
        self.faults = FaultCounter(logger, "JACK")
        self.state = JackState()
        self.through_pipewire = False
        """Whether the client uses PipeWire's own JACK library, because the system's library reaches no server."""
        self._environment: Mapping[str, str] = os.environ
        self._helper = self._connect()

    @property
    def server(self) -> str:
        """The server's name, as it is shown to users."""
        return "jack by PipeWire" if self.through_pipewire else "jack"

    @property
    def overruns(self) -> int:
        """How often messages may have been lost since the client connected to its server; known at once, unlike `state`."""
        return self._helper.overruns

    def port_names(self, direction: Direction) -> list[str]:
        """The names of the ports of other programs that an input or an output of ours can be connected to."""
        return list(self._request(do="list", direction=direction)["names"])

    def open(self, direction: Direction, short_name: str, wanted: str | None) -> JackPort:
        """Opens a port; raises PortNotFound and PortTaken as a `MidiSystem` does."""
        with self._lock:
            self._last_number += 1
            port = JackPort(self, self._last_number, direction, short_name)
        port.wanted = wanted
        # Before the request, as the first message may arrive before the reply.
        self._ports[port.number] = port
        try:
            port.name = self._request(**_open_command(port, may_be_missing=False))["name"]
        except BaseException:
            del self._ports[port.number]
            raise
        self._user_count += 1
        return port

    def send(self, due_s: float, port: JackPort, data: bytes) -> None:
        """Sends a message; never blocks. Raises OSError where the client is gone."""
        last = self._last_message
        zero_s = last.frame_zero_s if due_s - last.at_s < DATED_LATELY_S else UNKNOWN_S
        self._helper.send(PipedMessage(due_s, port.number, data, zero_s))

    def close(self, port: JackPort) -> None:
        """Closes a port once its messages are out."""
        if self._ports.pop(port.number, None) is None:
            return
        try:
            if port.is_lost:
                # A client that waits for a server reads no commands: this one is carried out once there is a server.
                self._helper.send_command(_ignore_reply, do="close", port=port.number)
            else:
                self._request(do="close", port=port.number)
        except NoMidiSystem as error:
            logger.debug("closing %s: %s", port.name, error)
        finally:
            self.remove_user()

    def remove_user(self) -> None:
        """Counts one user less; without users the client ends."""
        with self._lock:
            self._user_count -= 1
            if self._user_count > 0 or self._closed.is_set():
                return
            self._closed.set()
        self._helper.stop()

    def _request(self, **command: object) -> Reply:
        reply = self._helper.request(**command)
        match reply.get("kind"):
            case None:
                return reply
            case "not found":
                raise PortNotFound(str(reply["error"]))
            case _:
                raise PortTaken(f"JACK refuses the port ({reply['error']}). Name another one, or restart JACK.")

    def _connect(self) -> JackHelper:
        """Connects through the system's JACK library, or through PipeWire's own where that one reaches no server."""
        first = self._start_helper(waits_for_server=False)
        reply = first.wait_until_ready()
        if reply["notice"] == "ready":
            return first
        first.stop()
        if not is_pipewire_running():
            raise NoMidiSystem(_no_server_text(reply))
        folder = pipewire_library_folder()
        if folder is None:
            raise NoMidiSystem(
                f"PipeWire runs, but its JACK library is missing. Install it ({INSTALL_HINT}), then restart the jam."
            )
        self._environment = pipewire_environment(folder)
        second = self._start_helper(waits_for_server=False)
        reply = second.wait_until_ready()
        if reply["notice"] == "ready":
            self.through_pipewire = True
            return second
        second.stop()
        raise NoMidiSystem(
            f"PipeWire runs, but its JACK library in {folder} does not reach it ({reply['reason']}). "
            "Start the jam under pw-jack to see its own messages: pw-jack fours jam."
        )

    def _start_helper(self, *, waits_for_server: bool) -> JackHelper:
        return JackHelper(
            self._name, self._environment, self._on_message, self._on_notice, waits_for_server=waits_for_server
        )

    def _on_message(self, message: PipedMessage) -> None:
        self._last_message = message
        port = self._ports.get(message.port)
        if port is not None:
            port.on_message(message)

    def _on_notice(self, notice: Reply) -> None:
        """Handles a notice of the client's process, in the thread that reads them."""
        match notice["notice"]:
            case "ready" | "state":
                self._update_state(notice)
            case "plugged" | "unplugged" as what:
                # A port that was closed meanwhile is not there.
                if (port := self._ports.get(notice["port"])) is None:
                    return
                if what == "plugged":
                    port.mark_found(notice["name"])
                else:
                    port.mark_lost()
            case "gone":
                self._on_server_gone(notice["reason"])

    def _update_state(self, notice: Reply) -> None:
        self.state = JackState(**{name: notice[name] for name in JackState.__slots__})
        for kind, count in notice["faults"].items():
            logger.debug("in JACK's callback: %s (%d times)", kind, count)

    def _on_server_gone(self, reason: str) -> None:
        if self._closed.is_set() or not self._ports:
            return
        logger.info("the JACK server is gone (%s)", reason)
        for port in list(self._ports.values()):
            port.mark_lost()
        if self._closed.wait(RESTART_AFTER_S):
            return
        with self._lock:
            if self._closed.is_set():
                return
            before, self._helper = self._helper, self._start_helper(waits_for_server=True)
        before.stop()
        for port in list(self._ports.values()):
            self._helper.send_command(_on_reopened(port), **_open_command(port, may_be_missing=True))


def _open_command(port: JackPort, *, may_be_missing: bool) -> dict[str, object]:
    """The command that opens a port; with `may_be_missing` the port to connect to need not exist yet."""
    return {
        "do": "open",
        "port": port.number,
        "direction": port.direction,
        "name": port.short_name,
        "wanted": port.wanted,
        "may_be_missing": may_be_missing,
    }


def _on_reopened(port: JackPort) -> OnReply:
    def on_reply(reply: Reply) -> None:
        if reply.get("connected"):
            port.mark_found(reply["name"])

    return on_reply


def _no_server_text(reply: Reply) -> str:
    if reply["notice"] == "no library":
        return "JACK's library is missing. Install jackd2 (JACK) or pipewire-jack (PipeWire)."
    if "not answer" in reply["reason"]:
        return "The JACK server does not answer. Restart it."
    return "No JACK server is running. Start JACK (jackd -d dummy -r 48000 -p 64) or PipeWire."


def _ignore_message(_message: PipedMessage) -> None:
    """The receiver of a port until it has another one."""


def _ignore_reply(_reply: Reply) -> None:
    """For commands whose reply does not matter."""


def _ignore_change() -> None:
    """The watcher of a port until it has another one."""
