"""Reads the cells of a chart's bars, one bar after another: symbols, repeat signs, and signs for one more beat of a chord. Knows no bar lines."""

import re
from collections.abc import Callable, Sequence

from model.errors import ChordError
from model.harmony.chart import MAX_CHORDS_PER_BAR, ChartBar
from model.harmony.chord import Chord
from model.harmony.chord_symbol import parse_chord

MAX_REMARKS = 20

_SAME_BAR = frozenset({"%", "𝄎", "./.", "-%-"})
_SAME_CHORD = frozenset({".", "/", "-", "'"})
# What goes on with a symbol that a space has cut: C maj7, A m, G7 alt.
_REST_OF_SYMBOL = re.compile(r"(?:major|minor|maj|Maj|min|m|M|dim|aug|sus|alt|add|Δ|\d).*")
_WORD = re.compile(r"[^\W\d_]*[a-z]{2}.*|[\W\d]+")


class ChordCells:
    """Reads the cells of bars, one after another, and remembers the chord and the bar before."""

    def __init__(self, parse: Callable[[str], Chord | None] = parse_chord) -> None:
        self._parse = parse
        self._last: Chord | None = None
        self._bars: list[ChartBar] = []
        self.remarks: list[str] = []
        self.has_chord = False

    @property
    def bar_number(self) -> int:
        """The number of the bar that is read next, as written, from 1."""
        return len(self._bars) + 1

    def remark(self, sentence: str) -> None:
        if len(self.remarks) < MAX_REMARKS:
            self.remarks.append(sentence)
        elif len(self.remarks) == MAX_REMARKS:
            self.remarks.append("more of the chart could not be read as written")

    def bar(self, cells: Sequence[str]) -> ChartBar:
        """The bar of these cells: symbols, repeat signs, and signs for one more beat of a chord."""
        if len(cells) > MAX_CHORDS_PER_BAR:
            self.remark(f"bar {self.bar_number} has {len(cells)} chords; the first {MAX_CHORDS_PER_BAR} are kept")
            cells = cells[:MAX_CHORDS_PER_BAR]
        if len(cells) == 1 and cells[0] in _SAME_BAR and self._bars:
            return self._keep(self._bars[-1])
        return self._keep(ChartBar(tuple(self._chord(cell) for cell in cells) or (self._last,)))

    def _keep(self, bar: ChartBar) -> ChartBar:
        self._bars.append(bar)
        self._last = bar.chords[-1]
        return bar

    def _chord(self, cell: str) -> Chord | None:
        if cell in _SAME_CHORD or cell in _SAME_BAR:
            return self._last
        try:
            self._last = self._parse(cell)
        except ChordError as error:
            goes_on = "the chord before goes on" if self.has_chord else "no chord sounds until the next one"
            self.remark(f"bar {self.bar_number}: {error}; {goes_on}")
        else:
            self.has_chord = True
        return self._last


def other_meter(bar: int, meter: str, first_meter: str) -> str:
    """What is said of a chart whose meter changes."""
    return f"bar {bar} is in {meter}; all bars of a chart are as long as the first, in {first_meter}"


def cells_of(text: str) -> list[str]:
    """The cells of a text: a symbol that a space has cut is one cell, and a chord in round brackets, which may be left out, is played."""
    cells: list[str] = []
    for written in text.split():
        cell = _without_brackets(written)
        if cells and _REST_OF_SYMBOL.fullmatch(cell) and not is_chord(cell) and is_chord(cells[-1] + cell):
            cells[-1] += cell
        else:
            cells.append(cell)
    return cells


def is_chord(cell: str) -> bool:
    """Whether a cell is a chord symbol, or a sign for no chord."""
    try:
        parse_chord(cell)
    except ChordError:
        return False
    return True


def is_sign(cell: str) -> bool:
    """Whether a cell repeats a chord or a bar."""
    return cell in _SAME_BAR or cell in _SAME_CHORD


def are_words(cells: Sequence[str]) -> bool:
    """Whether cells are words of a text, such as a title or a verse, and no chords: an article may look like a chord, and a mistyped symbol is no word."""
    words = [cell for cell in cells if not is_chord(cell) and not is_sign(cell) and _WORD.fullmatch(cell)]
    return bool(words) and 2 * len(words) > len(cells)


def _without_brackets(cell: str) -> str:
    cell = cell.removeprefix("(")
    return cell[:-1] if cell.endswith(")") and cell.count(")") > cell.count("(") else cell
