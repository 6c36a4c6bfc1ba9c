"""A position in what a memory has heard: the latest symbols of each line, and the contexts that end there; knows no forecast."""

from collections.abc import Sequence

from model.memory.context_kinds import LINES, LONGEST, ContextKind
from model.tokens.vocabulary import START

# A symbol is one byte. Of pitches, times and tokens it is the token minus one, as the start token is never forecast. Of
# intervals and steps it is an interval from -63 to 63 semitones, or a time after those. A leap of more than five octaves
# counts as 63.
SYMBOLS = 256
MAX_INTERVAL = 63
FIRST_TIME_SYMBOL = 2 * MAX_INTERVAL + 1
MAX_TIMES = SYMBOLS - 1 - FIRST_TIME_SYMBOL
NO_CONTEXT = b""
INTERVAL_LINE, TIME_LINE = LINES.index("intervals"), LINES.index("times")
"""The shortest lines of the two approaches: where both are full, all lines are."""
PLACE_BYTES = 2
LARGEST_PLACE = 256**PLACE_BYTES - 1
CHORD_PLACE_BYTES = 5
"""As many as `model.harmony.changes` makes of a place among the chords."""

ContextKey = tuple[bytes, int, int, bool]
"""What a context of one kind is made of: the byte it begins with, the index of its line, its length, whether it has a place."""


class MemoryHistory:
    """A line of tokens that a memory heard without being emptied or loaded; `began_empty` is whether it held nothing before."""

    __slots__ = ("began_empty",)

    def __init__(self, *, began_empty: bool) -> None:
        self.began_empty = began_empty


class MemoryMark:
    """A position in what was heard, which a memory can go back to. It holds only the way to that position, no memory.

    Marks form a chain: `previous` is one token earlier. All marks of one history share `history`; a memory starts
    a new one when it is emptied or loaded.
    """

    __slots__ = (
        "chord_place",
        "dropped",
        "evicted",
        "history",
        "is_learnt",
        "last_note_token",
        "learnt",
        "lines",
        "place",
        "position",
        "previous",
        "time_comes",
        "token",
    )

    def __init__(self, history: MemoryHistory) -> None:
        self.history = history
        self.position = 0
        self.previous: MemoryMark | None = None
        self.token, self.is_learnt = START, False
        self.place: int | None = None  # where in the bar the token stood
        self.chord_place = b""  # where among the chords it stood
        # The latest symbols of each of `LINES`, as many as the longest context holds.
        self.lines: Sequence[bytes] = EMPTY_LINES
        # The note that the next interval is counted from, and whether a time may come next.
        self.last_note_token: int | None = None
        self.time_comes = False
        # What learning this token removed: the oldest followers of each context that had too many, empty if none had, and whole
        # contexts. A memory holds thousands of marks, so only the latest keep those, and the contexts that learnt (None: to be
        # computed again).
        self.dropped: Sequence[bytes] = ()
        self.evicted: Sequence[tuple[bytes, bytes]] = ()
        self.learnt: Sequence[bytes] | None = None


EMPTY_LINES: Sequence[bytes] = (b"",) * len(LINES)


def context_keys(kinds: Sequence[ContextKind], first: int) -> tuple[ContextKey, ...]:
    """The keys of these kinds; all kinds share one table, so each begins with a byte of its own, from `first` up."""
    return tuple(
        (bytes((first + index,)), LINES.index(kind.line), kind.length, kind.has_place)
        for index, kind in enumerate(kinds)
    )


def contexts_at(lines: Sequence[bytes], keys: Sequence[ContextKey], place: int | None) -> list[bytes]:
    """The contexts that end here, before a token at this place; NO_CONTEXT where too little was heard, or the place is not known."""
    at_place = b"" if place is None else min(place, LARGEST_PLACE).to_bytes(PLACE_BYTES)
    if (
        at_place and len(lines[INTERVAL_LINE]) == len(lines[TIME_LINE]) == LONGEST
    ):  # then every context is there, and need not be checked
        return [
            first + at_place + lines[index][LONGEST - length :]
            if has_place
            else first + lines[index][LONGEST - length :]
            for first, index, length, has_place in keys
        ]
    contexts = []
    for first, index, length, has_place in keys:
        line = lines[index]
        begin = len(line) - length
        if begin < 0 or (has_place and not at_place):
            contexts.append(NO_CONTEXT)
        elif has_place:
            contexts.append(first + at_place + line[begin:])
        else:
            contexts.append(first + line[begin:])
    return contexts


def chord_contexts_at(lines: Sequence[bytes], keys: Sequence[ContextKey], chord_place: bytes) -> list[bytes]:
    """The contexts of kinds with a chord, before a note at this place among the chords; NO_CONTEXT where too little was heard."""
    return [
        first + chord_place + lines[index][len(lines[index]) - length :] if len(lines[index]) >= length else NO_CONTEXT
        for first, index, length, _ in keys
    ]
