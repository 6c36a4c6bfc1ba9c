"""The contexts before a next token in the order of trust, as a memory looks them up: keys, and the escapes at a strength."""

from model.defaults import FITTED_STRENGTH
from model.memory.backoff import Escapes, Trust
from model.memory.memory_mark import context_keys


class ContextLevels:
    """The contexts before one kind of next token, from the one that is trusted least up, and how far each is trusted."""

    __slots__ = ("escapes", "is_transposed", "keys", "strength", "trust")

    def __init__(self, trust: Trust, first: int) -> None:
        self.trust = trust
        self.keys = context_keys(trust.kinds, first)
        self.is_transposed = tuple(kind.is_transposed for kind in trust.kinds)
        self.strength = FITTED_STRENGTH
        self.escapes: Escapes = trust.escapes(FITTED_STRENGTH)


class ChordContextLevels:
    """The contexts before a note whose chord is known: those over chords, below and above those of any note."""

    __slots__ = ("above", "below", "escapes", "is_transposed", "strength", "trust")

    def __init__(self, trust: Trust, over: Trust, first: int) -> None:
        self.trust = trust
        keys = context_keys(over.kinds, first)
        self.below = [key for key, kind in zip(keys, over.kinds, strict=True) if kind.length == 0]
        self.above = [key for key, kind in zip(keys, over.kinds, strict=True) if kind.length > 0]
        self.is_transposed = tuple(kind.is_transposed for kind in trust.kinds)
        self.strength = FITTED_STRENGTH
        self.escapes: Escapes = trust.escapes(FITTED_STRENGTH)
