import importlib
import os
from pathlib import Path
from types import ModuleType

import pytest

from bridge.errors import NoMidiSystem
from bridge.midi import rtmidi_module as rtmidi_backend
from bridge.midi.rtmidi_module import ApiChoice, choose_api, load_rtmidi
from tests.bridge.midi.fake_rtmidi import FakeRtMidi


@pytest.fixture
def no_sequencer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "seq"
    monkeypatch.setattr(rtmidi_backend, "ALSA_SEQUENCER", path)
    return path


def fail_to_import(monkeypatch: pytest.MonkeyPatch, error: ImportError) -> None:
    def failing(_name: str) -> ModuleType:
        raise error

    monkeypatch.setattr(importlib, "import_module", failing)


@pytest.mark.parametrize(
    ("platform", "api"), [pytest.param("darwin", "coremidi", id="macOS"), pytest.param("win32", "winmm", id="Windows")]
)
def test_auto_chooses_the_api_of_the_platform(platform: str, api: str) -> None:
    assert choose_api(FakeRtMidi(), "auto", platform) == api


def test_auto_on_linux_chooses_jack_where_a_server_runs(no_sequencer: Path) -> None:
    no_sequencer.touch()
    assert choose_api(FakeRtMidi(jack_runs=True), "auto", "linux") == "jack"


def test_auto_on_linux_chooses_alsa_where_no_jack_runs(no_sequencer: Path) -> None:
    no_sequencer.touch()
    assert choose_api(FakeRtMidi(), "auto", "linux") == "alsa"


@pytest.mark.usefixtures("no_sequencer")
def test_the_error_on_linux_without_either_names_both_solutions() -> None:
    with pytest.raises(
        NoMidiSystem, match=r"Start JACK \(jackd .+\) or load ALSA's sequencer \(sudo modprobe snd-seq\)"
    ):
        choose_api(FakeRtMidi(), "auto", "linux")


@pytest.mark.usefixtures("no_sequencer")
@pytest.mark.parametrize(
    ("choice", "message"),
    [
        pytest.param("jack", "No JACK server is running. Start one", id="jack"),
        pytest.param("alsa", "sequencer is not there", id="alsa"),
    ],
)
def test_a_chosen_api_that_does_not_work_is_an_error(choice: ApiChoice, message: str) -> None:
    with pytest.raises(NoMidiSystem, match=message):
        choose_api(FakeRtMidi(), choice, "linux")


def test_an_api_of_another_platform_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeRtMidi, "get_compiled_api", lambda _self: [FakeRtMidi.API_LINUX_ALSA])
    with pytest.raises(NoMidiSystem, match='"winmm" is not available on this system'):
        choose_api(FakeRtMidi(), "winmm", "linux")


def test_the_probe_for_jack_leaves_no_port_and_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JACK_NO_START_SERVER", raising=False)
    backend = FakeRtMidi(jack_runs=True)
    assert rtmidi_backend.is_jack_running(backend)
    assert backend.alive == 0
    assert "JACK_NO_START_SERVER" not in os.environ


def test_the_probe_silences_libjack_and_restores_its_handler(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "fours-tests-no-such-server")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    backend = load_rtmidi()
    assert not rtmidi_backend.is_jack_running(backend)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(backend.RtMidiError):
        backend.MidiIn(rtmidi_backend.api_number(backend, "jack"), "not quiet")
    assert "jack server is not running" in capfd.readouterr().err


def test_the_error_without_python_rtmidi_has_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_to_import(monkeypatch, ModuleNotFoundError("No module named 'rtmidi'"))
    with pytest.raises(NoMidiSystem, match=r"not installed: pip install python-rtmidi$"):
        load_rtmidi()


def test_the_error_on_a_python_without_wheels_names_the_python_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_to_import(monkeypatch, ModuleNotFoundError("No module named 'rtmidi'"))
    monkeypatch.setattr(rtmidi_backend, "LAST_PYTHON_WITH_WHEELS", (3, 10))
    with pytest.raises(
        NoMidiSystem, match=r"^MIDI ports need Python 3[.]12 or 3[.]11: .+ with Python 3[.]12, or with the extra rtmidi"
    ):
        load_rtmidi()


def test_the_error_for_a_python_rtmidi_that_does_not_load_has_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_to_import(monkeypatch, ImportError("libasound.so.2: cannot open shared object file"))
    with pytest.raises(NoMidiSystem, match=r"cannot be loaded: libasound"):
        load_rtmidi()
