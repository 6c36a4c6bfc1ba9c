"""Ports that come back: for a MIDI system whose ports do not report that they are gone, and do not return by themselves.

A thread of each port lists the system's ports every two seconds. When the port is missing, it is closed and counts as lost;
when a port of that name is there again, it is opened again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from bridge.errors import BridgeError, PortFull, PortLost
from bridge.fault_counter import FaultCounter
from bridge.midi.ports import BasePort, InputPort, OnChange, OutputPort

logger = logging.getLogger("fours.midi")

CHECK_EVERY_S = 2.0

ListNames = Callable[[], Sequence[str]]
"""Lists the ports as they are now; raises a BridgeError where the system is gone."""
P = TypeVar("P", bound=InputPort | OutputPort)


class ReopeningPort(BasePort, Generic[P]):
    """A port that is opened again with `open_port` after it was lost; `open_port` may raise a BridgeError meanwhile.

    `is_named` says whether the port was chosen by name from those that are listed. A virtual port was not: it is lost
    only together with the whole system. `abandon` is called in place of the port's `close` when the system itself is
    gone.
    """

    def __init__(
        self, open_port: Callable[[], P], list_names: ListNames, abandon: Callable[[P], None], *, is_named: bool
    ) -> None:
        """Opens the port; raises what `open_port` raises."""
        self._open_port = open_port
        self._list_names = list_names
        self._abandon = abandon
        self._is_named = is_named
        self._port: P | None = open_port()
        self._name, self.description = self._port.name, self._port.description
        self._has_failed = False
        self._use_lock = Lock()  # held while the port is in use, so that it is not closed meanwhile
        self._closing = Event()
        self._on_lost: OnChange = _ignore_change
        self._on_found: OnChange = _ignore_change
        self.faults = FaultCounter(logger, self._name)
        self._thread = Thread(target=self._check_regularly, name="port-watcher", daemon=True)

    def start(self) -> None:
        """Starts the thread that checks."""
        self._thread.start()

    @property
    def name(self) -> str:
        """See `Port`."""
        return self._name

    @property
    def is_lost(self) -> bool:
        """See `Port`."""
        return self._port is None or self._has_failed

    def watch(self, on_lost: OnChange, on_found: OnChange) -> None:
        """See `Port`; both are called in the thread that checks."""
        self._on_lost, self._on_found = on_lost, on_found

    def check(self) -> None:
        """Checks once whether the port is there, and opens or closes it accordingly."""
        try:
            names = self._list_names()
        except BridgeError as error:
            logger.debug("no ports: %s", error)
            self._lose(self._abandon)
            return
        if self._has_failed or (self._is_named and self._name not in names):
            self._lose(_close)
        if self._port is None:
            self._find()
        else:
            self._confirm(self._port)

    def close(self) -> None:
        """Stops checking, and closes the port."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._use_lock:
            port, self._port = self._port, None
        if port is not None:
            port.close()

    def _confirm(self, port: P) -> None:
        """Called after each check that has found the port."""

    def _check_regularly(self) -> None:
        while not self._closing.wait(CHECK_EVERY_S):
            try:
                self.check()
            except Exception as error:  # noqa: BLE001  no error ends the checks
                self.faults.count(error)

    def _lose(self, end: Callable[[P], None]) -> None:
        with self._use_lock:
            port, self._port = self._port, None
            self._has_failed = False
        if port is None:
            return
        self._on_lost()
        # Last, as closing a port whose system has ended may take a second.
        end(port)

    def _find(self) -> None:
        try:
            port = self._open_port()
        except BridgeError as error:
            logger.debug("%s is not there: %s", self._name, error)
            return
        with self._use_lock:
            self._port, self._name, self.description = port, port.name, port.description
        self._on_found()


class ReopeningInput(ReopeningPort[InputPort]):
    """An input that is opened again after it was lost."""

    def start(self) -> None:
        """Starts the thread that checks."""
        if self._port is not None:
            self.tick_side = self._port.tick_side
        super().start()


class ReopeningOutput(ReopeningPort[OutputPort]):
    """An output that is opened again after it was lost. Each check that finds the port calls `on_confirmed`."""

    def __init__(
        self,
        open_port: Callable[[], OutputPort],
        list_names: ListNames,
        abandon: Callable[[OutputPort], None],
        on_confirmed: Callable[[OutputPort], None] | None = None,
        *,
        is_named: bool,
    ) -> None:
        super().__init__(open_port, list_names, abandon, is_named=is_named)
        self._on_confirmed = on_confirmed

    def send(self, data: bytes, due_s: float | None = None) -> None:
        """See `OutputPort`. Never waits for the thread that checks."""
        if not self._use_lock.acquire(blocking=False):
            raise PortLost(f'MIDI output "{self._name}" is being opened or closed.')
        try:
            if self._closing.is_set():
                raise PortLost(f'MIDI output "{self._name}" is closed.')
            if self._port is None:
                raise PortLost(f'MIDI output "{self._name}" is gone. It is used again when it is back.')
            self._port.send(data, due_s)
        except PortFull:
            raise  # the next check finds out whether its system is still there
        except PortLost:
            self._has_failed = self._port is not None
            raise
        finally:
            self._use_lock.release()

    def _confirm(self, port: OutputPort) -> None:
        if self._on_confirmed is not None:
            self._on_confirmed(port)


def _close(port: InputPort | OutputPort) -> None:
    port.close()


def _ignore_change() -> None:
    """The watcher of a port until it has another one."""
