from collections.abc import Iterator

import pytest

from bridge.osc.osc_packets import OscArgument, OscMessage, decode, encode, encode_bundles
from bridge.osc.osc_server import Address
from bridge.timing.clock import ManualClock
from model.errors import PackError
from server.controls.control_store import ControlStore
from server.controls.control_table import BY_NAME, CONTROLS, Control, Settings
from server.controls.labels import address_part
from server.jam.readouts import READOUTS, Readout
from server.remote.osc_controls import MOST_FAILURES, OscControls
from server.remote.osc_subscribers import EXPIRES_AFTER_S
from server.remote.pending_updates import FLASH_S, TOUCH_S
from tests.server.recording_receiver import RecordingReceiver

PHONE, TABLET = ("192.168.1.20", 54321), ("192.168.1.21", 54321)
REPLY_PORT = 9000
PACKS = ("rock", "song book")
LONG_S = 10.0

ERROR = "/fours/error"
Updates = dict[str, OscArgument]
"""The arguments that one app received, by address."""


class RefusingReceiver(RecordingReceiver):
    """Refuses every pack but `rock` and `song book`."""

    def load_pack(self, settings: Settings) -> None:
        if settings.pack not in PACKS:
            raise PackError(f"there is no pack named {settings.pack}; did you mean rock?")


class OscHarness:
    """A control store, the OSC controls, and apps that send messages; every message is encoded and decoded."""

    def __init__(self) -> None:
        self.receiver = RefusingReceiver()
        self.clock = ManualClock()
        self.controls = ControlStore(Settings(), self.receiver, {"pack": self.receiver.load_pack})
        self.osc_controls = OscControls(self.controls, self.clock, REPLY_PORT, PACKS)
        self.controls.add_listener(self.osc_controls.on_control_changed)
        self.controls.add_failure_listener(self.osc_controls.on_change_failed)

    def send(self, address: str, *arguments: OscArgument, sender: Address = PHONE) -> list[OscMessage]:
        """Sends a message, and returns the answers that come at once."""
        (sent,) = decode(encode(OscMessage(address, arguments)))
        return [received for answer in self.osc_controls.handle(sent, sender) for received in decode(encode(answer))]

    def updates(self, after_s: float = 0.0) -> dict[Address, Updates]:
        """The updates that are sent after so long, for each address that gets any."""
        self.clock.advance(after_s)
        by_address: dict[Address, Updates] = {}
        for values, widgets, addresses in self.osc_controls.take_updates():
            packets = [*map(encode, values), *encode_bundles(widgets)]
            received = {message.address: message.arguments[0] for packet in packets for message in decode(packet)}
            for address in addresses:
                by_address.setdefault(address, {}).update(received)
        return by_address

    def subscribe(self, *apps: Address) -> None:
        """Each app sends its first message, and gets all values."""
        for app in apps:
            self.send("/fours/sync", sender=app)
        self.updates(LONG_S)


@pytest.fixture
def harness() -> Iterator[OscHarness]:
    made = OscHarness()
    yield made
    assert made.controls.faults.counts == {}


class TestSetting:
    def test_a_value_sets_a_control_and_comes_back_to_its_app_when_the_finger_rests(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE)
        assert harness.send("/fours/approach", "pitch") == []
        assert harness.receiver.calls == ["approach pitch"]
        assert harness.updates() == {}
        assert harness.updates(TOUCH_S)[PHONE]["/fours/approach"] == "pitch"
        assert harness.updates(LONG_S) == {}

    def test_while_a_fader_moves_other_apps_follow_and_its_own_app_gets_nothing(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE, TABLET)
        for norm in (0.1, 0.2, 0.3):
            harness.send("/fours/temperature/norm", norm)
            updates = harness.updates(0.03)
            assert PHONE not in updates
            assert updates[TABLET]["/fours/temperature/norm"] == pytest.approx(norm)
            assert (TABLET[0], REPLY_PORT) in updates
        assert harness.updates(TOUCH_S)[PHONE]["/fours/temperature"] == pytest.approx(0.67)

    def test_a_32_bit_float_is_read_as_the_decimal_number_that_was_meant(self, harness: OscHarness) -> None:
        harness.send("/fours/temperature", 0.7)
        assert harness.controls.value("temperature") == 0.7

    @pytest.mark.parametrize(("raw", "value"), [(90, 90.0), (90.5, 90.5), ("90,5", 90.5)])
    def test_a_number_may_come_as_float_int_or_text(self, harness: OscHarness, raw: OscArgument, value: float) -> None:
        harness.send("/fours/tempo", raw)
        assert harness.controls.value("tempo") == value

    @pytest.mark.parametrize(
        "control", [control for control in CONTROLS if control.choices], ids=lambda control: str(control.name)
    )
    def test_a_choice_may_come_by_name_by_index_or_as_a_button_of_its_own(
        self, harness: OscHarness, control: Control
    ) -> None:
        for index, choice in enumerate(control.choices):
            for address, raw in (
                (control.address, choice),
                (control.address, index),
                (f"{control.address}/{address_part(choice)}", 1.0),
            ):
                harness.send(control.address, control.choices[index - 1])
                harness.send(address, raw)
                assert harness.controls.value(control.name) == choice

    def test_radio_buttons_are_updated_for_all_apps(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE, TABLET)
        harness.send("/fours/quantize/1_8t", 1.0)
        for app, updates in ((TABLET, harness.updates()), (PHONE, harness.updates(TOUCH_S))):
            buttons = {address: lit for address, lit in updates[app].items() if address.startswith("/fours/quantize/1")}
            assert buttons.pop("/fours/quantize/1_8t") == 1
            assert set(buttons.values()) == {0}
            assert len(buttons) == 6

    def test_the_radio_button_that_was_lit_goes_out_at_once_in_the_app_that_chose_another(
        self, harness: OscHarness
    ) -> None:
        assert harness.send("/fours/mode/fours", 1.0) == [OscMessage("/fours/mode/answer", (0,))]
        assert harness.send("/fours/mode/fours", 1.0) == []

    def test_a_radio_button_that_goes_out_changes_nothing_and_is_lit_again(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE)
        assert harness.send("/fours/mode/answer", 0.0) == []
        assert harness.receiver.calls == []
        assert harness.updates(TOUCH_S)[PHONE]["/fours/mode/answer"] == 1

    def test_each_pack_has_a_button(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE)
        harness.send("/fours/pack/song_book", 1.0)
        assert harness.controls.value("pack") == "song book"
        updates = harness.updates(TOUCH_S)[PHONE]
        assert (updates["/fours/pack"], updates["/fours/pack/song_book"], updates["/fours/pack/rock"]) == (
            "song book",
            1,
            0,
        )

    def test_a_fader_sets_the_value_at_its_position(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE)
        harness.send("/fours/step/norm", 0.5)
        harness.send("/fours/low/norm", 0.5)
        harness.send("/fours/over/norm", 1.0)
        assert [harness.controls.value(name) for name in ("step", "low", "over")] == [0.5, 64, "overlap"]
        updates = harness.updates(TOUCH_S)[PHONE]
        assert updates["/fours/step"] == 0.5
        assert updates["/fours/step/norm"] == 0.5
        assert updates["/fours/low/norm"] == pytest.approx(64 / 127)

    def test_labels_get_their_text(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE)
        harness.send("/fours/tempo", 96.0)
        harness.send("/fours/key", "d-dorian")
        updates = harness.updates(TOUCH_S)[PHONE]
        assert (updates["/fours/tempo/text"], updates["/fours/key/text"]) == ("96 bpm", "D dorian")

    def test_changes_from_elsewhere_are_sent_too(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE)
        harness.controls.set("temperature", 0.5, "panel")
        harness.controls.record_change("tempo", 96.0)
        updates = harness.updates()[PHONE]
        assert (updates["/fours/temperature"], updates["/fours/tempo"]) == (0.5, 96.0)


class TestActions:
    @pytest.mark.parametrize("action", ["respond", "stop", "panic"])
    def test_an_action_is_done_by_1_or_without_an_argument_and_not_when_the_button_is_released(
        self, harness: OscHarness, action: str
    ) -> None:
        address = f"/fours/{action}"
        assert harness.send(address, 1.0) == harness.send(address) == []
        assert harness.receiver.calls == [action, action]
        assert harness.send(address, 0.0) == [OscMessage(address, (0.0,))]
        assert harness.receiver.calls == [action, action]

    def test_the_light_of_an_action_flashes_in_all_apps(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE, TABLET)
        harness.send("/fours/respond", 1.0)
        updates = harness.updates()
        assert updates[PHONE] == updates[TABLET] == {"/fours/respond": 1.0}
        assert harness.updates(FLASH_S)[PHONE] == {"/fours/respond": 0.0}
        assert harness.updates(LONG_S) == {}


class TestAsking:
    @pytest.mark.parametrize(
        "control", [control for control in CONTROLS if control.kind != "action"], ids=lambda control: str(control.name)
    )
    def test_every_control_can_be_queried(self, harness: OscHarness, control: Control) -> None:
        (answer,) = harness.send(control.address)
        assert answer.address == control.address
        assert answer.arguments == (
            pytest.approx(control.default) if isinstance(control.default, float) else control.default,
        )
        assert harness.receiver.calls == []

    @pytest.mark.parametrize(
        ("address", "value"),
        [
            ("/fours/step/norm", 0.5),
            ("/fours/tempo/text", "120 bpm"),
            ("/fours/mode/answer", 1),
            ("/fours/mode/fours", 0),
        ],
    )
    def test_faders_labels_and_buttons_can_be_queried(
        self, harness: OscHarness, address: str, value: OscArgument
    ) -> None:
        assert harness.send(address) == [OscMessage(address, (value,))]
        assert harness.receiver.calls == []

    @pytest.mark.parametrize("readout", READOUTS, ids=lambda readout: str(readout.name))
    def test_a_readout_can_be_queried_once_it_is_known(self, harness: OscHarness, readout: Readout) -> None:
        assert harness.send(readout.address) == [OscMessage(ERROR, (f"{readout.address} is not known yet",))]
        harness.osc_controls.update_readouts({readout.name: "1"})
        assert harness.send(readout.address) == [OscMessage(readout.address, ("1",))]


class TestUpdates:
    def test_a_new_app_gets_everything(self, harness: OscHarness) -> None:
        harness.osc_controls.update_readouts({"state": "listening"})
        harness.send("/fours/tempo")
        updates = harness.updates()
        assert set(updates) == {PHONE, (PHONE[0], REPLY_PORT)}
        for control in CONTROLS:
            assert control.address in updates[PHONE]
            assert {f"{control.address}/{address_part(choice)}" for choice in control.choices} <= set(updates[PHONE])
        assert updates[PHONE]["/fours/state"] == "listening"
        assert (updates[PHONE]["/fours/state/listening"], updates[PHONE]["/fours/state/answering"]) == (1, 0)
        assert harness.updates(1.0) == {}

    def test_sync_sends_everything_again(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE, TABLET)
        assert harness.send("/fours/sync") == []
        updates = harness.updates()
        assert TABLET not in updates
        assert {control.address for control in CONTROLS} <= set(updates[PHONE])

    def test_a_refused_message_subscribes_its_sender_too(self, harness: OscHarness) -> None:
        harness.send("/volume", 1.0)
        assert "/fours/tempo" in harness.updates()[PHONE]

    def test_changed_readouts_are_sent(self, harness: OscHarness) -> None:
        harness.subscribe(PHONE)
        harness.osc_controls.update_readouts({"state": "waiting", "bar": 3, "beat": 2})
        updates = harness.updates()[PHONE]
        assert (updates["/fours/state"], updates["/fours/state/waiting"]) == ("waiting", 1)
        assert (updates["/fours/bar"], updates["/fours/beat"], updates["/fours/bar/text"]) == (3, 2, "3")
        assert (updates["/fours/beat/1"], updates["/fours/beat/2"]) == (0, 1)
        harness.osc_controls.update_readouts({"state": "waiting", "bar": 3, "beat": 3})
        assert "/fours/state" not in harness.updates()[PHONE]

    def test_an_app_that_reads_no_bundles_gets_every_value(self, harness: OscHarness) -> None:
        harness.send("/fours/sync")
        ((values, widgets, _),) = harness.osc_controls.take_updates()
        assert {control.address for control in CONTROLS} <= {message.address for message in values}
        assert all(len(packet) <= 1_400 for packet in encode_bundles(widgets))


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
            "/fours/temperature/text is the text of a label and cannot be set; set /fours/temperature",
        ),
        ("/fours/approach", ("evnt",), "approach is pitch or event, not 'evnt'; did you mean event?"),
        ("/fours/approach", (2,), "approach is pitch or event, or its index 0 to 1, not 2"),
        ("/fours/pack", (1.0,), "pack is the name or the folder of a pack, not 1.0"),
        ("/fours/pack", ("rok",), "there is no pack named rok; did you mean rock?"),
        ("/fours/pack/norm", (0.5,), "pack has no norm; it takes the name or the folder of a pack"),
        ("/fours/stop", ("now",), "an action takes 1, to do it, not 'now'"),
        ("/fours/stop/norm", (1.0,), "stop has no norm; it takes 1, to do it"),
        ("/fours/mode/four", (1.0,), "there is no address /fours/mode/four; did you mean /fours/mode/fours?"),
        ("/fours/mode/four", (), "there is no address /fours/mode/four; did you mean /fours/mode/fours?"),
        ("/fours/mode/fours", ("on",), "/fours/mode/fours takes 1, to choose it, not 'on'"),
        ("/fours/quantize/1/8t", (1.0,), "there is no address /fours/quantize/1/8t; controls are /fours/<control>"),
        ("/fours/tempo/", (1.0,), "there is no address /fours/tempo/; did you mean /fours/tempo?"),
        (
            "/fours/state",
            ("answering",),
            "/fours/state is a readout and cannot be set; send it without an argument to get its value",
        ),
        (
            "/fours/beat/1",
            (1.0,),
            "/fours/beat/1 is a readout and cannot be set; send it without an argument to get its value",
        ),
        ("/fours/temprature", (0.5,), "there is no control temprature; did you mean temperature?"),
        ("/fours/temprature", (), "there is no control temprature; did you mean temperature?"),
        ("/temperature", (0.5,), "there is no address /temperature; controls are /fours/<control>"),
        ("/fours", (), "there is no address /fours; controls are /fours/<control>"),
        ("/", (), "there is no address /; controls are /fours/<control>"),
    ],
)
def test_a_refused_message_is_answered_with_a_sentence_and_counted_and_changes_nothing(
    harness: OscHarness, address: str, arguments: tuple[OscArgument, ...], sentence: str
) -> None:
    before = harness.controls.values()
    harness.subscribe(PHONE)
    assert harness.send(address, *arguments) == [OscMessage(ERROR, (sentence,))]
    assert harness.controls.values() == before
    assert harness.receiver.calls == []
    assert harness.osc_controls.faults.counts.total() == 1
    assert harness.updates(LONG_S) == {}


def test_an_address_without_a_control_name_is_refused(harness: OscHarness) -> None:
    ((sentence,),) = [answer.arguments for answer in harness.send("/fours/", 1.0)]
    assert str(sentence).startswith("there is no control")


def test_no_control_has_the_name_of_a_readout_or_of_sync() -> None:
    assert not {"sync", *(readout.name for readout in READOUTS)} & set(BY_NAME)


class TestAChangeThatFailsLater:
    def test_the_sender_gets_the_reason_and_every_app_gets_the_value_in_force(self) -> None:
        harness = OscHarness()
        harness.send("/fours/sync", sender=TABLET)
        harness.send("/fours/pack", "rock", sender=PHONE)
        harness.updates(LONG_S)
        harness.controls.take_back("pack", "rock", "song book", "pack rock is cut off")
        updates = harness.updates(LONG_S)
        assert updates[PHONE][ERROR] == "pack rock is cut off"
        assert ERROR not in updates[TABLET]
        assert updates[TABLET]["/fours/pack"] == updates[PHONE]["/fours/pack"] == "song book"

    def test_a_failed_change_from_elsewhere_is_reported_to_no_app(self) -> None:
        harness = OscHarness()
        harness.send("/fours/sync")
        harness.controls.set("pack", "rock", "panel 1")
        harness.controls.take_back("pack", "rock", "song book", "pack rock is cut off")
        assert ERROR not in harness.updates(LONG_S)[PHONE]

    def test_a_remark_to_an_app_that_is_gone_is_not_kept_for_its_next_message(self) -> None:
        harness = OscHarness()
        harness.send("/fours/pack", "rock")
        harness.updates(EXPIRES_AFTER_S + 1.0)  # the silent app is dropped here
        for number in range(1000):
            harness.controls.report_remark("pack", f"remark {number}")
        harness.send("/fours/sync")
        assert ERROR not in harness.updates(LONG_S)[PHONE]

    def test_of_very_many_remarks_at_once_the_latest_are_sent(self) -> None:
        harness = OscHarness()
        harness.send("/fours/pack", "rock")
        for number in range(1000):
            harness.controls.report_remark("pack", f"remark {number}")
        messages = [message for values, _, _ in harness.osc_controls.take_updates() for message in values]
        sentences = [message.arguments[0] for message in messages if message.address == ERROR]
        assert sentences == [f"remark {number}" for number in range(1000 - MOST_FAILURES, 1000)]
