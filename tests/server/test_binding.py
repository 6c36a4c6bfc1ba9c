import tomllib

import pytest

from bridge.controllers import CcMove
from server.binding import Binding, Bindings
from server.controls import BY_NAME
from server.errors import BadValue

KNOB = CcMove(21, 100, 2)


@pytest.mark.parametrize("binding", [Binding(21), Binding(21, 3)])
def test_one_is_read_as_it_is_written(binding: Binding) -> None:
    written = tomllib.loads(f"temperature = {binding.written}")["temperature"]
    assert Binding.read("temperature", written) == binding


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "pack"])
def test_every_control_but_a_name_can_be_bound(name: str) -> None:
    assert Binding.read(name, 1) == Binding(1)


def test_a_knob_moves_what_is_bound_on_its_channel_before_what_is_bound_on_any() -> None:
    bindings = Bindings.read({"temperature": 21, "tempo": {"cc": 21, "channel": 3}})
    assert bindings.control(KNOB) == "tempo"
    assert bindings.control(CcMove(21, 100, 3)) == "temperature"
    assert bindings.control(CcMove(22, 100, 2)) is None


def test_on_another_channel_it_moves_nothing() -> None:
    assert Bindings.read({"tempo": {"cc": 21, "channel": 1}}).control(KNOB) is None


def test_binding_one_anew_takes_the_knob_from_whatever_had_it() -> None:
    before = Bindings({"temperature": Binding(21), "tempo": Binding(22)})
    after = before.bound("tempo", Binding(21))
    assert after.by_control == {"tempo": Binding(21)}
    assert before.by_control == {"temperature": Binding(21), "tempo": Binding(22)}


def test_two_on_one_knob_are_refused() -> None:
    with pytest.raises(BadValue, match=r"^tempo and step are both on CC 21 on channel 3$"):
        Bindings.read({"step": {"cc": 21, "channel": 3}, "tempo": {"cc": 21, "channel": 3}})
