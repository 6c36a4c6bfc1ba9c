"""One trained network at play: what it has heard, and what it would play next; knows no clock, no port, no file.

The two approaches differ in how a line goes on from a token; each is a class of its own over one base.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile
from random import Random
from typing import Protocol

from model.approach import Approach
from model.engine import Engine, EngineState
from model.notes import CHORD_BEATS, HAIR_BEATS, MAX_CHORD_NOTES, SHORTEST_NOTE_BEATS, Note
from model.rhythm import Rhythm
from model.sampling import Logits, draw, probabilities
from model.vocabulary import START, Cursor, EventVocabulary, Mask, PitchVocabulary, Vocabulary

# Where the model is silent about a note's length: no note of an answer is held longer than a bar of four.
LONGEST_NOTE_BEATS = 4.0
# Loudness is neither model's business; whoever plays the plan sets it.
PLANNED_VELOCITY = 80


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that an improviser has heard, as one value: the network's state, its forecast, and where the line stands."""

    engine: EngineState
    logits: Logits
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Planned:
    """A note of an answer that has not sounded, and what the improviser will have heard once it has."""

    note: Note
    after: Snapshot


@dataclass(frozen=True, slots=True)
class Taste:
    """How to choose among what the network foretells.

    `temperature` divides the logits; `top_p` keeps the likeliest tokens that together hold so much probability.
    Only `pitches` are played, as far as there are any that can be. In approach 1 notes come every `step_beats`, or in
    a `rhythm` whose period begins at `rhythm_from_beats`; in approach 2 the time between them is `time_scale` times what
    was learnt, and at most `max_chord` sound together. In the last `closing_beats` of an answer no note begins, so that
    it ends on one that is held.
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


class Improviser(Protocol):
    """What a jam needs of either approach."""

    @property
    def approach(self) -> Approach: ...

    def hear(self, note: Note) -> None:
        """Steps the state by a note that has just begun to sound; its duration may still be unknown."""
        ...

    def snapshot(self) -> Snapshot: ...

    def restore(self, snapshot: Snapshot) -> None: ...

    def compose(self, start_beats: float, until_beats: float, taste: Taste, random: Random) -> Iterator[Planned]:
        """Notes that continue what was heard: the first at `start_beats`, all ended by `until_beats`.

        Lazy: each note costs its steps when it is asked for. What the improviser has heard stays as it is.
        """
        ...


class _Listener:
    """Hearing, which both approaches do alike."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary) -> None:
        self._engine = engine
        self._spelling = vocabulary
        logits, state = engine.step(START, engine.initial())
        self._now = Snapshot(state, logits, Cursor())

    def hear(self, note: Note) -> None:
        tokens, cursor = self._spelling.spell(note, self._now.cursor)
        self._now = self._stepped(self._now, tokens, cursor)

    def snapshot(self) -> Snapshot:
        return self._now

    def restore(self, snapshot: Snapshot) -> None:
        self._now = snapshot

    def _stepped(self, snapshot: Snapshot, tokens: tuple[int, ...], cursor: Cursor) -> Snapshot:
        state, logits = snapshot.engine, snapshot.logits
        for token in tokens:
            logits, state = self._engine.step(token, state)
        return Snapshot(state, logits, cursor)

    def _chosen(self, logits: Logits, allowed: Mask, wanted: Mask | None, taste: Taste, random: Random) -> int:
        """A token that is allowed, and wanted too where there is one."""
        both = allowed if wanted is None else allowed & wanted
        p = probabilities(logits, taste.temperature, taste.top_p, both if both.any() else allowed)
        return draw(p, random.random())


class PitchImproviser(_Listener):
    """Approach 1: one pitch after another, in a rhythm that is given: `step_beats` apart and as long, or a phrase's."""

    approach: Approach = "pitch"

    def __init__(self, engine: Engine, vocabulary: PitchVocabulary) -> None:
        super().__init__(engine, vocabulary)
        self._vocabulary = vocabulary

    def compose(self, start_beats: float, until_beats: float, taste: Taste, random: Random) -> Iterator[Planned]:
        words = self._vocabulary
        wanted = None if taste.pitches is None else words.playing(taste.pitches)
        rhythm, from_beats = taste.rhythm, taste.rhythm_from_beats
        if rhythm is None:
            rhythm, from_beats = Rhythm.fixed(taste.step_beats), start_beats
        beats = dropwhile(lambda beat: beat[0] < start_beats - HAIR_BEATS, rhythm.unroll(from_beats))
        now = self._now
        onset_beats, duration_beats = next(beats)
        while onset_beats <= until_beats - SHORTEST_NOTE_BEATS:
            token = self._chosen(now.logits, words.playable, wanted, taste, random)
            pitch = words.pitch(token)
            now = self._stepped(now, (token,), Cursor(onset_beats, (pitch,)))
            next_beats, next_duration_beats = next(beats)
            ends = _is_last(next_beats, until_beats, taste)
            end_beats = until_beats if ends and taste.rhythm is None else onset_beats + duration_beats
            end_beats = min(end_beats, until_beats)
            yield Planned(Note(pitch, onset_beats, end_beats - onset_beats, PLANNED_VELOCITY), now)
            if ends:
                return
            onset_beats, duration_beats = next_beats, next_duration_beats


class EventImproviser(_Listener):
    """Approach 2: notes and the time between them, as learnt; a note lasts until the next onset."""

    approach: Approach = "event"

    def __init__(self, engine: Engine, vocabulary: EventVocabulary) -> None:
        super().__init__(engine, vocabulary)
        self._vocabulary = vocabulary

    def compose(self, start_beats: float, until_beats: float, taste: Taste, random: Random) -> Iterator[Planned]:
        words = self._vocabulary
        wanted = None if taste.pitches is None else words.playing(taste.pitches)
        # The rest before the first note is told to the network like any other; then a note must come. However
        # soon it comes, it is a new onset, and none of the chord that was heard last.
        last_beats = self._now.cursor.onset_beats
        told_beats = start_beats if last_beats is None else max(start_beats, last_beats + CHORD_BEATS)
        now = self._stepped(self._now, words.wait(told_beats, self._now.cursor), Cursor(start_beats))
        onset_beats = start_beats
        chord: list[tuple[int, Snapshot]] = []
        while onset_beats <= until_beats - SHORTEST_NOTE_BEATS:
            allowed = words.allowed(now.cursor.chord, taste.max_chord)
            token = self._chosen(now.logits, allowed, wanted, taste, random)
            if words.is_time(token):
                next_beats = onset_beats + words.shift(token) * taste.time_scale
                if _is_last(next_beats, until_beats, taste):
                    next_beats = until_beats
                yield from _sounded(chord, onset_beats, next_beats)
                chord.clear()
                onset_beats = next_beats
                now = self._stepped(now, (token,), Cursor(onset_beats))
            else:
                pitch = words.pitch(token)
                now = self._stepped(now, (token,), Cursor(onset_beats, (*now.cursor.chord, pitch)))
                chord.append((pitch, now))


def _is_last(next_beats: float, until_beats: float, taste: Taste) -> bool:
    """Whether a note is an answer's last: none begins where it would be cut short, or the answer is closing."""
    return next_beats > until_beats - max(SHORTEST_NOTE_BEATS, taste.closing_beats) + HAIR_BEATS


def _sounded(chord: list[tuple[int, Snapshot]], onset_beats: float, end_beats: float) -> Iterator[Planned]:
    duration_beats = min(end_beats - onset_beats, LONGEST_NOTE_BEATS)
    for pitch, after in chord:
        yield Planned(Note(pitch, onset_beats, duration_beats, PLANNED_VELOCITY), after)


def improviser(engine: Engine, vocabulary: PitchVocabulary | EventVocabulary) -> Improviser:
    """The improviser of the vocabulary's approach."""
    if isinstance(vocabulary, EventVocabulary):
        return EventImproviser(engine, vocabulary)
    return PitchImproviser(engine, vocabulary)
