"""Interpolated PPM of any order: the count-based model that a network has to beat; knows no network and no MIDI.

Prediction by partial match with escape method C, blended over all orders (Bunton 1996; Pearce 2005):
p_k(x) = (c_k(x) + d_k p_{k-1}(x)) / (n_k + d_k), where c counts the tokens that followed the last k tokens,
n is their sum and d the number of different ones; below order 0 all tokens are equally likely.

With unbounded order (PPM*, Cleary & Teahan 1997) the blend goes on to the shortest context that only one token ever
followed, or else to the longest known one. Past a single follower, each longer context would only repeat it with more
certainty, and a surprise would cost another bit or more for each of them.

Nothing is counted in advance. All queried positions go back through the training text together, one token at a time,
and of the training positions those are kept whose context a query still has.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Piece = Sequence[int] | npt.NDArray[np.integer]
Order = int | None
"""How many tokens back a context may reach; None is unbounded."""

# Each learnt token takes up to 30 bytes during a query, so these take 0.6 GB.
MAX_TOKENS = 20_000_000

# In a text, tokens are one higher than in the vocabulary, and this one precedes each piece: no context goes past it.
BREAK = 0
# This many positions are processed at once, to keep intermediate arrays small.
QUERIED_AT_ONCE = 1 << 15
LEARNED_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Positions:
    """Positions in a text, by index, each with the number of the context before it.

    Equal contexts have equal numbers.
    """

    text: npt.NDArray[np.unsignedinteger]
    positions: npt.NDArray[np.int32]
    contexts: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, which: slice | npt.NDArray[np.bool_]) -> "_Positions":
        return replace(self, positions=self.positions[which], contexts=self.contexts[which])

    def parts(self, size: int) -> "Iterator[_Positions]":
        return (self[at : at + size] for at in range(0, len(self), size))

    def tokens(self) -> npt.NDArray[np.intp]:
        """The tokens at the positions, numbered as in the vocabulary."""
        return self.text[self.positions].astype(np.intp) - 1

    def tokens_before(self, order: int) -> npt.NDArray[np.intp]:
        """The tokens `order` places before the positions, numbered as in the text."""
        return self.text[self.positions - order].astype(np.intp)


class Ppm:
    """The model of the pieces that it learnt from, over a vocabulary of `size` tokens.

    The first token of each piece, the start, is context only. The caller keeps the number of tokens within
    `MAX_TOKENS`; `pieces_within` chooses the pieces that fit. Raises ValueError for a token that is not in the
    vocabulary.
    """

    def __init__(self, pieces: Iterable[Piece], size: int) -> None:
        self.size = size
        self._training = _positions_in(pieces, size)

    def bits(self, pieces: Iterable[Piece], orders: Sequence[Order]) -> npt.NDArray[np.float64]:
        """The bits of each token but the first of each piece, piece after piece, shape (orders, tokens)."""
        return self._bits(_positions_in(pieces, self.size), orders)

    def bits_by_token(self, pieces: Iterable[Piece], orders: Sequence[Order]) -> npt.NDArray[np.float64]:
        """The bits of all pieces, summed for each token that they were spent on, shape (orders, size)."""
        queried = _positions_in(pieces, self.size)
        costs = self._bits(queried, orders)
        return np.array([np.bincount(queried.tokens(), row, self.size) for row in costs]).reshape(-1, self.size)

    def _bits(self, queried: _Positions, orders: Sequence[Order]) -> npt.NDArray[np.float64]:
        nothing = np.empty((len(orders), 0))
        chances = [self._chances(part, orders) for part in queried.parts(QUERIED_AT_ONCE)]
        bits: npt.NDArray[np.float64] = -np.log2(np.concatenate([nothing, *chances], axis=1))
        return bits

    def _chances(self, queried: _Positions, orders: Sequence[Order]) -> npt.NDArray[np.float64]:
        """The probability of the token at each position, shape (orders, positions)."""
        blend = np.full(len(queried), 1.0 / self.size)
        chances = np.tile(blend, (len(orders), 1))
        longest = max((bound for bound in orders if bound is not None), default=-1)
        is_undecided = np.full(len(queried), None in orders)  # whose contexts had no single follower so far
        columns, training, order = np.arange(len(queried)), self._training, 0
        while len(columns):
            counts = _count_followers(training, 1 + int(queried.contexts.max()), self.size)
            totals, alphabets = counts.sum(axis=1), np.count_nonzero(counts, axis=1)
            known = totals[queried.contexts] > 0
            queried, columns = queried[known], columns[known]

            target_counts = counts[queried.contexts, queried.tokens()]
            total, different = totals[queried.contexts], alphabets[queried.contexts]
            blend[columns] = (target_counts + different * blend[columns]) / (total + different)
            for row, bound in zip(chances, orders, strict=True):
                if bound is None:
                    row[columns] = np.where(is_undecided[columns], blend[columns], row[columns])
                elif order <= bound:
                    row[columns] = blend[columns]

            order += 1
            is_undecided[columns[different == 1]] = False
            goes_on = is_undecided[columns] | (order <= longest)
            columns = columns[goes_on]
            training, queried = _extend_contexts(training, queried[goes_on], order, counts.shape)
        return chances


def ppm_bits_per_note(
    training: Iterable[Piece], tests: Mapping[str, tuple[Iterable[Piece], int]], orders: Sequence[Order], size: int
) -> dict[str, dict[str, npt.NDArray[np.float64]]]:
    """Bits per note after `training`, for each of `tests` (its pieces, and how many notes they hold) and each order.

    They are given for each token that they were spent on, shape (size,), so that pitches and times can be separated;
    their sum is the figure.
    """
    model = Ppm(training, size)
    names = ["unbounded" if order is None else f"order {order}" for order in orders]
    return {
        name: dict(zip(names, model.bits_by_token(pieces, orders) / notes, strict=True))
        for name, (pieces, notes) in tests.items()
    }


def pieces_within(lengths: Sequence[int] | npt.NDArray[np.integer], most: int = MAX_TOKENS) -> npt.NDArray[np.intp]:
    """The indices of the pieces to learn from, by their lengths in tokens: all, or a fixed random choice that fits."""
    shuffled = np.random.default_rng(0).permutation(len(lengths))
    fits = np.cumsum(np.asarray(lengths, np.int64)[shuffled]) <= most
    return np.sort(shuffled[fits])


def _positions_in(pieces: Iterable[Piece], size: int) -> _Positions:
    """The pieces as one text, and the positions of all tokens but each piece's first."""
    dtype = np.min_scalar_type(size)
    parts = [np.full(1, BREAK, dtype)]
    for piece in pieces:
        tokens = np.asarray(piece, np.int64)
        if len(tokens) and not 0 <= tokens.min() <= tokens.max() < size:
            raise ValueError(f"token {tokens.min()} or {tokens.max()} is not in a vocabulary of {size}")
        parts += (tokens + 1).astype(dtype), np.full(1, BREAK, dtype)
    text = np.concatenate(parts)
    is_token = text != BREAK
    at = np.flatnonzero(is_token[1:] & is_token[:-1]).astype(np.int32) + 1
    return _Positions(text, at, np.zeros(len(at), np.int32))


def _count_followers(training: _Positions, contexts: int, size: int) -> npt.NDArray[np.int64]:
    """How often each token followed each context, shape (contexts, size)."""
    counts = np.zeros(contexts * size, np.int64)
    for part in training.parts(LEARNED_AT_ONCE):
        counts += np.bincount(part.contexts * np.intp(size) + part.tokens(), minlength=len(counts))
    return counts.reshape(contexts, size)


def _extend_contexts(
    training: _Positions, queried: _Positions, order: int, shape: tuple[int, int]
) -> tuple[_Positions, _Positions]:
    """Both with contexts that are one token longer, `order` tokens in all.

    It keeps only the training positions that a query needs.
    """
    contexts, width = shape[0], np.intp(shape[1] + 1)
    keys = queried.contexts * width + queried.tokens_before(order)
    distinct, numbers = np.unique(keys, return_inverse=True)
    number = np.full(contexts * width, -1, np.int32)
    number[distinct] = np.arange(len(distinct))
    number[BREAK::width] = -1  # a context that would reach past a start equals no other
    parts_kept = [training[:0]]
    for part in training.parts(LEARNED_AT_ONCE):
        context = number[part.contexts * width + part.tokens_before(order)]
        parts_kept.append(replace(part, contexts=context)[context >= 0])
    at, context = (
        np.concatenate([part.positions for part in parts_kept]),
        np.concatenate([part.contexts for part in parts_kept]),
    )
    return replace(training, positions=at, contexts=context), replace(queried, contexts=numbers.astype(np.int32))
