"""Reads a chart from text, as musicians write it: `| F7 | Bb7 | F7 | % |`, with sections, repeats and endings. Opens no file.

- Bars stand between bar lines. A line without any bar line is a list of bars with one chord each.
- Chords share their bar: `| Dm7 G7 |`. A dot or a slash is a beat more of the chord before: `| C . . G7 |`.
- `%` repeats the bar before, `N.C.` is no chord, an empty bar goes on with the chord before.
- `|: … :|` is played twice, with `x3` three times; endings are `|1. … :|2. …`.
- Lines such as `Title: …`, `Key: Bb` and `Meter: 3/4` come first; `[A]` or `[Chorus]` names a section; after `#` and a space comes a comment.
"""

import re
from collections.abc import Callable

from model.analysis.scale import Key, parse_key
from model.errors import ChartError, ChordError
from model.harmony.chart import MAX_BARS, MAX_CHORDS_PER_BAR, Chart, ChartBar
from model.harmony.chord import Chord
from model.harmony.chord_symbol import parse_chord
from model.harmony.unfolding import WrittenBar, unfold

MAX_CHARACTERS = 100_000
MAX_REMARKS = 20
LONGEST_TITLE = 80

_HEADING = re.compile(r"(?P<name>title|key|meter|time|form)\s*[:=]\s*(?P<value>.*)", re.IGNORECASE)
_SECTION = re.compile(r"\[[A-Za-z][^\]|:]*\]\s*:?|^\s*[A-Za-z]+\s*\d*:(?=\s)")
_COMMENT = re.compile(r"(?:^|\s)#(?:\s.*|$)")
_ENDING = re.compile(r"^\s*(?P<numbers>\d(?:\s*[,.-]?\s*\d)*)\s*[.)](?=\s|$)")
_TIMES = re.compile(r"^\s*[x\u00d7](?P<times>\d{1,2})\b|^\s*\(?(?P<before>\d{1,2})[x\u00d7]\)?(?=\s|$)")
COMMON_BEATS = 4
"""The beats of a bar where a chart does not say its meter."""

_METER = re.compile(r"\d{1,2}/\d{1,2}")
# A bar line, with the repeat that ends or begins at it.
_BAR_LINE = re.compile(r"(?P<end>:)?(?:\|+\]?|\]|\[(?=:))+(?P<begin>:)?|(?P<end_alone>:\])|(?P<begin_alone>\[:)")
_SAME_BAR = frozenset({"%", "𝄎", "./.", "-%-"})
_SAME_CHORD = frozenset({".", "/", "-", "'"})


def read_text_chart(text: str) -> Chart:
    """The chart in a text. Raises ChartError where the text has no chord at all, or too many bars or characters.

    Where a symbol is not known, the chord before it goes on; `remarks` names the symbol and its bar.
    """
    if len(text) > MAX_CHARACTERS:
        raise ChartError(f"the chart has {len(text):,} characters; a chart has {MAX_CHARACTERS:,} at most")
    reader = _TextReader()
    for line in text.splitlines():
        reader.read_line(_COMMENT.sub("", line).strip())
    return reader.chart()


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

    def bar(self, cells: list[str]) -> ChartBar:
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
            self.has_chord = True
        except ChordError as error:
            self.remark(f"bar {self.bar_number}: {error}; the chord before goes on")
        return self._last


class _TextReader:
    def __init__(self) -> None:
        self._cells = ChordCells()
        self._written: list[WrittenBar] = []
        self._begins_repeat = False
        self._title = ""
        self._key: Key | None = None
        self._meter = ""
        self._is_too_long = self._is_crowded = False

    def read_line(self, line: str) -> None:
        if not self._written and (heading := _HEADING.fullmatch(line)):
            self._read_heading(heading["name"].lower(), heading["value"].strip())
            return
        line = _SECTION.sub(" ", line).strip()
        if not line:
            return
        if "|" not in line and "[:" not in line and ":]" not in line:
            for cell in line.split():
                self._add_bar([cell])
            return
        self._read_bars(line)

    def chart(self) -> Chart:
        if not self._cells.has_chord:
            first = f" ({self._cells.remarks[0]})" if self._cells.remarks else ""
            raise ChartError(f"the chart has no chord{first}; one is written like | F7 | Bb7 | F7 | % |")
        bars, is_whole = unfold(self._written)
        if not is_whole:
            self._cells.remark(f"the chart is longer than {MAX_BARS} bars with its repeats; the rest is left out")
        return Chart(bars, self._title, self._key, self._meter, tuple(self._cells.remarks))

    def _read_heading(self, name: str, value: str) -> None:
        if name == "title":
            self._title = value[:LONGEST_TITLE]
        elif name == "key":
            try:
                self._key = parse_key(value)
            except ValueError as error:
                self._cells.remark(str(error))
        elif name in {"meter", "time"}:
            if _METER.fullmatch(value):
                self._meter = value
            else:
                self._cells.remark(f'"{value[:LONGEST_TITLE]}" is no meter; one is written like 3/4')

    def _read_bars(self, line: str) -> None:
        at = 0
        for found in _BAR_LINE.finditer(line):
            self._read_bar(line[at : found.start()], is_first=at == 0)
            if found["end"] or found["end_alone"]:
                self._end_repeat(line[found.end() :])
            if found["begin"] or found["begin_alone"]:
                self._begins_repeat = True
            at = found.end()
        rest = _TIMES.sub("", line[at:])
        self._read_bar(rest, is_first=True)

    def _read_bar(self, text: str, *, is_first: bool) -> None:
        """One bar; text before the first bar line or after the last one, if there is any, is a bar too."""
        text = _TIMES.sub("", text)
        ending = _ENDING.match(text)
        if ending:
            text = text[ending.end() :]
        cells = text.split()
        if not cells and (is_first or not text):
            return
        self._add_bar(
            cells, frozenset(int(digit) for digit in re.findall(r"\d", ending["numbers"])) if ending else frozenset()
        )

    def _add_bar(self, cells: list[str], endings: frozenset[int] = frozenset()) -> None:
        if len(self._written) < MAX_BARS:
            bar = self._cells.bar(cells)
            self._written.append(WrittenBar(bar, self._begins_repeat, endings=endings))
            self._begins_repeat = False
            self._look_for_crowd(len(bar.chords))
        elif not self._is_too_long:
            self._is_too_long = True
            self._cells.remark(f"the chart has more than {MAX_BARS} bars; the rest is left out")

    def _look_for_crowd(self, chords: int) -> None:
        """Says once that a bar has more chords than beats: those of the chart's meter, or four."""
        if chords > int(self._meter.partition("/")[0] or COMMON_BEATS) and not self._is_crowded:
            self._is_crowded = True
            self._cells.remark(
                f"bar {len(self._written)} has {chords} chords, more than it has beats, so they share it evenly"
            )

    def _end_repeat(self, following: str) -> None:
        if self._written:
            times = _TIMES.match(following)
            self._written[-1].times = int(times["times"] or times["before"]) if times else 2
