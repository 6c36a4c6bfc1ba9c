"""A place in what a memory has heard: the line before it as symbols, and the contexts that end there; knows no forecast."""

from model.memory.backoff import ORDERS
from model.tokens.vocabulary import START

# A symbol is a byte: a token less one, as the start is never foretold; or an interval from -63 to 63 semitones, then the
# times. A wider leap, of more than five octaves, counts as 63.
SYMBOLS = 256
WIDEST = 63
FIRST_TIME_SYMBOL = 2 * WIDEST + 1
MOST_TIMES = SYMBOLS - 1 - FIRST_TIME_SYMBOL
# Contexts of both kinds lie in one table: their first byte tells them apart.
BY_INTERVALS, BY_TOKENS = b"i", b"t"
NO_CONTEXT = b""


class MemoryMark:
    """A place in what was heard, to go back to. It holds no memory, only the way to it."""

    __slots__ = (
        "before",
        "changed",
        "era",
        "gone",
        "last_note",
        "learnt",
        "number",
        "of_intervals",
        "of_tokens",
        "token",
    )

    def __init__(self, era: object) -> None:
        self.era = era
        self.number = 0
        self.before: MemoryMark | None = None
        self.token, self.learnt = START, False
        # The line as far as the longest context reaches back, and the pitch that intervals are counted from.
        self.of_intervals, self.of_tokens = b"", b""
        self.last_note: int | None = None
        # What this token changed: the contexts with what followed them before, and those that gave way to them.
        self.changed: list[tuple[bytes, bytes | None]] = []
        self.gone: list[tuple[bytes, bytes]] = []


def contexts_at(mark: MemoryMark) -> list[bytes]:
    """The contexts that end at a mark, from the shortest up, intervals and tokens in turn; none where the line is shorter."""
    intervals, tokens = mark.of_intervals, mark.of_tokens
    contexts = []
    for order in ORDERS:
        contexts.append(BY_INTERVALS + intervals[-order:] if len(intervals) >= order else NO_CONTEXT)
        contexts.append(BY_TOKENS + tokens[-order:] if len(tokens) >= order else NO_CONTEXT)
    return contexts
