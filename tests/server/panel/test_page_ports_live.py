"""The page in a real browser while a MIDI port of the jam is lost and comes back."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from bridge.midi.jack.jack_ports import JackSystem
from tests.conftest import Jackd
from tests.server.jam_process import running_jam
from tests.server.panel.browser import PATIENCE_MS, open_page
from tests.server.panel.running_panel import free_tcp_port

pytestmark = pytest.mark.timeout(120)


def test_a_port_that_is_lost_and_back_is_said_on_the_page(
    context: BrowserContext, long_cycle_jackd: Jackd, tiny_pack: Path, tmp_path: Path
) -> None:
    assert long_cycle_jackd.name
    synthesizer = JackSystem()
    port = synthesizer.open_input(None, lambda _data, _at_s: None)
    options = ("--pack", str(tiny_pack), "--panel-port", str(free_tcp_port()), "--midi-out", port.name)
    with running_jam(tmp_path, *options) as jam:
        page = open_page(context, jam)
        notice = page.locator("#notice")
        expect(notice).to_be_empty()
        port.close()
        expect(notice).to_have_text("MIDI output lost; it is used again when it is back", timeout=PATIENCE_MS)
        with synthesizer.open_input(None, lambda _data, _at_s: None):
            expect(notice).to_have_text("MIDI is back", timeout=PATIENCE_MS)
            # A page that is opened now has no reason to say anything.
            other = open_page(context, jam)
            other.wait_for_timeout(500)
            expect(other.locator("#notice")).to_be_empty()
