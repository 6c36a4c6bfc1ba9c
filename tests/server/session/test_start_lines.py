import pytest

from server.config.config import Config, OscSection
from server.config.kept_offsets import start_offset
from server.controls.control_table import Settings
from server.music.packs.pack_loader import load_pack
from server.panel.wiring import Wiring
from server.session.start_lines import band_lines, wiring_lines
from tests.conftest import CHECKOUT


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


def test_the_readme_shows_the_lines_that_a_jam_with_midi_prints() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    block = readme.partition("It prints where it listens and plays:")[2].split("```")[1].strip().splitlines()
    offset = start_offset(Config(), "Trading Fours Out")
    wiring = Wiring("Trading Fours In", "Trading Fours Out", "127.0.0.1:8000", {"pitch": 0.15, "event": 0.15}, offset)
    lines = list(wiring_lines(wiring, ("coremidi", "coremidi"), load_pack("songbook", Config()), OscSection()))
    shown = [line for line in block if line.partition(" ")[0] not in {"Takes", "Panel", "Ready"}]
    assert [line.split()[0] for line in shown] == [line.split()[0] for line in lines]
    assert [line for line in lines if line.startswith(("Offset", "OSC", "Pack"))] == shown[2:5]
