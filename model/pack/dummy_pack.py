"""`DummyPack`: a pack without weights, whose engines answer by rule with the notes and rhythm of the phrase; knows no files.

Its engines remember what they heard, the latest best, and predict what is close to it: the same pitch classes and their
neighbours by fifths, in small steps, with the same times between notes. Sampling picks among these, as with any pack.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from model.approach import Approach
from model.defaults import DEFAULT_TEMPO_BPM
from model.engines.device import Device
from model.engines.engine import Engine, EngineState, Logits
from model.harmony.preference.chord_preference import ChordPreference
from model.memory.backoff import DEFAULT_BACKOFFS
from model.memory.memory import Memory
from model.phrasing.phrasing import PLAIN, Phrasing
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary

DUMMY_PACK = "dummy"

PITCHES = tuple(range(36, 97))
SHIFTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
BINS = TimeBins(SHIFTS, tuple((a + b) / 2 for a, b in pairwise(SHIFTS)))

# The part of what was heard that is left after one more token: half after 22 tokens, which is a phrase.
DECAY_PER_TOKEN = 0.97
# Expected before anything was heard: C major pentatonic, in eighths and quarters.
INITIAL_PITCH_CLASSES, INITIAL_SHIFTS = (0, 2, 4, 7, 9), (0.5, 1.0)
INITIAL_WEIGHT = 0.25
# The weight of a neighbour by a fifth, relative to the pitch class itself. A few such neighbours make a scale.
FIFTH_SHARE = 0.2
# A leap of this many semitones is 1/e as likely as no leap; a repeated note is made 1/e^1.5 as likely.
LEAP_SEMITONES = 3.0
REPEAT_PENALTY = 1.5
# Added to the logits of times, so that after a note mostly a time comes: chords are rare.
TIME_BONUS = 4.0
MIN_PROBABILITY = 1e-4

LAST_PITCH_INDEX = 0
"""The index of the last pitch in the second row of a state."""


class RuleEngine:
    """Predicts by rule. Its state holds how well each token is remembered, and the last pitch."""

    device = "rules, no weights"

    def __init__(self, vocabulary: PitchVocabulary | EventVocabulary) -> None:
        self._pitches = np.array(vocabulary.pitches)
        self._first_time_token = 1 + len(self._pitches)
        self.vocabulary_size = vocabulary.size

    def initial_state(self) -> EngineState:
        state = np.zeros((1, 2, self.vocabulary_size), np.float32)
        classes = np.isin(self._pitches % 12, INITIAL_PITCH_CLASSES)
        state[0, 0, 1 : self._first_time_token][classes] = INITIAL_WEIGHT / len(INITIAL_PITCH_CLASSES)
        if self.vocabulary_size > self._first_time_token:
            state[0, 0, self._first_time_token :][np.isin(SHIFTS, INITIAL_SHIFTS)] = INITIAL_WEIGHT
        state[0, 1, LAST_PITCH_INDEX] = self._pitches[len(self._pitches) // 2]
        return state

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        after = state.copy()
        after[0, 0] *= DECAY_PER_TOKEN
        if token:
            after[0, 0, token] += 1.0
        if 0 < token < self._first_time_token:
            after[0, 1, LAST_PITCH_INDEX] = self._pitches[token - 1]
        logits = np.full(self.vocabulary_size, np.log(MIN_PROBABILITY))
        logits[1 : self._first_time_token] = self._pitch_logits(after)
        times = after[0, 0, self._first_time_token :]
        if times.size:
            logits[self._first_time_token :] = TIME_BONUS + np.log(times / times.sum() + MIN_PROBABILITY)
        return logits, after

    def _pitch_logits(self, state: EngineState) -> Logits:
        by_class = np.bincount(self._pitches % 12, state[0, 0, 1 : self._first_time_token], minlength=12)
        by_class = by_class + FIFTH_SHARE * (np.roll(by_class, 7) + np.roll(by_class, -7))
        leaps = np.abs(self._pitches - state[0, 1, LAST_PITCH_INDEX])
        class_logits = np.log(by_class[self._pitches % 12] / by_class.sum() + MIN_PROBABILITY)
        logits: Logits = class_logits - leaps / LEAP_SEMITONES - REPEAT_PENALTY * (leaps == 0)
        return logits


class DummyPack:
    """The five things that a jam needs of a pack: `name`, `vocabulary`, `memory`, `phrasing` and `engine`. See `Pack`."""

    name = DUMMY_PACK

    def vocabulary(self, approach: Approach, tempo_bpm: float = DEFAULT_TEMPO_BPM) -> PitchVocabulary | EventVocabulary:
        return PitchVocabulary(PITCHES) if approach == "pitch" else EventVocabulary(PITCHES, BINS)

    def chord_preference(self, approach: Approach) -> ChordPreference | None:
        return None

    def memory(self, approach: Approach, tempo_bpm: float = DEFAULT_TEMPO_BPM) -> Memory:
        return Memory(self.vocabulary(approach, tempo_bpm), DEFAULT_BACKOFFS[approach])

    def phrasing(self) -> Phrasing:
        return PLAIN

    def engine(
        self, approach: Approach, device: Device = "auto", before_step: Callable[[], None] = lambda: None
    ) -> Engine:
        before_step()
        return RuleEngine(self.vocabulary(approach))
