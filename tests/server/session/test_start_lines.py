import pytest

from server.controls.control_table import Settings
from server.session.start_lines import band_lines


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (Settings(band="full"), "silent until there is a chart"),
        (Settings(band="bass", chart="blues", chords_from="off"), "as chords_from is off"),
    ],
)
def test_a_band_that_has_no_chords_is_said_to_be_silent(settings: Settings, sentence: str) -> None:
    (line,) = band_lines(settings)
    assert line.startswith("Band ")
    assert sentence in line


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(band="full", chart="blues"), Settings(band="full", chords_from="channel")]
)
def test_a_band_that_is_off_or_has_chords_is_not_spoken_about(settings: Settings) -> None:
    assert list(band_lines(settings)) == []
