import pytest

from bridge.midi.controller_moves import CcMove
from bridge.midi.messages import ControlChange, encode
from server.controls.cc_bindings import CcBindings
from server.controls.control_store import ControlStore
from server.controls.control_table import Settings, Value
from server.remote.cc_feedback import CcFeedback
from server.remote.cc_input import CcInput
from server.remote.pending_updates import FLASH_S, TOUCH_S

BOUND = CcBindings.read({"temperature": 21, "approach": {"cc": 22, "channel": 3}, "respond": 64})
RESTED_S = 1.0


class Rig:
    """Knobs with motors, and a desk between them."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.desk = ControlStore(Settings(), self, {})
        self.knobs = CcInput(BOUND, "off", (), self.desk, lambda _data, _at_s: None, lambda take: take())
        self.motors = CcFeedback(self.knobs, self.desk)
        self.desk.add_listener(lambda change: self.motors.on_control_changed(change, self.now_s))
        self.knobs.on_control_moved = lambda control: self.motors.on_control_moved(control, self.now_s)

    def change(self, control: str, value: Value) -> None: ...

    def act(self, action: str) -> None: ...

    def turn(self, cc: int, value: int, channel: int = 0) -> None:
        self.knobs.receive_midi(encode(ControlChange(cc, value, channel)), self.now_s)

    def told(self, in_s: float = 0.0) -> list[CcMove]:
        self.now_s += in_s
        return list(self.motors.take_due(self.now_s))


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.told()
    return rig


def test_at_first_every_motor_goes_to_its_place() -> None:
    assert Rig().told() == [CcMove(21, 53, 0), CcMove(22, 127, 2), CcMove(64, 0, 0)]


def test_what_anyone_changes_moves_the_motor(rig: Rig) -> None:
    rig.desk.set("temperature", 2.0, "panel")
    rig.desk.set("approach", "pitch", "osc 127.0.0.1:9000")
    assert rig.told() == [CcMove(21, 127, 0), CcMove(22, 0, 2)]
    assert rig.told(RESTED_S) == []


def test_what_is_not_bound_is_not_told(rig: Rig) -> None:
    rig.desk.set("tempo", 90.0)
    assert rig.told(RESTED_S) == []


def test_no_motor_works_against_the_hand_and_in_the_end_it_goes_to_what_was_taken(rig: Rig) -> None:
    for value in (10, 20, 30):
        rig.turn(21, value)
        assert rig.told(0.03) == []
    assert rig.told(TOUCH_S) == [CcMove(21, 30, 0)]
    rig.turn(22, 60, 2)
    assert rig.told(TOUCH_S) == [CcMove(22, 0, 2)]


def test_a_knob_on_any_channel_is_told_on_the_one_it_was_heard_on(rig: Rig) -> None:
    rig.turn(21, 10, 7)
    assert rig.told(TOUCH_S) == [CcMove(21, 10, 7)]


def test_the_button_of_an_action_lights_up_for_a_moment(rig: Rig) -> None:
    rig.desk.set("respond", 1.0)
    assert rig.told() == [CcMove(64, 127, 0)]
    assert rig.told(FLASH_S / 2) == []
    assert rig.told(FLASH_S) == [CcMove(64, 0, 0)]


def test_what_is_learnt_is_told_from_then_on(rig: Rig) -> None:
    rig.knobs.start_learning("tempo", lambda _control, _binding: None, lambda _error: None)
    rig.turn(30, 0, 4)
    rig.told(RESTED_S)
    rig.desk.set("tempo", 400.0)
    assert rig.told() == [CcMove(30, 127, 4)]
