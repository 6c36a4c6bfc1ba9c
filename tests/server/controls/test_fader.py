import math

import pytest

from server.controls.control import Control, Raw
from server.controls.control_table import BY_NAME, CONTROLS
from server.controls.fader import cc_value, fader_position, has_fader, value_at_position, value_from_cc
from server.errors import BadValue

FADERS = [control for control in CONTROLS if has_fader(control)]
POSITIONS = [number / 200 for number in range(201)]
CC_VALUES = range(128)


def named(control: Control) -> str:
    return control.name


@pytest.mark.parametrize("control", FADERS, ids=named)
class TestEachFader:
    def test_goes_from_the_lowest_value_to_the_highest_or_from_the_first_choice_to_the_last(
        self, control: Control
    ) -> None:
        ends = (control.choices[0], control.choices[-1]) if control.choices else (control.low, control.high)
        assert (value_at_position(control, 0.0), value_at_position(control, 1.0)) == ends
        assert (fader_position(control, ends[0]), fader_position(control, ends[1])) == (0.0, 1.0)

    def test_a_value_keeps_its_position(self, control: Control) -> None:
        for value in (value_at_position(control, position) for position in POSITIONS):
            assert control.read(value) == value
            again = value_at_position(control, fader_position(control, value))
            assert again == (pytest.approx(value, rel=1e-4, abs=1e-4) if isinstance(value, float) else value)

    def test_a_higher_position_never_gives_a_lower_value(self, control: Control) -> None:
        settled_positions = [fader_position(control, value_at_position(control, position)) for position in POSITIONS]
        assert settled_positions == sorted(settled_positions)

    def test_its_default_has_a_position(self, control: Control) -> None:
        assert control.default is not None
        default = value_at_position(control, fader_position(control, control.default))
        assert default == (
            pytest.approx(control.default, rel=1e-4) if isinstance(control.default, float) else control.default
        )

    @pytest.mark.parametrize("raw", [-0.01, 1.01, math.nan, math.inf, "high", ""])
    def test_a_bad_position_is_refused(self, control: Control, raw: Raw) -> None:
        with pytest.raises(BadValue, match=rf"^{control.name}/norm is .*0 to 1"):
            value_at_position(control, raw)

    def test_a_motor_fader_that_gets_its_own_value_back_does_not_move(self, control: Control) -> None:
        # A control with fewer values than 128 moves the fader to the nearest one, where it stays.
        settled_positions = [cc_value(control, value_from_cc(control, value)) for value in CC_VALUES]
        assert [cc_value(control, value_from_cc(control, value)) for value in settled_positions] == settled_positions
        if not (control.choices or control.whole):
            assert settled_positions == list(CC_VALUES)


@pytest.mark.parametrize(
    ("name", "middle"),
    [
        ("tempo", pytest.approx(89.44, abs=0.01)),  # the geometric mean of 20 and 400
        ("step", 0.5),
        ("time_scale", 1.0),
        ("answer_length", 32.0),
        ("temperature", pytest.approx(1.05)),
        ("transpose", 0),
        ("quantize", "1/32"),
    ],
)
def test_the_middle_position_has_a_useful_value(name: str, middle: object) -> None:
    assert value_at_position(BY_NAME[name], 0.5) == middle


@pytest.mark.parametrize("raw", ["0.5", "0,5", True])
def test_a_position_can_be_text_or_a_boolean(raw: Raw) -> None:
    assert value_at_position(BY_NAME["temperature"], raw) in {1.05, 2.0}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("pack", "pack has no norm; it takes the name or the folder of a pack"),
        ("respond", "respond has no norm; it takes 1, to do it"),
    ],
)
def test_names_and_actions_have_no_fader(name: str, sentence: str) -> None:
    with pytest.raises(BadValue, match=f"^{sentence}$"):
        value_at_position(BY_NAME[name], 0.5)


def test_a_cc_has_128_positions() -> None:
    approach, temperature = BY_NAME["approach"], BY_NAME["temperature"]
    assert [value_from_cc(approach, value) for value in (0, 63, 64, 127)] == ["pitch", "pitch", "event", "event"]
    assert [value_from_cc(temperature, value) for value in (0, 127)] == [0.1, 2.0]
    assert cc_value(temperature, 0.9) == 53
