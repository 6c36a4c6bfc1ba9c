"""A position in what a memory has heard: the latest tokens as symbols, and the contexts that end there; knows no forecast."""

from model.memory.backoff import ORDERS
from model.tokens.vocabulary import START

# A symbol is one byte. Among tokens it is the token minus one, as the start token is never forecast. Among intervals it is
# an interval from -63 to 63 semitones, or a time after those. A leap of more than five octaves counts as 63.
SYMBOLS = 256
MAX_INTERVAL = 63
FIRST_TIME_SYMBOL = 2 * MAX_INTERVAL + 1
MAX_TIMES = SYMBOLS - 1 - FIRST_TIME_SYMBOL
# Contexts of both kinds share one table; the first byte says which kind a context is.
INTERVAL_CONTEXT, TOKEN_CONTEXT = b"i", b"t"
NO_CONTEXT = b""


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
        "evicted",
        "history",
        "interval_history",
        "is_learnt",
        "last_note_token",
        "overwritten",
        "position",
        "previous",
        "token",
        "token_history",
    )

    def __init__(self, history: MemoryHistory) -> None:
        self.history = history
        self.position = 0
        self.previous: MemoryMark | None = None
        self.token, self.is_learnt = START, False
        # The latest symbols, as many as the longest context holds, and the note that the next interval is counted from.
        self.interval_history, self.token_history = b"", b""
        self.last_note_token: int | None = None
        # What learning this token changed: each context with its earlier followers, and the contexts removed for space.
        self.overwritten: list[tuple[bytes, bytes | None]] = []
        self.evicted: list[tuple[bytes, bytes]] = []


def contexts_at(mark: MemoryMark) -> list[bytes]:
    """The contexts that end at a mark, shortest first, intervals and tokens in turn; NO_CONTEXT where too little was heard."""
    intervals, tokens = mark.interval_history, mark.token_history
    contexts = []
    for order in ORDERS:
        contexts.append(INTERVAL_CONTEXT + intervals[-order:] if len(intervals) >= order else NO_CONTEXT)
        contexts.append(TOKEN_CONTEXT + tokens[-order:] if len(tokens) >= order else NO_CONTEXT)
    return contexts
