"""The continuation test: whether a model finds what really came next more likely than bars of other pieces."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from model.analysis.bars import Bars
from model.approach import Approach
from model.engines.engine import Engine
from model.improvising.sampling import softmax
from model.memory.memory import Memory
from model.notes import Note, in_onset_order
from model.pack.pack import Pack
from model.tokens.vocabulary import START, Cursor, EventVocabulary, PitchVocabulary
from train.judge.exchanges import HeldOutExchange

WRONG_ONES = 7
# A wrong continuation is moved to the seed's key by as few semitones as possible.
OCTAVE = 12


@dataclass(frozen=True, slots=True)
class ContinuationTest:
    """The share of exchanges whose true continuation was the likeliest of eight: by the network alone, and with its memory.

    `by_gain` is the share whose true continuation gained most from the seed: bits per note with memory, less those of a listener
    who heard no seed. Bars that are likely after anything, such as repeated notes, win by likelihood alone; the gain asks which of the
    eight belongs to this seed.
    """

    exchanges: int
    frozen: float
    with_memory: float
    by_gain: float


def continuation_test(
    pack: Pack, approach: Approach, exchanges: Sequence[HeldOutExchange], random_seed: int = 0
) -> ContinuationTest | None:
    """Bits per note of the true bars, against those of seven wrong ones; None where no exchange has seven."""
    engine = pack.engine(approach, "cpu")
    right = np.zeros(3, np.int64)
    asked = 0
    for index, exchange in enumerate(exchanges):
        wrong = _wrong_continuations(exchange, exchanges, Random(random_seed + index))
        if len(wrong) < WRONG_ONES:
            continue
        asked += 1
        vocabulary = pack.vocabulary(approach, exchange.seed.tempo_bpm)
        bars = Bars(0.0, exchange.seed.meter.beats_per_bar)
        listener, without_seed = (
            _Listener(engine, vocabulary, pack.memory(approach, exchange.seed.tempo_bpm), bars) for _ in range(2)
        )
        listener.hear(exchange.seed.notes)
        bits = np.array([listener.bits_per_note(notes) for notes in (exchange.continuation, *wrong)])
        without = np.array([without_seed.bits_per_note(notes)[1] for notes in (exchange.continuation, *wrong)])
        figures = np.column_stack((bits, bits[:, 1] - without))
        right += figures[0] < figures[1:].min(axis=0)
    if not asked:
        return None
    return ContinuationTest(asked, *(right / asked).tolist())


class _Listener:
    """Hears notes, and computes how many bits the notes after them would cost."""

    def __init__(
        self, engine: Engine, vocabulary: PitchVocabulary | EventVocabulary, memory: Memory, bars: Bars
    ) -> None:
        self._engine, self._vocabulary, self._memory, self._bars = engine, vocabulary, memory, bars
        self._logits, self._state = engine.step(START, engine.initial_state())
        self._cursor = Cursor()

    def hear(self, notes: Sequence[Note]) -> None:
        for note in in_onset_order(notes):
            placed, self._cursor = self._placed_tokens(note, self._cursor)
            for token, place in placed:
                self._logits, self._state = self._engine.step(token, self._state)
                self._memory.hear(token, place)

    def bits_per_note(self, notes: Sequence[Note]) -> tuple[float, float]:
        """Bits per note by the network alone, and with memory; the state is afterwards as it was before."""
        logits, state, cursor, mark = self._logits, self._state, self._cursor, self._memory.snapshot()
        frozen = with_memory = 0.0
        for note in in_onset_order(notes):
            placed, cursor = self._placed_tokens(note, cursor)
            for token, place in placed:
                p = softmax(logits)
                frozen -= math.log2(p[token])
                with_memory -= math.log2(self._memory.mix(p, place=place).probabilities[token])
                logits, state = self._engine.step(token, state)
                self._memory.hear(token, place)
        self._memory.restore(mark)
        return frozen / len(notes), with_memory / len(notes)

    def _placed_tokens(self, note: Note, cursor: Cursor) -> tuple[list[tuple[int, int]], Cursor]:
        """The tokens of a note with their places in the bar: a time stands at the onset before it."""
        tokens, after = self._vocabulary.encode_note(note, cursor)
        before_beats = note.onset_beats if cursor.onset_beats is None else cursor.onset_beats
        beats = (*(before_beats,) * (len(tokens) - 1), note.onset_beats)
        return [(token, self._bars.grid_place(beat)) for token, beat in zip(tokens, beats, strict=True)], after


def _wrong_continuations(
    exchange: HeldOutExchange, others: Sequence[HeldOutExchange], random: Random
) -> list[tuple[Note, ...]]:
    """Bars of other pieces of the same corpus, in the same meter and moved to the same key, where the true ones would begin."""
    candidates = [
        other
        for other in others
        if other.corpus == exchange.corpus
        and other.piece != exchange.piece
        and other.key.mode == exchange.key.mode
        and other.seed.meter == exchange.seed.meter
    ]
    random.shuffle(candidates)
    return [_as_continuation_of(exchange, other) for other in candidates[:WRONG_ONES]]


def _as_continuation_of(exchange: HeldOutExchange, other: HeldOutExchange) -> tuple[Note, ...]:
    up = (exchange.key.tonic - other.key.tonic + OCTAVE // 2) % OCTAVE - OCTAVE // 2
    later = exchange.start_beats - other.start_beats
    # In the octave that is nearest to where the seed lies, as a wrong register would give it away.
    wanted = float(np.median([note.pitch for note in exchange.seed.notes]))
    median = float(np.median([note.pitch for note in other.continuation])) + up
    up += OCTAVE * round((wanted - median) / OCTAVE)
    return tuple(
        replace(note, pitch=min(max(note.pitch + up, 0), 127), onset_beats=note.onset_beats + later)
        for note in other.continuation
    )
