"""The contexts before a next token in the order of trust: how a memory looks them up, and what those that it knows expect."""

from collections.abc import Mapping, Sequence

from model.defaults import FITTED_STRENGTH
from model.memory.backoff import MAX_FOLLOWERS, Trust
from model.memory.context_kinds import LONGEST
from model.memory.memory_mark import BAR_PLACE, ContextKey, place_bytes

# Followers that occur again and again are counted once: so many of them, at some 300 bytes each.
MAX_COUNTED = 1 << 12
# The same of what contexts begin with, by place.
MAX_PLACES = 1 << 10

Expectation = tuple[dict[int, float], dict[int, float], float]
"""The weights of the next symbols of lines as they are, those of transposed lines, and the sum of both and of the network's, which is 1."""

_Counted = tuple[bytes, Sequence[float], float]
"""The symbols that followed a context, the share of each, and how much greater the odds are than after one."""
# By the count of all and of one: so the shares of all contexts are few numbers, which a processor finds quickly.
_SHARES = [[count / max(total, 1) for count in range(total + 1)] for total in range(MAX_FOLLOWERS + 1)]


class ContextLevels:
    """The contexts before one kind of next token, from the one that is trusted least up, and how far each is trusted."""

    __slots__ = ("_counted", "_heads", "_levels", "_place_lines", "_strength", "is_transposed", "keys", "trust")

    def __init__(self, trust: Trust, keys: Sequence[ContextKey]) -> None:
        """The keys are those of the trust's kinds, in their order."""
        self.trust, self.keys = trust, keys
        self.is_transposed = tuple(kind.is_transposed for kind in trust.kinds)
        self._counted: dict[bytes, _Counted] = {}
        self._heads: dict[tuple[int | None, bytes], Sequence[bytes]] = {}
        self._set_strength(FITTED_STRENGTH)

    def _set_strength(self, strength: float) -> None:
        """Puts all that a context is looked up with side by side, as that is done for each token that is composed."""
        self._strength = strength
        lines: dict[tuple[int, int], int] = {}
        self._levels, self._place_lines = [], 0
        for key, is_transposed, odds in zip(self.keys, self.is_transposed, self.trust.odds(strength), strict=True):
            _, index, length, prefix = key
            line = lines.setdefault((index, prefix), 1 << len(lines))
            if prefix == BAR_PLACE:
                self._place_lines |= line
            self._levels.append((line, index, LONGEST - length, is_transposed, odds))

    def _heads_at(self, place: int | None, chord_place: bytes) -> Sequence[bytes]:
        """What the context of each level begins with here; kept, as the same places occur over and over."""
        if len(self._heads) >= MAX_PLACES:
            self._heads.clear()
        prefixes = b"", place_bytes(place), chord_place
        heads = self._heads[place, chord_place] = [first + prefixes[prefix] for first, _, _, prefix in self.keys]
        return heads

    def expect(
        self,
        strength: float,
        followers_of: Mapping[bytes, bytes],
        lines: Sequence[bytes],
        place: int | None,
        chord_place: bytes,
    ) -> Expectation:
        """What the contexts that end here expect, each with its odds against all that are trusted less.

        Where a context is not known, the longer ones of its line are not looked up: a memory that knew them would know it, too. (Of a
        memory that is full, it may have been dropped before them.)
        """
        if strength != self._strength:
            self._set_strength(strength)
        heads = self._heads.get((place, chord_place)) or self._heads_at(place, chord_place)
        unknown = self._place_lines if place is None else 0
        known, counted = followers_of.get, self._counted.get
        plain: dict[int, float] = {}
        transposed: dict[int, float] = {}
        by_kind = (plain, plain.get), (transposed, transposed.get)
        total = 1.0
        for head, (line, index, begin, is_transposed, odds) in zip(heads, self._levels):  # noqa: B905  as below
            if unknown & line:
                continue
            symbols = lines[index]
            if len(symbols) == LONGEST:
                followers = known(head + symbols[begin:])
            else:
                missing = LONGEST - len(symbols)
                followers = known(head + symbols[begin - missing :]) if begin >= missing else None
            if followers is None:
                unknown |= line
                continue
            expected, expected_of = by_kind[is_transposed]
            weight = total * odds
            if len(followers) == 1:
                symbol = followers[0]
                expected[symbol] = expected_of(symbol, 0.0) + weight
            else:
                distinct, shares, growth = counted(followers) or self._count(followers)
                weight *= growth
                for symbol, share in zip(distinct, shares):  # noqa: B905  its keyword takes a quarter of the time
                    expected[symbol] = expected_of(symbol, 0.0) + weight * share
            total += weight
        return plain, transposed, total

    def _count(self, followers: bytes) -> _Counted:
        """Kept, as the same contexts occur over and over."""
        if len(self._counted) >= MAX_COUNTED:
            self._counted.clear()
        distinct, total = bytes(dict.fromkeys(followers)), len(followers)
        shares = tuple(_SHARES[total][followers.count(symbol)] for symbol in distinct)
        counted = self._counted[followers] = distinct, shares, self.trust.growth(total, len(distinct))
        return counted
