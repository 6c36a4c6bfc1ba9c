import tomllib

import pytest

from bridge.midi.controller_moves import CcMove
from server.controls.cc_bindings import CcBinding, CcBindings
from server.controls.control_table import BY_NAME
from server.errors import BadValue

KNOB = CcMove(21, 100, 2)


@pytest.mark.parametrize("binding", [CcBinding(21), CcBinding(21, 3)])
def test_one_is_read_as_it_is_written(binding: CcBinding) -> None:
    written = tomllib.loads(f"temperature = {binding.as_toml}")["temperature"]
    assert CcBinding.read("temperature", written) == binding


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "pack"])
def test_every_control_but_a_name_can_be_bound(name: str) -> None:
    assert CcBinding.read(name, 1) == CcBinding(1)


def test_a_knob_moves_what_is_bound_on_its_channel_before_what_is_bound_on_any() -> None:
    bindings = CcBindings.read({"temperature": 21, "tempo": {"cc": 21, "channel": 3}})
    assert bindings.control_moved_by(KNOB) == "tempo"
    assert bindings.control_moved_by(CcMove(21, 100, 3)) == "temperature"
    assert bindings.control_moved_by(CcMove(22, 100, 2)) is None


def test_on_another_channel_it_moves_nothing() -> None:
    assert CcBindings.read({"tempo": {"cc": 21, "channel": 1}}).control_moved_by(KNOB) is None


def test_binding_one_anew_leaves_those_in_force_as_they_are() -> None:
    before = CcBindings({"temperature": CcBinding(21), "tempo": CcBinding(22)})
    after = before.with_binding("tempo", CcBinding(23))
    assert after.by_control == {"temperature": CcBinding(21), "tempo": CcBinding(23)}
    assert before.by_control == {"temperature": CcBinding(21), "tempo": CcBinding(22)}


@pytest.mark.parametrize(
    ("bound", "any_channel", "refusal"),
    [
        ({}, False, ""),
        ({"tempo": 21}, False, ""),
        ({"step": 22}, False, ""),
        ({"step": {"cc": 21, "channel": 4}}, True, ""),
        ({"step": 21}, False, "CC 21 moves step already"),
        ({"step": {"cc": 21, "channel": 3}}, False, "CC 21 on channel 3 moves step already"),
        ({"step": {"cc": 21, "channel": 3}}, True, "CC 21 on channel 3 moves step already"),
        ({"tempo": {"cc": 21, "channel": 3}, "step": 21}, True, "CC 21 moves step already"),
    ],
)
def test_a_control_learns_a_knob_that_moves_no_other(bound: dict[str, object], any_channel: bool, refusal: str) -> None:  # noqa: FBT001
    bindings = CcBindings.read(bound)
    if not refusal:
        assert bindings.learn("tempo", KNOB, any_channel=any_channel) == CcBinding(21, None if any_channel else 3)
        return
    advice = "; let step learn another knob, or take its line out of [midi.cc]"
    with pytest.raises(BadValue) as refused:
        bindings.learn("tempo", KNOB, any_channel=any_channel)
    assert str(refused.value) == refusal + advice


def test_two_on_one_knob_are_refused() -> None:
    with pytest.raises(BadValue, match=r"^tempo and step are both on CC 21 on channel 3$"):
        CcBindings.read({"step": {"cc": 21, "channel": 3}, "tempo": {"cc": 21, "channel": 3}})
