"""The panel as it is served, with real sockets and a running music thread, in this process."""

import asyncio
import inspect
import json
import socket
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bridge.errors import LinkMissing
from bridge.midi.messages import NoteOn
from server.config.config import MidiSection, PanelSection, load
from server.controls.cc_bindings import CcBinding
from server.controls.control_table import BY_NAME, CONTROLS
from server.errors import PanelError, TakeError
from server.panel import app as app_module
from server.panel import panel as panel_module
from server.panel.jam_handle import TakeListing, TakeSource
from server.panel.pages.page_connections import MESSAGES_AT_ONCE, MOST_PAGES, REFUSALS_AT_ONCE
from server.panel.pages.page_messages import LONGEST_MESSAGE
from server.panel.panel import LARGEST_FRAME, Panel
from server.panel.uploaded_seeds import LARGEST_BYTES
from server.panel.web import page_http
from server.panel.web.page_http import MOST_PER_ADDRESS
from server.panel.web.rate_limiter import RateLimiter
from tests.music import WHOLE_MIDI_FILE
from tests.server.panel.running_panel import (
    HOST,
    NO_BINDINGS,
    PATIENCE_S,
    UNWRITABLE_CONFIG,
    JsonObject,
    RunningPanel,
    free_tcp_port,
    jam_handle,
    running_panel,
)

ON, OFF, CONTROL = 0x90, 0x80, 0xB0


PanelTest = Callable[..., Coroutine[object, object, None]]


class OneTake:
    """A take source with one take."""

    async def listings(self) -> list[TakeListing]:
        return [TakeListing("2026-01-02-030405", "2026-01-02T03:04:05", 12.0, 34)]

    async def as_midi(self, name: str) -> bytes:
        if name != "2026-01-02-030405":
            raise TakeError(f"there is no jam {name}")
        return WHOLE_MIDI_FILE


def with_running_panel(
    takes: TakeSource | None = None, midi: MidiSection = NO_BINDINGS, **section: bool
) -> Callable[[PanelTest], Callable[..., None]]:
    """Makes a test of a coroutine, which gets a running panel of its own as `panel`."""

    def decorate(panel_test: PanelTest) -> Callable[..., None]:
        @wraps(panel_test)
        def test(self: object, **fixtures: object) -> None:
            async def run() -> None:
                async with running_panel(takes, midi, UNWRITABLE_CONFIG, **section) as panel:
                    await panel_test(self, panel=panel, **fixtures)

            asyncio.run(run())

        # Without this, pytest would look for a fixture that is named `panel`.
        signature = inspect.signature(panel_test)
        parameters = [parameter for parameter in signature.parameters.values() if parameter.name != "panel"]
        vars(test)["__signature__"] = signature.replace(parameters=parameters)
        return test

    return decorate


with_panel = with_running_panel()
with_lan_panel = with_running_panel(lan=True)
TEMPERATURE_CC, OTHER_CC = 21, 22
with_bound_knobs = with_running_panel(midi=MidiSection(cc={"temperature": TEMPERATURE_CC, "respond": 64}))


class TestAPage:
    @with_panel
    async def test_gets_the_full_state_when_it_connects(self, panel: RunningPanel) -> None:
        async with panel.page() as page:
            (welcome,) = page.received
            assert [row["name"] for row in welcome["controls"]] == [control.name for control in CONTROLS]
            assert welcome["values"]["tempo"] == 400.0
            assert welcome["wiring"]["midi_in"] == "Keys"
            assert welcome["wiring"]["ms_per_token"] == {"pitch": 0.1, "event": 0.2}
            assert welcome["wiring"]["offset"] == {"ms": 0.0, "source": "not measured"}
            assert welcome["figures"]["latency_ms"] == 0.0
            assert welcome["figures"]["ports"] == {"midi_in": "keys of a test", "midi_out": "memory"}
            assert welcome["status"]["state"] == "listening"
            assert welcome["time"]["meter"] == [4, 4]
            assert welcome["offers"] == {"takes": False}

    @with_panel
    async def test_plays_and_gets_an_answer_first_as_a_plan_and_then_as_notes(self, panel: RunningPanel) -> None:
        async with panel.page() as page:
            for pitch in (60, 64, 67):
                await page.play(ON, pitch, 90)
                await page.play(OFF, pitch, 0)
            planned = await page.receive(lambda message: message.get("status", {}).get("plan"))
            assert planned["status"]["state"] == "waiting"
            assert [note[0] for note in planned["status"]["plan"]][:2] == [72, 74]
            assert (await page.next_notes("partner", "on", 2)) == [72, 74]
        assert next(message for message in panel.sent_messages if isinstance(message, NoteOn)) == NoteOn(72, 90)

    @with_panel
    async def test_gets_the_values_that_another_page_has_set(self, panel: RunningPanel) -> None:
        async with panel.page() as one, panel.page() as other:
            await one.send("set", control="temperature", value=0.5)
            assert await other.next_value("temperature") == 0.5
            assert await one.next_value("temperature") == 0.5
            assert panel.jam.controls.value("temperature") == 0.5

    @with_panel
    async def test_gets_the_jams_time_for_a_ping(self, panel: RunningPanel) -> None:
        async with panel.page() as page:
            await page.send("ping", sent_ms=12.5)
            pong = await page.receive_type("pong")
            assert pong["sent_ms"] == 12.5
            assert abs(pong["now_s"] - panel.jam.clock.now_s()) < 5.0

    @with_panel
    async def test_whose_connection_breaks_releases_its_keys_and_pedals(self, panel: RunningPanel) -> None:
        async with panel.page() as other:
            async with panel.page() as page:
                await page.play(ON, 60, 90)
                await page.play(CONTROL, 64, 127)
                await page.play(ON, 62, 90)
                await page.play(OFF, 62, 0)
                await other.next_notes("player", "off", 1)
                page.websocket.transport.abort()
            message = await other.receive(lambda message: message.get("notes"))
            assert [note[2:] for note in message["notes"]] == [["off", 60, 0], ["control", 64, 0]]


class TestControllersOfAPage:
    @with_bound_knobs
    async def test_move_the_controls_that_they_are_bound_to_and_are_not_heard_as_playing(
        self, panel: RunningPanel
    ) -> None:
        async with panel.page() as page:
            await page.play(CONTROL, TEMPERATURE_CC, 127)
            assert await page.next_value("temperature") == 2.0
            await page.play(CONTROL, OTHER_CC, 5)
            assert await page.next_notes("player", "control", 1) == [OTHER_CC]

    @with_bound_knobs
    async def test_a_bound_pedal_requests_an_answer_once_each_time_it_goes_down(self, panel: RunningPanel) -> None:
        async with panel.page() as page:
            for value in (127, 90, 0):
                await page.play(CONTROL, 64, value)
            await page.receive(lambda message: message.get("actions") == ["respond"])
        async with panel.page() as page:
            # If its page disconnects while the pedal is down, the pedal must count as released.
            await page.play(CONTROL, 64, 127)
            await page.receive(lambda message: message.get("actions"))
            page.websocket.transport.abort()
        async with panel.page() as page:
            await page.play(CONTROL, 64, 127)
            await page.receive(lambda message: message.get("actions"))


def has_binding(control: str) -> Callable[[JsonObject], object]:
    """Whether a message has a binding of this control."""
    return lambda message: message.get("bindings", {}).get(control)


def has_outcome(message: JsonObject) -> object:
    """Whether it is the outcome of learning."""
    return message.get("outcome")


class TestMidiLearn:
    @with_panel
    async def test_a_page_gets_the_controls_that_can_be_bound_and_their_bindings(self, panel: RunningPanel) -> None:
        async with panel.page() as page:
            (welcome,) = page.received
            assert welcome["bindings"] == dict.fromkeys(name for name, row in BY_NAME.items() if row.kind != "name")
            assert welcome["learning"] is None

    def test_the_next_knob_is_bound_and_written_to_the_config_and_all_pages_get_the_outcome(
        self, tmp_path: Path
    ) -> None:
        async def run() -> None:
            path = tmp_path / "config.toml"
            async with running_panel(config_file=path) as panel, panel.page() as one, panel.page() as other:
                await one.send("learn", control="temperature")
                for page in (one, other):
                    assert (await page.receive(lambda message: message.get("learning")))["learning"] == "temperature"
                panel.jam.receive_controller(bytes([CONTROL | 2, 74, 127]), panel.jam.clock.now_s())
                for page in (one, other):
                    message = await page.receive(has_outcome)
                    assert message["learning"] is None
                    assert message["bindings"]["temperature"] == {"cc": 74, "channel": 3}
                    sentence = f"CC 74 on channel 3 moves temperature now; it is written to {path}"
                    assert message["outcome"] == {"sentence": sentence, "is_error": False}
                assert await other.next_value("temperature") == 2.0
            assert load(path).midi.bindings.by_control == {"temperature": CcBinding(74, 3)}

        asyncio.run(run())

    @with_panel
    async def test_a_binding_that_cannot_be_written_holds_for_this_jam_and_the_page_is_notified(
        self, panel: RunningPanel
    ) -> None:
        async with panel.page() as page:
            await page.send("learn", control="swing")
            await page.play(CONTROL, 74, 127)
            outcome = (await page.receive(has_outcome))["outcome"]
            beginning = f"CC 74 on channel 1 moves swing in this jam only: {UNWRITABLE_CONFIG} cannot be written"
            assert outcome["sentence"].startswith(beginning)
            assert outcome["is_error"]
            assert await page.next_value("swing") == 75.0
            await page.play(CONTROL, 74, 0)
            assert await page.next_value("swing") == 50.0

    @with_bound_knobs
    async def test_a_knob_that_moves_another_control_is_refused_with_a_sentence(self, panel: RunningPanel) -> None:
        async with panel.page() as page:
            await page.send("learn", control="swing")
            await page.play(CONTROL, TEMPERATURE_CC, 127)
            message = await page.receive(has_outcome)
            assert message["outcome"]["sentence"] == (
                f"CC {TEMPERATURE_CC} moves temperature already; "
                "let temperature learn another knob, or take its line out of [midi.cc]"
            )
            assert message["outcome"]["is_error"]
            assert message["learning"] is None
            assert message["bindings"]["swing"] is None
            assert await page.next_value("temperature") == 2.0

    @with_panel
    async def test_any_page_can_give_it_up(self, panel: RunningPanel) -> None:
        async with panel.page() as one, panel.page() as other:
            await one.send("learn", control="swing")
            await other.receive(lambda message: message.get("learning"))
            await other.send("learn", control=None)
            await one.receive(lambda message: message.get("learning"))
            assert (await one.receive(lambda message: "learning" in message))["learning"] is None
            await one.play(CONTROL, 74, 127)
            assert await one.next_notes("player", "control", 1) == [74]

    @with_panel
    async def test_it_ends_when_the_page_that_started_it_disconnects(self, panel: RunningPanel) -> None:
        async with panel.page() as other:
            async with panel.page() as page:
                await page.send("learn", control="swing")
                await other.receive(lambda message: message.get("learning"))
            assert (await other.receive(lambda message: "learning" in message))["learning"] is None
            await other.play(CONTROL, 74, 127)
            assert await other.next_notes("player", "control", 1) == [74]

    @with_panel
    async def test_another_page_can_start_its_own_and_keeps_it_when_the_first_page_disconnects(
        self, panel: RunningPanel
    ) -> None:
        async with panel.page() as other:
            async with panel.page() as page:
                await page.send("learn", control="swing")
                await other.receive(lambda message: message.get("learning") == "swing")
                await other.send("learn", control="respond")
                await page.receive(lambda message: message.get("learning") == "respond")
            await other.play(CONTROL, 67, 127)
            await other.receive(has_binding("respond"))
            await other.receive(lambda message: message.get("actions") == ["respond"])

    @pytest.mark.parametrize(("control", "reason"), [("pack", "takes no CC"), ("tempr", "did you mean tempo?")])
    @with_panel
    async def test_a_control_that_no_knob_can_move_is_refused(
        self, panel: RunningPanel, control: str, reason: str
    ) -> None:
        async with panel.page() as page:
            await page.send("learn", control=control)
            assert reason in (await page.receive_type("refused"))["reason"]
            assert panel.jam.midi_learn.waiting_control is None


def stop_reading_from_all(panel: RunningPanel) -> None:
    """Treats each message that the pages send from now on as one too many."""
    for connection in panel.connections._connections:
        connection.message_limiter = RateLimiter(1e-9, 0.0, panel.jam.clock.now_s())


class TestRefusedMessages:
    @with_panel
    async def test_a_change_that_fails_later_is_reported_to_the_page_that_made_it(self, panel: RunningPanel) -> None:
        async with panel.page() as page, panel.page() as other:
            await page.send("set", control="tempo", value=90.0)
            assert await page.next_value("tempo") == 90.0
            panel.jam.controls.take_back("tempo", 90.0, 120.0, "that did not work")
            assert (await page.receive_type("refused"))["reason"] == "that did not work"
            assert await other.next_value("tempo") == 90.0
            assert await other.next_value("tempo") == 120.0

    @with_panel
    async def test_a_remark_about_a_value_of_the_start_is_shown_on_every_page(self, panel: RunningPanel) -> None:
        async with panel.page() as page, panel.page() as other:
            panel.jam.controls.report_remark("chords_from", "nothing there is a chord")
            assert (await page.receive_type("refused"))["reason"] == "nothing there is a chord"
            assert (await other.receive_type("refused"))["reason"] == "nothing there is a chord"

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("hello", "the message is not JSON"),
            ('{"type":"quit"}', "a message's type is play, set, learn or ping"),
            (
                "x" * (LONGEST_MESSAGE + 1),
                f"a message has at most {LONGEST_MESSAGE} characters, and this one has {LONGEST_MESSAGE + 1}",
            ),
            ('{"type":"set","control":"tempr","value":1}', "there is no control tempr; did you mean tempo?"),
            ('{"type":"set","control":"tempo","value":9000}', "tempo is 20 to 400 bpm; 9000 is out of range"),
            ('{"type":"set","control":"stop","value":"now"}', "an action takes 1, to do it, not 'now'"),
            ('{"type":"ping","sent_ms":NaN}', "NaN is not a number that the panel takes"),
        ],
    )
    @with_panel
    async def test_a_bad_message_is_refused_with_a_reason_and_counted(
        self, panel: RunningPanel, text: str, reason: str
    ) -> None:
        async with panel.page() as page:
            before = panel.jam.controls.values()
            await page.websocket.send(text)
            refusal = await page.receive_type("refused")
            assert (refusal["reason"], refusal["count"]) == (reason, 1)
            assert panel.jam.controls.values() == before
            await page.receive(lambda message: message.get("figures", {}).get("refused") == 1)
            await page.play(ON, 60, 80)
            assert await page.next_notes("player", "on", 1) == [60]

    @with_panel
    async def test_a_message_that_leads_to_an_error_of_ours_is_refused_and_the_page_stays(
        self, panel: RunningPanel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError("File name too long")

        monkeypatch.setattr(panel.jam.controls, "set", fail)
        async with panel.page() as page:
            for count in (1, 2):
                await page.send("set", control="pack", value="x" * 300)
                refusal = await page.receive_type("refused")
                assert refusal["reason"] == "this could not be done; the log of the jam has the reason"
                assert refusal["count"] == count
                assert refusal["values"]["pack"] == panel.jam.controls.value("pack")
        (record,) = caplog.records
        assert record.getMessage().startswith("panel: OSError: File name too long, in test_panel.py, line ")
        assert record.exc_info is None

    @with_panel
    async def test_after_a_refused_value_the_page_gets_the_current_one_to_show_it_again(
        self, panel: RunningPanel
    ) -> None:
        async with panel.page() as page:
            await page.send("set", control="tempo", value=1)
            assert (await page.receive_type("refused"))["values"]["tempo"] == 400.0

    @with_panel
    async def test_a_clock_that_this_machine_lacks_is_refused_with_the_sentence_that_says_how_to_get_it(
        self, panel: RunningPanel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def join(_: object) -> None:
            raise LinkMissing("Ableton Link is an extra that is not installed")

        monkeypatch.setattr(panel.jam.controls, "_preparations", {"clock": join})
        async with panel.page() as page:
            await page.send("set", control="clock", value="link")
            refusal = await page.receive_type("refused")
            assert refusal["reason"] == "Ableton Link is an extra that is not installed"
            assert refusal["values"]["clock"] == panel.jam.controls.value("clock") != "link"
            assert not panel.connections.faults.counts

    @with_panel
    async def test_a_value_too_long_to_be_read_is_followed_by_the_one_that_holds(self, panel: RunningPanel) -> None:
        async with panel.page() as page:
            await page.send("set", control="chart", value="C" * LONGEST_MESSAGE)
            assert (await page.receive_type("refused"))["values"]["chart"] == panel.jam.controls.value("chart")

    @with_panel
    async def test_a_value_that_is_left_out_of_a_flood_is_followed_by_the_one_that_holds(
        self, panel: RunningPanel
    ) -> None:
        async with panel.page() as flooder:
            stop_reading_from_all(panel)
            await flooder.play(ON, 60, 80)
            assert (await flooder.receive_type("refused"))["values"] == {}
            await flooder.send("set", control="tempo", value=90.0)
            assert (await flooder.receive_type("refused"))["values"]["tempo"] == 400.0

    @with_panel
    async def test_of_more_refusals_than_can_be_read_the_last_one_is_said_with_the_values_that_hold(
        self, panel: RunningPanel
    ) -> None:
        count = int(REFUSALS_AT_ONCE) + 5
        async with panel.page() as page:
            for _ in range(count):
                await page.send("set", control="tempo", value=1)
            last = await page.receive(lambda message: message["type"] == "refused" and message["count"] == count)
            assert last["values"]["tempo"] == 400.0

    @with_panel
    async def test_an_oversize_frame_ends_its_own_connection_only(self, panel: RunningPanel) -> None:
        async with panel.page() as other, panel.page() as page:
            await page.websocket.send("x" * (LARGEST_FRAME + 1))
            with pytest.raises(ConnectionClosed) as closed:
                await page.receive(lambda _: False)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
            await other.play(ON, 60, 80)
            assert await other.next_notes("player", "on", 1) == [60]

    @with_panel
    async def test_a_flood_is_refused_and_slowed_down_while_other_pages_play_on(self, panel: RunningPanel) -> None:
        async with panel.page() as flooder, panel.page() as other:
            for _ in range(int(MESSAGES_AT_ONCE) + 200):
                await flooder.send("ping", sent_ms=1)
            refusal = await flooder.receive_type("refused")
            assert refusal["reason"] == "more than 500 messages a second: some were left out"
            await other.play(ON, 60, 80)
            assert await other.next_notes("player", "on", 1) == [60]

    @pytest.mark.parametrize(
        ("held", "release", "shown"),
        [
            ((ON, 60, 80), (OFF, 60, 0), ["off", 60, 0]),
            ((ON, 60, 80), (ON, 60, 0), ["off", 60, 0]),
            ((CONTROL, 64, 127), (CONTROL, 64, 0), ["control", 64, 0]),
        ],
    )
    @with_panel
    async def test_what_ends_a_held_key_or_pedal_is_accepted_from_a_flooding_page_too(
        self, panel: RunningPanel, held: tuple[int, ...], release: tuple[int, ...], shown: list[object]
    ) -> None:
        async with panel.page() as flooder:
            await flooder.play(*held)
            await flooder.receive(lambda message: message.get("notes"))
            stop_reading_from_all(panel)
            await flooder.play(CONTROL, 1, 0)
            await flooder.receive_type("refused")
            await flooder.play(*release)
            message = await flooder.receive(lambda message: message.get("notes"))
            assert [note[2:] for note in message["notes"]] == [shown]
            # The second time it ends nothing, so that a flood of releases is one, too.
            await flooder.play(*release)
            assert (await flooder.receive_type("refused"))["count"] == 2

    @with_panel
    async def test_a_page_that_reads_nothing_is_disconnected_and_its_outbox_does_not_grow(
        self, panel: RunningPanel
    ) -> None:
        async with panel.page() as other, panel.page() as stuck:
            stuck.websocket.transport.pause_reading()
            big = {"type": "news", "filler": "x" * 60_000}
            panels = 2
            while panels == 2:
                for connection in panel.connections._connections:
                    if connection.name == "panel 2":
                        connection.send(json.dumps(big))
                message = await other.receive(lambda message: message["type"] == "news" or message.get("figures"))
                panels = message.get("figures", {}).get("panels", panels)
            stuck.websocket.transport.abort()

    @with_panel
    async def test_a_page_beyond_the_limit_is_turned_away(self, panel: RunningPanel) -> None:
        await panel.request("/")
        for _ in range(MOST_PAGES):
            panel.connections.connect(lambda: None)
        with pytest.raises(ConnectionClosed) as closed:
            async with panel.page():
                pass
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "there are too many panels of this jam; close one"


class TestAccess:
    @with_panel
    async def test_the_page_comes_with_headers_that_allow_requests_to_this_server_only(
        self, panel: RunningPanel
    ) -> None:
        status, head, body = await panel.request("/")
        assert status == 200
        assert "default-src 'self'" in head
        assert b"<title>Trading Fours</title>" in body
        assert panel.printed_lines == [f"Panel      http://{HOST}:{panel.port}"]

    @pytest.mark.parametrize("target", ["/", "/main.js", "/view/piano_roll.js", "/access", "/takes"])
    @with_panel
    async def test_a_request_with_another_sites_host_gets_nothing(self, panel: RunningPanel, target: str) -> None:
        status, _, _ = await panel.request(target, host=f"evil.example:{panel.port}")
        assert status == 421

    @pytest.mark.parametrize(
        "target",
        [
            "/none.js",
            "/static/main.js",
            "/view",
            "/view/",
            "/view/none.js",
            "/piano_roll.js",
            "/index.html/",
            "//main.js",
            "/../panel.py",
            "/%2e%2e/panel.py",
            "/view/../../panel.py",
            "/view/%2e%2e/main.js",
            "/view%5cpiano_roll.js",
        ],
    )
    @with_panel
    async def test_only_the_pages_own_files_are_served(self, panel: RunningPanel, target: str) -> None:
        assert (await panel.request(target))[0] == 404

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
    @with_panel
    async def test_the_websocket_is_for_pages_of_this_panel_only(self, panel: RunningPanel, origin: str | None) -> None:
        shake = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        headers = [*shake, *([] if origin is None else [f"Origin: {origin}"])]
        assert (await _upgrade(panel, headers)) == 403
        assert (await _upgrade(panel, [*shake, panel.own_origin])) == 101

    @with_panel
    async def test_a_file_in_a_folder_is_served_by_its_path(self, panel: RunningPanel) -> None:
        status, head, body = await panel.request("/view/piano_roll.js")
        assert status == 200
        assert "text/javascript" in head
        assert b"export class PianoRoll" in body

    @with_panel
    async def test_a_file_that_the_browser_has_is_not_sent_again(self, panel: RunningPanel) -> None:
        _, head, _ = await panel.request("/main.js")
        (tag,) = [line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("etag")]
        assert (await panel.request("/main.js", headers=[f"If-None-Match: {tag}"]))[0] == 304

    @with_panel
    async def test_unfinished_requests_hold_up_nobody(self, panel: RunningPanel) -> None:
        silent = [await asyncio.open_connection(HOST, panel.port) for _ in range(5)]
        for _, writer in silent:
            writer.write(b"GET / HT")
        async with panel.page() as page:
            await page.play(ON, 60, 80)
            assert await page.next_notes("player", "on", 1) == [60]
        for _, writer in silent:
            writer.close()


class TestUnfinishedRequests:
    @with_panel
    async def test_of_too_many_from_one_address_the_oldest_are_closed_and_a_page_connects(
        self, panel: RunningPanel
    ) -> None:
        halves = [await _half_open(panel) for _ in range(3 * MOST_PER_ADDRESS)]
        async with panel.page() as page:
            await page.play(ON, 60, 80)
            assert await page.next_notes("player", "on", 1) == [60]
        assert await _rest_until_closed(halves[0][0]) == b""
        for _, writer in halves:
            writer.close()

    @with_panel
    async def test_are_given_up_after_some_seconds_the_first_and_a_later_one_of_a_connection(
        self, panel: RunningPanel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await panel.request("/")
        monkeypatch.setattr(page_http, "UNFINISHED_S", 0.01)
        reader, writer = await _half_open(panel)
        assert await _rest_until_closed(reader) == b""
        writer.close()
        monkeypatch.undo()
        reader, writer = await asyncio.open_connection(HOST, panel.port)
        writer.write(f"GET /main.js HTTP/1.1\r\nHost: {HOST}\r\nIf-None-Match: x\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(page_http, "UNFINISHED_S", 0.01)
        writer.write(b"GET /")
        await _rest_until_closed(reader)
        writer.close()

    @with_panel
    async def test_a_body_that_does_not_come_is_given_up(
        self, panel: RunningPanel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await panel.request("/")
        monkeypatch.setattr(app_module, "BODY_TIMEOUT_S", 0.01)
        reader, writer = await asyncio.open_connection(HOST, panel.port)
        head = f"POST /access HTTP/1.1\r\nHost: {HOST}:{panel.port}\r\nContent-Length: 10\r\n\r\n"
        writer.write(head.encode())
        assert (await asyncio.wait_for(reader.read(), PATIENCE_S)).startswith(b"HTTP/1.1 408")
        writer.close()


class TestAPanelInTheNetwork:
    @with_lan_panel
    async def test_the_start_prints_a_token_and_a_code_to_scan(self, panel: RunningPanel) -> None:
        assert panel.printed_lines[0].startswith("Panel      http://")
        assert ", token " in panel.printed_lines[0]
        assert len(panel.printed_lines) > 10

    @with_lan_panel
    async def test_without_the_token_only_the_pages_files_are_served(self, panel: RunningPanel) -> None:
        assert (await panel.request("/"))[0] == 200
        assert json.loads((await panel.request("/access"))[2]) == {"open": False}
        with pytest.raises(InvalidStatus):
            await panel.page().__aenter__()
        assert (await panel.request("/seed", "POST", WHOLE_MIDI_FILE, headers=[panel.own_origin]))[0] == 403
        assert (await panel.request("/access", "POST", b"wrong", headers=[panel.own_origin]))[0] == 403

    @with_lan_panel
    async def test_the_token_is_exchanged_for_a_cookie_with_which_a_page_may_play(self, panel: RunningPanel) -> None:
        token = panel.printed_lines[0].rpartition(" ")[2]
        status, head, _ = await panel.request("/access", "POST", token.encode(), headers=[panel.own_origin])
        assert status == 200
        (cookie,) = [line.partition(": ")[2] for line in head.splitlines() if line.startswith("set-cookie")]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        async with panel.page(cookie.partition(";")[0]) as page:
            await page.play(ON, 60, 80)
            assert await page.next_notes("player", "on", 1) == [60]


class TestSeeds:
    @with_panel
    async def test_a_file_is_played_as_if_the_player_played_it(self, panel: RunningPanel) -> None:
        async with panel.page() as page:
            headers = [panel.own_origin, "X-Name: my%20tune.mid"]
            status, _, body = await panel.request("/seed", "POST", WHOLE_MIDI_FILE, headers=headers)
            assert status == 200
            assert json.loads(body)["name"] == "my tune.mid"
            assert await page.next_notes("player", "on", 3) == [60, 64, 67]
            assert (await panel.request("/seed", "DELETE", headers=[panel.own_origin]))[0] == 200

    @pytest.mark.parametrize(
        ("content", "status", "reason"),
        [
            (b"not music", 422, "tune.mid is not a MIDI file"),
            (b"", 422, "tune.mid is empty"),
            (bytes(LARGEST_BYTES + 1), 413, "a seed has at most 256 kB"),
        ],
    )
    @with_panel
    async def test_a_file_that_is_no_seed_is_refused_with_a_reason(
        self, panel: RunningPanel, content: bytes, status: int, reason: str
    ) -> None:
        answer = await panel.request("/seed", "POST", content, headers=[panel.own_origin, "X-Name: ../../tune.mid"])
        assert answer[0] == status
        assert reason in json.loads(answer[2])["reason"]

    @pytest.mark.parametrize(
        "name", ["..", ".", "", "%00", "x/..", "a%00b.mid", "%F0%9F%8E%B9" * 100, "c:\\tune.mid", "%ff"]
    )
    @with_panel
    async def test_may_have_any_name(self, panel: RunningPanel, name: str) -> None:
        headers = [panel.own_origin, f"X-Name: {name}"]
        assert (await panel.request("/seed", "POST", WHOLE_MIDI_FILE, headers=headers))[0] == 200

    @with_panel
    async def test_another_sites_page_cannot_send_one(self, panel: RunningPanel) -> None:
        foreign = ["Origin: http://evil.example"]
        assert (await panel.request("/seed", "POST", WHOLE_MIDI_FILE, headers=foreign))[0] == 403
        assert (await panel.request("/seed", "POST", WHOLE_MIDI_FILE))[0] == 403


class TestTakes:
    @with_running_panel(OneTake())
    async def test_are_listed_and_fetched(self, panel: RunningPanel) -> None:
        listed = json.loads((await panel.request("/takes"))[2])
        assert [row["id"] for row in listed] == ["2026-01-02-030405"]
        status, head, body = await panel.request("/takes/2026-01-02-030405.mid")
        assert (status, body) == (200, WHOLE_MIDI_FILE)
        assert "audio/midi" in head
        assert (await panel.request("/takes/none.mid"))[0] == 404

    @with_panel
    async def test_a_jam_without_takes_has_no_list(self, panel: RunningPanel) -> None:
        assert (await panel.request("/takes"))[0] == 404


class TestStartAndStop:
    @with_panel
    async def test_the_page_comes_even_where_the_system_starts_no_process_for_its_files(
        self, panel: RunningPanel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_: object, **__: object) -> None:
            raise OSError("too many processes")

        monkeypatch.setattr(asyncio, "create_subprocess_exec", fail)
        assert (await panel.request("/"))[0] == 200
        status, _, body = await panel.request("/seed", "POST", WHOLE_MIDI_FILE, headers=[panel.own_origin])
        assert status == 422
        assert "the process that reads files" in json.loads(body)["reason"]

    def test_a_taken_port_is_an_error_in_one_sentence(self) -> None:
        async def run() -> None:
            with socket.socket() as taken:
                taken.bind((HOST, 0))
                taken.listen()
                port = taken.getsockname()[1]
                with pytest.raises(
                    PanelError, match=rf"The panel's port {port} on {HOST} is taken, perhaps by another jam"
                ):
                    async with Panel(PanelSection(port=port), jam_handle(), print):
                        pass

        asyncio.run(run())

    @pytest.mark.parametrize(
        ("section", "address"),
        [
            (PanelSection(host="::1"), "[::1]"),
            (PanelSection(host="::1", lan=True), "192.168.1.7"),
            (PanelSection(host="::", lan=True), "192.168.1.7"),
            (PanelSection(host="127.0.0.1", lan=True), "192.168.1.7"),
        ],
    )
    def test_the_printed_address_is_one_that_a_browser_can_open(
        self, section: PanelSection, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(panel_module, "network_address", lambda: "192.168.1.7")
        said: list[str] = []

        async def run() -> None:
            port = free_tcp_port()
            async with Panel(section.model_copy(update={"port": port}), jam_handle(), said.append):
                pass
            assert said[0].partition(", ")[0] == f"Panel      http://{address}:{port}"

        asyncio.run(run())

    def test_the_port_is_free_again_even_after_a_panel_that_ended_as_soon_as_it_had_started(self) -> None:
        async def run() -> None:
            async with running_panel() as panel:
                port = panel.port
            async with Panel(PanelSection(port=port), jam_handle(), lambda _: None):
                pass
            with socket.socket() as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind((HOST, port))

        asyncio.run(run())


async def _rest_until_closed(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the other side closes the connection; what it has not read itself makes that a reset."""
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    except ConnectionResetError:
        return b""


async def _half_open(panel: RunningPanel) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which half a request was sent."""
    reader, writer = await asyncio.open_connection(HOST, panel.port)
    writer.write(b"GET / HT")
    return reader, writer


async def _upgrade(panel: RunningPanel, headers: list[str]) -> int:
    """The status of the response to a WebSocket handshake."""
    reader, writer = await asyncio.open_connection(HOST, panel.port)
    lines = ["GET /jam HTTP/1.1", f"Host: {HOST}:{panel.port}", "Connection: Upgrade", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    status = int((await reader.readline()).split()[1])
    writer.transport.abort()
    return status
