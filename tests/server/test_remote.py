import pytest

from bridge.osc_packets import OscArgument, OscMessage, decode, encode
from model.errors import PackError
from server.controls import CONTROLS, Control, Settings, Value
from server.desk import Desk
from server.remote import Remote

PHONE = ("192.168.1.20", 54321)


class Band:
    """Carries out what it is told, and has no pack but `rock`."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def change(self, control: str, value: Value) -> None:
        self.done.append(f"{control} {value}")

    def act(self, action: str) -> None:
        self.done.append(action)

    def load_pack(self, settings: Settings) -> None:
        if settings.pack != "rock":
            raise PackError(f"there is no pack named {settings.pack}; did you mean rock?")


@pytest.fixture
def band() -> Band:
    return Band()


@pytest.fixture
def desk(band: Band) -> Desk:
    return Desk(Settings(), band, {"pack": band.load_pack})


@pytest.fixture
def remote(desk: Desk) -> Remote:
    return Remote(desk)


def says(remote: Remote, address: str, *arguments: OscArgument) -> OscMessage:
    """The one answer to a message, both having gone over the wire."""
    (sent,) = decode(encode(OscMessage(address, arguments)))
    (answer,) = remote.handle(sent, PHONE)
    (heard,) = decode(encode(answer))
    return heard


def test_a_value_sets_a_control_and_comes_back(remote: Remote, desk: Desk, band: Band) -> None:
    assert says(remote, "/fours/approach", "pitch") == OscMessage("/fours/approach", ("pitch",))
    assert desk.value("approach") == "pitch"
    assert band.done == ["approach pitch"]


def test_thirty_two_bits_are_read_as_the_number_that_was_meant(remote: Remote, desk: Desk) -> None:
    answer = says(remote, "/fours/temperature", 0.7)
    assert answer.arguments[0] == pytest.approx(0.7)
    assert desk.value("temperature") == 0.7


@pytest.mark.parametrize("row", [row for row in CONTROLS if row.kind != "action"], ids=lambda row: str(row.name))
def test_every_control_can_be_asked_for(remote: Remote, row: Control, band: Band) -> None:
    answer = says(remote, row.address)
    assert answer.address == row.address
    assert answer.arguments == (pytest.approx(row.default) if isinstance(row.default, float) else row.default,)
    assert band.done == []


@pytest.mark.parametrize("action", ["respond", "stop", "panic"])
def test_an_action_is_done_at_one_or_with_nothing_said_and_not_when_the_button_comes_up(
    remote: Remote, band: Band, action: str
) -> None:
    address = f"/fours/{action}"
    assert says(remote, address, 1.0) == OscMessage(address, (1.0,))
    assert says(remote, address) == OscMessage(address, (1.0,))
    assert band.done == [action, action]
    assert says(remote, address, 0.0) == OscMessage(address, (0.0,))
    assert band.done == [action, action]


@pytest.mark.parametrize(
    ("address", "arguments", "sentence"),
    [
        ("/fours/temperature", (9.0,), "temperature is 0.1 to 2; 9 is out of range"),
        ("/fours/temperature", ("hot",), "temperature is a number, 0.1 to 2, not 'hot'"),
        ("/fours/temperature", (float("nan"),), "temperature is 0.1 to 2; nan is out of range"),
        ("/fours/temperature", (0.5, 0.6), "/fours/temperature takes one argument, not 2"),
        ("/fours/approach", ("evnt",), "approach is pitch or event, not 'evnt'; did you mean event?"),
        ("/fours/approach", (2,), "approach is pitch or event, or its index 0 to 1, not 2"),
        ("/fours/pack", (1.0,), "pack is the name of a pack, not 1.0"),
        ("/fours/pack", ("rok",), "there is no pack named rok; did you mean rock?"),
        ("/fours/stop", ("now",), "an action takes 1, to do it, not 'now'"),
        ("/fours/temprature", (0.5,), "there is no control temprature; did you mean temperature?"),
        ("/fours/temprature", (), "there is no control temprature; did you mean temperature?"),
        ("/temperature", (0.5,), "there is no address /temperature; controls are /fours/<control>"),
        ("/fours/temperature/x", (0.5,), "there is no address /fours/temperature/x; controls are /fours/<control>"),
        ("/fours", (), "there is no address /fours; controls are /fours/<control>"),
        ("/", (), "there is no address /; controls are /fours/<control>"),
    ],
)
def test_what_cannot_be_taken_is_answered_with_a_sentence_and_changes_nothing(
    remote: Remote, desk: Desk, band: Band, address: str, arguments: tuple[OscArgument, ...], sentence: str
) -> None:
    before = desk.values()
    assert says(remote, address, *arguments) == OscMessage("/fours/error", (sentence,))
    assert desk.values() == before
    assert band.done == []


def test_an_address_without_a_name_is_told_what_there_is(remote: Remote) -> None:
    (sentence,) = says(remote, "/fours/", 1.0).arguments
    assert str(sentence).startswith("there is no control")
