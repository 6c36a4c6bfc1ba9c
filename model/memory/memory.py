"""What was heard in this jam, and what it makes of a network's forecast; knows no notes, no time and no file.

For contexts of up to 16 tokens it keeps what followed them. A forecast goes through them from the shortest to the
longest, and each takes over as far as it is trusted (`model.memory.backoff`). Every context is kept twice: as the tokens are, and
as intervals between pitches, so that a riff is known again in any key.

To compose ahead it hears what is planned, and goes back (`restore`) at the cost of what was heard since.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from model.defaults import FITTED_STRENGTH
from model.memory.backoff import MOST_FOLLOWERS, ORDERS, Backoff
from model.memory.memory_mark import FIRST_TIME_SYMBOL, MOST_TIMES, SYMBOLS, WIDEST, MemoryMark, contexts_at
from model.tokens.vocabulary import START, Vocabulary

Probabilities = npt.NDArray[np.floating]

# 27 MB; of what is never repeated 12,500 tokens, and of music, which is, far more.
CAPACITY = 200_000
# How many tokens back a mark can be restored: far more than the longest answer.
MOST_UNDONE = 2048


@dataclass(frozen=True, slots=True, eq=False)
class MixedForecast:
    """A forecast that a memory had its say in, and how much of it is the memory's; both of shape (vocabulary,)."""

    p: npt.NDArray[np.float64]
    of_memory: npt.NDArray[np.float64]

    def share(self, token: int) -> float:
        """How much of a token's probability came from memory, from 0 to 1."""
        return float(self.of_memory[token] / self.p[token]) if self.p[token] > 0.0 else 0.0


class Memory:
    """A memory of tokens of one vocabulary; at most `capacity` contexts, the first heard giving way first.

    Raises ValueError where the vocabulary is larger than any of ours: 128 pitches and 128 times.
    """

    def __init__(self, vocabulary: Vocabulary, backoff: Backoff, capacity: int = CAPACITY) -> None:
        self.vocabulary, self.backoff, self.capacity = vocabulary, backoff, capacity
        self._first_time = 1 + len(vocabulary.pitches)
        if not len(vocabulary.pitches) <= 128 or vocabulary.size - self._first_time > MOST_TIMES:
            raise ValueError(
                f"a memory is for 128 pitches and {MOST_TIMES} times at most, not {vocabulary.size} tokens"
            )
        self._strength = FITTED_STRENGTH
        self._escapes = backoff.escapes(FITTED_STRENGTH)
        self.forget()

    def __len__(self) -> int:
        """How many contexts it holds."""
        return len(self._followers)

    def forget(self) -> None:
        """As if nothing had been heard. Marks from before can still be restored: their line, without memory of it."""
        self.remember(())

    def remember(self, contexts: Iterable[tuple[bytes, bytes]]) -> None:
        """Holds these contexts, as `contexts` gave them, and nothing else; of too many the last."""
        self._followers = dict(contexts)
        self._oldest_first = deque(self._followers)
        self._now = MemoryMark(object())
        self._here: list[bytes] | None = None
        self._undoable = deque([self._now])
        self._make_room(self._now)
        self._now.gone.clear()

    def contexts(self) -> Iterator[tuple[bytes, bytes]]:
        """All that it holds, the first heard first: each context, and what followed it, the latest last."""
        return ((context, self._followers[context]) for context in self._oldest_first)

    def followers(self) -> list[bytes]:
        """What followed each of the contexts that end here, from the shortest up; empty where one is not known."""
        known = self._followers
        return [known.get(context, b"") for context in self._contexts_here()]

    def symbols(self, token: int) -> tuple[bytes, bytes]:
        """What a token that comes next is among intervals and among tokens; the first note of all is no interval."""
        last, time = self._now.last_note, token - self._first_time
        if time >= 0:
            return bytes((FIRST_TIME_SYMBOL + time,)), bytes((token - 1,))
        if last is None:
            return b"", bytes((token - 1,))
        return bytes((min(max(token - last, -WIDEST), WIDEST) + WIDEST,)), bytes((token - 1,))

    def hear(self, token: int, *, learn: bool = True) -> None:
        """Goes on by a token. Without `learn` it only is where it stands now, and will not be remembered."""
        now = self._now
        after = MemoryMark(now.era)
        after.before, after.number, after.token, after.learnt = now, now.number + 1, token, learn
        self._go_on(after)

    def snapshot(self) -> MemoryMark:
        return self._now

    def restore(self, mark: MemoryMark) -> None:
        """Stands again where `mark` was taken, be it before or after; costs a hearing for each token between.

        Raises ValueError where they parted more than MOST_UNDONE tokens ago.
        """
        if mark.era is not self._now.era:
            mark.era, mark.before, mark.number = self._now.era, None, 0
            mark.changed, mark.gone = [], []
            self._now, self._here, self._undoable = mark, None, deque([mark])
            return
        ahead = []
        while not self._has_come_by(mark):
            ahead.append(mark)
            if mark.before is None:
                raise ValueError(f"the mark is more than {MOST_UNDONE} tokens away, and cannot be restored any more")
            mark = mark.before
        while self._now is not mark:
            self._undo()
        for after in reversed(ahead):
            self._go_on(after)

    def mix(self, p: Probabilities, strength: float = FITTED_STRENGTH) -> MixedForecast:
        """The network's forecast of the next token, with what is remembered, at a strength from 0 to 1.

        At 0 it is the network's; at 0.5 it foretells best; at 1 it is what was heard, wherever anything was.
        """
        if strength != self._strength:
            self._strength, self._escapes = strength, self.backoff.escapes(strength)
        left = 1.0  # to the contexts shorter than those looked at, and to the network
        found: tuple[list[bytes], list[bytes]] = ([], [])  # of intervals, of tokens
        weights: tuple[list[float], list[float]] = ([], [])
        counts: tuple[list[int], list[int]] = ([], [])
        level = 2 * len(ORDERS)
        for followers in reversed(self.followers()):
            level -= 1
            if followers:
                n, kind = len(followers), level % 2
                escape = self._escapes[level][n][_different(followers) if n > 1 else 1]
                found[kind].append(followers)
                weights[kind].append(left * (1.0 - escape) / n)
                counts[kind].append(n)
                left *= escape
        of_memory = np.zeros(self.vocabulary.size)
        if found[0]:
            self._add_intervals(of_memory, _summed(found[0], weights[0], counts[0]))
        if found[1]:
            of_memory[1:] += _summed(found[1], weights[1], counts[1])[: len(of_memory) - 1]
        # In double precision: of a network that is left next to nothing, next to nothing must be left.
        mixed = left * p.astype(np.float64) + of_memory
        to_one = 1.0 / mixed.sum()
        mixed *= to_one
        of_memory *= to_one
        return MixedForecast(mixed, of_memory)

    def _add_intervals(self, of_memory: npt.NDArray[np.float64], by_symbol: npt.NDArray[np.float64]) -> None:
        """By token what is known by interval; what would leave the vocabulary's pitches is lost."""
        end = self._first_time
        of_memory[end:] += by_symbol[FIRST_TIME_SYMBOL:][: len(of_memory) - end]
        if self._now.last_note is not None:
            zero = self._now.last_note - WIDEST  # the token that the first symbol stands for
            low, high = max(zero, 1), min(zero + FIRST_TIME_SYMBOL, end)
            of_memory[low:high] += by_symbol[low - zero : high - zero]

    def _go_on(self, after: MemoryMark) -> None:
        """To a mark that comes next after this one, learning its token anew."""
        before, token = self._now, after.token
        if token == START:  # a new piece: no context goes past it
            after.of_intervals, after.of_tokens, after.last_note = b"", b"", None
        else:
            interval, symbol = self.symbols(token)
            if after.learnt:
                self._learn(after, interval, symbol)
            after.of_tokens = (before.of_tokens + symbol)[-ORDERS[-1] :]
            after.of_intervals = (before.of_intervals + interval)[-ORDERS[-1] :]
            after.last_note = token if token < self._first_time else before.last_note
        self._now, self._here = after, None
        self._undoable.append(after)
        if len(self._undoable) > MOST_UNDONE:
            oldest = self._undoable.popleft()
            oldest.changed, oldest.gone = [], []
            self._undoable[0].before = None

    def _learn(self, mark: MemoryMark, interval: bytes, symbol: bytes) -> None:
        known, changed = self._followers, mark.changed
        changed.clear()
        by_kind = (interval, symbol)
        for level, context in enumerate(self._contexts_here()):
            follower = by_kind[level % 2]
            if context and follower:
                before = known.get(context)
                changed.append((context, before))
                if before is None:
                    known[context] = follower
                    self._oldest_first.append(context)
                else:
                    known[context] = (before + follower)[-MOST_FOLLOWERS:]
        mark.gone.clear()
        self._make_room(mark)

    def _make_room(self, mark: MemoryMark) -> None:
        while len(self._followers) > self.capacity:
            oldest = self._oldest_first.popleft()
            mark.gone.append((oldest, self._followers.pop(oldest)))

    def _has_come_by(self, mark: MemoryMark) -> bool:
        """Whether the mark lies on the way to here, and near enough to be gone back to."""
        back = self._now.number - mark.number
        return 0 <= back < len(self._undoable) and self._undoable[-1 - back] is mark

    def _undo(self) -> None:
        """Goes back by one token."""
        mark = self._undoable.pop()
        for context, followers in reversed(mark.gone):
            self._followers[context] = followers
            self._oldest_first.appendleft(context)
        for context, before in reversed(mark.changed):
            if before is None:
                del self._followers[context]
                self._oldest_first.pop()
            else:
                self._followers[context] = before
        self._now, self._here = self._undoable[-1], None

    def _contexts_here(self) -> list[bytes]:
        """Asked for twice at most places: by mixing, and by hearing what came."""
        if self._here is None:
            self._here = contexts_at(self._now)
        return self._here


@lru_cache(maxsize=1 << 14)
def _different(followers: bytes) -> int:
    """How many different things followed; the same contexts are asked about over and over."""
    return len(set(followers))


def _summed(found: list[bytes], weights: list[float], counts: list[int]) -> npt.NDArray[np.float64]:
    """The weights of all followers by symbol, shape (256,)."""
    symbols = np.frombuffer(b"".join(found), np.uint8)
    sums: npt.NDArray[np.float64] = np.bincount(symbols, np.repeat(weights, counts), SYMBOLS).astype(
        np.float64, copy=False
    )
    return sums
