from collections.abc import Iterator

import pytest

from bridge.osc.osc_packets import OscArgument, OscMessage, decode, encode, encode_bundles
from bridge.osc.osc_server import Address
from bridge.timing.clock import ManualClock
from model.errors import PackError
from server.controls.control_store import ControlStore
from server.controls.control_table import BY_NAME, CONTROLS, Control, Settings
from server.controls.labels import address_part
from server.music.jam_status import READOUTS, Readout
from server.remote.osc_controls import OscControls
from server.remote.pending_updates import FLASH_S, TOUCH_S
from tests.server.recording_receiver import RecordingReceiver

PHONE, TABLET = ("192.168.1.20", 54321), ("192.168.1.21", 54321)
REPLY_PORT = 9000
PACKS = ("rock", "song book")
RESTED_S = 10.0

ERROR = "/fours/error"
Told = dict[str, OscArgument]
"""What came, by address."""


class PickyBand(RecordingReceiver):
    """Has no pack but `rock` and `song book`."""

    def load_pack(self, settings: Settings) -> None:
        if settings.pack not in PACKS:
            raise PackError(f"there is no pack named {settings.pack}; did you mean rock?")


class Room:
    """A desk, a remote, and apps that say things to it; all that goes through has gone over the wire."""

    def __init__(self) -> None:
        self.band = PickyBand()
        self.clock = ManualClock()
        self.desk = ControlStore(Settings(), self.band, {"pack": self.band.load_pack})
        self.remote = OscControls(self.desk, self.clock, REPLY_PORT, PACKS)
        self.desk.add_listener(self.remote.on_control_changed)

    def says(self, address: str, *arguments: OscArgument, sender: Address = PHONE) -> list[OscMessage]:
        """What is answered at once."""
        (sent,) = decode(encode(OscMessage(address, arguments)))
        return [heard for answer in self.remote.handle(sent, sender) for heard in decode(encode(answer))]

    def told(self, in_s: float = 0.0) -> dict[Address, Told]:
        """After so long, what each place is told, but for places that are told nothing."""
        self.clock.advance(in_s)
        places: dict[Address, Told] = {}
        for values, shows, addresses in self.remote.take_updates():
            packets = [*map(encode, values), *encode_bundles(shows)]
            heard = {message.address: message.arguments[0] for packet in packets for message in decode(packet)}
            for address in addresses:
                places.setdefault(address, {}).update(heard)
        return places

    def meets(self, *apps: Address) -> None:
        """Each says hello, and is told everything."""
        for app in apps:
            self.says("/fours/sync", sender=app)
        self.told(RESTED_S)


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    assert made.desk.faults.counts == {}


class TestSetting:
    def test_a_value_sets_a_control_and_comes_back_to_the_finger_once_it_rests(self, room: Room) -> None:
        room.meets(PHONE)
        assert room.says("/fours/approach", "pitch") == []
        assert room.band.calls == ["approach pitch"]
        assert room.told() == {}
        assert room.told(TOUCH_S)[PHONE]["/fours/approach"] == "pitch"
        assert room.told(RESTED_S) == {}

    def test_while_it_moves_the_others_follow_and_it_is_not_disturbed(self, room: Room) -> None:
        room.meets(PHONE, TABLET)
        for norm in (0.1, 0.2, 0.3):
            room.says("/fours/temperature/norm", norm)
            told = room.told(0.03)
            assert PHONE not in told
            assert told[TABLET]["/fours/temperature/norm"] == pytest.approx(norm)
            assert (TABLET[0], REPLY_PORT) in told
        assert room.told(TOUCH_S)[PHONE]["/fours/temperature"] == pytest.approx(0.67)

    def test_thirty_two_bits_are_read_as_the_number_that_was_meant(self, room: Room) -> None:
        room.says("/fours/temperature", 0.7)
        assert room.desk.value("temperature") == 0.7

    @pytest.mark.parametrize(("raw", "value"), [(90, 90.0), (90.5, 90.5), ("90,5", 90.5)])
    def test_a_number_may_come_as_float_int_or_text(self, room: Room, raw: OscArgument, value: float) -> None:
        room.says("/fours/tempo", raw)
        assert room.desk.value("tempo") == value

    @pytest.mark.parametrize("row", [row for row in CONTROLS if row.choices], ids=lambda row: str(row.name))
    def test_a_choice_may_come_by_name_by_index_or_as_a_button_of_its_own(self, room: Room, row: Control) -> None:
        for index, choice in enumerate(row.choices):
            for address, raw in (
                (row.address, choice),
                (row.address, index),
                (f"{row.address}/{address_part(choice)}", 1.0),
            ):
                room.says(row.address, row.choices[index - 1])
                room.says(address, raw)
                assert room.desk.value(row.name) == choice

    def test_radio_buttons_light_up_for_all(self, room: Room) -> None:
        room.meets(PHONE, TABLET)
        room.says("/fours/quantize/1_8t", 1.0)
        for app, told in ((TABLET, room.told()), (PHONE, room.told(TOUCH_S))):
            lights = {address: lit for address, lit in told[app].items() if address.startswith("/fours/quantize/1")}
            assert lights.pop("/fours/quantize/1_8t") == 1
            assert set(lights.values()) == {0}
            assert len(lights) == 6

    def test_the_radio_button_that_was_lit_goes_out_at_once_for_the_finger_too(self, room: Room) -> None:
        assert room.says("/fours/mode/fours", 1.0) == [OscMessage("/fours/mode/answer", (0,))]
        assert room.says("/fours/mode/fours", 1.0) == []

    def test_a_radio_button_that_goes_out_changes_nothing_and_is_lit_again(self, room: Room) -> None:
        room.meets(PHONE)
        assert room.says("/fours/mode/answer", 0.0) == []
        assert room.band.calls == []
        assert room.told(TOUCH_S)[PHONE]["/fours/mode/answer"] == 1

    def test_packs_have_buttons_too(self, room: Room) -> None:
        room.meets(PHONE)
        room.says("/fours/pack/song_book", 1.0)
        assert room.desk.value("pack") == "song book"
        told = room.told(TOUCH_S)[PHONE]
        assert (told["/fours/pack"], told["/fours/pack/song_book"], told["/fours/pack/rock"]) == ("song book", 1, 0)

    def test_a_fader_goes_by_its_way(self, room: Room) -> None:
        room.meets(PHONE)
        room.says("/fours/step/norm", 0.5)
        room.says("/fours/low/norm", 0.5)
        room.says("/fours/over/norm", 1.0)
        assert [room.desk.value(name) for name in ("step", "low", "over")] == [0.5, 64, "overlap"]
        told = room.told(TOUCH_S)[PHONE]
        assert told["/fours/step"] == 0.5
        assert told["/fours/step/norm"] == 0.5
        assert told["/fours/low/norm"] == pytest.approx(64 / 127)

    def test_labels_are_told_what_to_show(self, room: Room) -> None:
        room.meets(PHONE)
        room.says("/fours/tempo", 96.0)
        room.says("/fours/key", "d-dorian")
        told = room.told(TOUCH_S)[PHONE]
        assert (told["/fours/tempo/text"], told["/fours/key/text"]) == ("96 bpm", "D dorian")

    def test_what_anyone_else_changes_is_told_too(self, room: Room) -> None:
        room.meets(PHONE)
        room.desk.set("temperature", 0.5, "panel")
        room.desk.record_change("tempo", 96.0)
        told = room.told()[PHONE]
        assert (told["/fours/temperature"], told["/fours/tempo"]) == (0.5, 96.0)


class TestActions:
    @pytest.mark.parametrize("action", ["respond", "stop", "panic"])
    def test_one_is_done_at_one_or_with_nothing_said_and_not_when_the_button_comes_up(
        self, room: Room, action: str
    ) -> None:
        address = f"/fours/{action}"
        assert room.says(address, 1.0) == room.says(address) == []
        assert room.band.calls == [action, action]
        assert room.says(address, 0.0) == [OscMessage(address, (0.0,))]
        assert room.band.calls == [action, action]

    def test_its_light_flashes_for_all(self, room: Room) -> None:
        room.meets(PHONE, TABLET)
        room.says("/fours/respond", 1.0)
        told = room.told()
        assert told[PHONE] == told[TABLET] == {"/fours/respond": 1.0}
        assert room.told(FLASH_S)[PHONE] == {"/fours/respond": 0.0}
        assert room.told(RESTED_S) == {}


class TestAsking:
    @pytest.mark.parametrize("row", [row for row in CONTROLS if row.kind != "action"], ids=lambda row: str(row.name))
    def test_every_control_can_be_asked_for(self, room: Room, row: Control) -> None:
        (answer,) = room.says(row.address)
        assert answer.address == row.address
        assert answer.arguments == (pytest.approx(row.default) if isinstance(row.default, float) else row.default,)
        assert room.band.calls == []

    @pytest.mark.parametrize(
        ("address", "value"),
        [
            ("/fours/step/norm", 0.5),
            ("/fours/tempo/text", "120 bpm"),
            ("/fours/mode/answer", 1),
            ("/fours/mode/fours", 0),
        ],
    )
    def test_so_can_what_shows_it(self, room: Room, address: str, value: OscArgument) -> None:
        assert room.says(address) == [OscMessage(address, (value,))]
        assert room.band.calls == []

    @pytest.mark.parametrize("tell", READOUTS, ids=lambda tell: str(tell.name))
    def test_how_the_jam_stands_can_be_asked_for_once_it_is_known(self, room: Room, tell: Readout) -> None:
        assert room.says(tell.address) == [OscMessage(ERROR, (f"{tell.address} is not known yet",))]
        room.remote.update_readouts({tell.name: "1"})
        assert room.says(tell.address) == [OscMessage(tell.address, ("1",))]


class TestBeingTold:
    def test_on_first_contact_of_everything(self, room: Room) -> None:
        room.remote.update_readouts({"state": "listening"})
        room.says("/fours/tempo")
        told = room.told()
        assert set(told) == {PHONE, (PHONE[0], REPLY_PORT)}
        for row in CONTROLS:
            assert row.address in told[PHONE]
            assert {f"{row.address}/{address_part(choice)}" for choice in row.choices} <= set(told[PHONE])
        assert told[PHONE]["/fours/state"] == "listening"
        assert (told[PHONE]["/fours/state/listening"], told[PHONE]["/fours/state/answering"]) == (1, 0)
        assert room.told(1.0) == {}

    def test_and_on_sync_again(self, room: Room) -> None:
        room.meets(PHONE, TABLET)
        assert room.says("/fours/sync") == []
        told = room.told()
        assert TABLET not in told
        assert {row.address for row in CONTROLS} <= set(told[PHONE])

    def test_even_a_message_that_is_refused_is_a_contact(self, room: Room) -> None:
        room.says("/volume", 1.0)
        assert "/fours/tempo" in room.told()[PHONE]

    def test_of_how_the_jam_stands_where_that_has_changed(self, room: Room) -> None:
        room.meets(PHONE)
        room.remote.update_readouts({"state": "waiting", "bar": 3, "beat": 2})
        told = room.told()[PHONE]
        assert (told["/fours/state"], told["/fours/state/waiting"]) == ("waiting", 1)
        assert (told["/fours/bar"], told["/fours/beat"], told["/fours/bar/text"]) == (3, 2, "3")
        assert (told["/fours/beat/1"], told["/fours/beat/2"]) == (0, 1)
        room.remote.update_readouts({"state": "waiting", "bar": 3, "beat": 3})
        assert "/fours/state" not in room.told()[PHONE]

    def test_an_app_that_reads_no_bundles_is_told_every_value(self, room: Room) -> None:
        room.says("/fours/sync")
        ((values, shows, _),) = room.remote.take_updates()
        assert {row.address for row in CONTROLS} <= {message.address for message in values}
        assert all(len(packet) <= 1_400 for packet in encode_bundles(shows))


@pytest.mark.parametrize(
    ("address", "arguments", "sentence"),
    [
        ("/fours/temperature", (9.0,), "temperature is 0.1 to 2; 9 is out of range"),
        ("/fours/temperature", ("hot",), "temperature is a number, 0.1 to 2, not 'hot'"),
        ("/fours/temperature", (float("nan"),), "temperature is 0.1 to 2; nan is out of range"),
        ("/fours/temperature", (0.5, 0.6), "/fours/temperature takes one argument, not 2"),
        ("/fours/temperature/norm", (1.5,), "temperature/norm is 0 to 1; 1.5 is out of range"),
        ("/fours/temperature/norm", ("up",), "temperature/norm is a number, 0 to 1, not 'up'"),
        (
            "/fours/temperature/text",
            ("0.5",),
            "/fours/temperature/text tells, and cannot be set; set /fours/temperature",
        ),
        ("/fours/approach", ("evnt",), "approach is pitch or event, not 'evnt'; did you mean event?"),
        ("/fours/approach", (2,), "approach is pitch or event, or its index 0 to 1, not 2"),
        ("/fours/pack", (1.0,), "pack is the name of a pack, not 1.0"),
        ("/fours/pack", ("rok",), "there is no pack named rok; did you mean rock?"),
        ("/fours/pack/norm", (0.5,), "pack has no norm; it takes the name of a pack"),
        ("/fours/stop", ("now",), "an action takes 1, to do it, not 'now'"),
        ("/fours/stop/norm", (1.0,), "stop has no norm; it takes 1, to do it"),
        ("/fours/mode/four", (1.0,), "there is no address /fours/mode/four; did you mean /fours/mode/fours?"),
        ("/fours/mode/four", (), "there is no address /fours/mode/four; did you mean /fours/mode/fours?"),
        ("/fours/mode/fours", ("on",), "/fours/mode/fours takes 1, to choose it, not 'on'"),
        ("/fours/quantize/1/8t", (1.0,), "there is no address /fours/quantize/1/8t; controls are /fours/<control>"),
        ("/fours/tempo/", (1.0,), "there is no address /fours/tempo/; did you mean /fours/tempo?"),
        ("/fours/state", ("answering",), "/fours/state tells, and cannot be set; ask it without an argument"),
        ("/fours/beat/1", (1.0,), "/fours/beat/1 tells, and cannot be set; ask it without an argument"),
        ("/fours/temprature", (0.5,), "there is no control temprature; did you mean temperature?"),
        ("/fours/temprature", (), "there is no control temprature; did you mean temperature?"),
        ("/temperature", (0.5,), "there is no address /temperature; controls are /fours/<control>"),
        ("/fours", (), "there is no address /fours; controls are /fours/<control>"),
        ("/", (), "there is no address /; controls are /fours/<control>"),
    ],
)
def test_what_cannot_be_taken_is_answered_with_a_sentence_counted_and_changes_nothing(
    room: Room, address: str, arguments: tuple[OscArgument, ...], sentence: str
) -> None:
    before = room.desk.values()
    room.meets(PHONE)
    assert room.says(address, *arguments) == [OscMessage(ERROR, (sentence,))]
    assert room.desk.values() == before
    assert room.band.calls == []
    assert room.remote.faults.counts.total() == 1
    assert room.told(RESTED_S) == {}


def test_an_address_without_a_name_is_told_what_there_is(room: Room) -> None:
    ((sentence,),) = [answer.arguments for answer in room.says("/fours/", 1.0)]
    assert str(sentence).startswith("there is no control")


def test_no_two_things_share_an_address() -> None:
    assert not {"sync", *(tell.name for tell in READOUTS)} & set(BY_NAME)
