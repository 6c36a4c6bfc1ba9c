"""One answer: composed ahead as a plan, placed in its groove, sounded note by note, replanned when asked; knows no messages and no clock."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from bridge.timing.timeline import Timeline
from model.improvising.improviser import Improviser, PlannedNote, SamplingSettings
from model.improvising.novelty import outline_of
from model.notes import HAIR_BEATS, SHORTEST_NOTE_BEATS, Note
from server.jam.groove import Groove
from server.jam.turn_planner import BeatSpan

# How far a plan reaches. Each change of a control composes it anew, and a fader sends sixty a second.
NOTES_AHEAD = 8
# What has sounded of it, so that it does not repeat too much of the player's across two plans: chords of 32 onsets.
PLAYED_KEPT = 192
# How loud it answers where there was no phrase to follow.
UNASKED_VELOCITY = 80


@dataclass(frozen=True, slots=True)
class SoundedNote:
    """A note that begins to sound: as it is heard, as it was meant, and whose it is, who has heard it."""

    as_played: Note
    as_planned: Note
    improviser: Improviser


class Answer:
    """Notes within a span; its loudness follows the phrase, note by note."""

    def __init__(
        self,
        improviser: Improviser,
        span: BeatSpan,
        taste: SamplingSettings,
        random: Random,
        velocities: Sequence[int],
        groove: Groove,
        timeline: Timeline,
    ) -> None:
        self.improviser = improviser
        self.span = span
        self._planned: deque[tuple[Improviser, PlannedNote]] = deque()
        self._groove, self._timeline = groove, timeline
        self._random = random
        self.velocities = velocities
        self._sounded = 0
        self._next_beats = self._earliest_beats = span.start_beats
        self._kept = 0  # so many notes sound as they were planned before anything else is thought of
        self._unheard: deque[Note] = deque()
        self._played: deque[Note] = deque(maxlen=PLAYED_KEPT)  # as it was meant
        # Lazy: nothing is composed, and nothing of the improviser's state read, before `think` asks.
        self._composing: Iterator[PlannedNote] | None = improviser.compose(
            span.start_beats, span.until_beats, taste, random
        )

    @property
    def is_composing(self) -> bool:
        return self._composing is not None

    @property
    def has_work(self) -> bool:
        """Whether its improviser has something to hear, or the plan does not reach far enough ahead and there is more to come."""
        if self._kept:
            return False
        return bool(self._unheard) or (self.is_composing and len(self._planned) < NOTES_AHEAD)

    @property
    def is_over(self) -> bool:
        """Whether every note of it has begun to sound."""
        return not self._planned and not self.is_composing

    @property
    def plan(self) -> tuple[Note, ...]:
        """What has not sounded, as it will."""
        return tuple(self._placed(planned.note) for _, planned in self._planned)

    @property
    def from_memory(self) -> tuple[float, ...]:
        """How much of each note of the plan came from memory, from 0 to 1."""
        return tuple(planned.from_memory for _, planned in self._planned)

    @property
    def next_note(self) -> Note | None:
        """The next of the plan."""
        return self._placed(self._planned[0][1].note) if self._planned else None

    def do_work(self) -> None:
        """One small piece of work: a note to hear, or the next one to compose, if there is one."""
        if self._unheard:
            self.improviser.hear(self._unheard.popleft())
        elif self._composing is not None:
            planned = next(self._composing, None)
            # What its groove would put past the end is not played, nor what comes after it.
            if planned is None or self._is_too_late(planned.note):
                self._composing = None
            else:
                self._planned.append((self.improviser, planned))

    def take_next_note(self) -> SoundedNote:
        """Takes the next note off the plan: it sounds now, and its improviser has heard it."""
        by, planned = self._planned.popleft()
        by.restore(planned.after)
        velocities = self.velocities or (UNASKED_VELOCITY,)
        velocity = velocities[self._sounded % len(velocities)]
        self._sounded += 1
        self._kept = max(self._kept - 1, 0)
        self._next_beats = planned.note.end_beats
        heard = self._placed(planned.note)
        self._earliest_beats = heard.onset_beats
        self._played.append(planned.note)
        return SoundedNote(replace(heard, velocity=velocity), replace(planned.note, velocity=velocity), by)

    def set_groove(self, groove: Groove, timeline: Timeline, earliest_beats: float) -> None:
        """What has not sounded lies in this groove from now on, and in these bars; nothing of it comes before `earliest_beats`."""
        self._groove, self._timeline = groove, timeline
        self._earliest_beats = max(self._earliest_beats, earliest_beats)
        while self._planned and self._is_too_late(self._planned[-1][1].note):
            self._planned.pop()
            self._composing = None

    def add_heard_note(self, note: Note, taste: SamplingSettings, from_beats: float) -> None:
        """Something else sounded; its improviser hears it, and what comes after `from_beats` is composed anew."""
        self._unheard.append(note)
        self.replan(self.improviser, self.span.until_beats, taste, from_beats)

    def take_unheard_notes(self) -> tuple[Note, ...]:
        """What its improviser was told of and has not heard; whoever asks sees to it that it does."""
        unheard = tuple(self._unheard)
        self._unheard.clear()
        return unheard

    def replan(
        self,
        improviser: Improviser,
        until_beats: float,
        taste: SamplingSettings,
        from_beats: float = -math.inf,
        later_beats: float = 0.0,
    ) -> None:
        """Composes anew what comes after `from_beats`; the next note keeps its onset, so nothing comes late or twice.

        What is due before is played as it was planned, and thought goes on once it has sounded. With `later_beats` that
        next note comes so much later, and with it all that follow.
        """
        if self.is_over and not self._unheard and until_beats <= self.span.until_beats:
            return
        notes = [planned.note for _, planned in self._planned]
        kept = sum(self._placed(note).onset_beats <= from_beats for note in notes)
        if kept < len(notes):
            self._next_beats = notes[kept].onset_beats
        elif notes:
            self._next_beats = notes[-1].end_beats
        self._next_beats += later_beats
        while len(self._planned) > kept:
            self._planned.pop()
        self.improviser, self._kept = improviser, kept
        self.span = BeatSpan(self.span.start_beats, until_beats)
        taste = replace(taste, played=tuple(outline_of([*self._played, *notes[:kept]])))
        self._composing = improviser.compose(self._next_beats, until_beats, taste, self._random)

    def _placed(self, note: Note) -> Note:
        placed = self._groove.place(note, self._timeline, self._earliest_beats)
        left_beats = max(self.span.until_beats - placed.onset_beats, 0.0)
        return placed if placed.duration_beats <= left_beats else replace(placed, duration_beats=left_beats)

    def _is_too_late(self, note: Note) -> bool:
        onset_beats = self._groove.onset(note.onset_beats, self._timeline, self._earliest_beats)
        return onset_beats > self.span.until_beats - SHORTEST_NOTE_BEATS + HAIR_BEATS
