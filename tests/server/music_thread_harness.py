"""A player that a test takes through each turn of its loop by hand, on a clock that stands still in between."""

from bridge.midi.memory_ports import MemoryOutput
from bridge.midi.messages import Message, NoteOn, encode, parse
from bridge.timing.clock import ManualClock
from model.notes import Note
from server.controls.control_table import Settings
from server.jam.jam import Jam
from server.music.music_thread import MusicThread
from tests.server.jams import DEFAULTS, ScriptedImproviser, as_played

# At 120 bpm a beat is half a second.
BEAT_S = 0.5
START_S = 1000.0
EXACT_DECIMALS = 4
TICK_S = 1e-6


class MusicThreadHarness:
    """A player without its thread: each turn of its loop is taken by hand, and time stands still in between."""

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self.clock = ManualClock(START_S)
        self.output = MemoryOutput("Trading Fours Out", self.clock)
        self.pitch = ScriptedImproviser("pitch", (60, 62, 64, 65))
        self.event = ScriptedImproviser("event", (72, 74, 76), (1.0, 0.5, 0.5))
        self.jam = Jam({"pitch": self.pitch, "event": self.event}, settings, 0)
        self.music_thread = MusicThread(self.jam, self.output, self.clock)

    @property
    def now_s(self) -> float:
        return self.clock.now_s() - START_S

    @property
    def onsets_s(self) -> list[float]:
        """When notes began."""
        return [at_s for message, at_s in self.sent if isinstance(message, NoteOn)]

    @property
    def sent(self) -> list[tuple[Message, float]]:
        """All that went out, with the second since the start, to a tenth of a millisecond."""
        return [(parse(data), round(at_s - START_S, EXACT_DECIMALS)) for data, at_s in self.output.sent]

    def run_pending_work(self) -> None:
        """All that is to be done now is done."""
        while self.jam.has_work or not self.music_thread._inbox.empty():
            self.music_thread._turn()

    def run_until(self, at_s: float) -> None:
        """Time goes on to `at_s`, by way of each moment at which something is due."""
        self.run_pending_work()
        while (wake_s := self.music_thread._wake_at_s()) is not None:
            due_s = wake_s - START_S
            if due_s > at_s:
                break
            # Just past it: on the way from beats to seconds and back a due time may lose its last bit.
            self.clock.advance(max(0.0, due_s - self.now_s) + TICK_S)
            self.music_thread._turn()
            self.run_pending_work()
        self.clock.advance(max(0.0, at_s - self.now_s))

    def receive(self, message: Message | bytes, at_s: float) -> None:
        self.run_until(at_s)
        self.music_thread.receive_midi(message if isinstance(message, bytes) else encode(message), self.clock.now_s())
        self.run_pending_work()

    def play(self, notes: list[Note]) -> None:
        for timed in as_played(notes):
            self.receive(timed.message, timed.beat * BEAT_S)
