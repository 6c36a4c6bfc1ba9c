from pathlib import Path

import pytest

from server.config.config import Config, load
from server.config.kept_offsets import StartOffset, offset_key, start_offset, write_offset
from server.errors import ConfigError


def config(text: str, tmp_path: Path) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_a_port_is_known_by_its_name_without_alsas_numbers_and_our_own_by_one_name() -> None:
    assert offset_key("Synth:Synth MIDI 1 20:0", is_virtual=False) == "Synth:Synth MIDI 1"
    assert offset_key("Trading Fours-01:Trading Fours Out", is_virtual=True) == "Trading Fours Out"


def test_a_jam_starts_with_what_is_kept_for_its_output(tmp_path: Path) -> None:
    kept = config('[midi.offset_ms]\nSynth = -12.5\n"Synth 2" = -3\n', tmp_path)
    assert start_offset(kept, "Synth") == StartOffset(-12.5, 'measured by fours calibrate for "Synth"')
    assert start_offset(kept, "synth 2").ms == -3.0
    assert start_offset(kept, "Synth 2").text == '-3 ms (measured by fours calibrate for "Synth 2")'
    assert start_offset(kept, "Piano") == StartOffset(0.0, "not measured; fours calibrate does that")
    assert start_offset(kept, None) == StartOffset(0.0, "the default")


def test_an_offset_of_the_configuration_goes_before_it_except_0_which_every_configuration_has(tmp_path: Path) -> None:
    text = "[midi.offset_ms]\nSynth = -12.5\n[controls]\noffset_ms = "
    assert start_offset(config(f"{text}5.0\n", tmp_path), "Synth") == StartOffset(
        5.0, "from controls.offset_ms of the configuration"
    )
    assert start_offset(config(f"{text}0.0\n", tmp_path), "Synth").ms == -12.5


@pytest.mark.parametrize("given_ms", [0.0, 7.0])
def test_an_offset_of_the_command_line_goes_before_all(tmp_path: Path, given_ms: float) -> None:
    kept = config("[midi.offset_ms]\nSynth = -12.5\n[controls]\noffset_ms = 5.0\n", tmp_path)
    given = kept.with_values({"controls.offset_ms": given_ms})
    assert start_offset(given, "Synth", is_given=True) == StartOffset(given_ms, "from the command line")


@pytest.mark.parametrize("name", ["Synth", "Trading Fours Out", 'A "quoted" \\ name', "Клавиатура", "a = b # c", "[x]"])
def test_what_is_written_is_read_again_for_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\n[controls]\ntempo = 90 # slow\n", encoding="utf-8")
    for ms in (-1.0, -12.34):
        write_offset(path, name, ms)
    assert load(path).midi.offset_ms == {name: -12.3}
    assert path.read_text(encoding="utf-8").startswith("# mine\n[controls]\ntempo = 90 # slow\n")


@pytest.mark.parametrize(
    ("value", "reason"), [("-251", "greater than or equal to -250"), ('"x"', "valid number"), ("true", "valid number")]
)
def test_a_kept_value_that_no_control_takes_is_a_mistake(tmp_path: Path, value: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"midi\.offset_ms\.Synth should be .*{reason}"):
        config(f"[midi.offset_ms]\nSynth = {value}\n", tmp_path)
