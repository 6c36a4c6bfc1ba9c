import pytest

from bridge.errors import PortLost, PortNotFound
from bridge.midi.memory_ports import MemorySystem
from bridge.midi.ports import InputPort, MidiSystem, OutputPort
from bridge.timing.clock import ManualClock

NOTE = bytes([0x90, 60, 100])


def test_an_input_delivers_what_it_is_fed_with_its_time() -> None:
    heard: list[tuple[bytes, float]] = []
    system = MemorySystem()
    with system.open_input(None, lambda data, at_s: heard.append((data, at_s))) as port:
        port.feed(NOTE, 1.5)
    port.feed(NOTE, 2.5)
    assert heard == [(NOTE, 1.5)]
    assert port.name == "Trading Fours In"


def test_an_exception_in_the_receiver_does_not_escape() -> None:
    def raising(_data: bytes, _at_s: float) -> None:
        raise RuntimeError("a bug of ours")

    port = MemorySystem().open_input(None, raising)
    port.feed(NOTE, 1.0)
    port.feed(NOTE, 2.0)
    assert port.faults.counts == {"RuntimeError": 2}


def test_an_output_stores_messages_with_their_times() -> None:
    clock = ManualClock()
    with MemorySystem(clock=clock).open_output(None) as port:
        port.send(NOTE)
        clock.advance(0.25)
        port.send(NOTE)
    assert port.sent == [(NOTE, 0.0), (NOTE, 0.25)]


def test_a_disconnected_output_fails_until_it_is_reconnected() -> None:
    port = MemorySystem().open_output(None)
    port.disconnect()
    with pytest.raises(PortLost, match='"Trading Fours Out" is gone'):
        port.send(NOTE)
    port.reconnect()
    port.send(NOTE)
    assert len(port.sent) == 1


def test_a_closed_output_fails() -> None:
    port = MemorySystem().open_output(None)
    port.close()
    with pytest.raises(PortLost):
        port.send(NOTE)


def test_existing_ports_are_opened_by_a_part_of_their_name() -> None:
    system = MemorySystem(inputs=["Keys A", "Keys B"], outputs=["Synth"])
    assert system.open_input("keys b", lambda _data, _at_s: None).name == "Keys B"
    assert system.open_output("syn").name == "Synth"
    with pytest.raises(PortNotFound):
        system.open_output("keys")


def test_it_implements_midi_system() -> None:
    system: MidiSystem = MemorySystem()
    source: InputPort = system.open_input(None, lambda _data, _at_s: None)
    sink: OutputPort = system.open_output(None)
    with source, sink:
        assert system.api == "memory"
