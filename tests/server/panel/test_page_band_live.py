"""Chords and the band on the page, in a real browser: what is shown of the changes, and what the band sounds like."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.server.jam_process import RunningJam, running_jam
from tests.server.panel.browser import open_page
from tests.server.panel.running_panel import free_tcp_port

pytestmark = pytest.mark.timeout(120)

# Puts a meter between the page's sound and the loudspeakers: the loudest sample and the loudest mean level so far.
METER = """() => {
    window.heard = { peak: 0, level: 0 };
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (to, ...rest) {
        if (!(to instanceof AudioDestinationNode) || !(to.context instanceof AudioContext)) return connect.call(this, to, ...rest);
        const meter = to.context.createAnalyser();
        const samples = new Float32Array(meter.fftSize);
        setInterval(() => {
            meter.getFloatTimeDomainData(samples);
            const level = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
            window.heard.level = Math.max(window.heard.level, level);
            window.heard.peak = samples.reduce((peak, one) => Math.max(peak, Math.abs(one)), window.heard.peak);
        }, 20);
        connect.call(meter, to);
        connect.call(this, meter, ...rest);
        return to;
    };
}"""
# The pairs of texts over the roll that cover each other before anything was played.
COVERED = """() => {
    document.body.classList.remove("has-notes");
    const texts = [...document.querySelectorAll("#chord, #turn, .hint p")].filter((text) => text.checkVisibility());
    const boxes = texts.map((text) => text.getBoundingClientRect());
    const covered = [];
    for (const [index, one] of boxes.entries())
        for (const [other, two] of boxes.entries())
            if (index < other && one.left < two.right && two.left < one.right && one.top < two.bottom && two.top < one.bottom)
                covered.push([texts[index].textContent, texts[other].textContent]);
    return covered;
}"""
AUDIBLE, CLIPPING = 0.01, 1.0


@pytest.fixture(scope="module")
def jam(tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJam]:
    options = ("--pack", str(tiny_pack), "--panel-port", str(free_tcp_port()), "--midi-api", "none", "--tempo", "240")
    with running_jam(tmp_path_factory.mktemp("jam"), *options) as running:
        yield running


@pytest.fixture
def page(context: BrowserContext, jam: RunningJam) -> Iterator[Page]:
    context.add_init_script(f"({METER})()")
    yield open_page(context, jam)
    for control, value in (("band", "off"), ("chart", "off"), ("mode", "answer")):
        jam.phone.ask(f"/fours/{control}", value)


class TestChords:
    def test_a_chart_that_is_typed_shows_its_chord_and_the_next_and_tints_the_keys(self, page: Page) -> None:
        page.locator("#control-chart").fill("| F7 | F7 |")
        page.locator("#control-chart").press("Enter")
        expect(page.locator("#chord")).to_be_visible()
        expect(page.locator("#chord-now")).to_have_text("F7")
        expect(page.locator("#chord-next")).to_have_text("")
        tinted = {
            int(pitch or 0) % 12
            for pitch in page.locator("#piano .key.is-chord").evaluate_all(
                "keys => keys.map((key) => key.dataset.pitch)"
            )
        }
        assert tinted == {5, 9, 0, 3}

    def test_the_next_chord_is_named_before_it_comes(self, page: Page, jam: RunningJam) -> None:
        jam.phone.ask("/fours/chart", "| Dm7 | G7 |")
        for now, following in (("Dm7", "then G7"), ("G7", "then Dm7")):
            page.wait_for_function(
                "([now, next]) => document.getElementById('chord-now').textContent === now"
                " && document.getElementById('chord-next').textContent === next",
                arg=[now, following],
            )

    def test_a_text_that_is_no_chart_is_refused_in_a_sentence_and_the_old_chart_stays(
        self, page: Page, jam: RunningJam
    ) -> None:
        jam.phone.ask("/fours/chart", "| Dm7 | G7 |")
        page.locator("#control-chart").fill("no such form")
        page.locator("#control-chart").press("Enter")
        expect(page.locator("#notice")).to_contain_text('there is no chart "no such form"')
        expect(page.locator("#chord")).to_be_visible()
        page.locator("#control-chart").fill("| C |")
        page.locator("#control-chart").press("Enter")
        expect(page.locator("#notice")).not_to_have_class(re.compile("is-shown"), timeout=4_000)

    @pytest.mark.parametrize(("width", "height"), [(320, 568), (360, 740), (390, 844), (820, 1180), (1440, 900)])
    def test_chord_turn_and_hint_do_not_cover_each_other_on_any_screen(
        self, page: Page, jam: RunningJam, width: int, height: int
    ) -> None:
        page.set_viewport_size({"width": width, "height": height})
        for control, value in (("chart", "| Ebmaj7 | Bbm7b5 |"), ("mode", "fours"), ("band", "bass")):
            jam.phone.ask(f"/fours/{control}", value)
        expect(page.locator("#chord")).to_be_visible()
        expect(page.locator("#turn")).to_be_visible()
        assert page.evaluate(COVERED) == []

    def test_without_chords_nothing_is_shown_of_them(self, page: Page) -> None:
        expect(page.locator("#chord")).to_be_hidden()
        assert page.locator("#piano .key.is-chord").count() == 0


class TestBand:
    def test_the_button_starts_a_band_over_a_blues_that_is_heard_and_does_not_clip(self, page: Page) -> None:
        page.locator("#play-blues").click()
        expect(page.locator("[data-control=band] input[value=full]")).to_be_checked()
        expect(page.locator("[data-control=mode] input[value=fours]")).to_be_checked()
        expect(page.locator("#chord-now")).to_have_text("F7")
        page.wait_for_function("(least) => window.heard.level > least", arg=AUDIBLE)
        # The count-in, and then two bars of all three: the first change is in bar 2.
        expect(page.locator("#chord-now")).to_have_text("Bb7")
        assert page.evaluate("window.heard.peak") < CLIPPING

    def test_without_a_chart_the_page_says_why_the_band_is_silent(self, page: Page) -> None:
        page.locator("[data-control=band] input[value=full]").check()
        expect(page.locator("#notice")).to_contain_text("the band: it is silent until there is a chart")

    def test_the_band_is_switched_off_on_the_page(self, page: Page) -> None:
        page.locator("#play-blues").click()
        page.wait_for_selector("body.has-band")
        page.locator("[data-control=band] input[value=off]").check()
        page.wait_for_selector("body:not(.has-band)")

    @pytest.mark.parametrize(
        ("instrument", "pitches"),
        [("bass", [36, 41]), ("chords", [53, 57, 63]), ("drums", [36, 37, 38, 42, 44, 46, 49, 51])],
    )
    def test_each_voice_of_each_instrument_is_heard_and_does_not_clip(
        self, page: Page, instrument: str, pitches: list[int]
    ) -> None:
        levels = page.evaluate(
            """async ([instrument, pitches]) => {
            const { BandSound } = await import("./sound/band_sound.js");
            const { createEffects } = await import("./sound/effects.js");
            const levels = [];
            for (const pitch of pitches) {
                const context = new OfflineAudioContext(2, 48000, 48000);
                new BandSound(context, createEffects(context).input).playNote(instrument, pitch, 90, 0.1, 0.6);
                const samples = (await context.startRendering()).getChannelData(0);
                const struck = samples.slice(4800, 9600);
                const level = Math.sqrt(struck.reduce((sum, one) => sum + one * one, 0) / struck.length);
                const peak = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
                levels.push([level, peak, samples.slice(0, 4700).some((one) => one !== 0)]);
            }
            return levels;
        }""",
            [instrument, pitches],
        )
        for level, peak, is_early in levels:
            assert level > AUDIBLE / 4
            assert peak < CLIPPING
            assert not is_early
