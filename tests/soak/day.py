"""A day of playing in compressed time: `python -m tests.soak.day --hours 24`. No ports, no real clock, no thread.

A player plays phrases all day long, with controls that move at random, MIDI clocks that come and go, cables that are pulled and
a keyboard that is unplugged with keys down. After each event the promises are checked.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from bridge.midi.messages import ControlChange, NoteOff, NoteOn, encode, parse
from bridge.timing.clock import MonotonicClock
from model.approach import APPROACHES
from model.improvising.improvisers import create_improviser
from model.pack.dummy_pack import DummyPack
from server.controls.control_table import CONTROLS
from tests.fuzz.fuzzer import without_log
from tests.server.music_thread_harness import MusicThreadHarness

SECONDS_PER_HOUR = 3600.0
LATEST_S = 0.1
"""A note-on that would be later is left out."""
LONGEST_NOTE_S = 120.0
"""Four beats at the slowest tempo, stretched by `time_scale` and `gate`."""
MOST_PLANNED = 16
MOST_SEGMENTS = 2000
SILENT_AFTER_S = 0.3
LEFT_OUT = frozenset({"pack"})
CLOCKS_PER_BEAT = 24
START, CLOCK, STOP = b"\xfa", b"\xf8", b"\xfc"
REFUSALS = frozenset({"BadValue", "BadMidi"})


@dataclass(slots=True)
class DayCount:
    """What happened."""

    seconds: float = 0.0
    events: Counter[str] = field(default_factory=Counter)
    heard: int = 0
    played: int = 0
    contexts: tuple[int, ...] = ()


class Day:
    """A jam of the rule-based pack, and what the day brings."""

    def __init__(self, random_seed: int) -> None:
        self.random = Random(random_seed)
        pack = DummyPack()
        improvisers = {
            approach: create_improviser(pack.engine(approach), pack.vocabulary(approach), pack.memory(approach))
            for approach in APPROACHES
        }
        self.harness = MusicThreadHarness(improvisers=improvisers)
        self.count = DayCount()
        self._sounding: dict[tuple[int, int], float] = {}
        self._events = (
            (60, self.play_phrase), (20, self.move_controls), (4, self.act), (3, self.visit_of_a_clock), (3, self.rest),
            (1, self.pull_the_output), (1, self.unplug_the_keyboard), (1, self.suspend),
        )  # fmt: skip

    def run(self, seconds: float) -> DayCount:
        names, weights = [event for _, event in self._events], [weight for weight, _ in self._events]
        with without_log():
            while self.harness.now_s < seconds:
                (event,) = self.random.choices(names, weights)
                event()
                self.count.events[event.__name__] += 1
                self.check()
            self.check_silence_after_a_stop()
        self.count.seconds = self.harness.now_s
        self.count.contexts = tuple(len(memory) for memory in self.harness.jam.memories.values())
        return self.count

    def play_phrase(self) -> None:
        random = self.random
        channel = random.randrange(3)
        for _ in range(random.randrange(2, 9)):
            pitches = random.sample(range(40, 90), random.choice((1, 1, 1, 3)))
            for pitch in pitches:
                self._receive(encode(NoteOn(pitch, random.randrange(1, 128), channel)))
                self.count.heard += 1
            self.harness.let_pass(random.uniform(0.05, 0.5))
            for pitch in pitches:
                self._receive(encode(NoteOff(pitch, channel)))
        if random.random() < 0.2:
            self._receive(encode(ControlChange(64, random.choice((0, 127)), channel)))
        self.harness.let_pass(random.uniform(0.2, 4.0))

    def move_controls(self) -> None:
        movable = [control for control in CONTROLS if control.kind != "action" and control.name not in LEFT_OUT]
        for control in self.random.sample(movable, self.random.randrange(1, 5)):
            if self.random.random() < 0.5:
                value = control.default if control.default is not None else 0.0
            elif control.kind == "number":
                value = control.read(self.random.uniform(control.low, control.high))
            else:
                value = self.random.choice(control.choices)
            self.harness.music_thread.change(control.name, value)
        self.harness.let_pass(self.random.uniform(0.0, 0.5))

    def act(self) -> None:
        actions = [control.name for control in CONTROLS if control.kind == "action"]
        self.harness.music_thread.act(self.random.choice(actions))
        self.harness.let_pass(self.random.uniform(0.0, 1.0))

    def visit_of_a_clock(self) -> None:
        """MIDI clock with jitter, from a start to a stop or until it is gone; the player plays along."""
        tempo_bpm = self.random.uniform(40.0, 240.0)
        self._receive(START)
        for tick in range(int(self.random.uniform(2.0, 20.0) * tempo_bpm / 60 * CLOCKS_PER_BEAT)):
            self._receive(CLOCK)
            if tick % 36 == 0:
                self._receive(encode(NoteOn(60 + tick // 36 % 12, 90)))
            if tick % 36 == 18:
                self._receive(encode(NoteOff(60 + tick // 36 % 12)))
            self.harness.let_pass(60.0 / tempo_bpm / CLOCKS_PER_BEAT * self.random.uniform(0.8, 1.2))
        if self.random.random() < 0.7:
            self._receive(STOP)
        for pitch in range(60, 72):
            self._receive(encode(NoteOff(pitch)))

    def rest(self) -> None:
        self.harness.let_pass(self.random.uniform(5.0, 60.0))

    def pull_the_output(self) -> None:
        self.harness.output.disconnect()
        self.harness.music_thread.on_output_changed(is_lost=True)
        self.harness.let_pass(self.random.choice((0.0, self.random.uniform(0.1, 10.0))))
        self.harness.output.reconnect()
        self.harness.music_thread.on_output_changed(is_lost=False)
        self.harness.let_pass(SILENT_AFTER_S)

    def unplug_the_keyboard(self) -> None:
        self._receive(encode(NoteOn(self.random.randrange(40, 90), 80)))
        self.harness.let_pass(self.random.uniform(0.1, 2.0))
        self.harness.music_thread.on_input_changed(is_lost=True)
        self.harness.let_pass(self.random.uniform(0.1, 10.0))
        self.harness.music_thread.on_input_changed(is_lost=False)

    def suspend(self) -> None:
        """The machine sleeps: the clock goes on, and nothing runs meanwhile."""
        self.harness.clock.advance(self.random.uniform(0.05, 60.0))
        self.harness.let_pass(0.0)

    def check(self) -> None:
        """The promises at any moment."""
        harness, now_s = self.harness, self.harness.clock.now_s()
        for (data, at_s), due_s in zip(harness.output.sent, harness.output.due_s, strict=True):
            match parse(data):
                case NoteOn(pitch, _, channel):
                    assert at_s - due_s <= LATEST_S + 1e-3, f"a note is {at_s - due_s:.3f} s late"
                    self._sounding[channel, pitch] = at_s
                    self.count.played += 1
                case NoteOff(pitch, channel):
                    self._sounding.pop((channel, pitch), None)
                case ControlChange(123, _, channel):
                    self._sounding = {key: began for key, began in self._sounding.items() if key[0] != channel}
        harness.output.sent.clear()
        harness.output.due_s.clear()
        sounding_of_jam = {
            (message.channel, message.pitch) for message in harness.music_thread._live_jam._sender.pending_note_offs
        }
        assert set(self._sounding) <= sounding_of_jam, "a note sounds of which the jam does not know"
        too_long = [key for key, began_s in self._sounding.items() if now_s - began_s > LONGEST_NOTE_S]
        assert not too_long, f"{too_long} sound for minutes"
        assert set(harness.music_thread.faults.counts) <= REFUSALS, harness.music_thread.faults.counts
        assert len(harness.jam.status.plan) <= MOST_PLANNED, "the plan grows"
        assert len(harness.music_thread.timeline.segments) <= MOST_SEGMENTS, "the timeline grows"
        assert all(len(memory) <= memory.capacity for memory in harness.jam.memories.values())

    def check_silence_after_a_stop(self) -> None:
        self.harness.music_thread.change("mode", "listen")
        self.harness.music_thread.act("stop")
        self.harness.let_pass(SILENT_AFTER_S)
        self.check()
        assert not self._sounding, "notes sound after a stop"

    def _receive(self, data: bytes) -> None:
        self.harness.music_thread.receive_midi(data, self.harness.clock.now_s())
        self.harness.let_pass(0.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--random-seed", type=int, default=1)
    arguments = parser.parse_args()
    clock = MonotonicClock()
    started_s = clock.now_s()
    count = Day(arguments.random_seed).run(arguments.hours * SECONDS_PER_HOUR)
    print(
        f"{count.seconds / SECONDS_PER_HOUR:.1f} hours in {clock.now_s() - started_s:.0f} s, random seed "
        f"{arguments.random_seed}: {count.heard:,} notes heard, {count.played:,} played, {dict(count.events)}, "
        f"{count.contexts} contexts remembered; every promise was held"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
