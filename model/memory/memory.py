"""A memory of what was heard in this jam, and how it changes a network's forecast; knows no notes, no time and no file.

For contexts of up to 16 tokens the memory stores which tokens followed them. A forecast goes through the contexts from the
shortest to the longest, and each one takes over as far as it is trusted (`model.memory.backoff`). Every context is stored
twice: as tokens, and as intervals between pitches, so that a riff is recognised in any key.

To compose ahead, the memory hears the planned notes, then goes back (`restore`), at the cost of the tokens heard since.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from model.defaults import FITTED_STRENGTH
from model.memory.backoff import MAX_FOLLOWERS, ORDERS, Backoff
from model.memory.memory_mark import (
    FIRST_TIME_SYMBOL,
    MAX_INTERVAL,
    MAX_TIMES,
    SYMBOLS,
    MemoryHistory,
    MemoryMark,
    contexts_at,
)
from model.tokens.vocabulary import START, Vocabulary

Probabilities = npt.NDArray[np.floating]

# 27 MB. Enough for 12,500 tokens that never repeat, and for far more of music, which does repeat.
MAX_CONTEXTS = 200_000
# How many tokens back a mark can be restored: far more than the longest answer.
MAX_UNDO = 2048


@dataclass(frozen=True, slots=True, eq=False)
class MixedForecast:
    """A network's forecast mixed with the memory's, and the part of it that is the memory's; both of shape (vocabulary,).

    `probabilities` sum to 1; `from_memory` is at most as high for each token.
    """

    probabilities: npt.NDArray[np.float64]
    from_memory: npt.NDArray[np.float64]

    def memory_share(self, token: int) -> float:
        """The part of a token's probability that came from memory, from 0 to 1."""
        return float(self.from_memory[token] / self.probabilities[token]) if self.probabilities[token] > 0.0 else 0.0


class Memory:
    """A memory of tokens of one vocabulary. It holds at most `capacity` contexts, and drops the oldest ones first.

    Used from one thread at a time. Raises ValueError where the vocabulary is larger than 128 pitches and 128 times, which no
    vocabulary of ours is.
    """

    def __init__(self, vocabulary: Vocabulary, backoff: Backoff, capacity: int = MAX_CONTEXTS) -> None:
        self.vocabulary, self.backoff, self.capacity = vocabulary, backoff, capacity
        self._first_time_token = 1 + len(vocabulary.pitches)
        if not len(vocabulary.pitches) <= 128 or vocabulary.size - self._first_time_token > MAX_TIMES:
            raise ValueError(f"a memory is for 128 pitches and {MAX_TIMES} times at most, not {vocabulary.size} tokens")
        self._strength = FITTED_STRENGTH
        self._escapes = backoff.escapes(FITTED_STRENGTH)
        self.forget()

    def __len__(self) -> int:
        """How many contexts it holds."""
        return len(self._followers)

    def forget(self) -> None:
        """Empties the memory. Earlier marks can still be restored: they bring back the latest tokens, but no memory of them."""
        self.load_contexts(())

    def load_contexts(self, contexts: Iterable[tuple[bytes, bytes]]) -> None:
        """Replaces the content by these contexts, in the form that `contexts` returns. Of too many, the last are kept."""
        self._followers = dict(contexts)
        self._oldest_first = deque(self._followers)
        self._current = MemoryMark(MemoryHistory(began_empty=not self._followers))
        self._current_contexts: list[bytes] | None = None
        self._undo_stack = deque([self._current])
        self._evict_oldest(self._current)
        self._current.evicted.clear()

    def load_from(self, other: "Memory") -> None:
        """Replaces the content by a copy of another memory's, which must be of an equal vocabulary; the position stays.

        Takes some milliseconds for a full memory, a tenth of what `load_contexts` takes.
        """
        self._followers, self._oldest_first = other._followers.copy(), other._oldest_first.copy()  # noqa: SLF001  another of this class
        before, self._current = self._current, MemoryMark(MemoryHistory(began_empty=not self._followers))
        self._current.token_history, self._current.interval_history = before.token_history, before.interval_history
        self._current.last_note_token = before.last_note_token
        self._current_contexts = None
        self._undo_stack = deque([self._current])
        self._evict_oldest(self._current)
        self._current.evicted.clear()

    def contexts(self) -> Iterator[tuple[bytes, bytes]]:
        """The whole content, oldest first: each context with the symbols that followed it, the latest last."""
        return ((context, self._followers[context]) for context in self._oldest_first)

    def followers(self) -> list[bytes]:
        """What followed each of the contexts that end here, shortest first; empty bytes for an unknown context."""
        known = self._followers
        return [known.get(context, b"") for context in self._contexts_at_current()]

    def symbols(self, token: int) -> tuple[bytes, bytes]:
        """The symbols of a next token: as an interval, and as a token. The first note of all has no interval (empty bytes)."""
        last, time = self._current.last_note_token, token - self._first_time_token
        if time >= 0:
            return bytes((FIRST_TIME_SYMBOL + time,)), bytes((token - 1,))
        if last is None:
            return b"", bytes((token - 1,))
        return bytes((min(max(token - last, -MAX_INTERVAL), MAX_INTERVAL) + MAX_INTERVAL,)), bytes((token - 1,))

    def hear(self, token: int, *, learn: bool = True) -> None:
        """Moves on by one token. Without `learn` the token only becomes part of the current context, and is not remembered."""
        current = self._current
        mark = MemoryMark(current.history)
        mark.previous, mark.position, mark.token, mark.is_learnt = current, current.position + 1, token, learn
        self._append(mark)

    def snapshot(self) -> MemoryMark:
        """The current position, to go back to with `restore`."""
        return self._current

    def restore(self, mark: MemoryMark) -> None:
        """Goes back, or forward, to where `mark` was taken. Costs as much as hearing each token in between.

        Raises ValueError where the two lines of tokens parted more than MAX_UNDO tokens ago.
        """
        if mark.history is not self._current.history:
            mark.history, mark.previous, mark.position = self._current.history, None, 0
            mark.overwritten, mark.evicted = [], []
            self._current, self._current_contexts, self._undo_stack = mark, None, deque([mark])
            return
        forward = []
        while not self._is_on_path(mark):
            forward.append(mark)
            if mark.previous is None:
                raise ValueError(f"the mark is more than {MAX_UNDO} tokens away, and cannot be restored any more")
            mark = mark.previous
        while self._current is not mark:
            self._undo_last()
        for later in reversed(forward):
            self._append(later)

    def mix(self, p: Probabilities, strength: float = FITTED_STRENGTH) -> MixedForecast:
        """The forecast of the next token from the network's `p`, shape (vocabulary,), and the memory.

        At `strength` 0 it is the network's forecast; at 0.5 it predicts best; at 1 it is the memory's, wherever the memory
        knows the context.
        """
        if strength != self._strength:
            self._strength, self._escapes = strength, self.backoff.escapes(strength)
        remaining = 1.0  # probability left to shorter contexts, and to the network
        found: tuple[list[bytes], list[bytes]] = ([], [])  # in interval contexts, in token contexts
        weights: tuple[list[float], list[float]] = ([], [])
        counts: tuple[list[int], list[int]] = ([], [])
        level = 2 * len(ORDERS)
        for followers in reversed(self.followers()):
            level -= 1
            if followers:
                n, kind = len(followers), level % 2
                escape = self._escapes[level][n][_count_distinct(followers) if n > 1 else 1]
                found[kind].append(followers)
                weights[kind].append(remaining * (1.0 - escape) / n)
                counts[kind].append(n)
                remaining *= escape
        from_memory = np.zeros(self.vocabulary.size)
        if found[0]:
            self._add_intervals(from_memory, _sum_by_symbol(found[0], weights[0], counts[0]))
        if found[1]:
            from_memory[1:] += _sum_by_symbol(found[1], weights[1], counts[1])[: len(from_memory) - 1]
        # In double precision, so that a very small weight of the network does not become zero.
        mixed = remaining * p.astype(np.float64) + from_memory
        normalising = 1.0 / mixed.sum()
        mixed *= normalising
        from_memory *= normalising
        return MixedForecast(mixed, from_memory)

    def _add_intervals(self, from_memory: npt.NDArray[np.float64], by_symbol: npt.NDArray[np.float64]) -> None:
        """Adds the weights of interval symbols to the tokens that they mean here, if the vocabulary has such a pitch."""
        end = self._first_time_token
        from_memory[end:] += by_symbol[FIRST_TIME_SYMBOL:][: len(from_memory) - end]
        if self._current.last_note_token is not None:
            lowest = self._current.last_note_token - MAX_INTERVAL  # the token of the lowest interval
            low, high = max(lowest, 1), min(lowest + FIRST_TIME_SYMBOL, end)
            from_memory[low:high] += by_symbol[low - lowest : high - lowest]

    def _append(self, mark: MemoryMark) -> None:
        """Moves to a mark that follows the current one, and learns its token."""
        previous, token = self._current, mark.token
        if token == START:  # a new piece: no context reaches back across it
            mark.interval_history, mark.token_history, mark.last_note_token = b"", b"", None
        else:
            interval, symbol = self.symbols(token)
            if mark.is_learnt:
                self._learn(mark, interval, symbol)
            mark.token_history = (previous.token_history + symbol)[-ORDERS[-1] :]
            mark.interval_history = (previous.interval_history + interval)[-ORDERS[-1] :]
            mark.last_note_token = token if token < self._first_time_token else previous.last_note_token
        self._current, self._current_contexts = mark, None
        self._undo_stack.append(mark)
        if len(self._undo_stack) > MAX_UNDO:
            oldest = self._undo_stack.popleft()
            oldest.overwritten, oldest.evicted = [], []
            self._undo_stack[0].previous = None

    def _learn(self, mark: MemoryMark, interval: bytes, symbol: bytes) -> None:
        known, overwritten = self._followers, mark.overwritten
        overwritten.clear()
        by_kind = (interval, symbol)
        for level, context in enumerate(self._contexts_at_current()):
            follower = by_kind[level % 2]
            if context and follower:
                before = known.get(context)
                overwritten.append((context, before))
                if before is None:
                    known[context] = follower
                    self._oldest_first.append(context)
                else:
                    known[context] = (before + follower)[-MAX_FOLLOWERS:]
        mark.evicted.clear()
        self._evict_oldest(mark)

    def _evict_oldest(self, mark: MemoryMark) -> None:
        while len(self._followers) > self.capacity:
            oldest = self._oldest_first.popleft()
            mark.evicted.append((oldest, self._followers.pop(oldest)))

    def _is_on_path(self, mark: MemoryMark) -> bool:
        """Whether the mark is one of those that can be reached by undoing."""
        back = self._current.position - mark.position
        return 0 <= back < len(self._undo_stack) and self._undo_stack[-1 - back] is mark

    def _undo_last(self) -> None:
        """Undoes one token: its learning, and the position."""
        mark = self._undo_stack.pop()
        for context, followers in reversed(mark.evicted):
            self._followers[context] = followers
            self._oldest_first.appendleft(context)
        for context, before in reversed(mark.overwritten):
            if before is None:
                del self._followers[context]
                self._oldest_first.pop()
            else:
                self._followers[context] = before
        self._current, self._current_contexts = self._undo_stack[-1], None

    def _contexts_at_current(self) -> list[bytes]:
        """Cached, as both `mix` and `hear` need them at most positions."""
        if self._current_contexts is None:
            self._current_contexts = contexts_at(self._current)
        return self._current_contexts


@lru_cache(maxsize=1 << 14)
def _count_distinct(followers: bytes) -> int:
    """How many different symbols followed. Cached, as the same contexts occur over and over."""
    return len(set(followers))


def _sum_by_symbol(found: list[bytes], weights: list[float], counts: list[int]) -> npt.NDArray[np.float64]:
    """The weights of all followers by symbol, shape (256,)."""
    symbols = np.frombuffer(b"".join(found), np.uint8)
    sums: npt.NDArray[np.float64] = np.bincount(symbols, np.repeat(weights, counts), SYMBOLS).astype(
        np.float64, copy=False
    )
    return sums
