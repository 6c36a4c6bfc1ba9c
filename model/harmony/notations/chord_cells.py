"""Reads the cells of a chart's bars, one bar after another: symbols, repeat signs, and signs for one more beat of a chord. Knows no bar lines."""

import re
from collections.abc import Callable, Sequence

from model.errors import ChordError
from model.harmony.chart import MAX_CHORDS_PER_BAR, ChartBar
from model.harmony.chord import Chord
from model.harmony.chord_symbol import parse_chord

MAX_REMARKS = 20

_SAME_BAR = frozenset({"%", "𝄎", "./.", "-%-", "x", "sim.", "simile"})
_SAME_CHORD = frozenset({".", "/", "-", "'"})
# An alteration that a space has cut from its chord: C7 b9.
_ALTERATION = re.compile(r"[b#](?:13|11|9|6|5).*")
_SMALL_ROOTS = frozenset("abcdefg")
# What goes on with a symbol that a space has cut: C maj7, A m, G7 alt.
_REST_OF_SYMBOL = re.compile(r"(?:major|minor|maj|Maj|min|m|M|dim|aug|sus|alt|add|Δ|\d).*")
# A chord with the slashes of its further beats: C///, G7/.
_WITH_BEATS = re.compile(r"(?P<symbol>.*[^/])(?P<beats>/+)")
_WORD = re.compile(r"[^\W\d_]*[a-z]{2}.*|[\W\d]+")


class ChordCells:
    """Reads the cells of bars, one after another, and remembers the chord and the bar before."""

    def __init__(self, parse: Callable[[str], Chord | None] = parse_chord) -> None:
        self._parse = parse
        self._last: Chord | None = None
        self._bars: list[ChartBar] = []
        self.remarks: list[str] = []
        self.has_chord = False
        self._has_small_letters = False

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
            self._last = self._parse(self._with_capital(cell))
        except ChordError as error:
            goes_on = "the chord before goes on" if self.has_chord else "no chord sounds until the next one"
            self.remark(f"bar {self.bar_number}: {error}; {goes_on}")
        else:
            self.has_chord = True
        return self._last

    def _with_capital(self, cell: str) -> str:
        """The cell, with its root in a capital where that makes a chord of it; that is said once."""
        capital = cell[:1].upper() + cell[1:]
        if cell[:1] not in _SMALL_ROOTS or _ALTERATION.fullmatch(cell) or is_chord(cell) or not is_chord(capital):
            return cell
        if not self._has_small_letters:
            self._has_small_letters = True
            self.remark(f"small letters are read as capitals: {cell} is {capital}")
        return capital


def other_meter(bar: int, meter: str, first_meter: str) -> str:
    """What is said of a chart whose meter changes."""
    return f"bar {bar} is in {meter}; all bars of a chart are as long as the first, in {first_meter}"


def cells_of(text: str) -> list[str]:
    """The cells of a text: a symbol that a space has cut is one cell, and a chord in round brackets, which may be left out, is played."""
    cells: list[str] = []
    for written in text.split():
        cell = _without_brackets(written)
        is_altered = bool(cells) and cells[-1][-1:].isdigit() and _ALTERATION.fullmatch(cell)
        is_rest = is_altered or (_REST_OF_SYMBOL.fullmatch(cell) and not is_chord(cell))
        if cells and is_rest and is_chord(cells[-1] + cell):
            cells[-1] += cell
        else:
            cells.append(cell)
    return cells


def with_beats(cells: Sequence[str]) -> list[str]:
    """The cells of a bar, where the slashes of further beats stand alone: `C///` is `C / / /`."""
    apart: list[str] = []
    for cell in cells:
        found = _WITH_BEATS.fullmatch(cell)
        if found and is_chord(found["symbol"]):
            apart += [found["symbol"], *found["beats"]]
        elif apart and set(cell) == {"/"}:
            apart += cell
        else:
            apart.append(cell)
    return apart


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
