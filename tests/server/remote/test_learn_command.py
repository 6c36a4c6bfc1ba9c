from pathlib import Path

import pytest

from bridge.midi.memory_ports import MemoryInput, MemorySystem
from bridge.midi.messages import ControlChange, Message, NoteOn, encode
from bridge.midi.ports import Receiver
from server.config.config import Config, load
from server.controls.cc_bindings import CcBinding
from server.errors import BadValue
from server.remote.learn_command import learn


class Rig(MemorySystem):
    """A system on whose input somebody plays these as soon as it is open."""

    def __init__(self, *played: Message) -> None:
        super().__init__()
        self._played = played

    def open_input(self, name: str | None, receiver: Receiver) -> MemoryInput:
        port = super().open_input(name, receiver)
        for message in self._played:
            port.feed(encode(message), 0.0)
        return port


@pytest.fixture
def said() -> list[str]:
    return []


def test_the_next_knob_is_bound_and_written(tmp_path: Path, said: list[str]) -> None:
    path = tmp_path / "config.toml"
    rig = Rig(NoteOn(60, 80), ControlChange(123, 0), ControlChange(21, 5, 2), ControlChange(22, 5, 2))
    assert learn("temperature", Config(), rig, said.append, path=path) == CcBinding(21, 3)
    assert load(path).midi.bindings.by_control == {"temperature": CcBinding(21, 3)}
    assert said == [
        "Listening on Trading Fours In. Move the knob for temperature; Ctrl-C gives up.",
        "temperature = { cc = 21, channel = 3 }",
        f"Written to {path}, under [midi.cc].",
    ]
    assert not rig.opened_inputs[0].is_open


def test_it_may_be_bound_on_any_channel(tmp_path: Path, said: list[str]) -> None:
    path = tmp_path / "config.toml"
    learn("respond", Config(), Rig(ControlChange(67, 127, 2)), said.append, path=path, any_channel=True)
    assert path.read_text(encoding="utf-8") == "[midi.cc]\nrespond = 67\n"


def test_without_a_file_it_is_only_said(said: list[str]) -> None:
    learn("temperature", Config(), Rig(ControlChange(21, 5)), said.append, path=None)
    assert said[1:] == [
        "temperature = { cc = 21, channel = 1 }",
        "Put this into config.toml, under [midi.cc].",
    ]


def test_a_knob_that_moves_another_control_is_refused(tmp_path: Path, said: list[str]) -> None:
    config = Config.model_validate({"midi": {"cc": {"tempo": {"cc": 21, "channel": 1}}}})
    path = tmp_path / "config.toml"
    with pytest.raises(BadValue, match="CC 21 on channel 1 moves tempo already"):
        learn("temperature", config, Rig(ControlChange(21, 5)), said.append, path=path)
    assert not path.exists()


@pytest.mark.parametrize("control", ["pack", "tempratur"])
def test_a_control_that_takes_none_is_refused_before_a_port_is_opened(control: str, said: list[str]) -> None:
    rig = Rig()
    with pytest.raises(BadValue):
        learn(control, Config(), rig, said.append, path=None)
    assert (rig.opened_inputs, said) == ([], [])
