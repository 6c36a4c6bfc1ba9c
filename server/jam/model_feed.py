"""Feeds the models each note that sounds, in order; knows no messages and no clock.

Hearing a note is model work, so notes wait in a queue, and each call feeds one note to one model.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from model.analysis.bars import Bars
from model.approach import Approach
from model.harmony.changes import Changes
from model.improvising.improviser import Improviser, Snapshot
from model.memory.memory import Memory
from model.notes import Note

# How many of the latest notes a pack hears when it is loaded.
RECENT_NOTES_KEPT = 128
# A memory goes back 2,048 tokens, and a note of either side takes two or three.
MAX_NOTES_HEARD_AGAIN = 512


@dataclass(frozen=True, slots=True)
class _PendingNote:
    improviser: Improviser
    note: Note
    bars: Bars | None = None
    learn: bool = True
    begins_phrase: bool = False
    changes: Changes | None = None
    transpose: int = 0


class ModelFeed:
    """The improvisers, by approach, and the notes that each of them has yet to hear."""

    def __init__(self, improvisers: Mapping[Approach, Improviser]) -> None:
        self._improvisers = dict(improvisers)
        self._pending: deque[_PendingNote] = deque()
        self._recent: deque[tuple[Note, bool]] = deque(maxlen=RECENT_NOTES_KEPT)  # each with whether it is learnt
        # Each model before the phrase began, with how many notes had sounded by then.
        self._before_phrase: dict[Approach, tuple[Snapshot, int]] = {}
        self._sounded_count = 0
        self.changes: Changes | None = None
        """The chords that notes are played over from now on; None where none are known."""

    def __getitem__(self, approach: Approach) -> Improviser:
        return self._improvisers[approach]

    @property
    def has_pending(self) -> bool:
        """Whether any model has yet to hear a note."""
        return bool(self._pending)

    @property
    def memories(self) -> dict[Approach, Memory]:
        """What the models remember of this jam, by approach; an approach without a memory is left out."""
        return {name: each.memory for name, each in self._improvisers.items() if each.memory is not None}

    def add(
        self,
        note: Note,
        bars: Bars | None = None,
        *,
        heard_by: Improviser | None = None,
        begins_phrase: bool = False,
        learn: bool = True,
        transpose: int = 0,
    ) -> None:
        """A note sounds in these bars: every model will hear it, except `heard_by`, which has; with `learn` they remember it.

        It sounds `transpose` semitones above its pitch.
        """
        self._recent.append((note, learn))
        self._sounded_count += 1
        for improviser in self._improvisers.values():
            if improviser is not heard_by:
                self._pending.append(
                    _PendingNote(improviser, note, bars, learn, begins_phrase, self.changes, transpose)
                )

    def add_missed(self, improviser: Improviser, notes: Sequence[Note], bars: Bars | None) -> None:
        """Adds notes of the player's, in these bars, that only this model has missed."""
        self._pending.extend(_PendingNote(improviser, note, bars, changes=self.changes) for note in notes)

    def feed_next(self) -> None:
        """One model hears the next pending note; there must be one."""
        pending = self._pending.popleft()
        if pending.begins_phrase:
            self._before_phrase[pending.improviser.approach] = pending.improviser.snapshot(), self._sounded_count
        pending.improviser.hear(
            pending.note, pending.bars, learn=pending.learn, changes=pending.changes, transpose=pending.transpose
        )

    def forget(self) -> None:
        """All models forget what was played so far; pending notes will be heard and not remembered."""
        self._before_phrase.clear()
        self._recent = deque(((note, False) for note, _ in self._recent), maxlen=RECENT_NOTES_KEPT)
        self._pending = deque(replace(pending, learn=False) for pending in self._pending)
        for improviser in self._improvisers.values():
            improviser.forget()

    def replace_phrase(self, notes: Sequence[Note], bars: Bars | None) -> None:
        """The latest phrase gets other beats: all models go back to its beginning and will hear these notes instead.

        To be called when nothing is pending and nothing has sounded since the phrase.
        """
        for approach, (before, sounded_count) in self._before_phrase.items():
            # No memory goes back further than this; beyond it the phrase stays as it was heard.
            if self._sounded_count - sounded_count <= MAX_NOTES_HEARD_AGAIN:
                self._improvisers[approach].restore(before)
                self.add_missed(self._improvisers[approach], notes, bars)
        for _ in range(min(len(notes), len(self._recent))):
            self._recent.pop()
        self._recent.extend((note, True) for note in notes)

    def forget_phrase_start(self, improviser: Improviser) -> None:
        """A phrase began while this model was composing an answer, so there is no state to go back to."""
        self._before_phrase.pop(improviser.approach, None)

    @property
    def sounded_notes(self) -> tuple[int, tuple[tuple[Note, bool], ...]]:
        """How many notes have sounded, and the latest of them, each with whether a model should learn it."""
        return self._sounded_count, tuple(self._recent)

    def replace_improvisers(
        self, improvisers: Mapping[Approach, Improviser], answering: Improviser | None, heard_count: int = 0
    ) -> None:
        """Replaces the models. The new ones will get the latest notes, except the first `heard_count` notes of all.

        `answering` still gets what is pending for it.
        """
        before, self._improvisers = self._improvisers, dict(improvisers)
        self._before_phrase.clear()
        handed_over = _hand_over_memories(before, self._improvisers)
        self._pending = deque(pending for pending in self._pending if pending.improviser is answering)
        unheard_count = min(self._sounded_count - heard_count, len(self._recent))
        for note, learn in list(self._recent)[len(self._recent) - unheard_count :]:
            for improviser in self._improvisers.values():
                learn_it = learn and improviser.approach not in handed_over
                self._pending.append(_PendingNote(improviser, note, learn=learn_it))


def _hand_over_memories(before: Mapping[Approach, Improviser], after: Mapping[Approach, Improviser]) -> set[Approach]:
    """Gives each memory to the new model if that has the same vocabulary; returns the approaches for which it did."""
    handed_over: set[Approach] = set()
    for approach, improviser in after.items():
        old, new = before[approach].memory, improviser.memory
        mark = before[approach].snapshot().memory
        if old is not None and new is not None and mark is not None and new.is_like(old):
            old.restore(mark)
            improviser.load_memory(old)
            handed_over.add(approach)
    return handed_over
