"""A jam that is open to the network, and OSC from this machine's network address, which must be trusted like any other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.osc.osc_packets import OscMessage
from server.panel.web.panel_address import network_address
from tests.server.jam_process import Phone, RunningJam, running_jam, wait_until
from tests.server.panel.running_panel import free_tcp_port

UNUSED_NETWORK = "10.255.0.0/16"


@pytest.fixture(scope="module")
def network_host() -> str:
    found = network_address()
    if found is None:
        pytest.skip("this machine is in no network: connect it to one")
    return found


@contextmanager
def open_jam(folder: Path, pack: Path, *options: str) -> Iterator[RunningJam]:
    panel = ("--panel-port", str(free_tcp_port()), "--midi-api", "none", "--lan")
    with running_jam(folder, "--pack", str(pack), *panel, *options) as jam:
        yield jam


def test_a_sender_that_is_not_trusted_is_neither_read_nor_answered(
    network_host: str, tiny_pack: Path, tmp_path: Path
) -> None:
    with open_jam(tmp_path, tiny_pack) as jam:
        assert jam.start_line("OSC").startswith(f"0.0.0.0:{jam.osc_port}, ")
        assert jam.start_line("Trust") == "this machine only; for a tablet: --trust and its address, or osc.trust"
        stranger = Phone(jam.osc_port, network_host)
        stranger.send("/fours/swing", 60.0)
        sentence = f"{network_host} is not trusted; if it is yours, start with --trust {network_host}"
        wait_until(lambda: sentence in jam.stderr_file.read_text(encoding="utf-8"), sentence)
        assert jam.phone.ask("/fours/swing") == OscMessage("/fours/swing", (50.0,))
        stranger.close()


def test_a_trusted_sender_is_read_and_answered(network_host: str, tiny_pack: Path, tmp_path: Path) -> None:
    with open_jam(tmp_path, tiny_pack, "--trust", UNUSED_NETWORK, "--trust", network_host) as jam:
        assert (
            jam.start_line("Trust")
            == f"this machine and {UNUSED_NETWORK}, {network_host}; nobody else is read or answered"
        )
        tablet = Phone(jam.osc_port, network_host)
        assert tablet.ask("/fours/swing", 60.0) == OscMessage("/fours/swing", (60.0,))
        assert jam.phone.ask("/fours/swing") == OscMessage("/fours/swing", (60.0,))
        tablet.close()
        assert jam.stop() == (0, "")


def test_a_trusted_sender_that_is_not_an_address_is_reported_at_the_start(tiny_pack: Path, tmp_path: Path) -> None:
    sentence = 'the command line: osc.trust: "my tablet" is no address'
    with pytest.raises(AssertionError, match=sentence), open_jam(tmp_path, tiny_pack, "--trust", "my tablet"):
        pass
