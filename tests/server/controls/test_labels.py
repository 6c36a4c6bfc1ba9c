import re

import pytest

from server.controls.control import Control
from server.controls.control_table import BY_NAME, CONTROLS
from server.controls.labels import address_part, label_text

WITH_CHOICES = [control for control in CONTROLS if control.choices]


@pytest.mark.parametrize(
    ("choice", "spelling"),
    [("fours", "fours"), ("1/8t", "1_8t"), ("6/8", "6_8"), ("D dorian", "D_dorian"), ("F# minor", "Fs_minor")],
)
def test_characters_that_an_address_may_not_hold_are_replaced(choice: str, spelling: str) -> None:
    assert address_part(choice) == spelling


@pytest.mark.parametrize("control", WITH_CHOICES, ids=lambda control: control.name)
def test_every_choice_of_a_control_has_its_own_valid_address_part(control: Control) -> None:
    spellings = [address_part(choice) for choice in control.choices]
    assert len(set(spellings)) == len(control.choices)
    # The addresses of the fader and of the label end with these.
    assert not {"norm", "text"} & set(spellings)
    for spelling in spellings:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", spelling)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("tempo", 89.442719, "89.44 bpm"),
        ("tempo", 120.0, "120 bpm"),
        ("turn_bars", 4, "4 bars"),
        ("turn_bars", 1, "1 bar"),
        ("offset_ms", 1.0, "1 ms"),
        ("temperature", 0.9, "0.9"),
        ("key", "D dorian", "D dorian"),
    ],
)
def test_a_label_shows_at_most_four_digits_and_the_unit(name: str, value: float | str, text: str) -> None:
    assert label_text(BY_NAME[name], value) == text
