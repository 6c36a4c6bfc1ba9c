"""What the page says of timing, in a real browser: in words for every case, and of a jam on JACK that follows a clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from bench.live import jackd_server
from tests.conftest import running_jackd
from tests.programs import require_program
from tests.server.calibration.jack_daw import jack_daw
from tests.server.jam_process import TEMPO_BPM, RunningJam, running_jam
from tests.server.panel.browser import PATIENCE_MS, open_page
from tests.server.panel.running_panel import free_tcp_port

SERVER = "fours-jack-ports"
"""A name that other tests use too, one after the other: JACK has room for eight, and one that was killed keeps its place."""
KEPT = '[midi.offset_ms]\n"Trading Fours Out" = -12.5\n'

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def jam(tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJam]:
    """A jam on JACK with 256 frames, with an offset that was measured, which follows a clock."""
    options = ("--pack", str(tiny_pack), "--panel-port", str(free_tcp_port()))
    with (
        running_jackd(SERVER, tmp_path_factory, 256),
        running_jam(tmp_path_factory.mktemp("jam"), *options, more_config=KEPT) as running,
        jack_daw() as daw,
    ):
        daw.connect(running.midi_out, running.midi_in)
        daw.play(TEMPO_BPM)
        yield running


@pytest.mark.parametrize(
    ("figures", "source", "rows"),
    [
        (
            {"clock_ms": {"offset": 0.3, "jitter": 1.2}, "latency_ms": 5.3},
            "midi",
            [
                ["Port to port", "5.3 ms"],
                ["Clock offset", "0.3 ms", "MIDI clock comes after our beat"],
                ["Clock jitter", "±1.2 ms"],
            ],
        ),
        (
            {"clock_ms": {"offset": -2, "jitter": 0}, "latency_ms": 5.3},
            "link",
            [
                ["Port to port", "5.3 ms"],
                ["Clock offset", "2 ms", "Link comes before our beat"],
                ["Clock jitter", "±0 ms"],
            ],
        ),
        (
            {"clock_ms": {"offset": 0, "jitter": 0.1}, "latency_ms": 0},
            "midi",
            [
                ["Port to port", "not known", "each message is passed on as it comes"],
                ["Clock offset", "0 ms", "MIDI clock and our beat are together"],
                ["Clock jitter", "±0.1 ms"],
            ],
        ),
        (
            {"clock_ms": {}, "latency_ms": 0},
            "midi",
            [
                ["Port to port", "not known"],
                ["Clock offset", "not known yet", "MIDI clock has not come for long enough"],
            ],
        ),
        (
            {"clock_ms": {}, "latency_ms": 0},
            "internal",
            [["Port to port", "not known"], ["Clock offset", "none", "the jam follows its own clock"]],
        ),
    ],
)
def test_each_case_has_its_words(
    context: BrowserContext, jam: RunningJam, figures: object, source: str, rows: list[list[str]]
) -> None:
    page = open_page(context, jam)
    said = page.evaluate(
        """async ([figures, source]) => {
            const { timingRows } = await import("/view/timing_rows.js");
            return timingRows({ midi_in: "Keys", offset: { ms: -4, source: "measured" } }, figures, -4, source);
        }""",
        [figures, source],
    )
    *timing, offset = said
    assert offset == ["Notes go out", "4 ms before the beat", "measured"]
    assert [row[: len(wanted)] for row, wanted in zip(timing, rows, strict=True)] == rows


def test_a_jam_without_midi_has_no_way_from_port_to_port(context: BrowserContext, jam: RunningJam) -> None:
    page = open_page(context, jam)
    said = page.evaluate(
        """async () => {
            const { timingRows } = await import("/view/timing_rows.js");
            const offset = { ms: 0, source: "the default" };
            return timingRows({ midi_in: "none", offset }, { clock_ms: {}, latency_ms: 0 }, 0, "internal");
        }"""
    )
    assert (said[0], said[-1]) == (["Port to port", "no MIDI ports"], ["Notes go out", "on the beat", "the default"])


def test_the_wiring_says_port_to_port_the_clock_and_the_offset_with_its_source(
    context: BrowserContext, jam: RunningJam
) -> None:
    page = open_page(context, jam)
    wiring = page.locator("#wiring")
    expect(wiring).to_contain_text("Port to port5.3 ms", timeout=PATIENCE_MS)
    expect(wiring).to_contain_text("Clock jitter±", timeout=PATIENCE_MS)
    expect(wiring).to_contain_text("how unevenly MIDI clock comes")
    expect(wiring).to_contain_text(
        'Notes go out12.5 ms before the beat measured by fours calibrate for "Trading Fours Out"'
    )
    jam.phone.ask("/fours/offset_ms", 3.0)
    expect(wiring).to_contain_text("Notes go out3 ms after the beat offset_ms was changed in this jam")


def test_the_wiring_says_how_each_port_keeps_time_and_follows_the_server_to_another_period(
    context: BrowserContext, jam: RunningJam
) -> None:
    require_program("jack_bufsize")
    page = open_page(context, jam)
    wiring = page.locator("#wiring")
    expect(wiring).to_contain_text(
        "Trading Fours In jack, 256 frames: notes dated by their frame, 5.3 ms before it", timeout=PATIENCE_MS
    )
    expect(wiring).to_contain_text("Trading Fours Out jack, 256 frames: notes on their frame, 5.3 ms ahead")
    jackd_server.set_period(1024)
    expect(wiring).to_contain_text(
        "Trading Fours Out jack, 1024 frames: notes on their frame, 21.3 ms ahead", timeout=PATIENCE_MS
    )
    expect(wiring).to_contain_text("Port to port21.3 ms", timeout=PATIENCE_MS)
