import pytest

from bridge.timing.meter import Meter


@pytest.mark.parametrize(
    ("text", "beats_per_bar"), [("4/4", 4.0), ("3/4", 3.0), ("6/8", 3.0), ("7/8", 3.5), ("2/2", 4.0), ("5/16", 1.25)]
)
def test_a_bar_is_counted_in_quarter_notes(text: str, beats_per_bar: float) -> None:
    meter = Meter.parse(text)
    assert meter.beats_per_bar == beats_per_bar
    assert str(meter) == text


@pytest.mark.parametrize("text", ["", "4", "4/", "/4", "waltz", "0/4", "-3/4", "65/4", "4/3", "4/0", "4/4/4"])
def test_text_that_is_no_meter_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no meter; one is written like 4/4 or 6/8"):
        Meter.parse(text)


def test_a_meter_made_in_code_is_checked_too() -> None:
    with pytest.raises(ValueError, match="4/6 is no meter"):
        Meter(4, 6)
