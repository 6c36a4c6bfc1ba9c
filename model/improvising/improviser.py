"""The interface of an improviser, one trained network that hears notes and composes what comes next; knows no clock, no port and no file."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Protocol

from model.analysis.bars import Bars
from model.approach import Approach
from model.engines.engine import EngineState, Logits
from model.harmony.changes import Changes
from model.harmony.preference.song_strengths import SongListener
from model.improvising.sampling_settings import SamplingSettings
from model.memory.memory import Memory
from model.memory.memory_mark import MemoryMark
from model.notes import Note
from model.phrasing.phrasing import Phrasing
from model.tokens.vocabulary import Cursor

# Neither model knows loudness; the caller that plays the plan sets it.
PLANNED_VELOCITY = 80


@dataclass(slots=True)  # not frozen, as one is made for every token; none is ever changed
class Snapshot:
    """Everything an improviser has heard, as one value: network state, forecast, place in the music, and place in its memory.

    `logits` is the forecast of the next token. `memory` is None for an improviser without a memory, and `song` (how closely the heard notes
    kept to the chords) None before the first note over a chord.
    """

    engine_state: EngineState
    logits: Logits
    cursor: Cursor
    memory: MemoryMark | None = None
    song: SongListener | None = None


@dataclass(slots=True)  # not frozen, as a snapshot is not
class PlannedNote:
    """A note of an answer that has not sounded yet, and the snapshot that holds once it has sounded.

    `memory_share` is the part of the note's probability that came from what was heard in this jam, from 0 to 1. `fills_gap` is true
    where the note lasts until the next onset only because nothing says how long it lasts. `is_last` is true of the notes that end the
    answer.
    """

    note: Note
    after: Snapshot
    memory_share: float = 0.0
    fills_gap: bool = True
    is_last: bool = False


class Improviser(Protocol):
    """The interface of an improviser, as a jam uses it; there is one class for each approach.

    Used from one thread at a time (in a jam the music thread); no method waits for anything. `hear` and each note taken
    from `compose` cost a few steps of the network, of about 0.1 ms each on a CPU; everything else is cheap. The
    methods may be called in any order. Both raise BrokenForecast where the network's forecast is not a number; the
    state of the improviser is then what it was before the call, so it goes on as soon as the network's forecasts are
    numbers again.
    """

    @property
    def approach(self) -> Approach:
        """`pitch` or `event`."""
        ...

    @property
    def memory(self) -> Memory | None:
        """What it remembers of this jam; None where it has no memory."""
        ...

    @property
    def phrasing(self) -> Phrasing:
        """What its pack knows of touch and phrase ends."""
        ...

    def hear(
        self,
        note: Note,
        bars: Bars | None = None,
        *,
        learn: bool = True,
        changes: Changes | None = None,
        transpose: int = 0,
    ) -> None:
        """Steps the network by a note that has just begun to sound; `bars` says where bars begin, None where that is not known.

        `changes` are the chords that it is played over, None for none; it sounds `transpose` semitones above its pitch.
        Notes come in the order of their onsets. Only pitch and onset count: the duration may still be 0.0, as the note
        is still held. Without `learn` the network hears the note, but the memory does not keep it, and it does not say how closely the song
        keeps to its chords.
        """
        ...

    def forget(self) -> None:
        """Empties the memory of this jam, and forgets how closely it kept to its chords. The state of the network and the place in the music stay."""
        ...

    def load_memory(self, memory: Memory) -> None:
        """Replaces what it remembers by the content of `memory`, which must be of an equal vocabulary.

        Does nothing where it has no memory.
        """
        ...

    def snapshot(self) -> Snapshot:
        """What was heard so far, to go back to with `restore`. Never changes once it is handed out."""
        ...

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back, or forward, to a snapshot of this improviser: `snapshot()`, or `after` of a planned note.

        A later `hear`, or a note of a later `compose`, raises ValueError where the memory would have to go back more than
        `model.memory.memory.MAX_UNDO` tokens.
        """
        ...

    def compose(
        self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        """Yields notes that continue what was heard: the first at `start_beats`, all ended by `until_beats`.

        Both are absolute beats, the same that onsets of heard notes are in. The notes come in the order of their onsets;
        there is none where no note fits in. The iterator is lazy: nothing is computed before the first `next`, and
        each note costs its network steps when it is taken. Composing does not change what the improviser has heard:
        restore `after` of a note once it has sounded. Calls of `hear` and `restore` between two notes do not change
        the answer. The same settings, state and `random` give the same notes.
        """
        ...
