"""Engines without weights: one predicts the next token by a table, the other at random.

Their state is the list of all tokens so far, so that a test can read it.
"""

from collections.abc import Mapping

import numpy as np

from model.engines.engine import EngineState, Logits
from model.improvising.improviser import Snapshot

CERTAIN_LOGIT = 1e4
"""A logit so large that all others count for nothing, at any temperature that a jam allows."""


class _HistoryEngine:
    """The state is an array of shape (1, 2, n): the n tokens so far."""

    device = "CPU, made up"

    def __init__(self, vocabulary_size: int) -> None:
        self.vocabulary_size = vocabulary_size

    def initial_state(self) -> EngineState:
        return np.zeros((1, 2, 0), np.float32)

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        after = np.concatenate([state, np.full((1, 2, 1), token, np.float32)], axis=2)
        return self.logits_after(tuple(after[0, 0].astype(int).tolist())), after

    def logits_after(self, history: tuple[int, ...]) -> Logits:
        raise NotImplementedError


class TableEngine(_HistoryEngine):
    """Predicts with certainty the token that the table has for the last token; without an entry, all are equally likely."""

    def __init__(self, vocabulary_size: int, table: Mapping[int, int]) -> None:
        super().__init__(vocabulary_size)
        self._table = table

    def logits_after(self, history: tuple[int, ...]) -> Logits:
        logits = np.zeros(self.vocabulary_size)
        if history[-1] in self._table:
            logits[self._table[history[-1]]] = CERTAIN_LOGIT
        return logits


class RandomEngine(_HistoryEngine):
    """Random logits, but always the same after the same tokens."""

    def __init__(self, vocabulary_size: int, random_seed: int) -> None:
        super().__init__(vocabulary_size)
        self._random_seed = random_seed

    def logits_after(self, history: tuple[int, ...]) -> Logits:
        random = np.random.default_rng((self._random_seed, *history))
        return random.normal(scale=3.0, size=self.vocabulary_size).astype(np.float32).astype(np.float64)


class FailingEngine(RandomEngine):
    """A random engine that forecasts `forecast`, and has that in its state, while it is not None."""

    forecast: float | None = None

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        logits, after = super().step(token, np.nan_to_num(state))
        if self.forecast is None:
            # As in a real network, one state that holds no numbers spoils all that follow.
            return logits if np.isfinite(state).all() else np.full_like(logits, np.nan), after
        return np.full_like(logits, self.forecast), np.full_like(after, self.forecast)


def heard_tokens(snapshot: Snapshot) -> tuple[int, ...]:
    """The tokens behind a snapshot of an improviser that plays one of these engines."""
    return tuple(snapshot.engine_state[0, 0].astype(int).tolist())
