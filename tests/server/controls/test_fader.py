import math

import pytest

from server.controls.control import Control, Raw
from server.controls.control_table import BY_NAME, CONTROLS
from server.controls.fader import cc_value, fader_position, has_fader, value_at_position, value_from_cc
from server.errors import BadValue

FADERS = [control for control in CONTROLS if has_fader(control)]
SHARES = [number / 200 for number in range(201)]
CC_VALUES = range(128)


def named(control: Control) -> str:
    return control.name


@pytest.mark.parametrize("control", FADERS, ids=named)
class TestEachFader:
    def test_goes_from_the_lowest_to_the_highest_or_from_the_first_choice_to_the_last(self, control: Control) -> None:
        ends = (control.choices[0], control.choices[-1]) if control.choices else (control.low, control.high)
        assert (value_at_position(control, 0.0), value_at_position(control, 1.0)) == ends
        assert (fader_position(control, ends[0]), fader_position(control, ends[1])) == (0.0, 1.0)

    def test_comes_to_rest_where_it_was_put(self, control: Control) -> None:
        for value in (value_at_position(control, share) for share in SHARES):
            assert control.read(value) == value
            again = value_at_position(control, fader_position(control, value))
            assert again == (pytest.approx(value, rel=1e-4, abs=1e-4) if isinstance(value, float) else value)

    def test_higher_is_more(self, control: Control) -> None:
        settled = [fader_position(control, value_at_position(control, share)) for share in SHARES]
        assert settled == sorted(settled)

    def test_its_default_is_a_place_on_it(self, control: Control) -> None:
        assert control.default is not None
        default = value_at_position(control, fader_position(control, control.default))
        assert default == (
            pytest.approx(control.default, rel=1e-4) if isinstance(control.default, float) else control.default
        )

    @pytest.mark.parametrize("raw", [-0.01, 1.01, math.nan, math.inf, "high", ""])
    def test_what_is_no_place_on_it_is_refused(self, control: Control, raw: Raw) -> None:
        with pytest.raises(BadValue, match=rf"^{control.name}/norm is .*0 to 1"):
            value_at_position(control, raw)

    def test_a_motor_fader_that_is_told_what_it_sent_stays_where_it_is(self, control: Control) -> None:
        # One with fewer places than a controller has goes to the nearest, and stays there.
        settled = [cc_value(control, value_from_cc(control, value)) for value in CC_VALUES]
        assert [cc_value(control, value_from_cc(control, value)) for value in settled] == settled
        if not (control.choices or control.whole):
            assert settled == list(CC_VALUES)


@pytest.mark.parametrize(
    ("name", "middle"),
    [
        ("tempo", pytest.approx(89.44, abs=0.01)),  # as far from 20 as from 400, as ratios go
        ("step", 0.5),
        ("time_scale", 1.0),
        ("answer_length", 32.0),
        ("temperature", pytest.approx(1.05)),
        ("transpose", 0),
        ("quantize", "1/32"),
    ],
)
def test_the_middle_is_where_a_musician_would_have_it(name: str, middle: object) -> None:
    assert value_at_position(BY_NAME[name], 0.5) == middle


@pytest.mark.parametrize("raw", ["0.5", "0,5", True])
def test_a_share_may_come_as_text_or_as_a_switch(raw: Raw) -> None:
    assert value_at_position(BY_NAME["temperature"], raw) in {1.05, 2.0}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("pack", "pack has no norm; it takes the name of a pack"),
        ("respond", "respond has no norm; it takes 1, to do it"),
    ],
)
def test_names_and_actions_have_none(name: str, sentence: str) -> None:
    with pytest.raises(BadValue, match=f"^{sentence}$"):
        value_at_position(BY_NAME[name], 0.5)


def test_a_controller_has_128_places() -> None:
    approach, temperature = BY_NAME["approach"], BY_NAME["temperature"]
    assert [value_from_cc(approach, value) for value in (0, 63, 64, 127)] == ["pitch", "pitch", "event", "event"]
    assert [value_from_cc(temperature, value) for value in (0, 127)] == [0.1, 2.0]
    assert cc_value(temperature, 0.9) == 53
