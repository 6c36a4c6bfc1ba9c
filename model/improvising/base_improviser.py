"""What the improvisers of both approaches do alike: they hear notes, and draw tokens from network, memory and factors."""

from collections.abc import MutableSequence
from dataclasses import replace
from math import exp, isfinite
from random import Random
from typing import Generic, TypeVar

import numpy as np

from model.analysis.bars import Bars
from model.approach import Approach
from model.engines.engine import Engine, EngineState, Logits
from model.errors import BrokenForecast
from model.harmony.changes import Changes, place_among
from model.harmony.preference.chord_preference import ChordPreference
from model.harmony.preference.song_strengths import SongListener
from model.improvising.forecast import Forecast
from model.improvising.forecast_point import ForecastPoint
from model.improvising.improviser import Snapshot
from model.improvising.sampling import HARMLESS_SQUARES, ones, within_reach
from model.improvising.sampling_settings import SamplingSettings
from model.memory.memory import Memory
from model.memory.memory_mark import MemoryMark
from model.notes import Note
from model.phrasing.phrasing import PLAIN, Phrasing
from model.tokens.vocabulary import START, Cursor, Vocabulary

V = TypeVar("V", bound=Vocabulary)


class BaseImproviser(Generic[V]):
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
        network_sum = float(weights.dot(self._ones))
        expected, total = memory.add_expected(
            weights, self._weight_of, network_sum, memory_strength, point.place, point.chord_place
        )
        point.network_weight = network_sum / total
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
