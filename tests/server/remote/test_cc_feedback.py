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
LONG_S = 1.0


class FeedbackHarness:
    """CC input and feedback, with a control store between them; the test moves the time."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.controls = ControlStore(Settings(), self, {})
        self.cc_input = CcInput(BOUND, "off", (), self.controls, lambda _data, _at_s: None, lambda apply: apply())
        self.feedback = CcFeedback(self.cc_input, self.controls)
        self.controls.add_listener(lambda change: self.feedback.on_control_changed(change, self.now_s))
        self.cc_input.on_control_moved = lambda control: self.feedback.on_control_moved(control, self.now_s)

    def change(self, control: str, value: Value) -> None: ...

    def act(self, action: str) -> None: ...

    def move_knob(self, cc: int, value: int, channel: int = 0) -> None:
        self.cc_input.receive_midi(encode(ControlChange(cc, value, channel)), self.now_s)

    def sent(self, after_s: float = 0.0) -> list[CcMove]:
        self.now_s += after_s
        return list(self.feedback.take_due(self.now_s))


@pytest.fixture
def harness() -> FeedbackHarness:
    harness = FeedbackHarness()
    harness.sent()
    return harness


def test_at_the_start_every_bound_value_is_sent() -> None:
    assert FeedbackHarness().sent() == [CcMove(21, 53, 0), CcMove(22, 127, 2), CcMove(64, 0, 0)]


def test_when_the_port_is_back_every_bound_value_is_sent_again(harness: FeedbackHarness) -> None:
    harness.controls.set("temperature", 2.0)
    harness.sent()
    harness.feedback.add_all()
    assert harness.sent() == [CcMove(21, 127, 0), CcMove(22, 127, 2), CcMove(64, 0, 0)]
    assert harness.sent(LONG_S) == []


def test_a_change_from_anywhere_moves_the_motor(harness: FeedbackHarness) -> None:
    harness.controls.set("temperature", 2.0, "panel")
    harness.controls.set("approach", "pitch", "osc 127.0.0.1:9000")
    assert harness.sent() == [CcMove(21, 127, 0), CcMove(22, 0, 2)]
    assert harness.sent(LONG_S) == []


def test_a_control_that_is_not_bound_is_not_sent(harness: FeedbackHarness) -> None:
    harness.controls.set("tempo", 90.0)
    assert harness.sent(LONG_S) == []


def test_a_motor_waits_while_its_knob_moves_and_then_goes_to_the_accepted_value(harness: FeedbackHarness) -> None:
    for value in (10, 20, 30):
        harness.move_knob(21, value)
        assert harness.sent(0.03) == []
    assert harness.sent(TOUCH_S) == [CcMove(21, 30, 0)]
    harness.move_knob(22, 60, 2)
    assert harness.sent(TOUCH_S) == [CcMove(22, 0, 2)]


def test_a_knob_on_any_channel_gets_feedback_on_the_channel_it_used_last(harness: FeedbackHarness) -> None:
    harness.move_knob(21, 10, 7)
    assert harness.sent(TOUCH_S) == [CcMove(21, 10, 7)]


def test_the_button_of_an_action_is_lit_for_a_moment(harness: FeedbackHarness) -> None:
    harness.controls.set("respond", 1.0)
    assert harness.sent() == [CcMove(64, 127, 0)]
    assert harness.sent(FLASH_S / 2) == []
    assert harness.sent(FLASH_S) == [CcMove(64, 0, 0)]


def test_a_learnt_binding_gets_feedback(harness: FeedbackHarness) -> None:
    harness.cc_input.start_learning("tempo", lambda _control, _binding: None, lambda _error: None)
    harness.move_knob(30, 0, 4)
    harness.sent(LONG_S)
    harness.controls.set("tempo", 400.0)
    assert harness.sent() == [CcMove(30, 127, 4)]
