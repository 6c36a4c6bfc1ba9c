"""The panel as it is served: real sockets and a running player, in this process."""

import asyncio
import inspect
import json
import socket
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bridge.midi.messages import NoteOn
from server.config.config import MidiSection, PanelSection, load
from server.controls.cc_bindings import CcBinding
from server.controls.control_table import BY_NAME, CONTROLS
from server.errors import PanelError, TakeError
from server.panel.dropped_seeds import LARGEST_BYTES
from server.panel.jam_handle import TakeListing, TakeSource
from server.panel.page_connections import MOST_GUESTS, SAID_AT_ONCE
from server.panel.page_messages import LONGEST_MESSAGE
from server.panel.panel import LARGEST_FRAME, Panel
from tests.music import WHOLE_MIDI_FILE
from tests.server.panel.running_panel import HOST, NO_KNOBS, NOWHERE, House, Told, open_house, stage

ON, OFF, CONTROL = 0x90, 0x80, 0xB0


Scene = Callable[..., Coroutine[object, object, None]]


class Shelf:
    """One take."""

    def rows(self) -> list[TakeListing]:
        return [TakeListing("2026-01-02-030405", "2026-01-02T03:04:05", 12.0, 34)]

    def midi(self, name: str) -> bytes:
        if name != "2026-01-02-030405":
            raise TakeError(f"there is no jam {name}")
        return WHOLE_MIDI_FILE


def played_in(
    takes: TakeSource | None = None, midi: MidiSection = NO_KNOBS, **panel: bool
) -> Callable[[Scene], Callable[..., None]]:
    """Makes of a coroutine a test that is played in a house of its own, which it is given as `house`."""

    def made(scene: Scene) -> Callable[..., None]:
        @wraps(scene)
        def played(self: object, **given: object) -> None:
            async def act() -> None:
                async with open_house(takes, midi, NOWHERE, **panel) as house:
                    await scene(self, house=house, **given)

            asyncio.run(act())

        # pytest would look for a fixture of that name.
        signature = inspect.signature(scene)
        parts = [part for part in signature.parameters.values() if part.name != "house"]
        vars(played)["__signature__"] = signature.replace(parameters=parts)
        return played

    return made


in_a_house = played_in()
in_a_network = played_in(lan=True)
TEMPERATURE_CC, OTHER_CC = 21, 22
with_knobs = played_in(midi=MidiSection(cc={"temperature": TEMPERATURE_CC, "respond": 64}))


class TestAPage:
    @in_a_house
    async def test_is_told_everything_as_it_comes(self, house: House) -> None:
        async with house.page() as page:
            (welcome,) = page.told
            assert [row["name"] for row in welcome["controls"]] == [control.name for control in CONTROLS]
            assert welcome["values"]["tempo"] == 400.0
            assert welcome["wiring"]["midi_in"] == "Keys"
            assert welcome["wiring"]["ms_per_token"] == {"pitch": 0.1, "event": 0.2}
            assert welcome["stands"]["state"] == "listening"
            assert welcome["time"]["meter"] == [4, 4]
            assert welcome["offers"] == {"takes": False}

    @in_a_house
    async def test_plays_and_is_answered_first_by_a_plan_and_then_by_notes(self, house: House) -> None:
        async with house.page() as page:
            for pitch in (60, 64, 67):
                await page.play(ON, pitch, 90)
                await page.play(OFF, pitch, 0)
            planned = await page.hear(lambda told: told.get("stands", {}).get("plan"))
            assert planned["stands"]["state"] == "waiting"
            assert [note[0] for note in planned["stands"]["plan"]][:2] == [72, 74]
            assert (await page.notes("partner", "on", 2)) == [72, 74]
        assert house.sent[0] == NoteOn(72, 90)

    @in_a_house
    async def test_sees_what_another_has_moved(self, house: House) -> None:
        async with house.page() as one, house.page() as other:
            await one.say("set", control="temperature", value=0.5)
            assert await other.values("temperature") == 0.5
            assert await one.values("temperature") == 0.5
            assert house.stage.controls.value("temperature") == 0.5

    @in_a_house
    async def test_is_told_the_time_when_it_asks(self, house: House) -> None:
        async with house.page() as page:
            await page.say("ping", sent_ms=12.5)
            pong = await page.hear_of("pong")
            assert pong["sent_ms"] == 12.5
            assert abs(pong["now_s"] - house.stage.clock.now_s()) < 5.0

    @in_a_house
    async def test_that_falls_off_the_line_lets_go_of_its_keys_and_pedals(self, house: House) -> None:
        async with house.page() as other:
            async with house.page() as page:
                await page.play(ON, 60, 90)
                await page.play(CONTROL, 64, 127)
                await page.play(ON, 62, 90)
                await page.play(OFF, 62, 0)
                await other.notes("player", "off", 1)
                page.line.transport.abort()
            told = await other.hear(lambda told: told.get("notes"))
            assert [note[2:] for note in told["notes"]] == [["off", 60, 0], ["control", 64, 0]]


class TestKnobsOfAPage:
    @with_knobs
    async def test_move_what_they_are_bound_to_and_nothing_of_it_reaches_the_player(self, house: House) -> None:
        async with house.page() as page:
            await page.play(CONTROL, TEMPERATURE_CC, 127)
            assert await page.values("temperature") == 2.0
            await page.play(CONTROL, OTHER_CC, 5)
            assert await page.notes("player", "control", 1) == [OTHER_CC]

    @with_knobs
    async def test_a_pedal_has_the_partner_answer_and_once_for_each_time_that_it_goes_down(self, house: House) -> None:
        async with house.page() as page:
            for value in (127, 90, 0):
                await page.play(CONTROL, 64, value)
            await page.hear(lambda told: told.get("asked") == ["respond"])
        async with house.page() as page:
            # Held by a page that is gone, it would be down for ever.
            await page.play(CONTROL, 64, 127)
            await page.hear(lambda told: told.get("asked"))
            page.line.transport.abort()
        async with house.page() as page:
            await page.play(CONTROL, 64, 127)
            await page.hear(lambda told: told.get("asked"))


def is_bound(control: str) -> Callable[[Told], object]:
    """Whether what is told has a control bound."""
    return lambda told: told.get("bindings", {}).get(control)


def has_ended(told: Told) -> object:
    """Whether it tells how a lesson ended."""
    return told.get("said")


class TestLearning:
    @in_a_house
    async def test_a_page_is_told_what_can_be_bound_and_where_it_is(self, house: House) -> None:
        async with house.page() as page:
            (welcome,) = page.told
            assert welcome["bindings"] == dict.fromkeys(name for name in BY_NAME if name != "pack")
            assert welcome["learning"] is None

    def test_the_next_knob_is_bound_written_down_and_all_pages_are_told(self, tmp_path: Path) -> None:
        async def scene() -> None:
            path = tmp_path / "config.toml"
            async with open_house(config_file=path) as house, house.page() as one, house.page() as other:
                await one.say("learn", control="temperature")
                for page in (one, other):
                    assert (await page.hear(lambda told: told.get("learning")))["learning"] == "temperature"
                house.stage.receive_controller(bytes([CONTROL | 2, 74, 127]), house.stage.clock.now_s())
                for page in (one, other):
                    told = await page.hear(has_ended)
                    assert told["learning"] is None
                    assert told["bindings"]["temperature"] == {"cc": 74, "channel": 3}
                    sentence = f"CC 74 on channel 3 moves temperature now; it is written to {path}"
                    assert told["said"] == {"sentence": sentence, "is_wrong": False}
                assert await other.values("temperature") == 2.0
            assert load(path).midi.bindings.by_control == {"temperature": CcBinding(74, 3)}

        asyncio.run(scene())

    @in_a_house
    async def test_where_it_cannot_be_written_it_holds_for_this_jam_and_that_is_said(self, house: House) -> None:
        async with house.page() as page:
            await page.say("learn", control="swing")
            await page.play(CONTROL, 74, 127)
            said = (await page.hear(has_ended))["said"]
            beginning = f"CC 74 on channel 1 moves swing in this jam only: {NOWHERE} cannot be written"
            assert said["sentence"].startswith(beginning)
            assert said["is_wrong"]
            assert await page.values("swing") == 75.0
            await page.play(CONTROL, 74, 0)
            assert await page.values("swing") == 50.0

    @with_knobs
    async def test_a_knob_that_moves_another_control_is_refused_in_a_sentence(self, house: House) -> None:
        async with house.page() as page:
            await page.say("learn", control="swing")
            await page.play(CONTROL, TEMPERATURE_CC, 127)
            told = await page.hear(has_ended)
            assert told["said"]["sentence"] == (
                f"CC {TEMPERATURE_CC} moves temperature already; "
                "let temperature learn another knob, or take its line out of [midi.cc]"
            )
            assert (told["said"]["is_wrong"], told["learning"], told["bindings"]["swing"]) == (True, None, None)
            assert await page.values("temperature") == 2.0

    @in_a_house
    async def test_it_can_be_given_up_by_any_page(self, house: House) -> None:
        async with house.page() as one, house.page() as other:
            await one.say("learn", control="swing")
            await other.hear(lambda told: told.get("learning"))
            await other.say("learn", control=None)
            await one.hear(lambda told: told.get("learning"))
            assert (await one.hear(lambda told: "learning" in told))["learning"] is None
            await one.play(CONTROL, 74, 127)
            assert await one.notes("player", "control", 1) == [74]

    @in_a_house
    async def test_a_page_that_is_gone_waits_for_no_knob(self, house: House) -> None:
        async with house.page() as other:
            async with house.page() as page:
                await page.say("learn", control="swing")
                await other.hear(lambda told: told.get("learning"))
            assert (await other.hear(lambda told: "learning" in told))["learning"] is None
            await other.play(CONTROL, 74, 127)
            assert await other.notes("player", "control", 1) == [74]

    @in_a_house
    async def test_another_page_may_have_its_lesson_instead_and_keeps_it_when_the_first_is_gone(
        self, house: House
    ) -> None:
        async with house.page() as other:
            async with house.page() as page:
                await page.say("learn", control="swing")
                await other.hear(lambda told: told.get("learning") == "swing")
                await other.say("learn", control="respond")
                await page.hear(lambda told: told.get("learning") == "respond")
            await other.play(CONTROL, 67, 127)
            await other.hear(is_bound("respond"))
            await other.hear(lambda told: told.get("asked") == ["respond"])

    @pytest.mark.parametrize(("control", "reason"), [("pack", "takes no CC"), ("tempr", "did you mean tempo?")])
    @in_a_house
    async def test_what_takes_no_knob_is_refused(self, house: House, control: str, reason: str) -> None:
        async with house.page() as page:
            await page.say("learn", control=control)
            assert reason in (await page.hear_of("refused"))["reason"]
            assert house.stage.midi_learn.waiting_control is None


class TestWhatAPageMayNotSay:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("hello", "this was no JSON"),
            ('{"type":"quit"}', "a message's type is play, set, learn or ping"),
            ("x" * (LONGEST_MESSAGE + 1), f"a message has at most {LONGEST_MESSAGE} characters, and this had 1025"),
            ('{"type":"set","control":"tempr","value":1}', "there is no control tempr; did you mean tempo?"),
            ('{"type":"set","control":"tempo","value":9000}', "tempo is 20 to 400 bpm; 9000 is out of range"),
            ('{"type":"set","control":"stop","value":"now"}', "an action takes 1, to do it, not 'now'"),
        ],
    )
    @in_a_house
    async def test_is_refused_with_a_reason_counted_and_shown(self, house: House, text: str, reason: str) -> None:
        async with house.page() as page:
            before = house.stage.controls.values()
            await page.line.send(text)
            refusal = await page.hear_of("refused")
            assert (refusal["reason"], refusal["count"]) == (reason, 1)
            assert house.stage.controls.values() == before
            await page.hear(lambda told: told.get("figures", {}).get("refused") == 1)
            await page.play(ON, 60, 80)
            assert await page.notes("player", "on", 1) == [60]

    @in_a_house
    async def test_a_refused_value_is_told_as_it_is_so_that_the_page_shows_it_again(self, house: House) -> None:
        async with house.page() as page:
            await page.say("set", control="tempo", value=1)
            assert (await page.hear_of("refused"))["values"]["tempo"] == 400.0

    @in_a_house
    async def test_an_oversize_frame_ends_its_line_and_nobody_elses(self, house: House) -> None:
        async with house.page() as other, house.page() as page:
            await page.line.send("x" * (LARGEST_FRAME + 1))
            with pytest.raises(ConnectionClosed) as closed:
                await page.hear(lambda _: False)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
            await other.play(ON, 60, 80)
            assert await other.notes("player", "on", 1) == [60]

    @in_a_house
    async def test_a_flood_is_refused_and_slowed_and_others_play_on(self, house: House) -> None:
        async with house.page() as flooder, house.page() as other:
            for _ in range(int(SAID_AT_ONCE) + 200):
                await flooder.say("ping", sent_ms=1)
            refusal = await flooder.hear_of("refused")
            assert refusal["reason"] == "more than 500 messages a second: some were left out"
            await other.play(ON, 60, 80)
            assert await other.notes("player", "on", 1) == [60]

    @in_a_house
    async def test_the_end_of_a_note_is_taken_from_a_flooder_too(self, house: House) -> None:
        async with house.page() as flooder, house.page() as other:
            await flooder.play(ON, 60, 80)
            for _ in range(int(SAID_AT_ONCE)):
                await flooder.say("ping", sent_ms=1)
            await flooder.play(OFF, 60, 0)
            assert await other.notes("player", "off", 1) == [60]

    @in_a_house
    async def test_a_page_that_fetches_nothing_is_cut_off_and_nothing_is_kept_for_it(self, house: House) -> None:
        async with house.page() as other, house.page() as stuck:
            stuck.line.transport.pause_reading()
            big = {"type": "news", "filler": "x" * 60_000}
            panels = 2
            while panels == 2:
                for guest in house.guests._guests:
                    if guest.name == "panel 2":
                        guest.send(json.dumps(big))
                told = await other.hear(lambda told: told["type"] == "news" or told.get("figures"))
                panels = told.get("figures", {}).get("panels", panels)
            stuck.line.transport.abort()

    @in_a_house
    async def test_more_pages_than_a_band_has_are_turned_away(self, house: House) -> None:
        for _ in range(MOST_GUESTS):
            house.guests.connect(lambda: None)
        with pytest.raises(ConnectionClosed) as closed:
            async with house.page():
                pass
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "there are too many panels of this jam; close one"


class TestTheDoor:
    @in_a_house
    async def test_the_page_comes_with_headers_that_keep_it_here(self, house: House) -> None:
        status, head, body = await house.ask("/")
        assert status == 200
        assert "default-src 'self'" in head
        assert b"<title>Trading Fours</title>" in body
        assert house.said == [f"Panel      http://{HOST}:{house.port}"]

    @pytest.mark.parametrize("target", ["/", "/main.js", "/door", "/takes"])
    @in_a_house
    async def test_another_sites_name_that_was_pointed_here_gets_nothing(self, house: House, target: str) -> None:
        status, _, _ = await house.ask(target, host=f"evil.example:{house.port}")
        assert status == 421

    @pytest.mark.parametrize("target", ["/none.js", "/../pyproject.toml", "/%2e%2e/panel.py", "/static/main.js"])
    @in_a_house
    async def test_there_are_no_files_but_the_pages_own(self, house: House, target: str) -> None:
        assert (await house.ask(target))[0] == 404

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
    @in_a_house
    async def test_the_websocket_is_for_pages_of_ours(self, house: House, origin: str | None) -> None:
        shake = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        headers = [*shake, *([] if origin is None else [f"Origin: {origin}"])]
        assert (await _upgrade(house, headers)) == 403
        assert (await _upgrade(house, [*shake, house.own])) == 101

    @in_a_house
    async def test_a_cached_file_is_not_sent_again(self, house: House) -> None:
        _, head, _ = await house.ask("/main.js")
        (tag,) = [line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("etag")]
        assert (await house.ask("/main.js", headers=[f"If-None-Match: {tag}"]))[0] == 304

    @in_a_house
    async def test_half_a_request_holds_up_nobody(self, house: House) -> None:
        silent = [await asyncio.open_connection(HOST, house.port) for _ in range(5)]
        for _, writer in silent:
            writer.write(b"GET / HT")
        async with house.page() as page:
            await page.play(ON, 60, 80)
            assert await page.notes("player", "on", 1) == [60]
        for _, writer in silent:
            writer.close()


class TestInTheNetwork:
    @in_a_network
    async def test_the_start_prints_a_token_and_a_code_to_scan(self, house: House) -> None:
        assert house.said[0].startswith("Panel      http://")
        assert ", token " in house.said[0]
        assert len(house.said) > 10

    @in_a_network
    async def test_without_the_token_there_is_the_page_and_nothing_else(self, house: House) -> None:
        assert (await house.ask("/"))[0] == 200
        assert json.loads((await house.ask("/door"))[2]) == {"open": False}
        with pytest.raises(InvalidStatus):
            await house.page().__aenter__()
        assert (await house.ask("/seed", "POST", WHOLE_MIDI_FILE, headers=[house.own]))[0] == 403
        assert (await house.ask("/door", "POST", b"wrong", headers=[house.own]))[0] == 403

    @in_a_network
    async def test_with_it_one_may_play(self, house: House) -> None:
        token = house.said[0].rpartition(" ")[2]
        status, head, _ = await house.ask("/door", "POST", token.encode(), headers=[house.own])
        assert status == 200
        (cookie,) = [line.partition(": ")[2] for line in head.splitlines() if line.startswith("set-cookie")]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        async with house.page(cookie.partition(";")[0]) as page:
            await page.play(ON, 60, 80)
            assert await page.notes("player", "on", 1) == [60]


class TestSeeds:
    @in_a_house
    async def test_a_file_is_played_in_as_the_player_would(self, house: House) -> None:
        async with house.page() as page:
            headers = [house.own, "X-Name: my%20tune.mid"]
            status, _, body = await house.ask("/seed", "POST", WHOLE_MIDI_FILE, headers=headers)
            assert status == 200
            assert json.loads(body)["name"] == "my tune.mid"
            assert await page.notes("player", "on", 3) == [60, 64, 67]
            assert (await house.ask("/seed", "DELETE", headers=[house.own]))[0] == 200

    @pytest.mark.parametrize(
        ("content", "status", "reason"),
        [
            (b"not music", 422, "tune.mid is not a whole MIDI file"),
            (b"", 422, "tune.mid is empty"),
            (bytes(LARGEST_BYTES + 1), 413, "a seed has at most 256 kB"),
        ],
    )
    @in_a_house
    async def test_what_is_no_seed_is_refused_with_a_reason(
        self, house: House, content: bytes, status: int, reason: str
    ) -> None:
        answer = await house.ask("/seed", "POST", content, headers=[house.own, "X-Name: ../../tune.mid"])
        assert answer[0] == status
        assert reason in json.loads(answer[2])["reason"]

    @in_a_house
    async def test_another_sites_page_cannot_send_one(self, house: House) -> None:
        assert (await house.ask("/seed", "POST", WHOLE_MIDI_FILE, headers=["Origin: http://evil.example"]))[0] == 403
        assert (await house.ask("/seed", "POST", WHOLE_MIDI_FILE))[0] == 403


class TestTakes:
    @played_in(Shelf())
    async def test_are_listed_and_fetched(self, house: House) -> None:
        listed = json.loads((await house.ask("/takes"))[2])
        assert [row["id"] for row in listed] == ["2026-01-02-030405"]
        status, head, body = await house.ask("/takes/2026-01-02-030405.mid")
        assert (status, body) == (200, WHOLE_MIDI_FILE)
        assert "audio/midi" in head
        assert (await house.ask("/takes/none.mid"))[0] == 404

    @in_a_house
    async def test_where_there_are_none_there_is_no_list(self, house: House) -> None:
        assert (await house.ask("/takes"))[0] == 404


class TestTheStart:
    def test_a_taken_port_is_one_sentence(self) -> None:
        async def scene() -> None:
            with socket.socket() as taken:
                taken.bind((HOST, 0))
                taken.listen()
                port = taken.getsockname()[1]
                with pytest.raises(
                    PanelError, match=rf"The panel's port {port} on {HOST} is taken, perhaps by another jam"
                ):
                    async with Panel(PanelSection(port=port), stage(), print):
                        pass

        asyncio.run(scene())

    def test_without_a_panel_nothing_is_bound_or_said(self) -> None:
        async def scene() -> None:
            async with open_house(on=False) as house:
                assert house.said == []
                with pytest.raises(OSError, match="Connect call failed"):
                    await house.ask("/")

        asyncio.run(scene())

    def test_its_port_is_given_back_even_where_it_ends_as_soon_as_it_has_begun(self) -> None:
        async def scene() -> None:
            async with open_house() as house:
                port = house.port
            async with Panel(PanelSection(port=port), stage(), lambda _: None):
                pass
            with socket.socket() as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind((HOST, port))

        asyncio.run(scene())


async def _upgrade(house: House, headers: list[str]) -> int:
    """The status of a handshake."""
    reader, writer = await asyncio.open_connection(HOST, house.port)
    lines = ["GET /jam HTTP/1.1", f"Host: {HOST}:{house.port}", "Connection: Upgrade", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    status = int((await reader.readline()).split()[1])
    writer.transport.abort()
    return status
