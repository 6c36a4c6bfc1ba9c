"""One answer: composed ahead as a plan, sounded note by note, replanned when asked; knows no messages and no clock."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from model.improviser import Improviser, Planned, Taste
from model.notes import Note

# How far a plan reaches. Each change of a control composes it anew, and a fader sends sixty a second.
NOTES_AHEAD = 8
# How loud it answers where there was no phrase to follow.
UNASKED_VELOCITY = 80


class Answer:
    """Notes from `start_beats`, all ended by `until_beats`; its loudness follows the phrase, note by note."""

    def __init__(
        self,
        improviser: Improviser,
        start_beats: float,
        until_beats: float,
        taste: Taste,
        random: Random,
        velocities: Sequence[int],
    ) -> None:
        self.improviser = improviser
        self.start_beats = start_beats
        self.until_beats = until_beats
        self.planned: deque[Planned] = deque()
        self._random = random
        self._velocities = velocities or (UNASKED_VELOCITY,)
        self._sounded = 0
        self._next_beats = start_beats
        # Lazy: nothing is composed, and nothing of the improviser's state read, before `compose_one` asks.
        self._composing: Iterator[Planned] | None = improviser.compose(start_beats, until_beats, taste, random)

    def begun(self, beat: float) -> bool:
        """Whether it is due or under way."""
        return beat >= self.start_beats

    @property
    def is_composing(self) -> bool:
        return self._composing is not None

    @property
    def wants_composing(self) -> bool:
        """Whether the plan does not reach far enough ahead, and there is more to come."""
        return self.is_composing and len(self.planned) < NOTES_AHEAD

    @property
    def is_over(self) -> bool:
        """Whether every note of it has begun to sound."""
        return not self.planned and not self.is_composing

    @property
    def next_planned(self) -> Planned | None:
        return self.planned[0] if self.planned else None

    def compose_one(self) -> None:
        """Composes the next note, if there is one."""
        if self._composing is None:
            return
        planned = next(self._composing, None)
        if planned is None:
            self._composing = None
        else:
            self.planned.append(planned)

    def sound(self) -> Note:
        """Takes the next note off the plan: it sounds now, and its improviser has heard it."""
        planned = self.planned.popleft()
        self.improviser.restore(planned.after)
        velocity = self._velocities[self._sounded % len(self._velocities)]
        self._sounded += 1
        self._next_beats = planned.note.end_beats
        return replace(planned.note, velocity=velocity)

    def replan(self, improviser: Improviser, until_beats: float, taste: Taste) -> None:
        """Composes anew what has not sounded; the next note keeps its onset, so nothing comes late or twice."""
        if self.is_over and until_beats <= self.until_beats:
            return
        if self.planned:
            self._next_beats = self.planned[0].note.onset_beats
        self.improviser = improviser
        self.until_beats = until_beats
        self.planned.clear()
        self._composing = improviser.compose(self._next_beats, until_beats, taste, self._random)
