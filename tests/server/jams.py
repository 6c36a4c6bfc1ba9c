"""Improvisers that play what a test scripts, and a harness that runs a jam step by step; they know no clock."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from bridge.midi.messages import Message, NoteOff, NoteOn
from bridge.timing.clock_messages import Transport
from bridge.timing.timeline import Timeline
from model.analysis.bars import Bars
from model.approach import Approach
from model.harmony.changes import Changes, place_among
from model.improvising.improviser import PLANNED_VELOCITY, PlannedNote, Snapshot
from model.improvising.sampling_settings import SamplingSettings
from model.memory.memory import Memory
from model.notes import Note
from model.phrasing.phrasing import PLAIN
from model.tokens.vocabulary import Cursor
from server.controls.control_table import Settings, Value
from server.jam.jam import Jam
from server.jam.jam_output import TimedMessage


def plain_settings(**controls: Value) -> Settings:
    """The default controls, but that every note is played plainly and at one step: so what is composed is what sounds."""
    return Settings(**{"touch": 0.0, "rhythm": "fixed", **controls})  # type: ignore[arg-type]  # controls by name


DEFAULTS = plain_settings()

HeardNotes = list[tuple[int, float]]
"""Pitches with their onsets in beats; use only sixteenths, because they are stored as float32."""


@dataclass(frozen=True, slots=True)
class CompositionRequest:
    """The arguments of one call of `compose`."""

    start_beats: float
    until_beats: float
    sampling: SamplingSettings


class ScriptedImproviser:
    """An improviser that plays its pitches in a loop, a step apart or in its rhythm; its state is the notes it has heard."""

    def __init__(self, approach: Approach, pitches: Sequence[int], rhythm: Sequence[float] = ()) -> None:
        self.approach = approach
        self.requests: list[CompositionRequest] = []
        self.memory: Memory | None = None
        self.phrasing = PLAIN
        self.remembered_pitches: list[int] = []
        """The pitches that it heard with `learn` on."""
        self.heard_chord_places: list[bytes] = []
        """Where among the chords each note stood that it heard."""
        self._pitches = pitches
        self._rhythm = rhythm
        self._snapshot = _snapshot_of([])

    @property
    def heard_notes(self) -> HeardNotes:
        return _notes_of(self._snapshot)

    def hear(
        self,
        note: Note,
        bars: Bars | None = None,
        *,
        learn: bool = True,
        changes: Changes | None = None,
        transpose: int = 0,
    ) -> None:
        self._snapshot = _after(self._snapshot, note)
        self.heard_chord_places.append(place_among(changes, note.onset_beats, transpose))
        if learn:
            self.remembered_pitches.append(note.pitch)

    def forget(self) -> None:
        self.remembered_pitches.clear()

    def load_memory(self, memory: Memory) -> None:
        self.memory = memory

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def restore(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def compose(
        self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        # The tests of novelty and of the bars check these fields.
        self.requests.append(
            CompositionRequest(
                start_beats,
                until_beats,
                replace(settings, answer_outline=(), answer_onsets=(), novelty=None, bars=None),
            )
        )
        now, onset_beats, index = self._snapshot, start_beats, 0
        while onset_beats < until_beats:
            beats = self._rhythm[index % len(self._rhythm)] if self._rhythm else settings.step_beats
            end_beats = min(onset_beats + beats, until_beats)
            pitch = self._pitches[index % len(self._pitches)]
            note = Note(pitch, onset_beats, end_beats - onset_beats, PLANNED_VELOCITY)
            now = _after(now, note)
            yield PlannedNote(note, now)
            onset_beats, index = onset_beats + beats, index + 1


def _snapshot_of(heard: HeardNotes) -> Snapshot:
    return Snapshot(np.array(heard, np.float32).reshape(1, -1, 2), np.zeros(1, np.float32), Cursor())


def _notes_of(snapshot: Snapshot) -> HeardNotes:
    return [(int(pitch), float(onset_beats)) for pitch, onset_beats in snapshot.engine_state[0]]


def _after(snapshot: Snapshot, note: Note) -> Snapshot:
    return _snapshot_of([*_notes_of(snapshot), (note.pitch, note.onset_beats)])


def onsets(timed: Iterable[TimedMessage]) -> list[tuple[int, float]]:
    """The notes that start: pitches and beats."""
    return [(item.message.pitch, item.beat) for item in timed if isinstance(item.message, NoteOn)]


def on(pitch: int, beat: float, velocity: int = 80) -> TimedMessage:
    return TimedMessage(NoteOn(pitch, velocity), beat)


def off(pitch: int, beat: float) -> TimedMessage:
    return TimedMessage(NoteOff(pitch), beat)


def as_played(notes: Iterable[Note]) -> list[TimedMessage]:
    """The messages of keys that play the notes, in the order of time; at the same beat, note-offs come first."""
    keys = [on(note.pitch, note.onset_beats, note.velocity) for note in notes]
    keys += [off(note.pitch, note.end_beats) for note in notes]
    return sorted(keys, key=lambda timed: (timed.beat, isinstance(timed.message, NoteOn)))


def do_all_work(jam: Jam) -> None:
    """Does the model work that waits, until there is none."""
    while jam.has_work:
        jam.do_work()


def run_jam_until(jam: Jam, beat: float) -> list[TimedMessage]:
    """Runs a jam to this beat, as a music thread does that always has time for the model work; returns what is sent."""
    sent: list[TimedMessage] = []
    do_all_work(jam)
    while (wake_beat := jam.wake_at()) is not None and wake_beat <= beat:
        sent += jam.advance(wake_beat)
        do_all_work(jam)
    return sent + jam.advance(beat)


class JamHarness:
    """A jam with two scripted improvisers, run as the music thread runs it, with endless time for the model work.

    The pitch improviser plays 60 62 64 65; the event improviser 72 (a beat), 74 and 76 (half a beat each).
    """

    def __init__(self, *, random_seed: int = 0, settings: Settings = DEFAULTS) -> None:
        self.pitch = ScriptedImproviser("pitch", (60, 62, 64, 65))
        self.event = ScriptedImproviser("event", (72, 74, 76), (1.0, 0.5, 0.5))
        self.jam = Jam({"pitch": self.pitch, "event": self.event}, settings, random_seed)
        self.sent: list[TimedMessage] = []
        """All messages so far."""

    def run_until(self, beat: float) -> list[TimedMessage]:
        """Runs to this beat; returns the messages sent."""
        sent = run_jam_until(self.jam, beat)
        self.sent += sent
        return sent

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
        """Runs until nothing is due any more; returns the messages sent."""
        sent: list[TimedMessage] = []
        self.do_all_work()
        while (wake_beat := self.jam.wake_at()) is not None:
            sent += self.run_until(wake_beat)
        return sent
