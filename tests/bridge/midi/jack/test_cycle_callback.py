"""When JACK's callback does its work, and when it leaves a cycle alone."""

from types import SimpleNamespace

import pytest

from bridge.midi.jack.cycle_callback import CycleCallback, create_callback

FRAMES = 256


class Library:
    """Stands in for JACK-Client: an input's pointer is its name, and its buffer the list of its events."""

    def __init__(self) -> None:
        self.events: dict[str, list[bytes]] = {"in": [], "in 2": []}
        self._lib = SimpleNamespace(jack_port_get_buffer=self._get_buffer, jack_midi_get_event_count=len)

    def _get_buffer(self, pointer: str, frames: int) -> list[bytes]:
        assert frames == FRAMES
        return self.events[pointer]


class Cycles:
    """Calls the callback and records in which cycles it works."""

    def __init__(self) -> None:
        self.jack, self.doorbell = Library(), [0]
        self.worked_in: list[int] = []
        self.errors: list[Exception] = []
        self.error: Exception | None = None
        self.callback: CycleCallback = create_callback(
            self.jack,
            self.doorbell,
            self._work,
            self.errors.append,
        )
        self.callback.set_period(FRAMES)

    def run(self, count: int) -> None:
        for _ in range(count):
            assert self.callback.process() == 0

    def _work(self) -> None:
        self.worked_in.append(self.callback.count())
        self.doorbell[0] = 0
        if self.error is not None:
            raise self.error


@pytest.fixture
def cycles() -> Cycles:
    return Cycles()


def test_a_cycle_without_messages_is_only_counted(cycles: Cycles) -> None:
    cycles.callback.set_inputs(("in", "in 2"))
    cycles.run(3)
    assert (cycles.callback.count(), cycles.worked_in) == (3, [])


def test_the_doorbell_brings_work_in_the_next_cycle_and_in_no_other(cycles: Cycles) -> None:
    cycles.run(2)
    cycles.doorbell[0] = 1
    cycles.run(3)
    assert cycles.worked_in == [3]


@pytest.mark.parametrize("name", ["in", "in 2"])
def test_an_event_at_any_input_brings_work_once(cycles: Cycles, name: str) -> None:
    cycles.callback.set_inputs(("in", "in 2"))
    cycles.jack.events[name] = [b"\xf8"]
    cycles.run(1)
    assert cycles.worked_in == [1]


def test_an_input_that_is_connected_to_nothing_is_not_looked_into(cycles: Cycles) -> None:
    cycles.callback.set_inputs(("in 2",))
    cycles.jack.events["in"] = [b"\xf8"]
    cycles.run(2)
    assert cycles.worked_in == []


def test_each_byte_of_the_doorbell_brings_work() -> None:
    doorbell = bytearray(4)
    worked: list[int] = []
    callback = create_callback(
        Library(), memoryview(doorbell).cast("I"), lambda: worked.append(callback.count()), print
    )
    for byte in range(4):
        doorbell[byte] = 1
        callback.process()
        doorbell[byte] = 0
        callback.process()
    assert worked == [1, 3, 5, 7]


def test_an_error_is_reported_and_jack_does_not_see_it(cycles: Cycles) -> None:
    cycles.error = ValueError("broken")
    cycles.doorbell[0] = 1
    cycles.run(2)
    assert cycles.errors == [cycles.error]
    assert cycles.worked_in == [1]
