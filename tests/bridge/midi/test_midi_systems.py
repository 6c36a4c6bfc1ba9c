from pathlib import Path
from typing import get_args

import pytest

from bridge.errors import NoMidiSystem
from bridge.midi import midi_systems
from bridge.midi.memory_ports import MemorySystem
from bridge.midi.midi_systems import OPENERS, MidiApi, open_midi_system
from bridge.midi.ports import MidiSystem
from bridge.timing.clock import Clock, ManualClock


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the systems that were opened; each of them works."""
    names: list[str] = []

    def opener(name: str) -> object:
        def open_it(_clock: Clock) -> MidiSystem:
            names.append(name)
            return MemorySystem()

        return open_it

    for name in ("jack", "alsa", "coremidi", "winmm"):
        monkeypatch.setattr(midi_systems, f"_open_{name}", opener(name))
    return names


def no_jack(_clock: Clock) -> MidiSystem:
    raise NoMidiSystem("No JACK server is running.")


def test_each_choice_has_its_opener() -> None:
    assert set(get_args(MidiApi)) == {"auto", *OPENERS}


@pytest.mark.parametrize(("platform", "first"), [("linux", "jack"), ("darwin", "coremidi"), ("win32", "winmm")])
def test_auto_is_the_best_of_each_platform(opened: list[str], platform: str, first: str) -> None:
    open_midi_system("auto", ManualClock(), platform)
    assert opened == [first]


def test_auto_is_alsa_where_no_jack_server_answers(
    opened: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(midi_systems, "_open_jack", no_jack)
    monkeypatch.setattr("bridge.midi.rtmidi_module.ALSA_SEQUENCER", tmp_path)
    open_midi_system("auto", ManualClock(), "linux")
    assert opened == ["alsa"]


def test_without_any_system_the_error_says_what_to_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(midi_systems, "_open_jack", no_jack)
    monkeypatch.setattr("bridge.midi.rtmidi_module.ALSA_SEQUENCER", tmp_path / "seq")
    with pytest.raises(NoMidiSystem, match=r"No JACK server is running\. Or load ALSA's sequencer"):
        open_midi_system("auto", ManualClock(), "linux")


def test_none_is_silent() -> None:
    assert open_midi_system("none", ManualClock()).api == "no MIDI system"
