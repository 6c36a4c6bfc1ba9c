from pathlib import Path

import pytest

from bridge.midi.memory_ports import MemoryInput, MemorySystem
from bridge.midi.messages import ControlChange, Message, NoteOn, encode
from bridge.midi.ports import Receiver
from server.config.config import Config, load
from server.controls.cc_bindings import CcBinding
from server.errors import BadValue
from server.remote.learn_command import learn


class PlayedSystem(MemorySystem):
    """A MIDI system whose input receives these messages as soon as it is open."""

    def __init__(self, *played: Message) -> None:
        super().__init__()
        self._played = played

    def open_input(self, name: str | None, receiver: Receiver) -> MemoryInput:
        port = super().open_input(name, receiver)
        for message in self._played:
            port.feed(encode(message), 0.0)
        return port


@pytest.fixture
def lines() -> list[str]:
    return []


def test_the_next_knob_is_bound_and_written(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "config.toml"
    system = PlayedSystem(NoteOn(60, 80), ControlChange(123, 0), ControlChange(21, 5, 2), ControlChange(22, 5, 2))
    assert learn("temperature", Config(), system, lines.append, path=path) == CcBinding(21, 3)
    assert load(path).midi.bindings.by_control == {"temperature": CcBinding(21, 3)}
    assert lines == [
        "Listening on Trading Fours In. Move the knob for temperature; Ctrl-C gives up.",
        "temperature = { cc = 21, channel = 3 }",
        f"Written to {path}, under [midi.cc].",
    ]
    assert not system.opened_inputs[0].is_open


def test_it_may_be_bound_on_any_channel(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "config.toml"
    learn("respond", Config(), PlayedSystem(ControlChange(67, 127, 2)), lines.append, path=path, any_channel=True)
    assert path.read_text(encoding="utf-8") == "[midi.cc]\nrespond = 67\n"


def test_without_a_file_it_is_only_printed(lines: list[str]) -> None:
    learn("temperature", Config(), PlayedSystem(ControlChange(21, 5)), lines.append, path=None)
    assert lines[1:] == [
        "temperature = { cc = 21, channel = 1 }",
        "Put this into config.toml, under [midi.cc].",
    ]


def test_a_knob_that_moves_another_control_is_refused(tmp_path: Path, lines: list[str]) -> None:
    config = Config.model_validate({"midi": {"cc": {"tempo": {"cc": 21, "channel": 1}}}})
    path = tmp_path / "config.toml"
    with pytest.raises(BadValue, match="CC 21 on channel 1 moves tempo already"):
        learn("temperature", config, PlayedSystem(ControlChange(21, 5)), lines.append, path=path)
    assert not path.exists()


def test_parts_of_longer_messages_are_no_knobs(lines: list[str]) -> None:
    parts = (ControlChange(cc, value) for cc, value in ((101, 127), (100, 127), (0, 1), (32, 2), (21, 64)))
    assert learn("temperature", Config(), PlayedSystem(*parts), lines.append, path=None) == CcBinding(21, 1)


def test_a_knob_that_sends_an_nrpn_is_refused_with_a_sentence(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "config.toml"
    parts = (ControlChange(cc, value) for cc, value in ((99, 9), (98, 82), (6, 64), (38, 0)))
    with pytest.raises(BadValue, match="this knob sends NRPN 1234 on channel 1"):
        learn("temperature", Config(), PlayedSystem(*parts), lines.append, path=path)
    assert not path.exists()


@pytest.mark.parametrize("control", ["pack", "tempratur"])
def test_a_control_that_takes_no_cc_is_refused_before_a_port_is_opened(control: str, lines: list[str]) -> None:
    system = PlayedSystem()
    with pytest.raises(BadValue):
        learn(control, Config(), system, lines.append, path=None)
    assert (system.opened_inputs, lines) == ([], [])
