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


class Rig:
    """Lessons whose knobs are moved by hand, on a loop that does at once what it is asked."""

    def __init__(self, path: Path) -> None:
        desk = ControlStore(Settings(), self, {})
        bindings = CcBindings.read({"step": 22})
        self.path = path
        self.knobs = CcInput(bindings, "off", (), desk, lambda _data, _at_s: None, lambda deed: deed())
        self.lessons = MidiLearn(self.knobs, path)
        self.outcomes: list[LearnOutcome] = []

    def change(self, control: str, value: Value) -> None:
        pass

    def act(self, action: str) -> None:
        pass

    def move(self, cc: int) -> None:
        self.knobs.receive_midi(encode(ControlChange(cc, 90)), 0.0)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "config.toml")


def test_what_is_learnt_is_in_force_and_written_down(rig: Rig) -> None:
    waited = []
    rig.lessons.start("tempo", rig.outcomes.append)
    waited.append(rig.lessons.waiting_control)
    rig.move(21)
    waited.append(rig.lessons.waiting_control)
    assert waited == ["tempo", None]
    assert rig.outcomes == [LearnOutcome(f"CC 21 on channel 1 moves tempo now; it is written to {rig.path}")]
    assert rig.lessons.bindings.binding_of("tempo") == CcBinding(21, 1)
    assert load(rig.path).midi.bindings.by_control == {"tempo": CcBinding(21, 1)}


def test_a_knob_that_moves_another_control_ends_it_and_nothing_is_written(rig: Rig) -> None:
    rig.lessons.start("tempo", rig.outcomes.append)
    rig.move(22)
    assert [outcome.is_error for outcome in rig.outcomes] == [True]
    assert rig.lessons.waiting_control is None
    assert not rig.path.exists()


def test_one_that_is_given_up_has_no_outcome(rig: Rig) -> None:
    rig.lessons.start("tempo", rig.outcomes.append)
    rig.lessons.cancel()
    rig.move(21)
    assert (rig.lessons.waiting_control, rig.outcomes) == (None, [])


def test_another_takes_its_place(rig: Rig) -> None:
    rig.lessons.start("tempo", rig.outcomes.append)
    rig.lessons.start("swing", rig.outcomes.append)
    rig.move(21)
    assert dict(rig.lessons.bindings.by_control) == {"step": CcBinding(22), "swing": CcBinding(21, 1)}


def test_what_takes_no_knob_leaves_a_lesson_as_it_is(rig: Rig) -> None:
    rig.lessons.start("tempo", rig.outcomes.append)
    with pytest.raises(BadValue):
        rig.lessons.start("pack", rig.outcomes.append)
    assert rig.lessons.waiting_control == "tempo"
