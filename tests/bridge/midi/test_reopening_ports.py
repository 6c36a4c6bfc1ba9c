"""Ports that go and come back, on a system in memory; each test looks when it likes, without the thread that checks."""

import pytest

from bridge.errors import NoMidiSystem, PortFull, PortLost, PortNotFound
from bridge.midi.memory_ports import MemorySystem
from bridge.midi.ports import OutputPort
from bridge.midi.reopening_ports import ReopeningInput, ReopeningOutput
from bridge.midi.rtmidi_open_ports import JACK_LENGTH_BYTES, JACK_RING_BYTES
from bridge.midi.rtmidi_system import RtMidiSystem
from tests.bridge.midi.fake_rtmidi import FakeRtMidi

NOTE = bytes([0x90, 60, 100])


class Harness:
    """A system with one keyboard and one synthesizer, either of which can be unplugged."""

    def __init__(self) -> None:
        self.system = MemorySystem(inputs=["Keys 20:0"], outputs=["Synth 24:0"])
        self.is_running = True
        self.changes: list[str] = []
        self.received: list[bytes] = []
        self.confirmed: list[OutputPort] = []

    def names(self, direction: str) -> list[str]:
        if not self.is_running:
            raise NoMidiSystem("it is gone")
        return self.system.inputs() if direction == "input" else self.system.outputs()

    def output(self, *, is_named: bool = True) -> ReopeningOutput:
        port = ReopeningOutput(
            lambda: self.system.open_output("synth" if is_named else None),
            lambda: self.names("output"),
            lambda _port: self.changes.append("abandoned"),
            self.confirmed.append,
            is_named=is_named,
        )
        port.watch(lambda: self.changes.append("lost"), lambda: self.changes.append("found"))
        return port

    def unplug(self) -> None:
        self.system._inputs.clear()
        self.system._outputs.clear()

    def plug_in(self) -> None:
        # ALSA gives other numbers each time.
        self.system._inputs.append("Keys 28:0")
        self.system._outputs.append("Synth 32:0")


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_an_output_that_was_unplugged_is_opened_again_by_its_name(harness: Harness) -> None:
    port = harness.output()
    harness.unplug()
    port.check()
    assert port.is_lost
    assert not harness.system.opened_outputs[0].is_open
    with pytest.raises(PortLost, match="It is used again when it is back"):
        port.send(NOTE)
    port.check()
    harness.plug_in()
    port.check()
    assert (port.name, port.is_lost, harness.changes) == ("Synth 32:0", False, ["lost", "found"])
    port.send(NOTE)
    assert [data for data, _ in harness.system.opened_outputs[1].sent] == [NOTE]


def test_an_input_that_was_unplugged_receives_again(harness: Harness) -> None:
    port = ReopeningInput(
        lambda: harness.system.open_input("keys", lambda data, _at_s: harness.received.append(data)),
        lambda: harness.names("input"),
        lambda port: port.close(),
        is_named=True,
    )
    harness.unplug()
    port.check()
    assert port.is_lost
    harness.plug_in()
    port.check()
    harness.system.opened_inputs[1].feed(NOTE, 0.0)
    assert harness.received == [NOTE]


def test_a_port_that_fails_is_opened_again_even_if_it_is_listed(harness: Harness) -> None:
    port = harness.output()
    harness.system.opened_outputs[0].disconnect()
    with pytest.raises(PortLost):
        port.send(NOTE)
    assert port.is_lost
    port.check()
    assert harness.changes == ["lost", "found"]
    port.send(NOTE)


def test_a_virtual_port_is_lost_with_the_system_alone(harness: Harness) -> None:
    port = harness.output(is_named=False)
    harness.unplug()
    port.check()
    is_lost = [port.is_lost]
    for is_running in (False, True):
        harness.is_running = is_running
        port.check()
        is_lost.append(port.is_lost)
    assert is_lost == [False, True, False]
    assert harness.changes == ["lost", "abandoned", "found"]


def test_a_port_that_is_not_there_at_the_start_is_an_error(harness: Harness) -> None:
    harness.unplug()
    with pytest.raises(PortNotFound):
        harness.output()


def test_a_closed_port_stays_closed(harness: Harness) -> None:
    port = harness.output()
    port.start()
    port.close()
    assert not harness.system.opened_outputs[0].is_open
    with pytest.raises(PortLost):
        port.send(NOTE)


def test_the_port_is_confirmed_at_each_check_that_finds_it(harness: Harness) -> None:
    port = harness.output()
    port.check()
    harness.unplug()
    port.check()
    assert len(harness.confirmed) == 1


def test_rtmidi_on_jack_takes_no_more_than_fits_until_the_server_is_seen_again() -> None:
    backend = FakeRtMidi(jack_runs=True)
    with RtMidiSystem("jack", backend=backend, platform="linux").open_output(None) as port:
        assert isinstance(port, ReopeningOutput)
        fitting = JACK_RING_BYTES // 2 // (len(NOTE) + JACK_LENGTH_BYTES)
        for _ in range(fitting):
            port.send(NOTE)
        with pytest.raises(PortFull, match="is full: the JACK server takes no more messages"):
            port.send(NOTE)
        assert not port.is_lost
        port.check()
        port.send(NOTE)
