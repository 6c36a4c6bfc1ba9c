"""The apps that get updates by OSC: each that has sent anything, until it is silent for long; knows no socket.

An app gets its updates at the port it sends from and, as TouchOSC listens elsewhere, also at the reply port of its host. All
apps of a host share what comes to its reply port, so a control that is touched is held back at both ports. Reads no clock:
every method gets the time in seconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.osc.osc_server import Address
from server.remote.pending_updates import PendingUpdates

EXPIRES_AFTER_S = 3600.0
"""Long, because a screen that nobody touches sends nothing, and people still look at it."""
DESTINATIONS_PER_HOST = 8
"""A script may send from a new port each time; the port that has been silent longest is then dropped."""
MAX_HOSTS = 16


@dataclass(slots=True)
class _Destination:
    pending: PendingUpdates
    last_message_s: float


class OscSubscribers:
    """The addresses that get updates, each with its pending ones; a new address gets all of `names` first.

    With `reply_port` None, only the ports that apps send from get updates.
    """

    def __init__(self, names: Iterable[str], reply_port: int | None) -> None:
        self._names = tuple(names)
        self._reply_port = reply_port
        self._hosts: dict[str, dict[int, _Destination]] = {}

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All addresses that get updates."""
        return tuple((host, port) for host, destinations in self._hosts.items() for port in destinations)

    def on_message_from(self, sender: Address, now_s: float) -> None:
        """Subscribes the sender of a message, or renews its subscription."""
        host, port = sender
        destinations = self._hosts.pop(host, {})
        self._hosts[host] = destinations  # moved to the end: the first host is the one that was silent longest
        for own_port in self._ports(port):
            destination = destinations.pop(own_port, None) or _Destination(PendingUpdates(self._names), now_s)
            destination.last_message_s = now_s
            destinations[own_port] = destination
        while len(destinations) > DESTINATIONS_PER_HOST:
            del destinations[next(iter(destinations))]
        while len(self._hosts) > MAX_HOSTS:
            del self._hosts[next(iter(self._hosts))]

    def resend_all(self, sender: Address) -> None:
        """Adds an update of everything for this app."""
        for pending in self._pending_of(sender):
            for name in self._names:
                pending.add(name)

    def hold_back(self, sender: Address, name: str, now_s: float) -> None:
        """Adds an update for the app that has just moved this control, to be sent when the finger is at rest."""
        for pending in self._pending_of(sender):
            pending.hold_back(name, now_s)

    def add_update(self, name: str) -> None:
        """Adds an update of this control or readout for all apps."""
        for destinations in self._hosts.values():
            for destination in destinations.values():
                destination.pending.add(name)

    def take_due(self, now_s: float) -> Mapping[tuple[str, ...], list[Address]]:
        """Removes and returns the updates to send now: names, with the addresses that get them. Drops silent apps."""
        addresses_by_names: dict[tuple[str, ...], list[Address]] = {}
        for host, destinations in list(self._hosts.items()):
            for port, destination in list(destinations.items()):
                if now_s - destination.last_message_s > EXPIRES_AFTER_S:
                    del destinations[port]
                elif names := destination.pending.take_due(now_s):
                    addresses_by_names.setdefault(names, []).append((host, port))
            if not destinations:
                del self._hosts[host]
        return addresses_by_names

    def _ports(self, port: int) -> tuple[int, ...]:
        if self._reply_port is None or self._reply_port == port:
            return (port,)
        return (port, self._reply_port)

    def _pending_of(self, sender: Address) -> list[PendingUpdates]:
        host, port = sender
        destinations = self._hosts.get(host, {})
        return [destinations[own_port].pending for own_port in self._ports(port) if own_port in destinations]
