import math
import struct
from contextlib import suppress
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.approach import APPROACHES
from server.controls.control_table import (
    ACTIONS,
    BY_NAME,
    CONTROLS,
    Control,
    Raw,
    Settings,
    control_named,
    is_pressed,
)
from server.errors import BadValue

NUMBERS = [control for control in CONTROLS if control.kind == "number"]
CHOICES = [control for control in CONTROLS if control.kind == "choice"]


def named(control: Control) -> str:
    return control.name


def in_32_bits(number: float) -> float:
    """The number after it was sent as an OSC float."""
    (read,) = struct.unpack(">f", struct.pack(">f", number))
    return float(read)


class TestTable:
    def test_it_has_a_row_for_each_setting_and_each_action_in_this_order(self) -> None:
        assert [control.name for control in CONTROLS] == [
            *(row.name for row in fields(Settings)),
            *(action.name for action in ACTIONS),
        ]
        assert list(BY_NAME) == [control.name for control in CONTROLS]

    def test_its_names_are_public_so_that_none_is_lost_or_renamed(self) -> None:
        """A name is an OSC address, an option and a key of the configuration: a new control adds its name here."""
        public = {
            *("temperature", "approach", "top_p", "pack", "key", "memory", "learn_from", "novelty"),
            *("chart", "chords_from", "chord_channel", "chords_below", "harmony", "band", "feel"),
            *("mode", "answer_after", "answer_length", "start", "over", "hold_limit_s", "turn_bars", "begins"),
            *("clock", "tempo", "tempo_from", "meter", "position_unit", "send_clock"),
            *("step", "rhythm", "time_scale", "quantize", "swing", "gate", "offset_ms"),
            *("low", "high", "transpose", "max_polyphony", "touch", "feel_from", "velocity", "channel"),
            "record",
        }
        assert {control.name for control in CONTROLS if control.kind != "action"} == public
        assert {control.name for control in ACTIONS} == {"respond", "play", "stop", "panic", "tap", "forget", "capture"}

    @pytest.mark.parametrize("control", CONTROLS, ids=named)
    def test_each_row_has_a_help_sentence_and_an_address(self, control: Control) -> None:
        assert control.help.endswith(".")
        assert control.address == f"/fours/{control.name}"
        assert control.allowed

    @pytest.mark.parametrize("row", fields(Settings), ids=lambda row: row.name)
    def test_the_defaults_of_the_settings_are_those_of_the_rows(self, row: object) -> None:
        name = getattr(row, "name", "")
        assert getattr(Settings(), name) == BY_NAME[name].default

    @pytest.mark.parametrize("control", [row for row in CONTROLS if row.kind != "action"], ids=named)
    def test_each_default_is_accepted_by_its_row(self, control: Control) -> None:
        assert control.default is not None
        assert control.read(control.default) == control.default

    def test_settings_change_one_at_a_time(self) -> None:
        before = Settings()
        after = before.with_value("temperature", 0.5)
        assert (before.temperature, after.temperature) == (1.0, 0.5)
        assert after.with_value("temperature", 1.0) == before


@pytest.mark.parametrize("control", NUMBERS, ids=named)
class TestNumber:
    def test_its_bounds_are_finite_and_accepted(self, control: Control) -> None:
        assert -math.inf < control.low < control.high < math.inf
        assert control.read(control.low) == control.low
        assert control.read(control.high) == control.high

    def test_a_number_out_of_range_is_refused_with_the_range(self, control: Control) -> None:
        for number in (control.low - 0.01, control.high + 0.01, math.inf, -math.inf, math.nan):
            with pytest.raises(BadValue) as refusal:
                control.read(number)
            assert str(refusal.value).startswith(f"{control.name} is {control.low:g} to {control.high:g}")

    def test_its_bounds_and_default_survive_the_32_bits_of_osc(self, control: Control) -> None:
        assert not isinstance(control.default, str | None)
        for number in (control.low, control.high, control.default):
            assert control.read(in_32_bits(number)) == number

    def test_it_can_be_text_with_a_point_or_a_comma(self, control: Control) -> None:
        middle = round((control.low + control.high) / 2, 0 if control.whole else 3)
        assert control.read(f"{middle}") == middle
        assert control.read(f"{middle}".replace(".", ",")) == middle
        assert control.read(f" {middle} ") == middle

    @pytest.mark.parametrize("text", ["", "loud", "1.2.3", "1,2,3", "nan", "inf", "0x10"])
    def test_any_other_text_is_refused(self, control: Control, text: str) -> None:
        with pytest.raises(BadValue, match=rf"^{control.name} is "):
            control.read(text)

    def test_an_integer_too_large_for_a_float_is_refused(self, control: Control) -> None:
        with pytest.raises(BadValue):
            control.read(10**400)

    @given(raw=st.one_of(st.floats(), st.integers(), st.text(), st.booleans()))
    def test_any_input_is_parsed_within_the_bounds_or_refused(self, control: Control, raw: Raw) -> None:
        with suppress(BadValue):
            value = control.read(raw)
            assert not isinstance(value, str)
            assert isinstance(value, int) == control.whole
            assert control.low <= value <= control.high


class TestChoice:
    @pytest.mark.parametrize("control", CHOICES, ids=named)
    def test_each_is_accepted_by_name_and_by_index(self, control: Control) -> None:
        for index, choice in enumerate(control.choices):
            assert control.read(choice) == choice
            assert control.read(index) == choice
            assert control.read(float(index)) == choice

    def test_the_approaches_are_the_models(self) -> None:
        assert BY_NAME["approach"].choices == APPROACHES

    @pytest.mark.parametrize("raw", [-1, 2, 0.5, math.nan, math.inf])
    def test_a_bad_index_is_refused(self, raw: float) -> None:
        with pytest.raises(BadValue, match="approach is pitch or event, or its index 0 to 1, not "):
            BY_NAME["approach"].read(raw)

    @pytest.mark.parametrize(("raw", "meant"), [("evnt", "event"), ("pitches", "pitch"), ("Pitch", "pitch")])
    def test_a_near_miss_gets_a_suggestion(self, raw: str, meant: str) -> None:
        with pytest.raises(BadValue, match=rf"approach is pitch or event, not '{raw}'; did you mean {meant}\?"):
            BY_NAME["approach"].read(raw)

    def test_a_wide_miss_is_told_how_to_list_all_names(self) -> None:
        with pytest.raises(BadValue, match=r"^approach is pitch or event, not 'zzz'$"):
            BY_NAME["approach"].read("zzz")


class TestName:
    def test_any_text_is_accepted(self) -> None:
        assert BY_NAME["pack"].read("rock") == "rock"

    @pytest.mark.parametrize("raw", ["", 1.0, True])
    def test_an_empty_text_and_numbers_are_refused(self, raw: Raw) -> None:
        with pytest.raises(BadValue, match="pack is the name or the folder of a pack, not "):
            BY_NAME["pack"].read(raw)


class TestAction:
    @pytest.mark.parametrize("raw", [1, 1.0, True, "1", 0.5, 127])
    def test_an_action_is_done_at_any_number_but_zero(self, raw: Raw) -> None:
        assert is_pressed(raw)

    @pytest.mark.parametrize("raw", [0, 0.0, False, "0"])
    def test_an_action_is_not_done_when_its_button_is_released(self, raw: Raw) -> None:
        assert not is_pressed(raw)

    @pytest.mark.parametrize("raw", ["now", "", "nan", math.nan])
    def test_an_input_that_is_not_a_number_is_refused(self, raw: Raw) -> None:
        with pytest.raises(BadValue, match="an action takes 1, to do it, not "):
            is_pressed(raw)


class TestControlNamed:
    @pytest.mark.parametrize("control", CONTROLS, ids=named)
    def test_finds_each_control(self, control: Control) -> None:
        assert control_named(control.name) is control

    def test_a_near_miss_gets_a_suggestion(self) -> None:
        with pytest.raises(BadValue, match=r"there is no control temprature; did you mean temperature\?"):
            control_named("temprature")

    def test_a_wide_miss_is_told_how_to_list_all_names(self) -> None:
        with pytest.raises(BadValue, match=r"there is no control zzz; `fours controls` lists them all$"):
            control_named("zzz")


class TestWholeNumber:
    @pytest.mark.parametrize(("raw", "value"), [(60.4, 60), ("59,6", 60), (True, 1), (127.0, 127)])
    def test_a_fraction_is_rounded_to_the_nearest(self, raw: Raw, value: int) -> None:
        assert BY_NAME["low"].read(raw) == value


class TestKey:
    @pytest.mark.parametrize(
        ("raw", "meant"), [("Am", "A minor"), ("d-dorian", "D dorian"), ("off", "off"), ("Auto", "auto")]
    )
    def test_it_can_be_written_as_musicians_do(self, raw: str, meant: str) -> None:
        assert BY_NAME["key"].read(raw) == meant

    def test_it_can_be_chosen_by_index(self) -> None:
        assert [BY_NAME["key"].read(index) for index in (0, 1, 2, 3.0)] == ["off", "auto", "live", "C major"]

    def test_an_unknown_key_is_refused_with_what_is_accepted(self) -> None:
        with pytest.raises(
            BadValue, match=r"^key: there is no key 'H blue'; a key is off, auto, live, or a tonic and major, "
        ):
            BY_NAME["key"].read("H blue")
