"""A position in what a memory has heard: the latest symbols of each line, and the contexts that end there; knows no forecast."""

from collections.abc import Sequence

from model.memory.context_kinds import LINES, LONGEST, ContextKind
from model.tokens.vocabulary import START

# A symbol is one byte. Of pitches, times and tokens it is the token minus one, as the start token is never forecast. Of
# intervals and steps it is an interval from -63 to 63 semitones, or a time after those. A leap of more than five octaves
# counts as 63.
SYMBOLS = 256
SYMBOL_BYTES = tuple(bytes((symbol,)) for symbol in range(SYMBOLS))
MAX_INTERVAL = 63
FIRST_TIME_SYMBOL = 2 * MAX_INTERVAL + 1
MOST_NOTES = 128
MAX_TIMES = SYMBOLS - 1 - FIRST_TIME_SYMBOL
NO_CONTEXT = b""
# By the difference of two note tokens, which is below 0 where the second note is lower: it is the index from the end.
STEP_BYTES = tuple(
    SYMBOL_BYTES[min(max(step, -MAX_INTERVAL), MAX_INTERVAL) + MAX_INTERVAL]
    for step in (*range(MOST_NOTES), *range(1 - MOST_NOTES, 0))
)
# A line that is as long as this is cut to what contexts need, so that this is seldom done.
LONGEST_LINE = 2 * LONGEST
INTERVAL_LINE, TIME_LINE = LINES.index("intervals"), LINES.index("times")
"""The shortest lines of the two approaches: where both are full, all lines are."""
PLACE_BYTES = 2
LARGEST_PLACE = 256**PLACE_BYTES - 1
CHORD_PLACE_BYTES = 5
"""As many as `model.harmony.changes` makes of a place among the chords."""

ContextKey = tuple[bytes, int, slice, int]
"""What a context of one kind is made of: the byte it begins with, the index of its line, the part of that, and what comes before its
symbols: 0 for nothing, 1 for the place in the bar, 2 for the place among the chords."""
BAR_PLACE, CHORD_PLACE = 1, 2


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

    def __init__(
        self,
        history: MemoryHistory,
        previous: "MemoryMark | None",
        token: int = START,
        place: int | None = None,
        chord_place: bytes = b"",
        is_learnt: bool = False,  # noqa: FBT001, FBT002  by name it takes longer
        lines: "Lines | None" = None,
        last_note_token: int | None = None,
        time_comes: bool = False,  # noqa: FBT001, FBT002  as above
    ) -> None:
        """The position after `token`, which stands at this place in its bar and at this one among the chords.

        `lines` are the latest symbols of each of `LINES`, at least as many as the longest context holds; None before all music.
        `last_note_token` is the note that the next interval is counted from, and `time_comes` whether a time may come next.
        """
        self.history, self.previous, self.token, self.is_learnt = history, previous, token, is_learnt
        self.position: int = 0 if previous is None else previous.position + 1
        self.place, self.chord_place = place, chord_place
        self.lines = lines or EMPTY_LINES
        self.last_note_token, self.time_comes = last_note_token, time_comes
        # What learning this token removed: the oldest followers of each context that had too many, empty if none had, and whole
        # contexts. A memory holds thousands of marks, so only the latest keep those, and the contexts that learnt (None: to be
        # computed again).
        self.dropped: Sequence[bytes] = ()
        self.evicted: Sequence[tuple[bytes, bytes]] = ()
        self.learnt: Sequence[bytes] | None = None


Lines = tuple[bytes, bytes, bytes, bytes, bytes]
EMPTY_LINES: Lines = (b"", b"", b"", b"", b"")


def context_keys(kinds: Sequence[ContextKind], first: int) -> tuple[ContextKey, ...]:
    """The keys of these kinds; all kinds share one table, so each begins with a byte of its own, from `first` up."""
    return tuple(
        (
            bytes((first + index,)),
            LINES.index(kind.line),
            slice(-kind.length, None) if kind.length else slice(0),
            CHORD_PLACE if kind.has_chord else BAR_PLACE if kind.has_place else 0,
        )
        for index, kind in enumerate(kinds)
    )


def place_bytes(place: int | None) -> bytes:
    """A place in the bar as it stands in a context; empty where it is not known."""
    return b"" if place is None else min(place, LARGEST_PLACE).to_bytes(PLACE_BYTES)


def contexts_at(
    lines: Sequence[bytes], keys: Sequence[ContextKey], place: int | None, chord_place: bytes = NO_CONTEXT
) -> list[bytes]:
    """The contexts that end here, before a token at these places; NO_CONTEXT where too little was heard, or a place is not known."""
    prefixes = b"", place_bytes(place), chord_place
    if place is not None and len(lines[INTERVAL_LINE]) >= LONGEST <= len(lines[TIME_LINE]):
        # Then every context is there, and need not be checked.
        return [first + prefixes[prefix] + lines[index][part] for first, index, part, prefix in keys]
    return [
        first + prefixes[prefix] + lines[index][part]
        if -(part.start or 0) <= len(lines[index]) and (prefix != BAR_PLACE or place is not None)
        else NO_CONTEXT
        for first, index, part, prefix in keys
    ]
