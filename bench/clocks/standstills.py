"""Simulates a JACK server whose programs stand still for a while, and measures how far the notes of a jam beside its clock are off then.

The server, a client before ours, or the music thread stands still, once or several times in a row. Frames stand still or are missed, ticks are
lost or come twice, cycles start late, and JACK's own dates swing for seconds. The parts between are those of a jam: dates of cycles, the
follower of the clock, and the queue of what is sent. Each note is compared by its frame with the beat of the clock, from two beats after on.

Run it with `RUNS=1000 python -m bench standstills`: so many servers for each period, with a dozen standstills each.
"""

import math
import os
import random
from typing import Any, cast

from bench.table import show
from bridge.midi.jack.client_port import ClientPort
from bridge.midi.jack.jack_connection import JackConnection, JackPort
from bridge.midi.jack.jack_frames import MAX_LATENESS_S, Cycle, CycleDates, SendQueue
from bridge.midi.jack.jack_pipes import PipedMessage
from bridge.midi.jack.jack_ports import LEAD_S, JackInput
from bridge.timing.midi_clock import MidiClock
from bridge.timing.timeline import Timeline

RUNS = int(os.environ.get("RUNS", "20"))
PERIODS_FRAMES = (64, 128, 256, 512, 1024, 2048)
TEMPI_BPM = (60, 97, 120, 125, 140, 174)
RATE = 48_000
TICKS_PER_BEAT = 24
GROUPS, IN_A_ROW, APART_BEATS = 6, (1, 1, 1, 2, 3, 5), (0.01, 0.05, 0.2, 1.0)
LENGTHS_S = (0.005, 1.5)
DATED_AFTER_OVERRUN = 16
SETTLED_BEATS, RECOVERY_BEATS = 16, 2
MOST_OFF_MS = 1.0
NOTE_ON, TICK, START = bytes((0x90, 60, 80)), b"\xf8", b"\xfa"


class ServerLoop:
    """The loop by which JACK dates its cycles from the server's wake-ups: of second order, with a bandwidth of 1/8 Hz."""

    def __init__(self, period_s: float, at_s: float) -> None:
        """The next cycle is expected at `at_s`."""
        self._period_s, self._next_s = period_s, at_s
        self._omega = 2 * math.pi / 8 * period_s

    def wake(self, at_s: float) -> float:
        """The date of the cycle for which the server wakes up at this second."""
        date_s, off_s = self._next_s, at_s - self._next_s
        self._period_s += self._omega**2 * off_s
        self._next_s += self._period_s + math.sqrt(2) * self._omega * off_s
        return date_s


class SimulatedJam:
    """A server, its clock, and the parts of a jam that date and place messages; a note is due at every half beat."""

    def __init__(self, chance: random.Random, frames: int, tempo_bpm: float) -> None:
        self._chance, self._frames, self._period_s = chance, frames, frames / RATE
        self._beat_frames = 60 * RATE / tempo_bpm
        self._at_s, self._frame, self._number = 5.0 + chance.random(), frames * chance.randrange(1000), 0
        self._first_frame, self._next_tick = self._frame + 4 * frames, 0
        self._loop, self._dates, self._queue = ServerLoop(self._period_s, self._at_s), CycleDates(), SendQueue()
        self._dated_until = 0
        self._clock, self._timeline = MidiClock(), Timeline.start(120.0, self._at_s)
        self._ours = ClientPort(1, "input", cast("Any", None))
        self._port = JackPort(cast("JackConnection", None), 1, "input", "in")
        JackInput(self._port, self._receive).watch_dates(self._clock.move_dates)
        self._came = [PipedMessage(0.0, 1, START)]
        self._zero_s = self._now_s = self._asleep_until_s = self._sent_until_beat = 0.0
        self._last_frame: float = self._frame
        self.worst_ms = 0.0
        """The error of the note that is farthest from its beat, of those that are not in or after a standstill."""

    def play(self, beats: float) -> None:
        """Goes on for so many beats; now and then the server wakes up late, and makes up for it."""
        until = self._frame + beats * self._beat_frames
        while self._frame < until:
            self._run_cycle(late_s=self._chance.uniform(0, self._period_s / 2) if self._chance.random() < 0.001 else 0)

    def stand_still(self) -> None:
        """The server stands still for a while, or a client that is before ours, or our music thread."""
        chance, length_s = self._chance, LENGTHS_S[0] * (LENGTHS_S[1] / LENGTHS_S[0]) ** self._chance.random()
        self._last_frame = math.inf
        kind = chance.choice(("server", "server", "client", "client", "jam"))
        is_late, comes_twice = chance.random() < 0.5, chance.random() < 0.2
        blocked_s = chance.uniform(0.0, 0.95 * self._period_s) if is_late else 0.0
        if kind == "jam":
            self._asleep_until_s = self._at_s + length_s
            self.play(length_s * RATE / self._beat_frames)
        elif kind == "server" and length_s < self._period_s:
            self._run_cycle(late_s=length_s)
        elif kind == "server":
            self._report_overrun()
            self._at_s += length_s
            for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
                # It is counted, but no client runs in it and no time passes.
                self._pass_ticks()
                self._frame += self._frames
            self._run_cycle(blocked_s=blocked_s, comes_twice=comes_twice)
            self._report_overrun()
        else:
            self._report_overrun()
            for _ in range(int(length_s / self._period_s)):
                self._run_cycle(is_missed=True)
            self._run_cycle(blocked_s=blocked_s, comes_twice=comes_twice)
            self._report_overrun()
        self._last_frame = self._frame

    def _report_overrun(self) -> None:
        self._dates.on_overrun()
        self._dated_until = self._number + DATED_AFTER_OVERRUN

    def _pass_ticks(self) -> list[int]:
        """The offsets of the ticks in the cycle."""
        offsets: list[int] = []
        while True:
            offset = self._first_frame + round(self._next_tick * self._beat_frames / TICKS_PER_BEAT) - self._frame
            if offset >= self._frames:
                return offsets
            self._next_tick += 1
            if offset >= 0:
                offsets.append(offset)

    def _run_cycle(
        self, *, late_s: float = 0.0, blocked_s: float = 0.0, is_missed: bool = False, comes_twice: bool = False
    ) -> None:
        """One cycle, for which the server wakes up late, or our client is started late; or our client misses it."""
        by_jack_s, ticks = self._loop.wake(self._at_s + late_s), self._pass_ticks()
        if not is_missed:
            self._number += 1
            started_s = 0.002 * self._chance.random() if self._chance.random() < 0.1 else 0.00005
            now_s = self._at_s + late_s + blocked_s + started_s
            if ticks or self._queue or self._number <= self._dated_until:
                cycle = self._dates.date(self._number, self._frame, self._frames, RATE, by_jack_s, now_s)
                self._exchange(cycle, ticks)
                if comes_twice:
                    cycle = self._dates.date(self._number + 1, self._frame, self._frames, RATE, by_jack_s, now_s)
                    self._number += 1
                    self._exchange(cycle, ticks)
            if now_s >= self._asleep_until_s:
                self._run_music_thread(now_s)
        self._at_s += self._period_s
        self._frame += self._frames

    def _exchange(self, cycle: Cycle, ticks: list[int]) -> None:
        """What our client does in a cycle: the latency is one period."""
        zero_s = cycle.frame_zero_s - self._period_s
        self._queue.move_to(zero_s)
        for offset, _ in self._queue.take(cycle, self._period_s):
            self._measure(self._frame + offset)
        events = self._ours.new_events([(tick, TICK) for tick in ticks], is_repeat=self._dates.is_repeat)
        self._came += [
            PipedMessage(cycle.second_of(offset) - self._period_s, 1, data, zero_s) for offset, data in events
        ]

    def _run_music_thread(self, now_s: float) -> None:
        """Takes what came in, and sends all that is due until it runs again, with the next cycle."""
        self._now_s = now_s + LEAD_S
        for message in self._came:
            self._zero_s = message.frame_zero_s
            self._port.on_message(message)
        self._came.clear()
        timeline = self._timeline
        until_beat = timeline.beat_at(self._now_s + self._period_s)
        first = math.ceil(2 * (self._sent_until_beat - timeline.downbeat))
        for half in range(first, math.ceil(2 * (until_beat - timeline.downbeat))):
            due_s = timeline.seconds_at(timeline.downbeat + half / 2)
            if self._now_s - due_s < MAX_LATENESS_S:
                self._queue.put(due_s, NOTE_ON, self._zero_s)
        self._sent_until_beat = max(until_beat, self._sent_until_beat)

    def _receive(self, data: bytes, at_s: float) -> None:
        self._timeline = self._clock.receive(data, self._timeline, at_s, max(at_s, self._now_s))

    def _measure(self, frame: int) -> None:
        beats = (frame - self._first_frame) / self._beat_frames
        since_beats = (frame - self._last_frame) / self._beat_frames
        if beats > SETTLED_BEATS and since_beats > RECOVERY_BEATS:
            off_ms = abs(beats - round(2 * beats) / 2) * self._beat_frames / RATE * 1000
            self.worst_ms = max(self.worst_ms, off_ms)


def worst_ms(chance: random.Random, frames: int, tempo_bpm: float) -> tuple[float, int]:
    """The error of the worst note of one jam more than two beats after each standstill, and how many standstills there were."""
    jam, count = SimulatedJam(chance, frames, tempo_bpm), 0
    jam.play(SETTLED_BEATS + 8)
    for _ in range(GROUPS):
        for _ in range(chance.choice(IN_A_ROW)):
            count += 1
            jam.stand_still()
            jam.play(chance.choice(APART_BEATS))
        jam.play(chance.uniform(3, 9))
    return jam.worst_ms, count


def run() -> None:
    """Prints a row for each period."""
    chance, rows = random.Random(4), []
    for frames in PERIODS_FRAMES:
        results = [worst_ms(chance, frames, chance.choice(TEMPI_BPM)) for _ in range(RUNS)]
        worst = sorted(worst for worst, _ in results)
        off = sum(each > MOST_OFF_MS for each in worst)
        counts = (str(frames), str(len(worst)), str(sum(count for _, count in results)), str(off))
        rows.append((*counts, f"{worst[len(worst) // 2]:.3f}", f"{worst[-1]:.3f}"))
    columns = ("frames", "jams", "standstills", "jams off by more than 1 ms", "worst, median of jams", "worst")
    show("Notes more than two beats after standstills of 5 to 1,500 ms, ms off their beats", columns, rows)
