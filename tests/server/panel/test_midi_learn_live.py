"""MIDI learn on the page: a knob of a JACK client, and a pedal of a keyboard that the browser has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from bridge.midi.messages import ControlChange
from server.config.config import load
from server.controls.cc_bindings import CcBinding
from tests.conftest import Jackd
from tests.server.jam_process import Keyboard, RunningJam, running_jam
from tests.server.panel.browser import SIZES, opened
from tests.server.panel.running_panel import free_tcp_port

pytestmark = pytest.mark.timeout(120)

# A MIDI keyboard that the browser finds; what a test has it send comes to the page as if it were played.
WEB_MIDI = """
    const input = { id: "1", name: "Test Keys", state: "connected" };
    navigator.requestMIDIAccess = async () => ({ inputs: new Map([["1", input]]) });
    window.send = (...data) => input.onmidimessage({ data });
"""
KNOB, PEDAL = 74, 67


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learning")


@pytest.fixture(scope="module")
def wired(long_cycle_jackd: Jackd, tiny_pack: Path, folder: Path) -> Iterator[RunningJam]:
    """A jam with a MIDI input, to which a JACK client plays."""
    assert long_cycle_jackd.name
    options = ("--pack", str(tiny_pack), "--panel-port", str(free_tcp_port()))
    with running_jam(folder, *options) as running:
        yield running


class TestLearning:
    def test_a_knob_of_the_midi_input_is_bound_and_written_down_and_shown_on_every_page(
        self, browser: Browser, context: BrowserContext, wired: RunningJam, folder: Path
    ) -> None:
        page, other = opened(context, wired), opened(browser.new_context(), wired)
        expect(page.locator("[data-knob=temperature]")).to_be_hidden()
        page.locator("#learn").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#lesson")).to_have_text(
            "Press Learn at a control, or a button, then move its knob, fader or pedal."
        )
        page.locator("[data-knob=temperature]").focus()
        page.keyboard.press("Enter")
        for one in (page, other):
            expect(one.locator("#lesson")).to_contain_text(
                "Temperature waits for its knob, fader or pedal: move it now"
            )
        controller = Keyboard(wired.midi_in)
        controller.send([(0.0, ControlChange(KNOB, 127, 2))])
        expect(page.locator("#lesson")).to_contain_text(
            "CC 74 on channel 3 moves temperature now; it is written to config.toml"
        )
        expect(other.locator("#news")).to_contain_text("CC 74 on channel 3 moves temperature now")
        for one in (page, other):
            expect(one.locator("[data-knob=temperature]")).to_have_text("CC 74")
            expect(one.locator("#control-temperature")).to_have_value("2")
        assert load(folder / "config.toml").midi.bindings.binding_of("temperature") == CcBinding(KNOB, 3)
        controller.send([(0.0, ControlChange(KNOB, 0, 2))])
        expect(page.locator("#control-temperature")).to_have_value("0.1")

        page.locator("[data-knob=swing]").click()
        expect(page.locator("[data-knob=swing]")).to_have_text("Move…")
        controller.send([(0.0, ControlChange(KNOB, 64, 2))])
        expect(page.locator("#lesson")).to_contain_text("CC 74 on channel 3 moves temperature already")
        expect(page.locator("[data-knob=swing]")).to_have_text("Learn")
        controller.close()
        other.context.close()

    def test_it_is_given_up_by_escape_and_left_by_another(self, context: BrowserContext, wired: RunningJam) -> None:
        page = opened(context, wired)
        page.locator("#learn").click()
        page.locator("[data-knob=swing]").click()
        expect(page.locator("#lesson")).to_contain_text("Swing waits")
        page.keyboard.press("Escape")
        expect(page.locator("[data-knob=swing]")).to_have_text("Learn")
        expect(page.locator("#learn")).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("Escape")
        expect(page.locator("#lesson")).to_be_hidden()
        expect(page.locator("[data-knob=swing]")).to_be_hidden()

    def test_a_pedal_at_the_browser_is_learnt_by_an_actions_button_and_does_it_from_then_on(
        self, context: BrowserContext, wired: RunningJam
    ) -> None:
        context.add_init_script(WEB_MIDI)
        page = opened(context, wired)
        page.locator("#webmidi").click()
        page.locator("#learn").click()
        page.locator(".is-capture").click()
        expect(page.locator("#lesson")).to_contain_text("Capture waits")
        page.evaluate(f"send(0xb3, {PEDAL}, 127)")
        expect(page.locator(".is-capture .at")).to_have_text(f"CC {PEDAL}")
        page.locator("#learn").click()
        asked = page.evaluate(f"""() => new Promise((found) => {{
            new MutationObserver(() => found(true)).observe(document.querySelector(".is-capture"), {{ attributes: true }});
            send(0xb3, {PEDAL}, 0);
            send(0xb3, {PEDAL}, 127);
        }})""")
        assert asked

    def test_in_learn_mode_all_of_it_has_its_place(self, browser: Browser, wired: RunningJam) -> None:
        for width, height in SIZES.values():
            context = browser.new_context(viewport={"width": width, "height": height})
            page = opened(context, wired)
            page.locator("#learn").click()
            page.evaluate(
                "for (const one of document.querySelectorAll('details.group, .reset')) [one.open, one.hidden] = [true, false]"
            )
            crowded = page.evaluate("""() => [...document.querySelectorAll(".head, .action, #learn, .tools")]
                .filter((one) => one.scrollWidth > one.clientWidth || one.getBoundingClientRect().right > innerWidth)
                .map((one) => one.textContent)""")
            assert crowded == [], width
            context.close()
