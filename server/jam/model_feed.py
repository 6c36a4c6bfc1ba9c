"""What the models are told of what sounds, note by note in the order in which it does; knows no messages and no clock.

To hear a note is a model's work, so it waits as such, and is done one note of one model at a time.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from model.approach import Approach
from model.improvising.improviser import Improviser, Snapshot
from model.memory.memory import Memory
from model.notes import Note

# What a newly seated pack is told of what came before.
REMEMBERED_NOTES = 128
# A memory goes back 2,048 tokens, and a note of either side takes two or three.
MOST_NOTES_HEARD_AGAIN = 512


@dataclass(frozen=True, slots=True)
class _Unheard:
    improviser: Improviser
    note: Note
    learn: bool = True
    begins_phrase: bool = False


class ModelFeed:
    """The improvisers, and what each of them has yet to hear."""

    def __init__(self, improvisers: Mapping[Approach, Improviser]) -> None:
        self._improvisers = dict(improvisers)
        self._unheard: deque[_Unheard] = deque()
        self._remembered: deque[tuple[Note, bool]] = deque(maxlen=REMEMBERED_NOTES)
        self._before_phrase: dict[Approach, tuple[Snapshot, int]] = {}  # with how many notes had sounded
        self._sounded = 0

    def __getitem__(self, approach: Approach) -> Improviser:
        return self._improvisers[approach]

    @property
    def has_pending(self) -> bool:
        """Whether there is anything to hear."""
        return bool(self._unheard)

    @property
    def memories(self) -> dict[Approach, Memory]:
        """What they remember of this jam."""
        return {name: each.memory for name, each in self._improvisers.items() if each.memory is not None}

    def add(
        self, note: Note, *, heard_by: Improviser | None = None, begins_phrase: bool = False, learn: bool = True
    ) -> None:
        """A note sounds, and all but `heard_by`, who knows of it, will hear it, and with `learn` remember it."""
        self._remembered.append((note, learn))
        self._sounded += 1
        for improviser in self._improvisers.values():
            if improviser is not heard_by:
                self._unheard.append(_Unheard(improviser, note, learn, begins_phrase))

    def add_missed(self, improviser: Improviser, notes: Sequence[Note]) -> None:
        """This one has missed some notes of the player's that the others know of."""
        self._unheard.extend(_Unheard(improviser, note) for note in notes)

    def feed_next(self) -> None:
        """The next note, by one of them."""
        unheard = self._unheard.popleft()
        if unheard.begins_phrase:
            self._before_phrase[unheard.improviser.approach] = unheard.improviser.snapshot(), self._sounded
        unheard.improviser.hear(unheard.note, learn=unheard.learn)

    def forget(self) -> None:
        """All forget what was played so far, what they have yet to hear of it, too."""
        self._before_phrase.clear()
        self._remembered = deque(((note, False) for note, _ in self._remembered), maxlen=REMEMBERED_NOTES)
        self._unheard = deque(replace(unheard, learn=False) for unheard in self._unheard)
        for improviser in self._improvisers.values():
            improviser.forget()

    def replace_phrase(self, notes: Sequence[Note]) -> None:
        """The phrase of late was another one: all forget what they know of it, and hear these notes instead.

        To be called when all has been heard that was played, and nothing since the phrase.
        """
        for approach, (before, sounded) in self._before_phrase.items():
            # Further back than this no memory goes; then it stays as it was heard.
            if self._sounded - sounded <= MOST_NOTES_HEARD_AGAIN:
                self._improvisers[approach].restore(before)
                self.add_missed(self._improvisers[approach], notes)
        for _ in range(min(len(notes), len(self._remembered))):
            self._remembered.pop()
        self._remembered.extend((note, True) for note in notes)

    def forget_phrase_start(self, improviser: Improviser) -> None:
        """A phrase began in the middle of its answer, so it does not know where."""
        self._before_phrase.pop(improviser.approach, None)

    def replace_improvisers(self, improvisers: Mapping[Approach, Improviser], answering: Improviser | None) -> None:
        """Others take over, and are told what was played lately; `answering` is still to hear what it has not."""
        before, self._improvisers = self._improvisers, dict(improvisers)
        self._before_phrase.clear()
        handed_over = _hand_over(before, self._improvisers)
        self._unheard = deque(unheard for unheard in self._unheard if unheard.improviser is answering)
        for note, learn in self._remembered:
            for improviser in self._improvisers.values():
                self._unheard.append(_Unheard(improviser, note, learn and improviser.approach not in handed_over))


def _hand_over(before: Mapping[Approach, Improviser], after: Mapping[Approach, Improviser]) -> set[Approach]:
    """Memories go on with whoever speaks the same vocabulary; for which approaches they do."""
    handed_over: set[Approach] = set()
    for approach, improviser in after.items():
        old, new = before[approach].memory, improviser.memory
        mark = before[approach].snapshot().memory
        if old is not None and new is not None and mark is not None and old.vocabulary == new.vocabulary:
            old.restore(mark)
            improviser.remember(old)
            handed_over.add(approach)
    return handed_over
