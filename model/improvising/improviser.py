"""One trained network that improvises: it hears notes and composes what comes next; knows no clock, no port and no file.

The two approaches differ in how a token continues the music. Each has a class over one base class.
"""

from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass, replace
from itertools import dropwhile
from math import exp, isfinite
from random import Random
from typing import Generic, Protocol, TypeVar

import numpy as np

from model.analysis.bars import Bars
from model.approach import Approach
from model.engines.engine import Engine, EngineState, Logits
from model.errors import BrokenForecast
from model.harmony.changes import Changes, place_among
from model.harmony.preference.chord_preference import ChordPreference
from model.harmony.preference.song_strengths import SongListener
from model.improvising.closing import latest_onset_beats
from model.improvising.forecast import Forecast
from model.improvising.forecast_point import ForecastPoint
from model.improvising.rhythm import Rhythm
from model.improvising.sampling import HARMLESS_SQUARES, ones, within_reach
from model.improvising.sampling_settings import SamplingSettings
from model.improvising.varied_rhythm import VariedRhythm
from model.memory.backoff import with_odds
from model.memory.context_levels import OUTSIDE
from model.memory.memory import Memory
from model.memory.memory_mark import MemoryMark
from model.notes import CHORD_BEATS, ROUNDING_BEATS, SHORTEST_NOTE_BEATS, Note, create_note
from model.phrasing.phrasing import PLAIN, Phrasing
from model.tokens.vocabulary import START, Cursor, EventVocabulary, PitchVocabulary, Vocabulary

# The model does not forecast how long a note lasts. No note of an answer is held longer than this, a bar of 4/4.
LONGEST_NOTE_BEATS = 4.0
# More onsets of an answer than `novelty` ever looks back at.
MAX_OUTLINE_ONSETS = 64
# Neither model knows loudness; the caller that plays the plan sets it.
PLANNED_VELOCITY = 80
# In an answer the contexts of a memory leave this share of the odds, that forecasts best, to the network where a time may come. So three in four rhythms of the
# phrase come back at their place in the bar, somewhat more than people bring back; see docs/memory.md.
TIME_ODDS = 0.22


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


V = TypeVar("V", bound=Vocabulary)


class _BaseImproviser(Generic[V]):
    """Hearing and sampling, which both approaches do alike."""

    approach: Approach

    def __init__(
        self,
        engine: Engine,
        vocabulary: V,
        memory: Memory | None = None,
        phrasing: Phrasing = PLAIN,
        chord_preference: ChordPreference | None = None,
    ) -> None:
        self._engine, self.phrasing = engine, phrasing
        self._chord_preference = chord_preference
        self._vocabulary, self._pitches = vocabulary, np.array(vocabulary.pitches, np.int64)
        self.memory = memory
        self._ones = ones(vocabulary.size)
        # The weights of one draw, and those of the memory's symbols in it as numbers, which are read and written in a third of the time.
        self._weights = np.empty(vocabulary.size)
        self._weight_of: MutableSequence[float] = memoryview(self._weights)[1:]  # type: ignore[arg-type, assignment]
        logits, state = self._step(START, engine.initial_state())
        self._current = Snapshot(state, logits, Cursor(), _mark(memory))

    def hear(
        self,
        note: Note,
        bars: Bars | None = None,
        *,
        learn: bool = True,
        changes: Changes | None = None,
        transpose: int = 0,
    ) -> None:
        current, memory = self._current, self._memory_at(self._current)
        tokens, cursor = self._vocabulary.encode_note(note, current.cursor)
        state, logits = current.engine_state, current.logits
        forecast = logits
        for token in tokens:
            forecast = logits
            logits, state = self._step(token, state)
        song = current.song
        if learn and changes is not None and len(cursor.chord) == 1:
            song = self._hear_over_chords(current, forecast, tokens[-1], note.onset_beats, changes, transpose)
        if memory is not None:
            place = None if bars is None else bars.grid_place(note.onset_beats)
            if len(tokens) == 2:  # a time, which stands at the onset before it, and then the note
                before_beats = current.cursor.onset_beats
                time_place = None if bars is None or before_beats is None else bars.grid_place(before_beats)
                memory.hear(tokens[0], time_place, learn=learn)
            memory.hear(tokens[-1], place, place_among(changes, note.onset_beats, transpose), learn=learn)
        self._current = Snapshot(state, logits, cursor, _mark(memory), song)

    def _hear_over_chords(
        self, current: Snapshot, forecast: Logits, token: int, onset_beats: float, changes: Changes, transpose: int
    ) -> SongListener | None:
        """How closely the song keeps to its chords after one more note, of which `forecast` was the network's forecast."""
        preference, span = self._chord_preference, changes.at(onset_beats)
        if preference is None or preference.song_spread == 0.0 or span is None:
            return current.song
        sounding = self._pitches + transpose if transpose else self._pitches
        before = max(current.cursor.chord) + transpose if current.cursor.chord else None
        by_table = preference.by_table(sounding, span, onset_beats, before)
        if by_table is None:
            return current.song
        network = forecast[1 : 1 + len(sounding)].astype(np.float64)
        return (current.song or SongListener.at_start()).hear(network, by_table, token - 1)

    def forget(self) -> None:
        self._current = replace(self._current, song=None)
        if self.memory is not None:
            self.memory.forget()
            self._current = replace(self._current, memory=self.memory.snapshot())

    def load_memory(self, memory: Memory) -> None:
        if self.memory is not None:
            self.memory.load_from(memory)
            self._current = replace(self._current, memory=self.memory.snapshot())

    def snapshot(self) -> Snapshot:
        return self._current

    def restore(self, snapshot: Snapshot) -> None:
        self._current = snapshot

    def _advance(
        self,
        snapshot: Snapshot,
        token: int,
        cursor: Cursor,
        place: int | None,
        chord_place: bytes = b"",
        *,
        learn: bool,
    ) -> Snapshot:
        """The snapshot after one more token, which stands at this place in its bar, and a note at this place among the chords.

        `cursor` is the position after it.
        """
        logits, state = self._step(token, snapshot.engine_state)
        memory = self.memory
        if memory is None:
            return Snapshot(state, logits, cursor, song=snapshot.song)
        if snapshot.memory is not None:
            memory.restore(snapshot.memory)
        memory.hear(token, place, chord_place, learn=learn)
        return Snapshot(state, logits, cursor, memory.snapshot(), snapshot.song)

    def _step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        logits, after = self._engine.step(token, state)
        squares = logits.dot(logits)
        if not squares <= HARMLESS_SQUARES:
            # A state with a NaN in it gives a forecast with a NaN, and would spoil all later ones. The sum of squares is
            # finite only where no value is NaN or infinite.
            if not isfinite(squares):
                raise BrokenForecast(f"the {self.approach} network's forecast is not a number; the answer ends here")
            logits = within_reach(logits)
        return logits, after

    def _draw(
        self, current: Snapshot, forecast: Forecast, point: ForecastPoint, memory_strength: float, random: Random
    ) -> tuple[int, float]:
        """The next token, and the part of its probability that came from memory."""
        logits, memory = current.logits, self.memory
        weights = np.exp(logits, self._weights)
        if memory is None or memory_strength == 0.0:
            return forecast.draw(weights, point, random.random()), 0.0
        if current.memory is not None:
            memory.restore(current.memory)
        network_sum = weights.dot(self._ones).item()
        expected, total = memory.expect(memory_strength, point.place, point.chord_place)
        # As `Memory.mix` does it.
        is_outside = OUTSIDE in expected and expected.pop(OUTSIDE) > 0.0
        weight_of = self._weight_of
        for symbol, weight in expected.items():
            weight_of[symbol] += weight * network_sum
        point.network_weight = network_sum / (weights.sum() if is_outside else total * network_sum)
        token = forecast.draw(weights, point, random.random())
        of_memory = expected.get(token - 1)
        if of_memory is None:
            return token, 0.0
        of_memory *= network_sum
        return token, of_memory / (of_memory + exp(logits.item(token)))

    def _over_chords(self, settings: SamplingSettings) -> SamplingSettings:
        """The settings with what the pack has learnt of notes over chords, and how closely the heard song keeps to that."""
        preference, song = self._chord_preference, self._current.song
        strengths = None if preference is None or song is None else song.strengths(preference.song_spread)
        return replace(settings, chord_preference=preference, song_strengths=strengths)

    def _memory_at(self, snapshot: Snapshot) -> Memory | None:
        """The memory, brought to the snapshot's place: it goes forward and back with the plan."""
        memory = self.memory
        if memory is not None and snapshot.memory is not None:
            memory.restore(snapshot.memory)
        return memory


def _mark(memory: Memory | None) -> MemoryMark | None:
    return None if memory is None else memory.snapshot()


class PitchImproviser(_BaseImproviser[PitchVocabulary]):
    """Approach 1: one pitch after another, in a given rhythm: a note every `step_beats`, or that of a phrase."""

    approach: Approach = "pitch"

    def compose(
        self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        settings = self._over_chords(settings)
        vocabulary, forecast = self._vocabulary, Forecast(self._vocabulary, settings)
        rhythm: Rhythm | VariedRhythm | None = settings.rhythm
        from_beats = settings.rhythm_from_beats
        if rhythm is None:
            rhythm, from_beats = Rhythm.fixed(settings.step_beats), start_beats
        times = dropwhile(lambda time: time[0] < start_beats - ROUNDING_BEATS, rhythm.unroll(from_beats, start_beats))
        latest_beats = latest_onset_beats(until_beats, settings.closing_beats)
        current = self._current
        point = ForecastPoint(start_beats, until_beats, start_beats, outline=list(settings.answer_outline))
        onset_beats, duration_beats = next(times)
        bars, changes = settings.bars, settings.changes if settings.harmony > 0.0 else None
        while onset_beats <= until_beats - SHORTEST_NOTE_BEATS:
            point.onset_beats = onset_beats
            point.place = None if bars is None else bars.grid_place(onset_beats)
            if changes is not None:
                point.chord_place = place_among(changes, onset_beats, settings.transpose)
            token, memory_share = self._draw(current, forecast, point, settings.memory, random)
            pitch = vocabulary.pitch(token)
            point.outline.append(pitch)
            del point.outline[:-MAX_OUTLINE_ONSETS]
            cursor = Cursor(onset_beats, (pitch,))
            current = self._advance(current, token, cursor, point.place, point.chord_place, learn=settings.learn_answer)
            next_beats, next_duration_beats = next(times)
            is_last = next_beats > latest_beats
            if forecast.closing is not None:
                is_last = is_last or random.random() < forecast.closing.chance_after(onset_beats, pitch)
            fills_gap = settings.rhythm is None and not is_last
            if is_last and settings.ending is not None:
                end_beats = onset_beats + settings.ending.last_length_beats(onset_beats, random.random())
            elif is_last and not isinstance(settings.rhythm, Rhythm):
                end_beats = until_beats
            else:
                end_beats = min(onset_beats + duration_beats, until_beats)
            note = create_note(pitch, onset_beats, end_beats - onset_beats, PLANNED_VELOCITY)
            yield PlannedNote(note, current, memory_share, fills_gap, is_last)
            if is_last:
                return
            onset_beats, duration_beats = next_beats, next_duration_beats


class EventImproviser(_BaseImproviser[EventVocabulary]):
    """Approach 2: notes and the time between them, both as learnt. A note lasts until the next onset."""

    approach: Approach = "event"

    def compose(
        self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        settings = self._over_chords(settings)
        vocabulary, forecast = self._vocabulary, Forecast(self._vocabulary, settings)
        # The network hears the rest before the first note like any other rest; then a note must come. However soon
        # that note comes, it is a new onset, and does not belong to the chord that was heard last.
        last_beats = self._current.cursor.onset_beats
        new_onset_beats = start_beats if last_beats is None else max(start_beats, last_beats + CHORD_BEATS)
        bars, learn = settings.bars, settings.learn_answer
        changes = settings.changes if settings.harmony > 0.0 else None
        current = replace(self._current, cursor=Cursor(start_beats))
        for rest in vocabulary.encode_time(new_onset_beats, self._current.cursor):
            place = None if bars is None or last_beats is None else bars.grid_place(last_beats)
            current = self._advance(current, rest, current.cursor, place, learn=learn)
        onset_beats, latest_beats = start_beats, latest_onset_beats(until_beats, settings.closing_beats)
        point = ForecastPoint(start_beats, until_beats, start_beats, outline=list(settings.answer_outline))
        chord: list[tuple[int, float, Snapshot]] = []
        first_time, shifts, pitches = vocabulary.first_time_token, vocabulary.bins.shifts, vocabulary.pitches
        strength, closing = settings.memory, forecast.closing
        time_strength = with_odds(strength, TIME_ODDS)
        while onset_beats <= until_beats - SHORTEST_NOTE_BEATS:
            if not chord:
                point.onset_beats, point.chord = onset_beats, ()
                point.place = None if bars is None else bars.grid_place(onset_beats)
                if changes is not None:
                    point.chord_place = place_among(changes, onset_beats, settings.transpose)
            token, memory_share = self._draw(current, forecast, point, time_strength if chord else strength, random)
            if token < first_time:
                pitch = pitches[token - 1]
                point.chord = (*point.chord, pitch)
                cursor = Cursor(onset_beats, point.chord)
                current = self._advance(current, token, cursor, point.place, point.chord_place, learn=learn)
                chord.append((pitch, memory_share, current))
                continue
            next_beats = onset_beats + shifts[token - first_time] * settings.time_scale
            duration_beats = next_beats - onset_beats
            is_last, highest = next_beats > latest_beats, max(point.chord)
            if closing is not None and not is_last:
                chance = closing.chance_beyond_times(onset_beats, until_beats, highest)
                is_last = chance > 0.0 and random.random() < chance
            if is_last:
                next_beats, duration_beats = until_beats, until_beats - onset_beats
                if settings.ending is not None:
                    duration_beats = settings.ending.last_length_beats(onset_beats, random.random())
            duration_beats = min(duration_beats, LONGEST_NOTE_BEATS)
            for pitch, memory_share, after in chord:
                note = create_note(pitch, onset_beats, duration_beats, PLANNED_VELOCITY)
                yield PlannedNote(note, after, memory_share, not is_last, is_last)
            point.outline.append(highest)
            del point.outline[:-MAX_OUTLINE_ONSETS]
            chord.clear()
            onset_beats = next_beats
            current = self._advance(current, token, Cursor(onset_beats), point.place, learn=learn)


def create_improviser(
    engine: Engine,
    vocabulary: PitchVocabulary | EventVocabulary,
    memory: Memory | None = None,
    phrasing: Phrasing = PLAIN,
    chord_preference: ChordPreference | None = None,
) -> Improviser:
    """The improviser of the vocabulary's approach.

    Without a memory it plays what the network forecasts alone, and without a preference it takes no account of chords.
    """
    if isinstance(vocabulary, EventVocabulary):
        return EventImproviser(engine, vocabulary, memory, phrasing, chord_preference)
    return PitchImproviser(engine, vocabulary, memory, phrasing, chord_preference)
