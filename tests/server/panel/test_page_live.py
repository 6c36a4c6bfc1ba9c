"""The page in a real browser, with a real jam. What it shows is read from the page, not from its code."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bridge.osc.osc_packets import OscMessage
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from server.jam.turns.modes import TurnSchedule
from tests.music import line, write_part
from tests.server.jam_process import RunningJam, running_jam
from tests.server.panel.browser import PATIENCE_MS, SIZES, open_page
from tests.server.panel.running_panel import free_tcp_port

FRAME_MS = 1000 / 60
C4 = 60

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def port() -> int:
    return free_tcp_port()


@pytest.fixture(scope="module")
def jam(tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[RunningJam]:
    """One jam without a MIDI system, for all pages here."""
    options = ("--pack", str(tiny_pack), "--panel-port", str(port), "--midi-api", "none")
    with running_jam(tmp_path_factory.mktemp("jam"), *options) as running:
        yield running


def evaluate(page: Page, script: str, argument: object = None) -> Any:
    """What a script returns; it may import the page's modules."""
    return page.evaluate(script, argument)


def play(page: Page, *pitches: int) -> None:
    """Plays notes on the page's piano with the mouse."""
    for pitch in pitches:
        key = page.locator(f"#piano [data-pitch='{pitch}']")
        box = key.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.9)
        page.mouse.down()
        page.wait_for_timeout(40)
        page.mouse.up()


class TestPlaying:
    def test_a_phrase_on_the_pages_piano_is_answered_first_by_a_plan_and_then_by_played_notes(
        self, context: BrowserContext, jam: RunningJam
    ) -> None:
        page = open_page(context, jam)
        # Records every change of the numbers of planned and played notes.
        page.evaluate("""() => {
            const roll = document.getElementById("roll");
            window.seen = [];
            new MutationObserver(() => window.seen.push([Number(roll.dataset.planned), Number(roll.dataset.played ?? 0)]))
                .observe(roll, { attributes: true });
        }""")
        play(page, 60, 64, 67, 65)
        page.wait_for_selector("#roll[data-played]:not([data-played='0'])")
        seen = page.evaluate("window.seen")
        planned_first = next(index for index, (planned, _) in enumerate(seen) if planned > 0)
        played_first = next(index for index, (_, played) in enumerate(seen) if played > 0)
        assert planned_first < played_first

    def test_notes_from_memory_are_known_from_the_plan(self, context: BrowserContext, jam: RunningJam) -> None:
        page = open_page(context, jam)
        jam.phone.ask("/fours/memory", 1.0)
        play(page, 60, 64, 67, 65, 60, 64, 67, 65, 60, 64)
        page.wait_for_selector("#roll[data-remembered]:not([data-remembered='0'])")
        jam.phone.ask("/fours/memory", 0.5)

    def test_the_computer_keyboard_plays_and_shifts_octaves(self, context: BrowserContext, jam: RunningJam) -> None:
        page = open_page(context, jam)
        page.keyboard.down("a")
        expect(page.locator(f"#piano [data-pitch='{C4}']")).to_have_class("key white is-player")
        page.keyboard.up("a")
        page.keyboard.press("x")
        expect(page.locator("#octave")).to_have_text("C5")
        page.keyboard.down("w")
        expect(page.locator(f"#piano [data-pitch='{C4 + 13}']")).to_have_class("key black is-player")
        page.keyboard.up("w")
        expect(page.locator(f"#piano [data-pitch='{C4 + 13}']")).to_have_class("key black")

    def test_what_is_typed_in_a_field_is_not_played(self, context: BrowserContext, jam: RunningJam) -> None:
        page = open_page(context, jam)
        page.locator("#control-tempo").focus()
        page.keyboard.down("a")
        assert page.locator(".key.is-player").count() == 0
        page.keyboard.up("a")

    def test_a_piano_key_that_is_reached_by_tab_and_arrows_plays(
        self, context: BrowserContext, jam: RunningJam
    ) -> None:
        page = open_page(context, jam)
        page.locator(f"#piano [data-pitch='{C4}']").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.down("Enter")
        expect(page.locator(f"#piano [data-pitch='{C4 + 1}']")).to_have_class("key black is-player")
        page.keyboard.up("Enter")

    def test_a_chosen_file_is_played_to_the_partner(
        self, context: BrowserContext, jam: RunningJam, tmp_path: Path
    ) -> None:
        page = open_page(context, jam)
        seed = write_part(tmp_path / "my tune.mid", line(72, 74, 76, step_beats=4.0))
        page.set_input_files(".is-seed input", seed)
        expect(page.locator("#notice")).to_contain_text("my tune.mid is played to the partner: 3 notes")
        page.wait_for_selector("#piano [data-pitch='74'].is-player")
        page.set_input_files(".is-seed input", {"name": "x.mid", "mimeType": "audio/midi", "buffer": b"x"})
        expect(page.locator("#notice")).to_contain_text("x.mid is not a MIDI file")


class TestControls:
    def test_a_value_set_on_one_page_shows_on_the_other_and_in_osc(
        self, browser: Browser, context: BrowserContext, jam: RunningJam
    ) -> None:
        one, other = open_page(context, jam), open_page(browser.new_context(), jam)
        slider = one.locator("[data-control=temperature] .slider")
        slider.focus()
        slider.press("End")
        expect(other.locator("#control-temperature")).to_have_value("2")
        assert jam.phone.ask("/fours/temperature") == OscMessage("/fours/temperature", (2.0,))
        other.locator("[data-control=temperature] .reset").click()
        expect(one.locator("#control-temperature")).to_have_value("1")
        other.context.close()

    def test_a_value_set_by_osc_shows_on_the_page(self, context: BrowserContext, jam: RunningJam) -> None:
        page = open_page(context, jam)
        jam.phone.ask("/fours/swing", 66.0)
        expect(page.locator("#control-swing")).to_have_value("66")
        jam.phone.ask("/fours/over", "overlap")
        expect(page.locator("[data-control=over] input[value=overlap]")).to_be_checked()
        jam.phone.ask("/fours/swing", 50.0)
        jam.phone.ask("/fours/over", "yield")

    def test_a_value_out_of_range_becomes_the_end_of_the_range(self, context: BrowserContext, jam: RunningJam) -> None:
        page = open_page(context, jam)
        page.locator("#control-top_p").fill("7")
        page.locator("#control-top_p").press("Enter")
        expect(page.locator("#control-top_p")).to_have_value("1")
        page.locator("[data-control=top_p] .reset").click()

    def test_in_fours_the_page_shows_whose_turn_it_is(self, context: BrowserContext, jam: RunningJam) -> None:
        page = open_page(context, jam)
        page.locator("[data-control=mode] input[value=fours]").check()
        jam.phone.ask("/fours/turn_bars", 1)
        play(page, 60, 62)
        expect(page.locator("#turn")).to_be_visible()
        page.wait_for_selector("#turn[data-side=partner]")
        page.wait_for_selector("#turn[data-side=player]")
        jam.phone.ask("/fours/turn_bars", 4)
        jam.phone.ask("/fours/mode", "answer")
        expect(page.locator("#turn")).to_be_hidden()

    def test_every_input_has_an_accessible_name(self, context: BrowserContext, jam: RunningJam) -> None:
        page = open_page(context, jam)
        nameless = page.evaluate("""() => [...document.querySelectorAll("button, input, select, summary")]
            .filter((one) => !(one.getAttribute("aria-label") || one.labels?.length || one.textContent.trim()))
            .map((one) => one.outerHTML)""")
        assert nameless == []


class TestLooks:
    @pytest.mark.parametrize("size", SIZES)
    def test_the_page_fits_a(self, browser: Browser, jam: RunningJam, size: str, tmp_path: Path) -> None:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, has_touch=size != "laptop")
        page = open_page(context, jam)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for part in ("#roll", "#actions", "#piano"):
            box = page.locator(part).bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= height, f"{part} is on the first screen"
        small = page.evaluate("""() => [...document.querySelectorAll("button:not(.reset), select, .option, .action")]
            .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 32).map((one) => one.outerHTML)""")
        assert small == []
        page.screenshot(path=tmp_path / f"{size}.png")
        context.close()

    @pytest.mark.parametrize(("width", "rows"), [(320, 3), (390, 2), (1280, 1), (1440, 1)])
    def test_no_action_stands_alone_in_a_row_and_none_is_wider_than_its_place(
        self, browser: Browser, jam: RunningJam, width: int, rows: int
    ) -> None:
        context = browser.new_context(viewport={"width": width, "height": 800})
        page = open_page(context, jam)
        page.evaluate("document.querySelector('.takes').hidden = false")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        tops = page.evaluate("""() => [...document.querySelectorAll("#actions > *")].map((one) => one.offsetTop)""")
        assert len(set(tops)) == rows
        assert min(tops.count(top) for top in set(tops)) > 1
        wide = page.evaluate("""() => [...document.querySelectorAll("#actions .action")]
            .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)""")
        assert wide == []
        context.close()

    @pytest.mark.parametrize("width", [320, 360, 390])
    def test_on_a_narrow_phone_the_legend_is_not_cut_and_the_buttons_of_the_sound_share_a_line(
        self, browser: Browser, jam: RunningJam, width: int
    ) -> None:
        context = browser.new_context(viewport={"width": width, "height": 740})
        page = open_page(context, jam)
        legend, roll, click, sound = (
            page.evaluate("(selector) => document.querySelector(selector).getBoundingClientRect().toJSON()", selector)
            for selector in (".legend", ".roll-area", "#click", "#sound")
        )
        assert roll["left"] <= legend["left"] < legend["right"] <= roll["right"]
        assert click["top"] == sound["top"]
        context.close()

    @pytest.mark.parametrize("size", SIZES)
    def test_the_list_of_takes_is_within_a(self, browser: Browser, jam: RunningJam, size: str) -> None:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height})
        page = open_page(context, jam)
        page.evaluate("""() => {
            const takes = document.querySelector(".takes");
            takes.hidden = false;
            takes.open = true;
            takes.querySelector("ul").innerHTML = "<li><a href='#'>11/29/2026, 6:52:52 PM, 126 notes, 18 s</a></li>";
        }""")
        box = page.locator(".takes ul").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        context.close()

    def test_a_busy_piano_roll_is_drawn_in_far_less_than_a_frame(
        self, context: BrowserContext, jam: RunningJam
    ) -> None:
        page = open_page(context, jam)
        frame_ms = evaluate(page, """async () => {
            const { PianoRoll } = await import("./view/piano_roll.js");
            const { Timeline } = await import("./music/timeline.js");
            const roll = new PianoRoll(document.getElementById("roll"));
            const notes = Array.from({ length: 600 }, (_, i) => ({
                side: i % 2 ? "player" : "partner", pitch: 36 + (i * 7) % 60, startS: 3 + (i / 600) * 7,
                endS: i % 50 ? 3.1 + (i / 600) * 7 : null, velocity: 20 + (i % 100) }));
            const plan = Array.from({ length: 8 }, (_, i) => ({ pitch: 60 + i, onsetS: 10 + i / 4, endS: 10.2 + i / 4 }));
            const timeline = new Timeline({ segments: [[0, 0, 180]], meter: [7, 8], downbeat: 1, transport: "playing", source: "midi" });
            const turn = { side: "player", start_beats: 1, end_beats: 8 };
            const frameMs = [];
            for (let i = 0; i < 200; i++) {
                const began = performance.now();
                roll.draw(10 + i / 60, { notes, plan, timeline, turn, turnBars: 2, firstSide: "player" });
                frameMs.push(performance.now() - began);
            }
            return frameMs;
        }""")  # fmt: skip
        assert statistics.median(frame_ms) < FRAME_MS / 2

    def test_the_hue_and_the_stripe_of_a_note_show_how_much_of_it_came_from_memory(
        self, context: BrowserContext, jam: RunningJam
    ) -> None:
        page = open_page(context, jam)
        drawn = evaluate(page, """async () => {
            const { PianoRoll } = await import("./view/piano_roll.js");
            const canvas = document.createElement("canvas");
            canvas.style = "position: fixed; top: 0; width: 1150px; height: 500px";
            document.body.append(canvas);
            const roll = new PianoRoll(canvas);
            const shares = [0, 0.5, 1];
            const plan = shares.map((share, i) => ({ pitch: 60, onsetS: 8 + i, endS: 8.9 + i, fromMemory: share }));
            const notes = plan.map((one, i) => ({ ...one, side: "partner", startS: 1 + i, endS: 1.9 + i, velocity: 127 }));
            roll.draw(7, { notes, plan, timeline: null, turn: null });
            const at = (second, y) => [...roll.context.getImageData(second * 100, y, 1, 1).data.slice(0, 3)];
            const y = Math.round(500 - (60.5 - roll.range.low) * 500 / (roll.range.high - roll.range.low));
            const long = (second, part) => {
                const [row, edge] = [y, y - 6].map((at) => [...roll.context.getImageData(second * 100, at, 90, 1).data]);
                return row.filter((one, i) => i % 4 === part && Math.abs(one - edge[i]) > 30).length;
            };
            canvas.remove();
            return [0, 1, 2].map((i) => [at(1.5 + i, y - 6), long(1 + i, 0), long(8 + i, 3)]);
        }""")  # fmt: skip
        played, played_long, planned_long = zip(*drawn, strict=True)
        reds = [color[0] for color in played]
        greens = [color[1] for color in played]
        assert reds == sorted(set(reds))
        assert greens == sorted(set(greens), reverse=True)
        for stripes in (played_long, planned_long):
            assert stripes == pytest.approx((0, 43, 86), abs=6)

    def test_the_page_sends_requests_to_the_jam_only(self, context: BrowserContext, jam: RunningJam) -> None:
        page = context.new_page()
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.goto(jam.start_line("Panel"))
        page.wait_for_selector("[data-control=temperature]")
        page.keyboard.press("a")
        assert requested
        assert [url for url in requested if not url.startswith(jam.start_line("Panel"))] == []


class TestSound:
    def test_a_chord_is_heard_does_not_clip_and_ends(self, context: BrowserContext, jam: RunningJam) -> None:
        page = open_page(context, jam)
        peaks = evaluate(page, """async () => {
            const { ElectricPiano } = await import("./sound/electric_piano.js");
            const { createEffects } = await import("./sound/effects.js");
            const context = new OfflineAudioContext(2, 48000 * 4, 48000);
            const piano = new ElectricPiano(context, createEffects(context).input, { brightness: 1, pan: 0 });
            for (const pitch of [48, 55, 60, 64, 67, 71]) piano.startNote(pitch, 110, 0.1).release(1);
            const samples = (await context.startRendering()).getChannelData(0);
            const peak = (fromS, untilS) => samples.slice(fromS * 48000, untilS * 48000).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
            return [peak(0, 0.09), peak(0.1, 0.3), peak(0.8, 1), peak(3.5, 4)];
        }""")  # fmt: skip
        before, struck, held, after = peaks
        assert before == 0.0
        assert 0.2 < struck < 1.0
        assert 0.05 < held < struck
        assert after < 0.001

    def test_a_harder_touch_is_louder(self, context: BrowserContext, jam: RunningJam) -> None:
        page = open_page(context, jam)
        levels = evaluate(page, """async () => {
            const { ElectricPiano } = await import("./sound/electric_piano.js");
            const levels = [];
            for (const velocity of [20, 60, 100, 127]) {
                const context = new OfflineAudioContext(1, 24000, 48000);
                new ElectricPiano(context, context.destination, { brightness: 1, pan: 0 }).startNote(60, velocity, 0);
                const samples = (await context.startRendering()).getChannelData(0);
                levels.push(Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length));
            }
            return levels;
        }""")  # fmt: skip
        assert levels == sorted(levels)
        assert levels[-1] > 4 * levels[0]


class TestTime:
    def test_the_page_counts_beats_bars_and_turns_as_the_jam_does(
        self, context: BrowserContext, jam: RunningJam
    ) -> None:
        page = open_page(context, jam)
        timeline = Timeline.start(90.0, at_s=5.0, beat=3.0, meter=Meter(6, 8)).with_tempo(140.0, 9.0).with_downbeat(4.0)
        turns = TurnSchedule(2, "partner")
        seconds = [5.0 + 0.37 * index for index in range(40)]
        beats = [timeline.beat_at(at_s) for at_s in seconds]
        known_turn = turns.at(timeline.beat_at(12.0), timeline)
        counted = evaluate(page, """async ({ seconds, knownTurn }) => {
            const { Timeline, turnAt } = await import("./music/timeline.js");
            const timeline = new Timeline({ segments: [[5, 3, 90], [9, 9, 140]], meter: [6, 8], downbeat: 4, transport: "playing", source: "midi" });
            return seconds.map((atS) => {
                const beat = timeline.beatAt(atS);
                const { bar, beatsIntoBar } = timeline.barAt(beat);
                const turn = turnAt(beat, knownTurn, 2, "partner", timeline);
                return [beat, bar, beatsIntoBar, timeline.secondsAt(beat), turn.side, turn.endBeat];
            });
        }""", {"seconds": seconds, "knownTurn": {"side": known_turn.side, "start_beats": known_turn.start_beats, "end_beats": known_turn.end_beats}})  # fmt: skip
        for at_s, beat, found in zip(seconds, beats, counted, strict=True):
            bar, into_bar = timeline.bar_at(beat)
            turn = turns.at(beat, timeline)
            assert found[:4] == pytest.approx([beat, bar, into_bar, at_s], abs=1e-6)
            assert (found[4], found[5]) == (turn.side, pytest.approx(turn.end_beats))


class TestConnection:
    def test_a_lost_connection_is_shown_and_comes_back_by_itself(
        self, context: BrowserContext, tiny_pack: Path, tmp_path: Path
    ) -> None:
        port = free_tcp_port()
        options = ("--pack", str(tiny_pack), "--panel-port", str(port), "--midi-api", "none")
        with running_jam(tmp_path, *options) as first:
            page = open_page(context, first)
            expect(page.locator("#banner")).to_be_hidden()
            assert first.stop() == (0, "")
        expect(page.locator("#banner")).to_contain_text("The connection to the jam is lost")
        with running_jam(tmp_path, *options, "--temperature", "0.4") as second:
            expect(page.locator("#banner")).to_be_hidden(timeout=PATIENCE_MS)
            expect(page.locator("#control-temperature")).to_have_value("0.4")
            assert second.stop() == (0, "")

    def test_in_a_network_the_page_requests_the_token(
        self, context: BrowserContext, tiny_pack: Path, tmp_path: Path
    ) -> None:
        port = free_tcp_port()
        options = ("--pack", str(tiny_pack), "--panel-port", str(port), "--midi-api", "none", "--lan")
        with running_jam(tmp_path, *options) as jam:
            token = jam.start_line("Panel").rpartition(" ")[2]
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{port}/")
            page.fill("#token", "wrong")
            page.keyboard.press("Enter")
            expect(page.locator("#token-dialog [role=alert]")).to_contain_text("this is not the token")
            page.fill("#token", token)
            page.keyboard.press("Enter")
            page.wait_for_selector("[data-control=temperature]")
            chromium = context.browser
            assert chromium is not None
            other = chromium.new_page()
            other.goto(f"http://127.0.0.1:{port}/#{token}")
            other.wait_for_selector("[data-control=temperature]")
            assert other.url == f"http://127.0.0.1:{port}/"
            other.close()
