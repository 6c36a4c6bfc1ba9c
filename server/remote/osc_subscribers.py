"""Who is told of changes by OSC: whoever has said anything, until it has been silent for long; knows no socket.

An app is told where it sends from and, as TouchOSC listens elsewhere, at the reply port of its host. So a host's apps
share what comes to its reply port, and a finger counts for both places. Reads no clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.osc.osc_server import Address
from server.remote.pending_updates import PendingUpdates

EXPIRES_AFTER_S = 3600.0
"""A screen that nobody touches says nothing, and is still looked at."""
DESTINATIONS_PER_HOST = 8
"""A script may send from another port each time; then the one that has been silent longest makes room."""
MAX_HOSTS = 16


@dataclass(slots=True)
class _Place:
    due: PendingUpdates
    heard_s: float


class OscSubscribers:
    """The places that are told, each with what it is yet to be told of; new ones of all of `names`."""

    def __init__(self, names: Iterable[str], reply_port: int | None) -> None:
        self._names = tuple(names)
        self._reply_port = reply_port
        self._hosts: dict[str, dict[int, _Place]] = {}

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All of them."""
        return tuple((host, port) for host, places in self._hosts.items() for port in places)

    def on_message_from(self, sender: Address, now_s: float) -> None:
        """Somebody has said something."""
        host, port = sender
        places = self._hosts.pop(host, {})
        self._hosts[host] = places  # the host that was heard last is the last
        for own in self._ports(port):
            place = places.pop(own, None) or _Place(PendingUpdates(self._names), now_s)
            place.heard_s = now_s
            places[own] = place
        while len(places) > DESTINATIONS_PER_HOST:
            del places[next(iter(places))]
        while len(self._hosts) > MAX_HOSTS:
            del self._hosts[next(iter(self._hosts))]

    def resend_all(self, sender: Address) -> None:
        """It wants to be told of everything again."""
        for due in self._dues_of(sender):
            for name in self._names:
                due.add(name)

    def hold_back(self, sender: Address, name: str, now_s: float) -> None:
        """Its finger has moved this."""
        for due in self._dues_of(sender):
            due.hold_back(name, now_s)

    def add_update(self, name: str) -> None:
        """All are to be told of this."""
        for places in self._hosts.values():
            for place in places.values():
                place.due.add(name)

    def take_due(self, now_s: float) -> Mapping[tuple[str, ...], list[Address]]:
        """What is to be told now, and to whom; the silent are forgotten."""
        told: dict[tuple[str, ...], list[Address]] = {}
        for host, places in list(self._hosts.items()):
            for port, place in list(places.items()):
                if now_s - place.heard_s > EXPIRES_AFTER_S:
                    del places[port]
                elif names := place.due.take_due(now_s):
                    told.setdefault(names, []).append((host, port))
            if not places:
                del self._hosts[host]
        return told

    def _ports(self, port: int) -> tuple[int, ...]:
        if self._reply_port is None or self._reply_port == port:
            return (port,)
        return (port, self._reply_port)

    def _dues_of(self, sender: Address) -> list[PendingUpdates]:
        host, port = sender
        places = self._hosts.get(host, {})
        return [places[own].due for own in self._ports(port) if own in places]
