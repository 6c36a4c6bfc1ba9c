"""A memory of what was heard in this jam, and how it changes a network's forecast; knows no notes, no time and no file.

For contexts of up to `LONGEST` tokens (32) the memory stores which tokens followed them. A forecast goes through the contexts from the one
that is trusted least to the one that is trusted most, and each one takes over as far as it is trusted (`model.memory.backoff`).
Contexts hold pitches or intervals, so that a riff is recognised in any key, and times with their place in the bar
(`model.memory.context_kinds`).

To compose ahead, the memory hears the planned notes, then goes back (`restore`), at the cost of the tokens heard since.
"""

from collections import deque
from collections.abc import Iterable, Iterator, MutableSequence, Sequence

import numpy as np
import numpy.typing as npt

from model.defaults import FITTED_STRENGTH
from model.memory.backoff import MAX_FOLLOWERS, Backoff, Trust
from model.memory.context_kinds import LONGEST
from model.memory.context_levels import OUTSIDE, ContextLevels, Expectation
from model.memory.memory_mark import (
    FIRST_TIME_SYMBOL,
    LONGEST_LINE,
    MAX_INTERVAL,
    MAX_TIMES,
    MOST_NOTES,
    STEP_BYTES,
    SYMBOL_BYTES,
    MemoryHistory,
    MemoryMark,
    context_keys,
    contexts_at,
)
from model.memory.mixed_forecast import MixedForecast, Probabilities
from model.tokens.vocabulary import START, Vocabulary

# 27 MB. Enough for 12,500 tokens that never repeat, and for far more of music, which does repeat.
MAX_CONTEXTS = 200_000
# How many tokens back a mark can be restored: far more than the longest answer.
MAX_UNDO = 2048
# The latest marks keep the contexts that learnt, and those that made room for them, 2 to 5 kB each: so a plan is taken back quickly,
# and exactly. Longer than any plan.
EXACT_UNDO = 64


class Memory:
    """A memory of tokens of one vocabulary. It holds at most `capacity` contexts, and drops the oldest ones first.

    A `place` is where in its bar the onset of a token stands, in ticks: of a note its own onset, of a time the onset before it.
    It is None where no bars are known; then the contexts with a place are left out. A `chord_place` is where a note stands among the
    chords (`model.harmony.changes`), empty where no chord is known, and for times; then the contexts with a chord are left out.

    Used from one thread at a time. Raises ValueError where the vocabulary is larger than 128 pitches and 128 times, which no
    vocabulary of ours is.
    """

    def __init__(self, vocabulary: Vocabulary, backoff: Backoff, capacity: int = MAX_CONTEXTS) -> None:
        self.vocabulary, self.backoff, self.capacity = vocabulary, backoff, capacity
        self._first_time_token = 1 + len(vocabulary.pitches)
        if not len(vocabulary.pitches) <= MOST_NOTES or vocabulary.size - self._first_time_token > MAX_TIMES:
            raise ValueError(f"a memory is for 128 pitches and {MAX_TIMES} times at most, not {vocabulary.size} tokens")
        self._plain_count = len(backoff.kinds) - (len(backoff.chords.kinds) if backoff.chords else 0)
        keys = dict(zip(backoff.kinds, context_keys(backoff.kinds, 0), strict=True))
        before_note, before_time, over_chords = (
            None if trust is None else ContextLevels(trust, [keys[kind] for kind in trust.kinds])
            for trust in (backoff.notes, backoff.times, backoff.notes_over_chords if backoff.chords else None)
        )
        assert before_note is not None
        self._levels = (before_note, before_time or before_note)  # by whether a time may come
        self._over_chords = over_chords
        self.kinds = backoff.kinds
        """All kinds of its contexts; the first byte of a context is the index of its kind."""
        self._symbols_after: dict[int, Sequence[int]] = {}
        self._has_times = vocabulary.size > self._first_time_token
        self.forget()

    def is_like(self, other: "Memory") -> bool:
        """Whether the content of the other memory means the same here: the vocabulary and the kinds of contexts are equal.

        Contexts with a chord may differ: `load_from` leaves them out then.
        """
        kinds, others = (each.kinds[: each._plain_count] for each in (self, other))  # noqa: SLF001  another of this class
        return self.vocabulary == other.vocabulary and kinds == others

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
        self._current = MemoryMark(MemoryHistory(began_empty=not self._followers), None)
        self._contexts: list[bytes] | None = None
        self._contexts_place: tuple[int | None, bytes] = None, b""
        self._undo_stack = deque([self._current])
        self._evict_oldest()

    def load_from(self, other: "Memory") -> None:
        """Replaces the content by a copy of another memory's, which must be of an equal vocabulary; the position stays.

        Takes some milliseconds for a full memory, a tenth of what `load_contexts` takes.
        """
        self._followers, self._oldest_first = other._followers.copy(), other._oldest_first.copy()  # noqa: SLF001  another of this class
        if self.kinds != other.kinds:  # those with a chord mean something else, or nothing, here
            self._followers = {
                key: value
                for key, value in self._followers.items()
                if key[0] < min(self._plain_count, other._plain_count)  # noqa: SLF001
            }
            self._oldest_first = deque(key for key in self._oldest_first if key in self._followers)
        here, history = self._current, MemoryHistory(began_empty=not self._followers)
        self._current = MemoryMark(
            history, None, lines=here.lines, last_note_token=here.last_note_token, time_comes=here.time_comes
        )
        self._contexts = None
        self._undo_stack = deque([self._current])
        self._evict_oldest()

    def contexts(self) -> Iterator[tuple[bytes, bytes]]:
        """The whole content, oldest first: each context with the symbols that followed it, the latest last."""
        return ((context, self._followers[context]) for context in self._oldest_first)

    @property
    def time_comes(self) -> bool:
        """Whether a time may come next, as after a note of the event approach."""
        return self._current.time_comes

    @property
    def trust_here(self) -> Trust:
        """How far the contexts before the next token are trusted: those before a note, or those where a time may come."""
        return self._levels[self._current.time_comes].trust

    def followers(self, place: int | None = None, chord_place: bytes = b"") -> list[bytes]:
        """What followed each of the contexts that end here; empty bytes for an unknown context.

        They are in the order of `trust_here`, or, where a chord is known before a note, of the trust over chords.
        """
        known = self._followers
        return [known.get(context, b"") for context in self._contexts_at_current(place, chord_place)]

    def symbols(self, token: int) -> tuple[bytes, bytes]:
        """The symbols of a next token: as it is, and as an interval. The first note of all has no interval (empty bytes)."""
        last, time = self._current.last_note_token, token - self._first_time_token
        if time >= 0:
            step = SYMBOL_BYTES[FIRST_TIME_SYMBOL + time]
        elif last is None:
            step = b""
        else:
            step = STEP_BYTES[token - last]
        return SYMBOL_BYTES[token - 1], step

    def hear(self, token: int, place: int | None = None, chord_place: bytes = b"", *, learn: bool = True) -> None:
        """Moves on by one token. Without `learn` the token only becomes part of the current context, and is not remembered."""
        here = self._current
        if token == START:  # a new piece: no context reaches back across it
            self._move_to(MemoryMark(here.history, here, START, place, chord_place, learn))
            return
        pitches, intervals, times, tokens, steps = here.lines
        if len(tokens) >= LONGEST_LINE:
            pitches, intervals, times, tokens, steps = (line[-LONGEST:] for line in here.lines)
        last = here.last_note_token
        symbol = SYMBOL_BYTES[token - 1]
        if token >= self._first_time_token:
            step = SYMBOL_BYTES[FIRST_TIME_SYMBOL + token - self._first_time_token]
            lines = pitches, intervals, times + symbol, tokens + symbol, steps + step
            mark = MemoryMark(here.history, here, token, place, chord_place, learn, lines, last)
        else:
            step = b"" if last is None else STEP_BYTES[token - last]
            pitches, intervals = pitches + symbol, intervals + step
            if self._has_times:
                lines = pitches, intervals, times, tokens + symbol, steps + step
            else:  # the lines with times are those without
                lines = pitches, intervals, pitches, pitches, intervals
            mark = MemoryMark(here.history, here, token, place, chord_place, learn, lines, token, self._has_times)
        if learn:
            self._learn(mark, symbol, step)
        self._move_to(mark)

    def snapshot(self) -> MemoryMark:
        """The current position, to go back to with `restore`."""
        return self._current

    def restore(self, mark: MemoryMark) -> None:
        """Goes back, or forward, to where `mark` was taken. Costs as much as hearing each token in between.

        Contexts that have made room for others stay away where that was more than EXACT_UNDO tokens ago.

        Raises ValueError where the two lines of tokens parted more than MAX_UNDO tokens ago.
        """
        if mark is self._current:
            return
        if mark.history is not self._current.history:
            mark.history, mark.previous, mark.position = self._current.history, None, 0
            mark.dropped, mark.evicted, mark.learnt = (), (), None
            self._current, self._contexts, self._undo_stack = mark, None, deque([mark])
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
            if later.is_learnt and later.token != START:
                self._learn(later, *self.symbols(later.token))
            self._move_to(later)

    def mix(
        self,
        p: Probabilities,
        strength: float = FITTED_STRENGTH,
        place: int | None = None,
        chord_place: bytes = b"",
        p_sum: float = 1.0,
    ) -> MixedForecast:
        """The forecast of the next token, at this place, from the network's `p`, shape (vocabulary,), and the memory.

        The network's probabilities are `p` / `p_sum`, and `p_sum` is at most e to the power of 300.

        At `strength` 0 it is the network's forecast; at 0.5 it predicts best; at 1 it is the memory's, wherever the memory
        knows the context.
        """
        # In double precision, so that the network's part, however small, is not lost.
        weights = p.astype(np.float64)
        expected, total = self.add_expected(weights, weights[1:], p_sum, strength, place, chord_place)
        return MixedForecast(weights, total, p_sum, expected)

    def add_expected(
        self,
        weights: npt.NDArray[np.float64],
        weight_of: MutableSequence[float] | npt.NDArray[np.float64],
        network_sum: float,
        strength: float,
        place: int | None,
        chord_place: bytes,
    ) -> Expectation:
        """Adds what the memory expects next to the network's `weights`, which sum to `network_sum`; see `mix`.

        `weight_of` is a view of these weights by symbol. Returns the memory's part of each symbol, as a multiple of `network_sum`, and the sum of
        all weights.
        """
        expected, total = self.expect(strength, place, chord_place)
        is_outside = OUTSIDE in expected and expected.pop(OUTSIDE) > 0.0
        for symbol, weight in expected.items():
            weight_of[symbol] += weight * network_sum
        # Not the total minus what is outside: where nearly all is, nothing would be left of the difference.
        return expected, weights.sum().item() if is_outside else total * network_sum

    def expect(self, strength: float, place: int | None, chord_place: bytes) -> Expectation:
        """What the memory alone adds to the network's forecast of the next token, where that sums to 1; see `mix`."""
        here = self._current
        last = here.last_note_token or START
        return self._levels_at(chord_place).expect(
            strength,
            self._followers,
            here.lines,
            place,
            chord_place,
            self._symbols_after.get(last) or self._symbols_of_steps(last),
        )

    def _move_to(self, mark: MemoryMark) -> None:
        """Moves to a mark that follows the current one."""
        self._current, self._contexts = mark, None
        undo_stack = self._undo_stack
        undo_stack.append(mark)
        if len(undo_stack) > EXACT_UNDO:
            older = undo_stack[-1 - EXACT_UNDO]
            older.learnt, older.evicted = None, ()
            if len(undo_stack) > MAX_UNDO:
                undo_stack.popleft().dropped = ()
                undo_stack[0].previous = None

    def _learn(self, mark: MemoryMark, symbol: bytes, step: bytes) -> None:
        known, learnt, dropped = self._followers, [], []
        is_transposed = self._levels_at(mark.chord_place).is_transposed
        contexts = self._contexts_at_current(mark.place, mark.chord_place)
        for context, transposed in zip(contexts, is_transposed, strict=True):
            follower = step if transposed else symbol
            if context and follower:
                learnt.append(context)
                before = known.get(context)
                if before is None:
                    known[context] = follower
                    self._oldest_first.append(context)
                    dropped.append(b"")
                else:
                    after = before + follower
                    if len(after) <= MAX_FOLLOWERS:
                        known[context] = after
                        dropped.append(b"")
                    else:
                        known[context] = after[-MAX_FOLLOWERS:]
                        dropped.append(after[:-MAX_FOLLOWERS])
        mark.learnt = learnt
        mark.dropped = tuple(dropped) if any(dropped) else ()
        mark.evicted = self._evict_oldest()

    def _learnt_from(self, mark: MemoryMark) -> Sequence[bytes]:
        """The contexts that learnt from a mark that follows the current one."""
        if not mark.is_learnt or mark.token == START:
            return ()
        if mark.learnt is not None:
            return mark.learnt
        symbol, step = self.symbols(mark.token)
        is_transposed = self._levels_at(mark.chord_place).is_transposed
        pairs = zip(self._contexts_at_current(mark.place, mark.chord_place), is_transposed, strict=True)
        return [context for context, transposed in pairs if context and (step if transposed else symbol)]

    def _evict_oldest(self) -> Sequence[tuple[bytes, bytes]]:
        """Drops the oldest contexts where there are too many; returns them."""
        evicted = []
        while len(self._followers) > self.capacity:
            oldest = self._oldest_first.popleft()
            evicted.append((oldest, self._followers.pop(oldest)))
        return tuple(evicted)

    def _is_on_path(self, mark: MemoryMark) -> bool:
        """Whether the mark is one of those that can be reached by undoing."""
        back = self._current.position - mark.position
        return 0 <= back < len(self._undo_stack) and self._undo_stack[-1 - back] is mark

    def _undo_last(self) -> None:
        """Undoes one token: its learning, and the position."""
        mark, known = self._undo_stack.pop(), self._followers
        self._current, self._contexts = self._undo_stack[-1], None
        for context, followers in reversed(mark.evicted):
            known[context] = followers
            self._oldest_first.appendleft(context)
        learnt = self._learnt_from(mark)
        for context, oldest in zip(reversed(learnt), reversed(mark.dropped or (b"",) * len(learnt)), strict=True):
            now = known.get(context)
            if now is None:  # it has made room for another since, and that mark is too old to bring it back
                continue
            if before := oldest + now[:-1]:
                known[context] = before
            else:
                del known[context]
                self._oldest_first.pop()

    def _symbols_of_steps(self, last: int) -> Sequence[int]:
        """For each symbol of a transposed line, after this note, that of a line as it is; kept, as notes are few."""
        first_time = self._first_time_token
        tokens = [last + symbol - MAX_INTERVAL for symbol in range(FIRST_TIME_SYMBOL)]
        notes = [token - 1 if START < token < first_time else OUTSIDE for token in tokens]
        symbols = self._symbols_after[last] = (*notes, *range(first_time - 1, first_time - 1 + MAX_TIMES))
        return symbols

    def _levels_at(self, chord_place: bytes) -> ContextLevels:
        """The contexts before the next token, which is at this place among the chords."""
        if chord_place and self._over_chords is not None and not self._current.time_comes:
            return self._over_chords
        return self._levels[self._current.time_comes]

    def _contexts_at_current(self, place: int | None, chord_place: bytes) -> list[bytes]:
        """Cached, as both `mix` and `hear` need them at most positions."""
        if self._contexts is None or self._contexts_place != (place, chord_place):
            keys = self._levels_at(chord_place).keys
            self._contexts = contexts_at(self._current.lines, keys, place, chord_place)
            self._contexts_place = place, chord_place
        return self._contexts
