import pytest

from bridge.errors import NoMidiSystem, PortNotFound, PortTaken
from bridge.midi.ports import InputPort, MidiSystem, OutputPort, Receiver
from bridge.midi.rtmidi_system import RtMidiSystem
from tests.bridge.midi.fake_rtmidi import FakeRtMidi


def deaf(_data: bytes, _at_s: float) -> None:
    """Hear nothing."""


def mac(backend: FakeRtMidi) -> RtMidiSystem:
    return RtMidiSystem(backend=backend, platform="darwin")


def windows(backend: FakeRtMidi) -> RtMidiSystem:
    return RtMidiSystem(backend=backend, platform="win32")


def test_virtual_ports_tell_the_names_that_others_see() -> None:
    backend = FakeRtMidi()
    with mac(backend).open_input(None, deaf) as source, mac(backend).open_output(None) as sink:
        assert source.name == "Trading Fours:Trading Fours In 128:0"
        assert sink.name == "Trading Fours:Trading Fours Out 128:0"
        assert mac(backend).outputs() == [source.name]
        assert mac(backend).inputs() == [sink.name]


def test_a_second_jam_tells_its_own_name() -> None:
    backend = FakeRtMidi()
    with mac(backend).open_input(None, deaf), mac(backend).open_input(None, deaf) as second:
        assert second.name == "Trading Fours:Trading Fours In 129:0"


def test_windows_has_no_virtual_ports_and_is_told_what_to_get() -> None:
    backend = FakeRtMidi()
    for open_port in (lambda: windows(backend).open_input(None, deaf), lambda: windows(backend).open_output(None)):
        with pytest.raises(NoMidiSystem, match=r"Get loopMIDI \(https://.+--midi-in and --midi-out"):
            open_port()
    assert backend.alive == 0


def test_a_port_that_somebody_holds_is_named() -> None:
    backend = FakeRtMidi(sources=["Keys"])
    backend.is_out_of_order = True
    with pytest.raises(PortTaken, match=r'MIDI input "Keys" is there and does not open .+ Another program may hold it'):
        windows(backend).open_input("keys", deaf)
    assert backend.alive == 0


def test_a_port_that_is_not_there_is_refused_and_nothing_stays_open() -> None:
    backend = FakeRtMidi(sources=["Keys"])
    with pytest.raises(PortNotFound, match='Did you mean "Keys"'):
        windows(backend).open_input("kyes", deaf)
    assert backend.alive == 0


def test_a_virtual_port_that_cannot_be_made_is_reported() -> None:
    backend = FakeRtMidi()
    backend.is_out_of_order = True
    with pytest.raises(NoMidiSystem, match='"Trading Fours In" could not be made through coremidi'):
        mac(backend).open_input(None, deaf)
    assert backend.alive == 0


def test_a_server_that_goes_away_between_two_calls_is_reported() -> None:
    backend = FakeRtMidi(jack_runs=True)
    system = RtMidiSystem("jack", backend=backend, platform="linux")
    backend.jack_runs = False
    with pytest.raises(NoMidiSystem, match=r"The MIDI system \(jack\) does not answer"):
        system.inputs()


def test_it_is_a_midi_system_to_the_type_checker() -> None:
    receiver: Receiver = deaf
    system: MidiSystem = mac(FakeRtMidi())
    source: InputPort = system.open_input(None, receiver)
    sink: OutputPort = system.open_output(None)
    with source, sink:
        assert system.api == "coremidi"
