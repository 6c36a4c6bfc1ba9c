from pathlib import Path

import pytest

from bridge.errors import NoMidiSystem, PortNotFound, PortTaken
from bridge.midi.ports import InputPort, MidiSystem, OutputPort, Receiver
from bridge.midi.rtmidi_system import RtMidiSystem
from tests.bridge.midi.fake_rtmidi import FakeRtMidi


def ignore_message(_data: bytes, _at_s: float) -> None:
    """A receiver that does nothing."""


def mac(backend: FakeRtMidi) -> RtMidiSystem:
    return RtMidiSystem(backend=backend, platform="darwin")


def windows(backend: FakeRtMidi) -> RtMidiSystem:
    return RtMidiSystem(backend=backend, platform="win32")


def test_virtual_ports_have_the_names_that_others_see() -> None:
    backend = FakeRtMidi()
    with mac(backend).open_input(None, ignore_message) as source, mac(backend).open_output(None) as sink:
        assert source.name == "Trading Fours:Trading Fours In 128:0"
        assert sink.name == "Trading Fours:Trading Fours Out 128:0"
        assert mac(backend).outputs() == [source.name]
        assert mac(backend).inputs() == [sink.name]


def test_a_second_jam_has_its_own_port_name() -> None:
    backend = FakeRtMidi()
    with mac(backend).open_input(None, ignore_message), mac(backend).open_input(None, ignore_message) as second:
        assert second.name == "Trading Fours:Trading Fours In 129:0"


def test_the_error_for_virtual_ports_on_windows_names_loopmidi() -> None:
    backend = FakeRtMidi()
    system, sentence = windows(backend), r"Get loopMIDI \(https://.+--midi-in and --midi-out"
    with pytest.raises(NoMidiSystem, match=sentence):
        system.open_input(None, ignore_message)
    with pytest.raises(NoMidiSystem, match=sentence):
        system.open_output(None)
    assert backend.alive == 0


def test_the_error_for_a_port_in_use_names_the_port() -> None:
    backend = FakeRtMidi(sources=["Keys"])
    backend.is_out_of_order = True
    with pytest.raises(
        PortTaken, match=r'MIDI input "Keys" exists, but cannot be opened .+ Another program may hold it'
    ):
        windows(backend).open_input("keys", ignore_message)
    assert backend.alive == 0


@pytest.mark.parametrize("name", [None, "Keys"])
def test_only_on_jack_do_all_messages_of_a_buffer_have_the_date_of_its_start(name: str | None) -> None:
    jack = RtMidiSystem("jack", backend=FakeRtMidi(sources=["Keys"], jack_runs=True), platform="linux")
    with jack.open_input(name, ignore_message) as source:
        assert source.tick_side == "start"
    with mac(FakeRtMidi(sources=["Keys"])).open_input(name, ignore_message) as source:
        assert source.tick_side == "unknown"


def test_every_system_says_what_it_adds_or_that_it_is_not_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bridge.midi.rtmidi_module.ALSA_SEQUENCER", tmp_path)
    systems = {
        "jack by RtMidi: each cycle's messages at its start, up to a period off": RtMidiSystem(
            "jack", backend=FakeRtMidi(jack_runs=True), platform="linux"
        ),
        "alsa: each message at once; what the system adds is not known": RtMidiSystem(
            "alsa", backend=FakeRtMidi(), platform="linux"
        ),
        "coremidi: each message at once; what the system adds is not known": mac(FakeRtMidi()),
    }
    for description, system in systems.items():
        with system.open_input(None, ignore_message) as source, system.open_output(None) as sink:
            assert [source.description, sink.description] == [description] * 2


def test_a_missing_port_is_an_error_and_nothing_stays_open() -> None:
    backend = FakeRtMidi(sources=["Keys"])
    with pytest.raises(PortNotFound, match='Did you mean "Keys"'):
        windows(backend).open_input("kyes", ignore_message)
    assert backend.alive == 0


def test_a_virtual_port_that_cannot_be_opened_is_an_error() -> None:
    backend = FakeRtMidi()
    backend.is_out_of_order = True
    with pytest.raises(NoMidiSystem, match='"Trading Fours In" could not be made through coremidi'):
        mac(backend).open_input(None, ignore_message)
    assert backend.alive == 0


def test_a_server_that_goes_away_between_two_calls_is_an_error() -> None:
    backend = FakeRtMidi(jack_runs=True)
    system = RtMidiSystem("jack", backend=backend, platform="linux")
    backend.jack_runs = False
    with pytest.raises(NoMidiSystem, match=r"The MIDI system \(jack\) does not answer"):
        system.inputs()


def test_it_implements_midi_system() -> None:
    receiver: Receiver = ignore_message
    system: MidiSystem = mac(FakeRtMidi())
    source: InputPort = system.open_input(None, receiver)
    sink: OutputPort = system.open_output(None)
    with source, sink:
        assert system.api == "coremidi"
