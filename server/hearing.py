"""What the models are told of what sounds, note by note in the order in which it does; knows no messages and no clock.

To hear a note is a model's work, so it waits as such, and is done one note of one model at a time.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from model.approach import Approach
from model.improviser import Improviser, Snapshot
from model.notes import Note

# What a newly seated pack is told of what came before.
REMEMBERED_NOTES = 128


class Hearing:
    """The improvisers, and what each of them has yet to hear."""

    def __init__(self, improvisers: Mapping[Approach, Improviser]) -> None:
        self._improvisers = dict(improvisers)
        self._unheard: deque[tuple[Improviser, Note, bool]] = deque()
        self._remembered: deque[Note] = deque(maxlen=REMEMBERED_NOTES)
        self._before_phrase: dict[Approach, Snapshot] = {}

    def __getitem__(self, approach: Approach) -> Improviser:
        return self._improvisers[approach]

    @property
    def waiting(self) -> bool:
        """Whether there is anything to hear."""
        return bool(self._unheard)

    def add(self, note: Note, *, heard_by: Improviser | None = None, begins_phrase: bool = False) -> None:
        """A note sounds, and all but `heard_by`, who knows of it, will hear it."""
        self._remembered.append(note)
        for improviser in self._improvisers.values():
            if improviser is not heard_by:
                self._unheard.append((improviser, note, begins_phrase))

    def add_for(self, improviser: Improviser, notes: Sequence[Note]) -> None:
        """This one has missed some notes that the others know of."""
        self._unheard.extend((improviser, note, False) for note in notes)

    def hear_one(self) -> None:
        """The next note, by one of them."""
        improviser, note, begins_phrase = self._unheard.popleft()
        if begins_phrase:
            self._before_phrase[improviser.approach] = improviser.snapshot()
        improviser.hear(note)

    def hear_phrase_again(self, notes: Sequence[Note]) -> None:
        """The phrase of late was another one: all forget what they know of it, and hear these notes instead.

        To be called when all has been heard that was played, and nothing since the phrase.
        """
        for approach, before in self._before_phrase.items():
            self._improvisers[approach].restore(before)
            self.add_for(self._improvisers[approach], notes)
        for _ in range(min(len(notes), len(self._remembered))):
            self._remembered.pop()
        self._remembered.extend(notes)

    def seat(self, improvisers: Mapping[Approach, Improviser], answering: Improviser | None) -> None:
        """Others take over, and are told what was played lately; `answering` is still to hear what it has not."""
        self._improvisers = dict(improvisers)
        self._before_phrase.clear()
        self._unheard = deque(item for item in self._unheard if item[0] is answering)
        for note in self._remembered:
            for improviser in self._improvisers.values():
                self._unheard.append((improviser, note, False))
