"""The contexts before a next token in the order of trust: how a memory looks them up, and what those that it knows expect."""

from collections.abc import Mapping, Sequence

from model.defaults import FITTED_STRENGTH
from model.memory.backoff import MAX_FOLLOWERS, Trust
from model.memory.memory_mark import BAR_PLACE, ContextKey, place_bytes

# Followers that occur again and again are counted once: so many of them, at some 300 bytes each.
MAX_COUNTED = 1 << 12
# The same of all that contexts are looked up with, by place, at some 3 kB each.
MAX_PLACES = 1 << 9

Expectation = tuple[dict[int, float], float]
"""The weights of the next symbols, and the sum of these and of the network's, which is 1.

A symbol is that of a line as it is, so one less than its token; OUTSIDE stands for intervals that leave the vocabulary.
"""
OUTSIDE = -1

_Level = tuple[int, int, slice, bytes, bool, float]
"""A bit for its line, the index of that line, the part of it, what it begins with, and whether it is transposed; its odds."""
_Counted = tuple[Sequence[tuple[int, float]], float]
"""The symbols that followed a context, each with its share, and how much greater the odds are than after one."""
# By the count of all and of one: so the shares of all contexts are few numbers, which a processor finds quickly.
_SHARES = [[count / max(total, 1) for count in range(total + 1)] for total in range(MAX_FOLLOWERS + 1)]


class ContextLevels:
    """The contexts before one kind of next token, from the one that is trusted least up, and how far each is trusted."""

    __slots__ = (
        "_bits",
        "_counted",
        "_levels_by_place",
        "_odds",
        "_place_lines",
        "_strength",
        "is_transposed",
        "keys",
        "trust",
    )

    def __init__(self, trust: Trust, keys: Sequence[ContextKey]) -> None:
        """The keys are those of the trust's kinds, in their order."""
        self.trust, self.keys = trust, keys
        self.is_transposed = tuple(kind.is_transposed for kind in trust.kinds)
        lines: dict[tuple[int, int], int] = {}
        self._bits = [lines.setdefault((index, prefix), 1 << len(lines)) for _, index, _, prefix in keys]
        self._place_lines = sum(bit for (_, prefix), bit in lines.items() if prefix == BAR_PLACE)
        self._counted: dict[bytes, _Counted] = {}
        self._levels_by_place: dict[tuple[int | None, bytes], Sequence[_Level]] = {}
        self._set_strength(FITTED_STRENGTH)

    def _set_strength(self, strength: float) -> None:
        self._strength, self._odds = strength, self.trust.odds(strength)
        self._levels_by_place.clear()

    def _levels_at(self, place: int | None, chord_place: bytes) -> Sequence[_Level]:
        """All that a context is looked up with here, side by side; kept, as the same places occur over and over."""
        if len(self._levels_by_place) >= MAX_PLACES:
            self._levels_by_place.clear()
        prefixes = b"", place_bytes(place), chord_place
        levels = self._levels_by_place[place, chord_place] = [
            (bit, index, part, first + prefixes[prefix], is_transposed, odds)
            for bit, (first, index, part, prefix), is_transposed, odds in zip(
                self._bits, self.keys, self.is_transposed, self._odds, strict=True
            )
        ]
        return levels

    def expect(
        self,
        strength: float,
        followers_of: Mapping[bytes, bytes],
        lines: Sequence[bytes],
        place: int | None,
        chord_place: bytes,
        symbols: Sequence[int],
    ) -> Expectation:
        """What the contexts that end here expect, each with its odds against all that are trusted less.

        `symbols` holds, for each symbol of a transposed line, that of a line as it is, or OUTSIDE.

        Where a context is not known, the longer ones of its line are not looked up: a memory that knew them would know it, too. (Of a
        memory that is full, it may have been dropped before them.) Where a line is still too short, what is looked up is shorter than
        any context of that kind, so it is not known.
        """
        if strength != self._strength:
            self._set_strength(strength)
        levels = self._levels_by_place.get((place, chord_place)) or self._levels_at(place, chord_place)
        unknown = self._place_lines if place is None else 0
        known, counted = followers_of.get, self._counted.get
        expected: dict[int, float] = {}
        expected_of, total = expected.get, 1.0
        for line, index, part, head, is_transposed, odds in levels:
            if unknown & line:
                continue
            followers = known(head + lines[index][part])
            if followers is None:
                unknown |= line
                continue
            weight = total * odds
            if len(followers) == 1:
                symbol = symbols[followers[0]] if is_transposed else followers[0]
                expected[symbol] = expected_of(symbol, 0.0) + weight
            else:
                shares, growth = counted(followers) or self._count(followers)
                weight *= growth
                if is_transposed:
                    for step, share in shares:
                        symbol = symbols[step]
                        expected[symbol] = expected_of(symbol, 0.0) + weight * share
                else:
                    for symbol, share in shares:
                        expected[symbol] = expected_of(symbol, 0.0) + weight * share
            total += weight
        return expected, total

    def _count(self, followers: bytes) -> _Counted:
        """Kept, as the same contexts occur over and over."""
        if len(self._counted) >= MAX_COUNTED:
            self._counted.clear()
        distinct, total = bytes(dict.fromkeys(followers)), len(followers)
        shares = tuple((symbol, _SHARES[total][followers.count(symbol)]) for symbol in distinct)
        counted = self._counted[followers] = shares, self.trust.growth(total, len(distinct))
        return counted
