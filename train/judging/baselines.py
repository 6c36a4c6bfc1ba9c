"""Interpolated PPM of any order: the count-based model that a network has to beat; knows no network and no MIDI.

Prediction by partial match with escape method C, blended over all orders (Bunton 1996; Pearce 2005):
p_k(x) = (c_k(x) + d_k p_{k-1}(x)) / (n_k + d_k), with c the counts of what followed the last k tokens,
n their sum and d how many different tokens followed; below order 0 all tokens are alike.

Of unbounded order (PPM*, Cleary & Teahan 1997) the blend goes on to the shortest context that only one token ever
followed, else to the longest there was. Past a lone follower each longer context says the same again, only surer,
and a surprise would cost another bit or more for every one of them.

Nothing is counted ahead. All places that are asked about go back through the learnt text together, a token at a time,
and of the learnt places those stay whose context somebody still asks about.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Piece = Sequence[int] | npt.NDArray[np.integer]
Order = int | None
"""How many tokens back a context may reach; None is unbounded."""

# A token that is learnt takes 30 bytes or a few less while it is asked about, so these take 0.6 GB.
MOST_TOKENS = 20_000_000

# In a text, tokens are one higher than in the vocabulary, and this stands before each piece: no context goes past it.
BREAK = 0
# Worked on at once, so that what is made in between stays small.
ASKED_AT_ONCE = 1 << 15
LEARNT_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Places:
    """Places of a text, by index, and of each the number of the context before it; equal contexts, equal numbers."""

    text: npt.NDArray[np.unsignedinteger]
    at: npt.NDArray[np.int32]
    context: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, which: slice | npt.NDArray[np.bool_]) -> "_Places":
        return replace(self, at=self.at[which], context=self.context[which])

    def parts(self, size: int) -> "Iterator[_Places]":
        return (self[at : at + size] for at in range(0, len(self), size))

    def tokens(self) -> npt.NDArray[np.intp]:
        """What stands at the places, as in the vocabulary."""
        return self.text[self.at].astype(np.intp) - 1

    def before(self, order: int) -> npt.NDArray[np.intp]:
        """What stands `order` tokens before the places, as in the text."""
        return self.text[self.at - order].astype(np.intp)


class Ppm:
    """What followed every context in the pieces it learnt, over a vocabulary of `size`.

    Each piece's first token, the start, is context only. How many tokens there are is up to the caller, who keeps
    within `MOST_TOKENS`: `pieces_within` says which pieces fit.
    """

    def __init__(self, pieces: Iterable[Piece], size: int) -> None:
        self.size = size
        self._learnt = _places_of(pieces, size)

    def bits(self, pieces: Iterable[Piece], orders: Sequence[Order]) -> npt.NDArray[np.float64]:
        """What each token but the first of each piece costs, piece after piece, shape (orders, tokens)."""
        return self._bits(_places_of(pieces, self.size), orders)

    def bits_by_token(self, pieces: Iterable[Piece], orders: Sequence[Order]) -> npt.NDArray[np.float64]:
        """The pieces' bits together, by the token that they were spent on, shape (orders, size)."""
        asked = _places_of(pieces, self.size)
        costs = self._bits(asked, orders)
        return np.array([np.bincount(asked.tokens(), row, self.size) for row in costs]).reshape(-1, self.size)

    def _bits(self, asked: _Places, orders: Sequence[Order]) -> npt.NDArray[np.float64]:
        nothing = np.empty((len(orders), 0))
        chances = [self._chances(part, orders) for part in asked.parts(ASKED_AT_ONCE)]
        bits: npt.NDArray[np.float64] = -np.log2(np.concatenate([nothing, *chances], axis=1))
        return bits

    def _chances(self, asked: _Places, orders: Sequence[Order]) -> npt.NDArray[np.float64]:
        """What the token at each of the places is given, shape (orders, places)."""
        blend = np.full(len(asked), 1.0 / self.size)
        chances = np.tile(blend, (len(orders), 1))
        longest = max((bound for bound in orders if bound is not None), default=-1)
        unsettled = np.full(len(asked), None in orders)  # whose contexts had no lone follower so far
        columns, learnt, order = np.arange(len(asked)), self._learnt, 0
        while len(columns):
            counts = _followers(learnt, 1 + int(asked.context.max()), self.size)
            totals, alphabets = counts.sum(axis=1), np.count_nonzero(counts, axis=1)
            known = totals[asked.context] > 0
            asked, columns = asked[known], columns[known]

            came = counts[asked.context, asked.tokens()]
            total, different = totals[asked.context], alphabets[asked.context]
            blend[columns] = (came + different * blend[columns]) / (total + different)
            for row, bound in zip(chances, orders, strict=True):
                if bound is None:
                    row[columns] = np.where(unsettled[columns], blend[columns], row[columns])
                elif order <= bound:
                    row[columns] = blend[columns]

            order += 1
            unsettled[columns[different == 1]] = False
            goes_on = unsettled[columns] | (order <= longest)
            columns = columns[goes_on]
            learnt, asked = _further_back(learnt, asked[goes_on], order, counts.shape)
        return chances


def ppm_bits_per_note(
    training: Iterable[Piece], tests: Mapping[str, tuple[Iterable[Piece], int]], orders: Sequence[Order], size: int
) -> dict[str, dict[str, npt.NDArray[np.float64]]]:
    """For each of `tests` (pieces, and how many notes they hold) and each order, bits per note after `training`.

    They are given by the token that they were spent on, shape (size,), so that pitches and times can be told apart;
    their sum is the figure.
    """
    model = Ppm(training, size)
    names = ["unbounded" if order is None else f"order {order}" for order in orders]
    return {
        name: dict(zip(names, model.bits_by_token(pieces, orders) / notes, strict=True))
        for name, (pieces, notes) in tests.items()
    }


def pieces_within(lengths: Sequence[int] | npt.NDArray[np.integer], most: int = MOST_TOKENS) -> npt.NDArray[np.intp]:
    """Which pieces to learn from, given their lengths in tokens: all, or where they are too many a fixed random few."""
    drawn = np.random.default_rng(0).permutation(len(lengths))
    fit = np.cumsum(np.asarray(lengths, np.int64)[drawn]) <= most
    return np.sort(drawn[fit])


def _places_of(pieces: Iterable[Piece], size: int) -> _Places:
    """The pieces as one text, and the places of all tokens but each piece's first."""
    dtype = np.min_scalar_type(size)
    parts = [np.full(1, BREAK, dtype)]
    for piece in pieces:
        tokens = np.asarray(piece, np.int64)
        if len(tokens) and not 0 <= tokens.min() <= tokens.max() < size:
            raise ValueError(f"token {tokens.min()} or {tokens.max()} is not in a vocabulary of {size}")
        parts += (tokens + 1).astype(dtype), np.full(1, BREAK, dtype)
    text = np.concatenate(parts)
    heard = text != BREAK
    at = np.flatnonzero(heard[1:] & heard[:-1]).astype(np.int32) + 1
    return _Places(text, at, np.zeros(len(at), np.int32))


def _followers(learnt: _Places, contexts: int, size: int) -> npt.NDArray[np.int64]:
    """How often each token followed each context, shape (contexts, size)."""
    counts = np.zeros(contexts * size, np.int64)
    for part in learnt.parts(LEARNT_AT_ONCE):
        counts += np.bincount(part.context * np.intp(size) + part.tokens(), minlength=len(counts))
    return counts.reshape(contexts, size)


def _further_back(learnt: _Places, asked: _Places, order: int, shape: tuple[int, int]) -> tuple[_Places, _Places]:
    """Both with contexts of `order` tokens instead of one fewer; of the learnt places only those asked about."""
    contexts, width = shape[0], np.intp(shape[1] + 1)
    keys = asked.context * width + asked.before(order)
    distinct, numbers = np.unique(keys, return_inverse=True)
    number = np.full(contexts * width, -1, np.int32)
    number[distinct] = np.arange(len(distinct))
    number[BREAK::width] = -1  # two beginnings are not alike
    kept = [learnt[:0]]
    for part in learnt.parts(LEARNT_AT_ONCE):
        context = number[part.context * width + part.before(order)]
        kept.append(replace(part, context=context)[context >= 0])
    at, context = np.concatenate([part.at for part in kept]), np.concatenate([part.context for part in kept])
    return replace(learnt, at=at, context=context), replace(asked, context=numbers.astype(np.int32))
