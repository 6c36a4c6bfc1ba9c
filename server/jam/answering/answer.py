"""One answer: composed ahead as a plan, placed in its groove, played note by note, and composed again on request.

It knows no messages and no clock. All beats are quarter notes on the jam's timeline.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from bridge.timing.timeline import Timeline
from model.analysis.bars import Bars
from model.improvising.improviser import Improviser, PlannedNote
from model.improvising.novelty import outline_of
from model.improvising.sampling_settings import SamplingSettings
from model.notes import ROUNDING_BEATS, SHORTEST_NOTE_BEATS, Note
from model.phrasing.parallel_rhythm import onset_times
from model.phrasing.touch import NoteTouch
from server.jam.answering.groove import Groove
from server.jam.answering.rendition import Rendition, TouchAmounts, with_feel
from server.jam.turns.turn_planner import BeatSpan

# How far a plan reaches. A fader that moves has the plan composed again thirty times a second (see `ControlThrottle`).
NOTES_AHEAD = 8
# An answer rests between so many times as much as its phrase, as people's do.
REST_WEIGHTS = (0.3, 1.2)
# How many played notes novelty looks back at, so that replanning does not let an answer repeat too much of the
# player's: chords of 32 onsets.
PLAYED_NOTES_KEPT = 192


@dataclass(slots=True)
class _NoteAhead:
    """A note of the plan: who composed it, and how it is played. `chance`, `previous_onset_beats` and `rested_beats` are what its feel depends on."""

    improviser: Improviser
    planned: PlannedNote
    chance: float
    previous_onset_beats: float | None
    rested_beats: float
    feel: NoteTouch
    earliest_beats: float
    """It does not sound before this: the onset of the note that it replaces, where a plan was composed again."""
    placed: Note | None = None
    """As it will sound, once that was computed; None again as soon as something changes that it depends on."""
    grid_onset_beats: float = 0.0
    """Where the groove has put it; the touch moves it from there to where `placed` begins."""

    @property
    def sounds_until_beats(self) -> float:
        """Where it ends with its touch, as composed otherwise."""
        return self.planned.note.onset_beats + self.planned.note.duration_beats * self.feel.share


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note that begins to sound: as it sounds, as it was composed, and the improviser that composed and heard it."""

    as_played: Note
    as_planned: Note
    improviser: Improviser


class Answer:
    """The notes within a span of beats, each with the touch of its rendition."""

    def __init__(
        self,
        improviser: Improviser,
        span: BeatSpan,
        sampling: SamplingSettings,
        random: Random,
        rendition: Rendition,
        amounts: TouchAmounts,
        groove: Groove,
        timeline: Timeline,
        first_onset_beats: float | None = None,
    ) -> None:
        """`first_onset_beats` is where the first note is composed; by default at the start of the span."""
        self.improviser = improviser
        self.span = span
        self.bars, self._changes = sampling.bars, sampling.changes
        self._planned: deque[_NoteAhead] = deque()
        self._groove, self._timeline = groove, timeline
        self._random = random
        # A generator of its own, so that the notes do not depend on their touch.
        self._touch_random = Random(random.getrandbits(64))
        self._rendition, self._amounts = rendition, amounts
        self._later_rendition: Callable[[], Rendition] | None = None  # of the notes that are composed from now on
        self._last_chance: tuple[float | None, float] = (None, 0.0)  # the latest onset, and the chance of its notes
        self._onset_before: float | None = None
        self._rested_beats = 0.0  # how long nothing sounded, up to the latest onset
        self._sounds_until_beats = span.start_beats
        low, high = REST_WEIGHTS
        self._rest_weight = low + (high - low) * self._touch_random.random()
        self._earliest_beats = span.start_beats
        self._latest_played: _NoteAhead | None = None
        self._earliest_new_beats = span.start_beats  # of the notes that are composed from now on
        self._next_beats = span.start_beats if first_onset_beats is None else first_onset_beats
        self._fixed_count = 0  # this many planned notes must sound unchanged before the improviser works again
        self._unheard: deque[Note] = deque()
        self._played: deque[Note] = deque(maxlen=PLAYED_NOTES_KEPT)  # as composed
        # Lazy: nothing is composed, and nothing of the improviser's state is read, before `do_work` runs.
        self._composing: Iterator[PlannedNote] | None = improviser.compose(
            self._next_beats, span.until_beats, sampling, random
        )

    @property
    def is_composing(self) -> bool:
        """Whether more notes may still be composed."""
        return self._composing is not None

    @property
    def has_work(self) -> bool:
        """Whether its improviser has notes to hear, or has to compose more for the plan to reach far enough ahead."""
        if self._fixed_count:
            return False
        return bool(self._unheard) or (self.is_composing and len(self._planned) < NOTES_AHEAD)

    @property
    def is_over(self) -> bool:
        """Whether every note of the answer has begun to sound."""
        return not self._planned and not self.is_composing

    @property
    def plan(self) -> tuple[Note, ...]:
        """The composed notes that have not sounded, as they will sound."""
        return tuple(self._placed(ahead) for ahead in self._planned)

    @property
    def from_memory(self) -> tuple[float, ...]:
        """For each note of the plan, how much of it came from memory, from 0 to 1."""
        return tuple(ahead.planned.memory_share for ahead in self._planned)

    @property
    def next_note(self) -> Note | None:
        """The first note of the plan, as it will sound."""
        return self._placed(self._planned[0]) if self._planned else None

    def do_work(self) -> None:
        """Does one small piece of model work: hears one note, or composes the next one if there is one."""
        if self._unheard:
            self.improviser.hear(self._unheard.popleft(), self.bars, changes=self._changes)
        elif self._composing is not None:
            if self._later_rendition is not None:
                self._rendition, self._later_rendition = self._later_rendition(), None
            planned = next(self._composing, None)
            # A note that the groove would move past the end is not played, nor are the notes after it.
            if planned is None or self._is_too_late(planned.note):
                self._composing = None
            else:
                ahead = self._with_feel(planned)
                self._planned.append(ahead)
                self._placed(ahead)  # now, while there is time

    def take_next_note(self) -> PlayedNote:
        """Takes the next note off the plan, which must have one: it sounds now, and its improviser has heard it."""
        ahead = self._planned.popleft()
        note = ahead.planned.note
        ahead.improviser.restore(ahead.planned.after)
        self._fixed_count = max(self._fixed_count - 1, 0)
        self._next_beats = note.end_beats
        placed = self._placed(ahead)
        self._earliest_beats = placed.onset_beats
        self._latest_played = ahead
        for later in self._planned:
            # A note that begins no earlier stays where it is. The next note may be due at once: it is not placed twice.
            if (
                later.placed is not None
                and min(later.grid_onset_beats, later.placed.onset_beats) < self._earliest_beats
            ):
                later.placed = None
        self._played.append(note)
        return PlayedNote(placed, replace(note, velocity=placed.velocity), ahead.improviser)

    def drop_late_notes(self, is_late: Callable[[Note], bool]) -> None:
        """Drops notes from the start of the plan while `is_late`, given the note as it would sound, is true.

        The improviser has not heard them. When it composes again, it goes on from the last note that did sound.
        """
        while (note := self.next_note) is not None and is_late(note):
            ahead = self._planned.popleft()
            self._fixed_count = max(self._fixed_count - 1, 0)
            self._next_beats = ahead.planned.note.end_beats

    @property
    def next_beats(self) -> float:
        """The onset of the next note, as composed: the first note of the plan, or the one being composed if the plan is
        empty.
        """
        return self._planned[0].planned.note.onset_beats if self._planned else self._next_beats

    def set_groove(self, groove: Groove, timeline: Timeline, earliest_beats: float) -> None:
        """Places the notes that have not sounded in this groove and in these bars, none before `earliest_beats`."""
        self._groove, self._timeline = groove, timeline
        self._earliest_beats = max(self._earliest_beats, earliest_beats)
        self._place_again()
        while self._planned and self._is_too_late(self._planned[-1].planned.note):
            self._planned.pop()
            self._composing = None

    def set_touch(self, amounts: TouchAmounts, rendition: Rendition | None = None) -> None:
        """Plays the notes that have not sounded by so much of the touch, and by another rendition where one is given."""
        self._amounts = amounts
        self._place_again()
        if rendition is None:
            return
        self._rendition = rendition
        for ahead in self._planned:
            ahead.feel = rendition.feel(
                ahead.planned, ahead.previous_onset_beats, ahead.chance, ahead.rested_beats, self._rest_weight
            )

    def add_heard_note(
        self,
        note: Note,
        bars: Bars,
        sampling: Callable[[], SamplingSettings],
        rendition: Callable[[], Rendition],
        from_beats: float,
    ) -> None:
        """The player's note sounded: its improviser will hear it, and notes after `from_beats` are composed again.

        `sampling` and `rendition` of these notes are called when the first of them is composed: a key does not wait for
        them, and the keys of a chord share them. `bars` are those of the answer as they are now.
        """
        self._unheard.append(note)
        self.bars, self._later_rendition = bars, rendition
        fixed = self._take_back(self.span.until_beats, from_beats)
        if fixed is not None:
            until_beats = self.span.until_beats
            self._composing = _compose(self.improviser, self._next_beats, until_beats, sampling, fixed, self._random)

    def take_unheard_notes(self) -> tuple[Note, ...]:
        """Takes away the player's notes that its improviser has not heard; the caller must let it hear them."""
        unheard = tuple(self._unheard)
        self._unheard.clear()
        return unheard

    def replan(
        self,
        improviser: Improviser,
        until_beats: float,
        sampling: SamplingSettings,
        from_beats: float = -math.inf,
        later_beats: float = 0.0,
    ) -> None:
        """Composes the notes after `from_beats` again, up to `until_beats`.

        The first of them keeps its onset, so no note comes late or twice; with `later_beats` it comes that much later,
        and all that follow move with it. Notes that are due by `from_beats` are played as they were planned, and model
        work goes on once they have sounded.
        """
        fixed = self._take_back(until_beats, from_beats, later_beats)
        if fixed is None:
            return
        self.improviser = improviser
        self.bars, self._changes = sampling.bars, sampling.changes
        self.span = BeatSpan(self.span.start_beats, until_beats)
        self._composing = _compose(improviser, self._next_beats, until_beats, lambda: sampling, fixed, self._random)

    def _take_back(self, until_beats: float, from_beats: float, later_beats: float = 0.0) -> list[Note] | None:
        """Takes the notes after `from_beats` off the plan; returns the played and planned notes before them, or None where all is over."""
        if self.is_over and not self._unheard and until_beats <= self.span.until_beats:
            return None
        notes = [ahead.planned.note for ahead in self._planned]
        placed_beats = [self._placed(ahead).onset_beats for ahead in self._planned]
        fixed_count = sum(onset_beats <= from_beats for onset_beats in placed_beats)
        if fixed_count < len(notes):
            self._next_beats = notes[fixed_count].onset_beats
            # The note that it replaces may be due later than composed; one that is played less late would be in the past.
            self._earliest_new_beats = min(placed_beats[fixed_count], until_beats - SHORTEST_NOTE_BEATS)
        elif notes:
            self._next_beats = notes[-1].end_beats
        self._next_beats += later_beats
        while len(self._planned) > fixed_count:
            self._planned.pop()
        self._go_back_to(self._planned[-1] if self._planned else self._latest_played)
        self._fixed_count = fixed_count
        self._place_again()
        return [*self._played, *notes[:fixed_count]]

    def _go_back_to(self, latest: _NoteAhead | None) -> None:
        """The next note to be composed follows this one, or is the first: what its feel depends on is as it was then."""
        if latest is None:
            self._last_chance, self._onset_before = (None, 0.0), None
            self._rested_beats, self._sounds_until_beats = 0.0, self.span.start_beats
        else:
            self._last_chance = (latest.planned.note.onset_beats, latest.chance)
            self._onset_before = latest.previous_onset_beats
            self._rested_beats, self._sounds_until_beats = latest.rested_beats, latest.sounds_until_beats

    def _with_feel(self, planned: PlannedNote) -> _NoteAhead:
        """A composed note and how it is played. The notes of a chord share their chance, and so their timing."""
        onset_beats = planned.note.onset_beats
        latest, chance = self._last_chance
        if onset_beats != latest:
            chance = self._touch_random.random()
            self._onset_before, self._last_chance = latest, (onset_beats, chance)
            self._rested_beats += max(onset_beats - self._sounds_until_beats, 0.0)
        feel = self._rendition.feel(planned, self._onset_before, chance, self._rested_beats, self._rest_weight)
        ahead = _NoteAhead(
            self.improviser, planned, chance, self._onset_before, self._rested_beats, feel, self._earliest_new_beats
        )
        self._sounds_until_beats = max(self._sounds_until_beats, ahead.sounds_until_beats)
        return ahead

    def _placed(self, ahead: _NoteAhead) -> Note:
        """The note as it will sound; kept, as the next note is asked for several times before it sounds."""
        if ahead.placed is None:
            earliest_beats = max(self._earliest_beats, ahead.earliest_beats)
            on_grid = self._groove.place(ahead.planned.note, self._timeline, earliest_beats)
            placed = with_feel(on_grid, ahead.feel, self._rendition.plain_velocity, self._amounts)
            latest_beats = max(self.span.until_beats - SHORTEST_NOTE_BEATS, on_grid.onset_beats)
            onset_beats = min(max(placed.onset_beats, earliest_beats), latest_beats)
            left_beats = max(self.span.until_beats - onset_beats, 0.0)
            duration_beats = min(placed.duration_beats, left_beats)
            ahead.placed = replace(placed, onset_beats=onset_beats, duration_beats=duration_beats)
            ahead.grid_onset_beats = on_grid.onset_beats
        return ahead.placed

    def _place_again(self) -> None:
        """To be called after each change of the groove, the touch, the bars, the span or the earliest beat."""
        for ahead in self._planned:
            ahead.placed = None

    def _is_too_late(self, note: Note) -> bool:
        onset_beats = self._groove.onset(note.onset_beats, self._timeline, self._earliest_beats)
        return onset_beats > self.span.until_beats - SHORTEST_NOTE_BEATS + ROUNDING_BEATS


def _compose(
    improviser: Improviser,
    from_beats: float,
    until_beats: float,
    sampling: Callable[[], SamplingSettings],
    fixed: list[Note],
    random: Random,
) -> Iterator[PlannedNote]:
    """Composes what follows the `fixed` notes; before the first one is asked for, nothing is done.

    It does not hold the answer, which holds it: an answer that is dropped, and an old pack with it, is freed at once.
    """
    onsets = tuple(onset for onset, _ in onset_times(fixed))
    settings = replace(sampling(), answer_outline=tuple(outline_of(fixed)), answer_onsets=onsets)
    yield from improviser.compose(from_beats, until_beats, settings, random)
