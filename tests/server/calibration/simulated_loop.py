"""A MIDI system in memory whose output is looped back to its input, in simulated time."""

from collections.abc import Callable
from heapq import heappop, heappush

from bridge.midi.memory_ports import MemoryOutput, MemorySystem
from bridge.midi.messages import NoteOff, NoteOn, parse
from bridge.timing.clock import ManualClock

Way = Callable[[bytes], list[tuple[float, bytes]]]
"""What comes back of a message: how many seconds after it was due, and which bytes."""


class LoopedOutput(MemoryOutput):
    """An output that passes on each message that it has sent, with the second at which it was due."""

    def __init__(self, name: str, clock: ManualClock, lead_s: float, on_sent: Callable[[bytes, float], None]) -> None:
        super().__init__(name, clock, lead_s)
        self._on_sent = on_sent

    def send(self, data: bytes, due_s: float | None = None) -> None:
        """See `MemoryOutput`."""
        super().send(data, due_s)
        self._on_sent(data, self.due_s[-1])


class SimulatedLoop(MemorySystem):
    """The system; time passes in `wait_until` alone."""

    def __init__(self, way: Way, lead_s: float = 0.0, outputs: tuple[str, ...] = ()) -> None:
        self.clock = ManualClock(100.0)
        super().__init__(outputs=outputs, clock=self.clock)
        self._way = way
        self._lead_s = lead_s
        self._coming: list[tuple[float, bytes]] = []
        self.on_wait: Callable[[float], None] = lambda _at_s: None
        """Called with the time before each wait."""

    def open_output(self, name: str | None) -> LoopedOutput:
        """The output, which loops."""
        opened = super().open_output(name)
        port = LoopedOutput(opened.name, self.clock, self._lead_s, self._send_round)
        self.opened_outputs[-1] = port
        return port

    def wait_until(self, at_s: float) -> None:
        """Lets time pass; what comes back meanwhile is received."""
        self.on_wait(self.clock.now_s())
        while self._coming and self._coming[0][0] <= at_s:
            arrives_s, data = heappop(self._coming)
            self._advance_to(arrives_s)
            for source in self.opened_inputs:
                source.feed(data, arrives_s)
        self._advance_to(at_s)

    @property
    def sounding(self) -> set[int]:
        """The pitches that were sent and not ended."""
        pitches: set[int] = set()
        for data, _ in self.opened_outputs[0].sent:
            match parse(data):
                case NoteOn(pitch):
                    assert pitch not in pitches
                    pitches.add(pitch)
                case NoteOff(pitch):
                    pitches.remove(pitch)
        return pitches

    def _advance_to(self, at_s: float) -> None:
        self.clock.advance(max(0.0, at_s - self.clock.now_s()))

    def _send_round(self, data: bytes, due_s: float) -> None:
        for delay_s, returned in self._way(data):
            heappush(self._coming, (due_s + delay_s, returned))


def after(delay_s: float) -> Way:
    """Everything comes back, so much later."""
    return lambda data: [(delay_s, data)]


def nothing(_data: bytes) -> list[tuple[float, bytes]]:
    """The way of an output that is connected to nothing."""
    return []
