"""By default, no port that a jam opens can be reached from another machine."""

import sys
import time
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

from tests.server.jam_process import running_jam, wait_until
from tests.server.panel.running_panel import free_tcp_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sockets are listed in Linux's /proc")
MDNS_PORT = 5353
WATCHED_S = 3.0
"""Long enough: the address is announced a few tenths of a second after the start."""


def bound_sockets(process_id: int) -> set[tuple[IPv4Address | IPv6Address, int]]:
    """Returns the addresses and ports on which a process receives."""
    process = Path("/proc") / str(process_id)
    own = set()
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            own.add(str(descriptor.readlink()))
    found = set()
    for table in ("udp", "udp6", "tcp", "tcp6"):
        for row in (process / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
            fields = row.split()
            is_listening = table.startswith("udp") or fields[3] == "0A"
            if is_listening and f"socket:[{fields[9]}]" in own:
                host, port = fields[1].split(":")
                words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
                found.add((ip_address(b"".join(words)), int(port, 16)))
    return found


def all_bound_sockets(process_id: int) -> set[tuple[IPv4Address | IPv6Address, int]]:
    """Returns all that was bound at any time within the next `WATCHED_S`."""
    found = set()
    until_s = time.monotonic() + WATCHED_S
    while time.monotonic() < until_s:
        found |= bound_sockets(process_id)
        time.sleep(0.05)
    return found


def test_all_sockets_are_bound_to_loopback_addresses(tiny_pack: Path, tmp_path: Path) -> None:
    port = free_tcp_port()
    options = ("--pack", str(tiny_pack), "--midi-api", "none", "--panel-port", str(port))
    with running_jam(tmp_path, *options) as jam:
        jam.phone.ask("/fours/swing")
        bound = all_bound_sockets(jam.process.pid)
        assert {bound_port for _, bound_port in bound} >= {port, jam.osc_port}
        assert all(address.is_loopback for address, _ in bound), bound


def test_osc_is_announced_only_where_the_network_can_reach_it(tiny_pack: Path, tmp_path: Path) -> None:
    options = ("--pack", str(tiny_pack), "--midi-api", "none")
    with running_jam(tmp_path, *options) as jam:
        assert MDNS_PORT not in {port for _, port in all_bound_sockets(jam.process.pid)}
    with running_jam(tmp_path, *options, "--lan") as jam:
        wait_until(lambda: MDNS_PORT in {port for _, port in bound_sockets(jam.process.pid)}, "mDNS")
