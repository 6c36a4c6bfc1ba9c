"""One trained network at play: what it has heard, and what it would play next; knows no clock, no port, no file.

The two approaches differ in how a line goes on from a token; each is a class of its own over one base.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile
from random import Random
from typing import Protocol

import numpy as np

from model.approach import Approach
from model.defaults import FITTED_STRENGTH
from model.engines.engine import Engine, EngineState, Logits
from model.improvising.novelty import Novelty
from model.improvising.rhythm import Rhythm
from model.improvising.sampling import as_probabilities, draw, probabilities
from model.memory.memory import Memory
from model.memory.memory_mark import MemoryMark
from model.notes import CHORD_BEATS, HAIR_BEATS, MAX_CHORD_NOTES, SHORTEST_NOTE_BEATS, Note
from model.tokens.vocabulary import START, Cursor, EventVocabulary, Mask, PitchVocabulary, Vocabulary

# Where the model is silent about a note's length: no note of an answer is held longer than a bar of four.
LONGEST_NOTE_BEATS = 4.0
# As many onsets of an answer as novelty looks back at, and more.
TOPS_KEPT = 64
# Loudness is neither model's business; whoever plays the plan sets it.
PLANNED_VELOCITY = 80


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that an improviser has heard, as one value: the network's state, its forecast, where the line stands, and its memory."""

    engine: EngineState
    logits: Logits
    cursor: Cursor
    memory: MemoryMark | None = None


@dataclass(frozen=True, slots=True)
class PlannedNote:
    """A note of an answer that has not sounded, and what the improviser will have heard once it has.

    `from_memory` is how much of its probability came from what was heard in this jam, from 0 to 1.
    """

    note: Note
    after: Snapshot
    from_memory: float = 0.0


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How to choose among what the network foretells.

    `temperature` divides the logits; `top_p` keeps the likeliest tokens that together hold so much probability.
    Only `pitches` are played, as far as there are any that can be. In approach 1 notes come every `step_beats`, or in
    a `rhythm` whose period begins at `rhythm_from_beats`; in approach 2 the time between them is `time_scale` times what
    was learnt, and at most `max_chord` sound together. In the last `closing_beats` of an answer no note begins, so that
    it ends on one that is held.

    `memory` is how much what was heard in this jam has a say, from 0, the network alone, to 1; with `learns`, what is
    played is remembered, too. `novelty` bounds how much of the player's is repeated, given the highest pitch of each
    onset that the answer has `played` so far.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    step_beats: float = 0.5
    rhythm: Rhythm | None = None
    rhythm_from_beats: float = 0.0
    time_scale: float = 1.0
    max_chord: int = MAX_CHORD_NOTES
    pitches: frozenset[int] | None = None
    closing_beats: float = 0.0
    memory: float = FITTED_STRENGTH
    learns: bool = False
    novelty: Novelty | None = None
    played: tuple[int, ...] = ()


class Improviser(Protocol):
    """What a jam needs of either approach."""

    @property
    def approach(self) -> Approach: ...

    @property
    def memory(self) -> Memory | None:
        """What it remembers of this jam; None where it has no memory."""
        ...

    def hear(self, note: Note, *, learn: bool = True) -> None:
        """Steps the state by a note that has just begun to sound; its duration may still be unknown.

        Without `learn` it is heard and not remembered.
        """
        ...

    def forget(self) -> None:
        """Forgets what was played in this jam; where the line stands, it knows."""
        ...

    def remember(self, memory: Memory) -> None:
        """Remembers what this memory does, which is of the same vocabulary, and nothing else."""
        ...

    def snapshot(self) -> Snapshot: ...

    def restore(self, snapshot: Snapshot) -> None: ...

    def compose(
        self, start_beats: float, until_beats: float, taste: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        """Notes that continue what was heard: the first at `start_beats`, all ended by `until_beats`.

        Lazy: each note costs its steps when it is asked for. What the improviser has heard stays as it is.
        """
        ...


class _Listener:
    """Hearing, which both approaches do alike."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary, memory: Memory | None) -> None:
        self._engine = engine
        self._spelling = vocabulary
        self.memory = memory
        logits, state = engine.step(START, engine.initial())
        self._now = Snapshot(state, logits, Cursor(), _mark(memory))

    def hear(self, note: Note, *, learn: bool = True) -> None:
        tokens, cursor = self._spelling.spell(note, self._now.cursor)
        self._now = self._stepped(self._now, tokens, cursor, learn=learn)

    def forget(self) -> None:
        if self.memory is not None:
            self.memory.forget()
            self._now = replace(self._now, memory=self.memory.snapshot())

    def remember(self, memory: Memory) -> None:
        if self.memory is not None:
            self.memory.remember(memory.contexts())
            self._now = replace(self._now, memory=self.memory.snapshot())

    def snapshot(self) -> Snapshot:
        return self._now

    def restore(self, snapshot: Snapshot) -> None:
        self._now = snapshot

    def _stepped(self, snapshot: Snapshot, tokens: tuple[int, ...], cursor: Cursor, *, learn: bool) -> Snapshot:
        state, logits = snapshot.engine, snapshot.logits
        memory = self._memory_at(snapshot)
        for token in tokens:
            logits, state = self._engine.step(token, state)
            if memory is not None:
                memory.hear(token, learn=learn)
        return Snapshot(state, logits, cursor, _mark(memory))

    def _chosen(self, now: Snapshot, allowed: Mask, taste: SamplingSettings, random: Random) -> tuple[int, float]:
        """One of the allowed tokens, and how much of its probability came from memory."""
        memory = self._memory_at(now) if taste.memory > 0.0 else None
        if memory is None:
            return draw(probabilities(now.logits, taste.temperature, taste.top_p, allowed), random.random()), 0.0
        mixed = memory.mix(as_probabilities(now.logits), taste.memory)
        with np.errstate(divide="ignore"):  # what can never come has no logarithm
            logits = np.log(mixed.p)
        token = draw(probabilities(logits, taste.temperature, taste.top_p, allowed), random.random())
        return token, mixed.share(token)

    def _memory_at(self, snapshot: Snapshot) -> Memory | None:
        """The memory as it stood then: it goes to and fro with what is planned."""
        if self.memory is not None and snapshot.memory is not None:
            self.memory.restore(snapshot.memory)
        return self.memory


def _mark(memory: Memory | None) -> MemoryMark | None:
    return None if memory is None else memory.snapshot()


def _narrowed(allowed: Mask, wanted: Mask | None) -> Mask:
    """What is wanted of what is allowed, or where that is nothing, all of it."""
    both = allowed if wanted is None else allowed & wanted
    return both if both.any() else allowed


def _fresh(allowed: Mask, pitches: Sequence[int], tops: Sequence[int], taste: SamplingSettings) -> Mask:
    """What does not repeat too much of the player's."""
    return allowed if taste.novelty is None else taste.novelty.mask(allowed, pitches, tops)


class PitchImproviser(_Listener):
    """Approach 1: one pitch after another, in a rhythm that is given: `step_beats` apart and as long, or a phrase's."""

    approach: Approach = "pitch"

    def __init__(self, engine: Engine, vocabulary: PitchVocabulary, memory: Memory | None = None) -> None:
        super().__init__(engine, vocabulary, memory)
        self._vocabulary = vocabulary

    def compose(
        self, start_beats: float, until_beats: float, taste: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        words = self._vocabulary
        wanted = None if taste.pitches is None else words.playing(taste.pitches)
        rhythm, from_beats = taste.rhythm, taste.rhythm_from_beats
        if rhythm is None:
            rhythm, from_beats = Rhythm.fixed(taste.step_beats), start_beats
        beats = dropwhile(lambda beat: beat[0] < start_beats - HAIR_BEATS, rhythm.unroll(from_beats, start_beats))
        now, tops = self._now, list(taste.played)
        onset_beats, duration_beats = next(beats)
        while onset_beats <= until_beats - SHORTEST_NOTE_BEATS:
            allowed = _fresh(_narrowed(words.playable, wanted), words.pitches, tops, taste)
            token, from_memory = self._chosen(now, allowed, taste, random)
            pitch = words.pitch(token)
            tops.append(pitch)
            del tops[:-TOPS_KEPT]
            now = self._stepped(now, (token,), Cursor(onset_beats, (pitch,)), learn=taste.learns)
            next_beats, next_duration_beats = next(beats)
            ends = _is_last(next_beats, until_beats, taste)
            end_beats = until_beats if ends and taste.rhythm is None else onset_beats + duration_beats
            end_beats = min(end_beats, until_beats)
            yield PlannedNote(Note(pitch, onset_beats, end_beats - onset_beats, PLANNED_VELOCITY), now, from_memory)
            if ends:
                return
            onset_beats, duration_beats = next_beats, next_duration_beats


class EventImproviser(_Listener):
    """Approach 2: notes and the time between them, as learnt; a note lasts until the next onset."""

    approach: Approach = "event"

    def __init__(self, engine: Engine, vocabulary: EventVocabulary, memory: Memory | None = None) -> None:
        super().__init__(engine, vocabulary, memory)
        self._vocabulary = vocabulary

    def compose(
        self, start_beats: float, until_beats: float, taste: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        words = self._vocabulary
        wanted = None if taste.pitches is None else words.playing(taste.pitches)
        # The rest before the first note is told to the network like any other; then a note must come. However
        # soon it comes, it is a new onset, and none of the chord that was heard last.
        last_beats = self._now.cursor.onset_beats
        told_beats = start_beats if last_beats is None else max(start_beats, last_beats + CHORD_BEATS)
        rest = words.wait(told_beats, self._now.cursor)
        now = self._stepped(self._now, rest, Cursor(start_beats), learn=taste.learns)
        onset_beats, tops = start_beats, list(taste.played)
        chord: list[tuple[int, float, Snapshot]] = []
        while onset_beats <= until_beats - SHORTEST_NOTE_BEATS:
            allowed = _narrowed(words.allowed(now.cursor.chord, taste.max_chord), wanted)
            if not chord:
                allowed = _fresh(allowed, words.pitches, tops, taste)
            token, from_memory = self._chosen(now, allowed, taste, random)
            if words.is_time(token):
                next_beats = onset_beats + words.shift(token) * taste.time_scale
                if _is_last(next_beats, until_beats, taste):
                    next_beats = until_beats
                yield from _sounded(chord, onset_beats, next_beats)
                tops.append(max(pitch for pitch, *_ in chord))
                del tops[:-TOPS_KEPT]
                chord.clear()
                onset_beats = next_beats
                now = self._stepped(now, (token,), Cursor(onset_beats), learn=taste.learns)
            else:
                pitch = words.pitch(token)
                cursor = Cursor(onset_beats, (*now.cursor.chord, pitch))
                now = self._stepped(now, (token,), cursor, learn=taste.learns)
                chord.append((pitch, from_memory, now))


def _is_last(next_beats: float, until_beats: float, taste: SamplingSettings) -> bool:
    """Whether a note is an answer's last: none begins where it would be cut short, or the answer is closing."""
    return next_beats > until_beats - max(SHORTEST_NOTE_BEATS, taste.closing_beats) + HAIR_BEATS


def _sounded(chord: list[tuple[int, float, Snapshot]], onset_beats: float, end_beats: float) -> Iterator[PlannedNote]:
    duration_beats = min(end_beats - onset_beats, LONGEST_NOTE_BEATS)
    for pitch, from_memory, after in chord:
        yield PlannedNote(Note(pitch, onset_beats, duration_beats, PLANNED_VELOCITY), after, from_memory)


def improviser(
    engine: Engine, vocabulary: PitchVocabulary | EventVocabulary, memory: Memory | None = None
) -> Improviser:
    """The improviser of the vocabulary's approach; without a memory it knows what the network does."""
    if isinstance(vocabulary, EventVocabulary):
        return EventImproviser(engine, vocabulary, memory)
    return PitchImproviser(engine, vocabulary, memory)
