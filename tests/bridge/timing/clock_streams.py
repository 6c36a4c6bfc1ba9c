"""MIDI clock for tests: a DAW that sends it in simulated time, and a listener that follows it and checks every step."""

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bridge.timing.clock_messages import TransportChange
from bridge.timing.midi_clock import MidiClock
from bridge.timing.timeline import Timeline

TICK, START, CONTINUE, STOP = bytes([0xF8]), bytes([0xFA]), bytes([0xFB]), bytes([0xFC])

FIXTURES = Path(__file__).parent / "fixtures"

Sent = tuple[bytes, float]
Delay = Callable[[], float]


def song_position(sixteenths: int) -> bytes:
    return bytes([0xF2, sixteenths & 0x7F, sixteenths >> 7])


def on_time() -> float:
    return 0.0


def jitter(seed: int = 0) -> Delay:
    """1 ms of jitter, and one tick in twenty 3 to 12 ms late: a busy machine's USB port."""
    chance = random.Random(seed)
    return lambda: chance.gauss(0.0, 0.001) + (chance.uniform(0.003, 0.012) if chance.random() < 0.05 else 0.0)


@dataclass(slots=True)
class Daw:
    """Sends MIDI clock; every method goes on where the last one ended."""

    tempo_bpm: float = 120.0
    next_s: float = 1.0
    """When the next tick is due."""
    delay: Delay = on_time
    wander: Delay = on_time
    """Returns how much each tick delays all that follow."""
    sent: list[Sent] = field(default_factory=list)
    """Each message with the second it arrives at."""
    due_s: list[float] = field(default_factory=list)
    """The true time of each tick, lost ones included."""

    @property
    def interval_s(self) -> float:
        return 60.0 / self.tempo_bpm / 24

    def tick(self, count: int, *, lost: bool = False, held_until_s: float = 0.0) -> "Daw":
        for _ in range(count):
            if not lost:
                self._send(TICK, max(self.next_s + self.delay(), held_until_s))
            self.due_s.append(self.next_s)
            self.next_s += self.interval_s + self.wander()
        return self

    def send(self, *messages: bytes) -> "Daw":
        """Sends messages between two ticks."""
        for message in messages:
            self._send(message, self.next_s - self.interval_s / 2)
        return self

    def rest(self, seconds: float) -> "Daw":
        """Sends no ticks for a while, and none are due."""
        self.next_s += seconds
        return self

    def tempo(self, tempo_bpm: float) -> "Daw":
        self.tempo_bpm = tempo_bpm
        return self

    def _send(self, data: bytes, at_s: float) -> None:
        # Bytes do not overtake each other.
        self.sent.append((data, max(at_s, self.sent[-1][1] if self.sent else at_s)))


@dataclass(slots=True)
class Listener:
    """Follows the messages that are sent, and checks that beats never go back."""

    timeline: Timeline = field(default_factory=lambda: Timeline.start(120.0))
    clock: MidiClock = field(default_factory=MidiClock)
    changes: list[TransportChange] = field(default_factory=list)
    received_count: int = 0

    def hear(self, sent: Iterable[Sent]) -> "Listener":
        for data, at_s in sent:
            before = self.timeline
            self.timeline = self.clock.receive(data, before, at_s, at_s)
            assert abs(self.timeline.beat_at(at_s) - before.beat_at(at_s)) < 1e-9
            assert all(segment.tempo_bpm > 0 for segment in self.timeline.segments[-3:])
            self.clock.pass_time(at_s)
            self.changes.extend(self.clock.take_transport_changes())
        return self.pass_time()

    def pass_time(self) -> "Listener":
        """Lets a pending stop take effect."""
        self.clock.pass_time(math.inf)
        self.changes.extend(self.clock.take_transport_changes())
        return self

    def catch_up(self, daw: Daw) -> "Listener":
        """Receives what the DAW has sent since the last call."""
        sent, self.received_count = daw.sent[self.received_count :], len(daw.sent)
        return self.hear(sent)

    def position_ticks(self, at_s: float) -> float:
        """The song's position, in ticks."""
        return self.timeline.position(self.timeline.beat_at(at_s)) * 24


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message of a real clock."""

    data: bytes
    at_s: float
    frame: int
    """The time that its sender gave it, in JACK frames; these stretch a little where JACK cannot keep up."""


def recorded(name: str) -> list[Recorded]:
    """Reads a recording of `jack_midi_clock`; its file says what was recorded."""
    lines = (FIXTURES / f"{name}.txt").read_text(encoding="ascii").splitlines()
    fields = (line.split() for line in lines if not line.startswith("#"))
    return [Recorded(bytes.fromhex(data), float(at_s), int(frame)) for at_s, frame, data in fields]
