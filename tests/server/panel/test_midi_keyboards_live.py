"""A MIDI keyboard that the browser reaches by Web MIDI, in a real browser: a fake keyboard, and the page's own modules."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.server.jam_process import running_jam
from tests.server.panel.browser import open_page
from tests.server.panel.running_panel import free_tcp_port

UNPLUGGABLE_KEYBOARD = """
() => {
  const port = { id: "1", name: "Keys", state: "connected" };
  const access = { inputs: new Map([["1", port]]) };
  navigator.requestMIDIAccess = async () => access;
  window.keyboard = {
    send: (...data) => port.onmidimessage({ data }),
    plug: (state) => { port.state = state; access.onstatechange(); },
  };
}
"""
"""Replaces the browser's Web MIDI by one keyboard that a test plays, unplugs and plugs in."""

SENT_BY_KEYBOARD = """
async (script) => {
  const { PlayerInput } = await import("/input/player_input.js");
  const { connectMidiKeyboards } = await import("/input/midi_keyboards.js");
  const sent = [];
  const sound = { pressKey() {}, releaseKey() {}, setPedal: (isDown) => sent.push(isDown) };
  const input = new PlayerInput({ send: (message) => sent.push(message.data) }, sound);
  await connectMidiKeyboards(input, () => {});
  for (const step of script) typeof step === "string" ? window.keyboard.plug(step) : window.keyboard.send(...step);
  return sent;
}
"""


@pytest.fixture(scope="module")
def page(browser: Browser, tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    port = free_tcp_port()
    options = ("--pack", str(tiny_pack), "--panel-port", str(port), "--midi-api", "none")
    with running_jam(tmp_path_factory.mktemp("jam"), *options) as jam, browser.new_context() as context:
        yield open_page(context, jam)


class TestMidiKeyboardOfTheBrowser:
    def test_that_is_unplugged_releases_its_key_and_its_pedal_at_once(self, page: Page) -> None:
        page.evaluate(UNPLUGGABLE_KEYBOARD)
        held = [[0x90, 60, 80], [0xB2, 64, 127]]
        sent = page.evaluate(SENT_BY_KEYBOARD, [*held, "disconnected", "connected", [0x90, 60, 70]])
        assert sent == [
            *([0x90, 60, 80], True, [0xB2, 64, 127]),
            *([0x80, 60, 0], False, [0xB2, 64, 0]),
            [0x90, 60, 70],
        ]

    def test_that_holds_nothing_releases_nothing(self, page: Page) -> None:
        page.evaluate(UNPLUGGABLE_KEYBOARD)
        played = [[0x90, 60, 80], [0x80, 60, 0], [0xB0, 64, 127], [0xB0, 64, 0]]
        sent = page.evaluate(SENT_BY_KEYBOARD, [*played, "disconnected", "disconnected"])
        assert sent[-1] == [0xB0, 64, 0]
        assert len(sent) == 6
