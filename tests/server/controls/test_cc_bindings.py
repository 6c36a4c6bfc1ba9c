import tomllib

import pytest

from bridge.midi.controller_moves import CcMove
from server.controls.cc_bindings import CcBinding, CcBindings
from server.controls.control_table import BY_NAME
from server.errors import BadValue

MOVE = CcMove(21, 100, 2)  # of CC 21 to value 100, on channel 3


@pytest.mark.parametrize("binding", [CcBinding(21), CcBinding(21, 3)])
def test_a_binding_survives_being_written_and_read(binding: CcBinding) -> None:
    written = tomllib.loads(f"temperature = {binding.as_toml}")["temperature"]
    assert CcBinding.read("temperature", written) == binding


@pytest.mark.parametrize("name", [name for name, row in BY_NAME.items() if row.kind != "name"])
def test_every_control_except_a_name_can_be_bound(name: str) -> None:
    assert CcBinding.read(name, 1) == CcBinding(1)


def test_a_binding_to_the_channel_goes_before_one_to_any_channel() -> None:
    bindings = CcBindings.read({"temperature": 21, "tempo": {"cc": 21, "channel": 3}})
    assert bindings.control_moved_by(MOVE) == "tempo"
    assert bindings.control_moved_by(CcMove(21, 100, 3)) == "temperature"
    assert bindings.control_moved_by(CcMove(22, 100, 2)) is None


def test_a_binding_to_another_channel_does_not_count() -> None:
    assert CcBindings.read({"tempo": {"cc": 21, "channel": 1}}).control_moved_by(MOVE) is None


def test_a_new_binding_leaves_the_old_object_unchanged() -> None:
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
def test_a_control_can_learn_a_cc_that_moves_no_other_control(
    bound: dict[str, object],
    any_channel: bool,  # noqa: FBT001  a parameter of the test
    refusal: str,
) -> None:
    bindings = CcBindings.read(bound)
    if not refusal:
        assert bindings.binding_to_learn("tempo", MOVE, any_channel=any_channel) == CcBinding(
            21, None if any_channel else 3
        )
        return
    advice = "; let step learn another knob, or take its line out of [midi.cc]"
    with pytest.raises(BadValue) as refused:
        bindings.binding_to_learn("tempo", MOVE, any_channel=any_channel)
    assert str(refused.value) == refusal + advice


def test_two_controls_on_one_cc_are_refused() -> None:
    with pytest.raises(BadValue, match=r"^tempo and step are both on CC 21 on channel 3$"):
        CcBindings.read({"step": {"cc": 21, "channel": 3}, "tempo": {"cc": 21, "channel": 3}})
