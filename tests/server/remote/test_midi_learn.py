from pathlib import Path

import pytest

from bridge.midi.messages import ControlChange, encode
from server.config.config import load
from server.controls.cc_bindings import CcBinding, CcBindings
from server.controls.control_store import ControlStore
from server.controls.control_table import Settings, Value
from server.errors import BadValue
from server.remote.cc_input import CcInput
from server.remote.midi_learn import LearnOutcome, MidiLearn


class LearnHarness:
    """MIDI learn with CC input; what is scheduled on the loop is done at once."""

    def __init__(self, path: Path) -> None:
        controls = ControlStore(Settings(), self, {})
        bindings = CcBindings.read({"step": 22})
        self.path = path
        self.cc_input = CcInput(bindings, "off", (), controls, lambda _data, _at_s: None, lambda call: call())
        self.midi_learn = MidiLearn(self.cc_input, path)
        self.outcomes: list[LearnOutcome] = []

    def change(self, control: str, value: Value) -> None:
        pass

    def act(self, action: str) -> None:
        pass

    def move_knob(self, cc: int) -> None:
        self.cc_input.receive_midi(encode(ControlChange(cc, 90)), 0.0)


@pytest.fixture
def harness(tmp_path: Path) -> LearnHarness:
    return LearnHarness(tmp_path / "config.toml")


def test_a_learnt_binding_holds_at_once_and_is_written_down(harness: LearnHarness) -> None:
    waiting = []
    harness.midi_learn.start("tempo", harness.outcomes.append)
    waiting.append(harness.midi_learn.waiting_control)
    harness.move_knob(21)
    waiting.append(harness.midi_learn.waiting_control)
    assert waiting == ["tempo", None]
    assert harness.outcomes == [LearnOutcome(f"CC 21 on channel 1 moves tempo now; it is written to {harness.path}")]
    assert harness.midi_learn.bindings.binding_of("tempo") == CcBinding(21, 1)
    assert load(harness.path).midi.bindings.by_control == {"tempo": CcBinding(21, 1)}


def test_a_knob_that_moves_another_control_ends_the_learning_and_nothing_is_written(harness: LearnHarness) -> None:
    harness.midi_learn.start("tempo", harness.outcomes.append)
    harness.move_knob(22)
    assert [outcome.is_error for outcome in harness.outcomes] == [True]
    assert harness.midi_learn.waiting_control is None
    assert not harness.path.exists()


def test_a_cancelled_learning_has_no_outcome(harness: LearnHarness) -> None:
    harness.midi_learn.start("tempo", harness.outcomes.append)
    harness.midi_learn.cancel()
    harness.move_knob(21)
    assert (harness.midi_learn.waiting_control, harness.outcomes) == (None, [])


def test_a_new_learning_replaces_the_one_that_waits(harness: LearnHarness) -> None:
    harness.midi_learn.start("tempo", harness.outcomes.append)
    harness.midi_learn.start("swing", harness.outcomes.append)
    harness.move_knob(21)
    assert dict(harness.midi_learn.bindings.by_control) == {"step": CcBinding(22), "swing": CcBinding(21, 1)}


def test_a_control_that_takes_no_cc_does_not_end_the_learning_that_waits(harness: LearnHarness) -> None:
    harness.midi_learn.start("tempo", harness.outcomes.append)
    with pytest.raises(BadValue):
        harness.midi_learn.start("pack", harness.outcomes.append)
    assert harness.midi_learn.waiting_control == "tempo"
