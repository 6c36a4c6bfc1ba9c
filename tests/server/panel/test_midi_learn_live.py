"""MIDI learn on the page, with a knob of a JACK client and with a pedal of a Web MIDI keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from bridge.midi.messages import ControlChange
from server.config.config import load
from server.controls.cc_bindings import CcBinding
from tests.conftest import Jackd
from tests.server.jam_process import Keyboard, RunningJam, running_jam
from tests.server.panel.browser import SIZES, open_page
from tests.server.panel.running_panel import free_tcp_port

pytestmark = pytest.mark.timeout(120)

# A MIDI keyboard that the page finds by Web MIDI; `send` of the window makes it send a message.
FAKE_WEB_MIDI = """
    const input = { id: "1", name: "Test Keys", state: "connected" };
    navigator.requestMIDIAccess = async () => ({ inputs: new Map([["1", input]]) });
    window.send = (...data) => input.onmidimessage({ data });
"""
KNOB, PEDAL = 74, 67


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learning")


@pytest.fixture(scope="module")
def jam(long_cycle_jackd: Jackd, tiny_pack: Path, folder: Path) -> Iterator[RunningJam]:
    """A jam with a MIDI input that JACK clients can play to."""
    assert long_cycle_jackd.name
    options = ("--pack", str(tiny_pack), "--panel-port", str(free_tcp_port()))
    with running_jam(folder, *options) as running:
        yield running


class TestMidiLearn:
    def test_a_knob_of_the_midi_input_is_bound_written_to_the_config_and_shown_on_every_page(
        self, browser: Browser, context: BrowserContext, jam: RunningJam, folder: Path
    ) -> None:
        page, other = open_page(context, jam), open_page(browser.new_context(), jam)
        expect(page.locator("[data-learn=temperature]")).to_be_hidden()
        page.locator("#learn").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#learn-status")).to_have_text(
            "Press Learn at a control, or a button, then move its knob, fader or pedal."
        )
        page.locator("[data-learn=temperature]").focus()
        page.keyboard.press("Enter")
        for one in (page, other):
            expect(one.locator("#learn-status")).to_contain_text(
                "Temperature waits for its knob, fader or pedal: move it now"
            )
        controller = Keyboard(jam.midi_in)
        controller.send([(0.0, ControlChange(KNOB, 127, 2))])
        expect(page.locator("#learn-status")).to_contain_text(
            "CC 74 on channel 3 moves temperature now; it is written to config.toml"
        )
        expect(other.locator("#notice")).to_contain_text("CC 74 on channel 3 moves temperature now")
        for one in (page, other):
            expect(one.locator("[data-learn=temperature]")).to_have_text("CC 74")
            expect(one.locator("#control-temperature")).to_have_value("2")
        assert load(folder / "config.toml").midi.bindings.binding_of("temperature") == CcBinding(KNOB, 3)
        controller.send([(0.0, ControlChange(KNOB, 0, 2))])
        expect(page.locator("#control-temperature")).to_have_value("0.1")

        page.locator("[data-learn=swing]").click()
        expect(page.locator("[data-learn=swing]")).to_have_text("Move…")
        controller.send([(0.0, ControlChange(KNOB, 64, 2))])
        expect(page.locator("#learn-status")).to_contain_text("CC 74 on channel 3 moves temperature already")
        expect(page.locator("[data-learn=swing]")).to_have_text("Learn")
        controller.close()
        other.context.close()

    def test_escape_gives_it_up_and_a_second_escape_leaves_the_mode(
        self, context: BrowserContext, jam: RunningJam
    ) -> None:
        page = open_page(context, jam)
        page.locator("#learn").click()
        page.locator("[data-learn=swing]").click()
        expect(page.locator("#learn-status")).to_contain_text("Swing waits")
        page.keyboard.press("Escape")
        expect(page.locator("[data-learn=swing]")).to_have_text("Learn")
        expect(page.locator("#learn")).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("Escape")
        expect(page.locator("#learn-status")).to_be_hidden()
        expect(page.locator("[data-learn=swing]")).to_be_hidden()

    def test_a_pedal_of_a_web_midi_keyboard_is_bound_to_an_action_and_then_requests_it(
        self, context: BrowserContext, jam: RunningJam
    ) -> None:
        context.add_init_script(FAKE_WEB_MIDI)
        page = open_page(context, jam)
        page.locator("#midi-keyboards").click()
        page.locator("#learn").click()
        page.locator(".is-capture").click()
        expect(page.locator("#learn-status")).to_contain_text("Capture waits")
        page.evaluate(f"send(0xb3, {PEDAL}, 127)")
        expect(page.locator(".is-capture .binding")).to_have_text(f"CC {PEDAL}")
        page.locator("#learn").click()
        has_flashed = page.evaluate(f"""() => new Promise((found) => {{
            new MutationObserver(() => found(true)).observe(document.querySelector(".is-capture"), {{ attributes: true }});
            send(0xb3, {PEDAL}, 0);
            send(0xb3, {PEDAL}, 127);
        }})""")
        assert has_flashed

    def test_in_learn_mode_nothing_overflows(self, browser: Browser, jam: RunningJam) -> None:
        for width, height in SIZES.values():
            context = browser.new_context(viewport={"width": width, "height": height})
            page = open_page(context, jam)
            page.locator("#learn").click()
            page.evaluate(
                "for (const one of document.querySelectorAll('details.group, .reset')) [one.open, one.hidden] = [true, false]"
            )
            overflowing = page.evaluate("""() => [...document.querySelectorAll(".control-head, .action, #learn, .piano-tools")]
                .filter((one) => one.scrollWidth > one.clientWidth || one.getBoundingClientRect().right > innerWidth)
                .map((one) => one.textContent)""")
            assert overflowing == [], width
            context.close()
