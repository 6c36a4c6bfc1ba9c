"""Improvisers that play what a test tells them to, and a stage that drives a jam by hand; they know no clock."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from bridge.midi.messages import Message, NoteOff, NoteOn
from bridge.timing.midi_clock import Transport
from bridge.timing.timeline import Timeline
from model.approach import Approach
from model.improvising.improviser import PLANNED_VELOCITY, PlannedNote, Snapshot
from model.improvising.sampling_settings import SamplingSettings
from model.memory.memory import Memory
from model.notes import Note
from model.tokens.vocabulary import Cursor
from server.controls.control_table import Settings, Value
from server.jam.jam import Jam
from server.jam.jam_output import TimedMessage

DEFAULTS = Settings()

HeardNotes = list[tuple[int, float]]
"""Pitches, each with its onset in beats; keep to sixteenths, for they go through 32 bits."""


@dataclass(frozen=True, slots=True)
class CompositionRequest:
    """What an improviser was asked to compose."""

    start_beats: float
    until_beats: float
    sampling: SamplingSettings


class ScriptedImproviser:
    """Plays its pitches from the first, round and round: a step apart, or in its rhythm; its state is what it has heard."""

    def __init__(self, approach: Approach, pitches: Sequence[int], rhythm: Sequence[float] = ()) -> None:
        self.approach = approach
        self.requests: list[CompositionRequest] = []
        self.memory: Memory | None = None
        self.remembered_pitches: list[int] = []
        """Pitches that are remembered."""
        self._pitches = pitches
        self._rhythm = rhythm
        self._now = _snapshot([])

    @property
    def heard_notes(self) -> HeardNotes:
        return _heard(self._now)

    def hear(self, note: Note, *, learn: bool = True) -> None:
        self._now = _after(self._now, note)
        if learn:
            self.remembered_pitches.append(note.pitch)

    def forget(self) -> None:
        self.remembered_pitches.clear()

    def load_memory(self, memory: Memory) -> None:
        self.memory = memory

    def snapshot(self) -> Snapshot:
        return self._now

    def restore(self, snapshot: Snapshot) -> None:
        self._now = snapshot

    def compose(
        self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        # What has been played already has tests of its own.
        self.requests.append(
            CompositionRequest(start_beats, until_beats, replace(settings, answer_outline=(), novelty=None))
        )
        now, onset_beats, index = self._now, start_beats, 0
        while onset_beats < until_beats:
            beats = self._rhythm[index % len(self._rhythm)] if self._rhythm else settings.step_beats
            end_beats = min(onset_beats + beats, until_beats)
            pitch = self._pitches[index % len(self._pitches)]
            note = Note(pitch, onset_beats, end_beats - onset_beats, PLANNED_VELOCITY)
            now = _after(now, note)
            yield PlannedNote(note, now)
            onset_beats, index = onset_beats + beats, index + 1


def _snapshot(heard: HeardNotes) -> Snapshot:
    return Snapshot(np.array(heard, np.float32).reshape(1, -1, 2), np.zeros(1, np.float32), Cursor())


def _heard(snapshot: Snapshot) -> HeardNotes:
    return [(int(pitch), float(onset_beats)) for pitch, onset_beats in snapshot.engine_state[0]]


def _after(snapshot: Snapshot, note: Note) -> Snapshot:
    return _snapshot([*_heard(snapshot), (note.pitch, note.onset_beats)])


def onsets(timed: Iterable[TimedMessage]) -> list[tuple[int, float]]:
    """What begins: pitches and beats."""
    return [(item.message.pitch, item.beat) for item in timed if isinstance(item.message, NoteOn)]


def on(pitch: int, beat: float, velocity: int = 80) -> TimedMessage:
    return TimedMessage(NoteOn(pitch, velocity), beat)


def off(pitch: int, beat: float) -> TimedMessage:
    return TimedMessage(NoteOff(pitch), beat)


def as_played(notes: Iterable[Note]) -> list[TimedMessage]:
    """The keys' messages in the order of time; at equal beats what ends comes before what begins."""
    keys = [on(note.pitch, note.onset_beats, note.velocity) for note in notes]
    keys += [off(note.pitch, note.end_beats) for note in notes]
    return sorted(keys, key=lambda timed: (timed.beat, isinstance(timed.message, NoteOn)))


def do_all_work(jam: Jam) -> None:
    """All that there is to think."""
    while jam.has_work:
        jam.do_work()


def run_jam_until(jam: Jam, beat: float) -> list[TimedMessage]:
    """Lets time go on, as the player does who has all the time there is to think; what comes out."""
    came: list[TimedMessage] = []
    do_all_work(jam)
    while (wake_beat := jam.wake_at()) is not None and wake_beat <= beat:
        came += jam.advance(wake_beat)
        do_all_work(jam)
    return came + jam.advance(beat)


class JamHarness:
    """A jam of two scripted partners, driven as the player drives it: it thinks whenever it can, and wakes when it says.

    The pitch partner plays 60 62 64 65, the event partner 72 (a beat), 74 and 76 (half a beat each).
    """

    def __init__(self, *, random_seed: int = 0, settings: Settings = DEFAULTS) -> None:
        self.pitch = ScriptedImproviser("pitch", (60, 62, 64, 65))
        self.event = ScriptedImproviser("event", (72, 74, 76), (1.0, 0.5, 0.5))
        self.jam = Jam({"pitch": self.pitch, "event": self.event}, settings, random_seed)
        self.sent: list[TimedMessage] = []
        """All that has come out so far."""

    def run_until(self, beat: float) -> list[TimedMessage]:
        """Lets time go on; what comes out."""
        came = run_jam_until(self.jam, beat)
        self.sent += came
        return came

    def do_all_work(self) -> None:
        do_all_work(self.jam)

    def receive(self, message: Message, beat: float) -> None:
        self.run_until(beat)
        self.jam.receive(message, beat)

    def change(self, control: str, value: Value, beat: float) -> None:
        self.run_until(beat)
        self.jam.change(control, value, beat)

    def act(self, action: str, beat: float) -> None:
        self.run_until(beat)
        self.jam.act(action, beat)

    def set_timeline(self, timeline: Timeline, beat: float, transport: Transport = "playing") -> None:
        self.run_until(beat)
        self.jam.set_timeline(timeline, beat, transport)

    def play(self, notes: Iterable[Note]) -> None:
        for timed in as_played(notes):
            self.receive(timed.message, timed.beat)

    def run_to_end(self) -> list[TimedMessage]:
        """Lets time go on for as long as anything is due; what comes out."""
        came: list[TimedMessage] = []
        self.do_all_work()
        while (wake_beat := self.jam.wake_at()) is not None:
            came += self.run_until(wake_beat)
        return came
