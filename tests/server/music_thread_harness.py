"""A music thread without its thread: a test runs each turn of its loop, and its clock stands still in between."""

from collections.abc import Callable, Mapping

from bridge.midi.memory_ports import MemoryOutput
from bridge.midi.messages import ALL_NOTES_OFF, SUSTAIN_PEDAL, ControlChange, Message, NoteOff, NoteOn, encode, parse
from bridge.timing.clock import ManualClock
from model.approach import Approach
from model.improvising.improviser import Improviser
from model.notes import Note
from server.controls.control_table import Settings
from server.jam.jam import Jam
from server.music.music_thread import MODEL_WORK_S, MusicThread
from tests.server.jams import DEFAULTS, ScriptedImproviser, as_played

# At 120 bpm a beat is half a second.
BEAT_S = 0.5
START_S = 1000.0
EXACT_DECIMALS = 4
TICK_S = 1e-6
MOST_TURNS_PER_S = 40_000
"""The most loop rounds of a music thread in a second: far more than it has notes to play."""


class MusicThreadHarness:
    """A `MusicThread` that is never started, with a memory port and a manual clock.

    Without `improvisers` it has two scripted ones, `pitch` and `event`.
    """

    def __init__(
        self,
        settings: Settings = DEFAULTS,
        improvisers: Mapping[Approach, Improviser] | None = None,
        lead_s: float = 0.0,
    ) -> None:
        self.clock = ManualClock(START_S)
        self.output = MemoryOutput("Trading Fours Out", self.clock, lead_s)
        self.pitch = ScriptedImproviser("pitch", (60, 62, 64, 65))
        self.event = ScriptedImproviser("event", (72, 74, 76), (1.0, 0.5, 0.5))
        self.jam = Jam(improvisers or {"pitch": self.pitch, "event": self.event}, settings, 0)
        self.music_thread = MusicThread(self.jam, self.output, self.clock)

    @property
    def now_s(self) -> float:
        return self.clock.now_s() - START_S

    @property
    def onsets_s(self) -> list[float]:
        """The onsets of the notes sent, in seconds since the start."""
        return [at_s for message, at_s in self.sent if isinstance(message, NoteOn)]

    @property
    def sent(self) -> list[tuple[Message, float]]:
        """As `sent_with_repeats`, but without what ends notes that do not sound, such as a note-off that is repeated."""
        return _without_repeats(self.sent_with_repeats)

    @property
    def sent_with_repeats(self) -> list[tuple[Message, float]]:
        """All messages sent, with their time in seconds since the start, to a tenth of a millisecond."""
        return [(parse(data), round(at_s - START_S, EXACT_DECIMALS)) for data, at_s in self.output.sent]

    @property
    def due(self) -> list[tuple[Message, float]]:
        """All messages sent, with the time that they were due at, as in `sent`."""
        pairs = zip(self.output.sent, self.output.due_s, strict=True)
        return _without_repeats([(parse(data), round(due_s - START_S, EXACT_DECIMALS)) for (data, _), due_s in pairs])

    def run_on_jam(self, command: Callable[[Jam], None]) -> None:
        """Has the music thread call `command` with the jam, in turn with what else is in its inbox."""
        self.music_thread._enqueue(lambda: command(self.jam))

    def run_pending_work(self) -> None:
        """Runs turns until neither model work nor an input waits."""
        while self.jam.has_work or not self.music_thread._inbox.empty():
            self.music_thread._run_once()

    def run_until(self, at_s: float) -> None:
        """Moves the clock to `at_s`, with a stop at each time at which something is due."""
        self.run_pending_work()
        while (wake_s := self.music_thread._live_jam.wake_at_s()) is not None:
            due_s = wake_s - START_S - self.output.lead_s
            if due_s > at_s:
                break
            # Just past it, because converting from beats to seconds and back may lose the last bit of a due time.
            self.clock.advance(max(0.0, due_s - self.now_s) + TICK_S)
            self.music_thread._run_once()
            self.run_pending_work()
        self.clock.advance(max(0.0, at_s - self.now_s))

    def let_pass(self, seconds: float) -> None:
        """Lets time pass as for a real music thread: also while model work waits for an imminent note. It must come to rest."""
        until_s = self.clock.now_s() + seconds
        for _ in range(int(MOST_TURNS_PER_S * max(1.0, seconds))):
            live_jam = self.music_thread._live_jam
            due_s = live_jam.wake_at_s()
            is_near = due_s is not None and 0.0 < due_s - self.clock.now_s() <= MODEL_WORK_S
            if self.music_thread._inbox.empty() and (is_near or not self.jam.has_work):
                next_s = min((at_s for at_s in (due_s, live_jam.next_repeat_s) if at_s is not None), default=until_s)
                if next_s >= until_s:
                    self.clock.advance(max(0.0, until_s - self.clock.now_s()))
                    return
                self.clock.advance(max(0.0, next_s - self.clock.now_s()) + TICK_S)
            self.music_thread._run_once()
        raise AssertionError(f"the music thread did not come to rest in {seconds} s")

    def receive(self, message: Message | bytes, at_s: float) -> None:
        self.run_until(at_s)
        self.music_thread.receive_midi(message if isinstance(message, bytes) else encode(message), self.clock.now_s())
        self.run_pending_work()

    def play(self, notes: list[Note]) -> None:
        for timed in as_played(notes):
            self.receive(timed.message, timed.beat * BEAT_S)


def _without_repeats(timed: list[tuple[Message, float]]) -> list[tuple[Message, float]]:
    sounding: set[tuple[int, int]] = set()
    kept = []
    for message, at_s in timed:
        match message:
            case NoteOn(pitch, _, channel):
                sounding.add((pitch, channel))
            case NoteOff(pitch, channel):
                if (pitch, channel) not in sounding:
                    continue
                sounding.discard((pitch, channel))
            case ControlChange(controller) if controller in {SUSTAIN_PEDAL, ALL_NOTES_OFF}:
                continue
        kept.append((message, at_s))
    return kept
