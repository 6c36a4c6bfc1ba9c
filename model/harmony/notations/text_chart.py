"""Reads a chart from text, as musicians write it: `| F7 | Bb7 | F7 | % |`, with sections, repeats and endings. Opens no file.

- Bars stand between bar lines. A line without any bar line is a list of bars with one chord each.
- Chords share their bar: `| Dm7 G7 |`. A dot or a slash is a beat more of the chord before: `| C . . G7 |`, `| C/// |`.
- `%` or `x` repeats the bar before, `N.C.` is no chord, an empty bar goes on with the chord before.
- `|: … :|` is played twice, with `x3` three times; endings are `|1. … :|2. …`. `x2` after a line or after a section's name repeats that.
- `D.C. al Fine`, `D.S. al Coda`, `To Coda`, `Coda`, `Segno` and `Fine` are followed.
- Lines such as `Title: …`, `Key: Bb` and `Meter: 3/4` come first, or the meter before the first bar line; `[A]`, `Chorus:`, a letter alone above bars, or a word before a line's first bar line names a section.
- After `#` and a space comes a comment. A line of words is a title where the chart begins, and is left out elsewhere.
"""

import re
from itertools import pairwise, zip_longest

from model.analysis.scale import Key, parse_key
from model.errors import ChartError, cut_short
from model.harmony.chart import MAX_BARS, Chart
from model.harmony.notations.bar_signs import BarSigns, take_ending, take_signs, take_times
from model.harmony.notations.chord_cells import (
    ChordCells,
    are_words,
    cells_of,
    is_chord,
    is_sign,
    other_meter,
    with_beats,
)
from model.harmony.notations.unfolding import WrittenBar, unfold

MAX_CHARACTERS = 100_000
LONGEST_TITLE = 80
MOST_TIMES = 99

_HEADING = re.compile(
    r"(?P<name>title|key|meter|time|form|tempo|bpm|artist|composer|author|by|style|feel|groove|capo|album|year)\s*[:=]\s*(?P<value>.*)",
    re.IGNORECASE,
)
_SECTION = re.compile(
    r"\[(?P<name>[A-Za-z][^\]|:]*)\]\s*:?|^\s*(?P<word>[A-Za-z]+)\s*\d*:(?=\s|$)"
    r"|^\s*(?P<common>(?i:intro|verse|pre-?chorus|chorus|refrain|bridge|interlude|solo|head|outro|coda))\b\s*\d*:?(?=[\s|(]|$)"
)
_LETTER_ALONE = re.compile(
    r"(?P<before>(?i:part|section)\s+)?\(?(?P<letter>[A-H][1-4]?'?)\)?[.:]?(?P<after>\s+(?i:part|section):?)?\s*(?P<times>\(?(?:[x\u00d7]\s?\d+|\d+\s?[x\u00d7])\)?)?"
)
_NUMBER_IN_BRACKETS = re.compile(r"\[(\d(?:[,.\s-]*\d)*)\.?\]")
_COMMENT = re.compile(r"(?:^|\s)#(?:\s.*|$)")
# What separates the chords of a line without bar lines.
_SEPARATOR = re.compile(r"\s[-\u2013\u2014]+(?=\s)|[,;\u2192>]|(?<=\w)[\u2013\u2014](?=[A-G])|(?<=[\w)])-(?=[A-G])")
_LIST_NUMBER = re.compile(r"^\d+[.)]\s")
COMMON_BEATS, COMMON_METER = 4, "4/4"
"""The beats of a bar, and the meter, where a chart does not say it."""

_METER = re.compile(r"[1-9]\d?/[1-9]\d?")
# A meter before the first bar line, or where a bar begins.
_METER_OF_BAR = re.compile(r"\s*(?P<meter>[1-9]\d?/(?:1|2|4|8|16))(?=\s|$)")
# A bar line, with the repeat that ends or begins at it.
_BAR_LINE = re.compile(r"(?P<end>:)?(?:\[?\|+\]?|\]|\[(?=:))+(?P<begin>:)?|(?P<end_alone>:\])|(?P<begin_alone>\[:)")


def read_text_chart(text: str) -> Chart:
    """The chart in a text. Raises ChartError where the text has no chord at all, or too many bars or characters.

    Where a symbol is not known, the chord before it goes on; `remarks` names the symbol and its bar.
    """
    if len(text) > MAX_CHARACTERS:
        raise ChartError(f"the chart has {len(text):,} characters; a chart has {MAX_CHARACTERS:,} at most")
    reader = _TextReader()
    lines = [line for line in (_COMMENT.sub("", line).strip() for line in text.splitlines()) if line]
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        # A letter alone is a chord in a list of them, and a section above bars.
        letter = _LETTER_ALONE.fullmatch(line)
        is_section = letter and (letter["before"] or letter["after"] or "|" in following)
        reader.read_line(f"[{letter['letter']}] {letter['times'] or ''}" if letter and is_section else line)
    return reader.chart()


class _TextReader:
    def __init__(self) -> None:
        self._cells = ChordCells()
        self._written: list[WrittenBar] = []
        self._begins_repeat = False
        self._comes_from_coda = False  # the coda begins at the next bar, or is left for there
        self._segno_is_next = False
        self._title = ""
        self._key: Key | None = None
        self._meter = ""
        self._is_too_long = self._is_crowded = self._has_words = False
        self._sections: list[tuple[int, int]] = []  # the first bar of each section, and how often it is played

    def read_line(self, line: str) -> None:
        if not self._written and (heading := _HEADING.fullmatch(line)):
            self._read_heading(heading["name"].lower(), heading["value"].strip())
            return
        line = _NUMBER_IN_BRACKETS.sub(r"\1. ", line)
        for section in _SECTION.finditer(line):
            self._begin_section(section["name"] or section["word"] or section["common"], line[section.end() :])
        without_names = _SECTION.sub(" ", line).strip()
        if without_names != line.strip():
            _, without_names = take_times(without_names)
        if not without_names.strip():
            return
        if _METER_OF_BAR.fullmatch(without_names):
            self._take_meter(without_names)
        elif "|" in without_names or "[:" in without_names or ":]" in without_names:
            self._read_bars(without_names.strip())
        else:
            self._read_list(without_names.strip())

    def chart(self) -> Chart:
        if not self._cells.has_chord:
            first = f" ({self._cells.remarks[0]})" if self._cells.remarks else ""
            raise ChartError(f"the chart has no chord{first}; one is written like | F7 | Bb7 | F7 | % |")
        for (first_bar, times), (end, _) in pairwise([*self._sections, (len(self._written), 1)]):
            if times > 1:
                self._repeat(first_bar, end, times)
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

    def _begin_section(self, name: str, following: str) -> None:
        times, _ = take_times(following)
        self._sections.append((len(self._written), min(times or 1, MOST_TIMES)))
        self._comes_from_coda |= name.strip().lower() == "coda"
        self._segno_is_next |= name.strip().lower() == "segno"

    def _read_list(self, line: str) -> None:
        """A line without bar lines: a chord a bar, or words."""
        signs, rest = take_signs(line)
        if not signs.is_empty and not rest.strip():
            self._apply(signs)
            return
        first_bar, times = len(self._written), 0
        words = cells_of(_SEPARATOR.sub(" ", _LIST_NUMBER.sub("", line)))
        if len(words) > 1 and (times := take_times(words[-1])[0]):
            words.pop()
        is_title = not self._written and not any(
            is_chord(word) or is_sign(word) or any(map(str.isdigit, word)) for word in with_beats(words)
        )
        if is_title or are_words(with_beats(words)):
            self._leave_out(line)
            return
        for bar in self._bars_of_list(words):
            self._add_bar(bar)
        if times:
            self._repeat(first_bar, len(self._written), times)

    def _bars_of_list(self, words: list[str]) -> list[list[str]]:
        """The bars of a line without bar lines: a chord each; where slashes count the beats of its chords, as many beats as a bar has."""
        beats = int(self._meter.partition("/")[0] or COMMON_BEATS)
        cells = with_beats(words)
        bars = [cells[at : at + beats] for at in range(0, len(cells), beats)]
        if "/" in cells and len(cells) % beats == 0 and all(is_chord(bar[0]) for bar in bars) and "%" not in cells:
            return bars
        return [[word] for word in words]

    def _read_bars(self, line: str) -> None:
        at, first_bar, has_repeat = 0, len(self._written), self._begins_repeat
        for found in _BAR_LINE.finditer(line):
            self._read_bar(line[at : found.start()], is_outside=at == 0)
            if found["end"] or found["end_alone"]:
                has_repeat = True
                self._end_repeat(line[found.end() :])
            if found["begin"] or found["begin_alone"]:
                self._begins_repeat = has_repeat = True
            at = found.end()
        times, rest = take_times(line[at:])
        if times and not has_repeat:
            self._repeat(first_bar, len(self._written), times)
        self._read_bar(rest, is_outside=True)

    def _read_bar(self, text: str, *, is_outside: bool) -> None:
        """One bar; text before the first bar line or after the last one, if there is any and it is no word, is a bar too."""
        _, text = take_times(self._take_meter(text))
        endings, text = take_ending(text)
        signs, rest = take_signs(text)
        cells = with_beats(cells_of(rest))
        if is_outside and signs.is_empty and are_words(cells):
            if self._written:
                self._leave_out(text)
            return
        is_sign_alone = not cells and not signs.is_empty
        if not cells and (is_outside or not text or is_sign_alone):
            self._apply(signs)
            return
        self._comes_from_coda |= signs.is_coda
        self._segno_is_next |= signs.is_segno
        self._add_bar(cells, endings)
        self._apply(BarSigns(jump=signs.jump, leaves=signs.leaves, is_fine=signs.is_fine))

    def _take_meter(self, text: str) -> str:
        """The text of a bar without the meter that it begins with: that of the chart before its first bar, and said elsewhere."""
        found = _METER_OF_BAR.match(text)
        if found is None:
            return text
        if not self._written:
            self._meter = found["meter"]
        elif found["meter"] != (self._meter or COMMON_METER):
            self._cells.remark(other_meter(self._cells.bar_number, found["meter"], self._meter or COMMON_METER))
        return text[found.end() :]

    def _apply(self, signs: BarSigns) -> None:
        """Puts signs on the bar before, and on the one that comes."""
        self._comes_from_coda |= signs.is_coda or signs.leaves
        self._segno_is_next |= signs.is_segno
        if self._written:
            self._written[-1].jump = signs.jump or self._written[-1].jump
            self._written[-1].is_fine |= signs.is_fine

    def _add_bar(self, cells: list[str], endings: frozenset[int] = frozenset()) -> None:
        if len(self._written) < MAX_BARS:
            bar = self._cells.bar(cells)
            self._written.append(
                WrittenBar(
                    bar,
                    self._begins_repeat,
                    endings=endings,
                    is_segno=self._segno_is_next,
                    is_coda=self._comes_from_coda,
                )
            )
            self._begins_repeat = self._comes_from_coda = self._segno_is_next = False
            self._look_for_crowd(len(bar.chords))
        elif not self._is_too_long:
            self._is_too_long = True
            self._cells.remark(f"the chart has more than {MAX_BARS} bars; the rest is left out")

    def _leave_out(self, line: str) -> None:
        """A line of words: the title, where the chart begins; elsewhere it is left out, which is said once."""
        if not self._written and not self._title:
            self._title = line.strip()[:LONGEST_TITLE]
        elif not self._has_words:
            self._has_words = True
            self._cells.remark(f'words are left out, such as "{cut_short(line.strip(), LONGEST_TITLE)}"')

    def _look_for_crowd(self, chords: int) -> None:
        """Says once that a bar has more chords than beats: those of the chart's meter, or four."""
        if chords > int(self._meter.partition("/")[0] or COMMON_BEATS) and not self._is_crowded:
            self._is_crowded = True
            self._cells.remark(
                f"bar {len(self._written)} has {chords} chords, more than it has beats, so they share it evenly"
            )

    def _end_repeat(self, following: str) -> None:
        if self._written:
            self._written[-1].times = take_times(following)[0] or 2

    def _repeat(self, first_bar: int, end: int, times: int) -> None:
        """Has the bars from `first_bar` to before `end` played so often; where repeats lie within them, they are played as written."""
        part = self._written[first_bar:end]
        if not part:
            return
        if any(bar.begins_repeat or bar.times or bar.endings for bar in part):
            self._cells.remark(f"bars {first_bar + 1} to {end} have repeats of their own, so they are played once")
            return
        part[0].begins_repeat, part[-1].times = True, times
