"""Reads charts of iReal Pro: `irealb://` and `irealbook://` links, as text or within a page that the app exports. Opens no file.

A link holds songs, each with title, composer, style, key and music; in `irealb` links the music is scrambled in blocks of fifty.
The format is described by its users (github.com/pianosnake/ireal-reader, the app's own "custom chord chart protocol").
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from model.analysis.scale import Key, parse_key
from model.errors import ChartError
from model.harmony.chart import MAX_BARS, Chart, ChartBar
from model.harmony.notations.chord_cells import ChordCells, other_meter
from model.harmony.notations.text_chart import LONGEST_TITLE, MAX_CHARACTERS
from model.harmony.notations.unfolding import Jump, WrittenBar, unfold

_LINK = re.compile(r"(?P<kind>irealb|irealbook)://(?P<songs>[^\"<>]+)")
_SCRAMBLED = "1r34LbKcu7"
_BLOCK = 50
MAX_TIMES = 16
_METERS = {"12": "12/8"}
# A bar has four cells as a rule; a space leaves one empty, and this leaves three.
CELLS = 4
_EMPTY_CELLS = {"XyQ": 3}
_TOKEN = re.compile(
    r"(?P<comment><[^>]*>)|(?P<meter>T\d\d)|(?P<ending>N\d)|(?P<section>\*[A-Za-z])|(?P<alternative>\([^)]*\))"
    r"|(?P<space>XyQ|Y+|,|\s+)|(?P<bar_line>LZ|\[|\]|\||\{|\}|Z|K)|(?P<same>Kcl|x|cl)|(?P<two>r\|?)"
    # A chord ends where the next one, a size (s, l), a sign or a space begins.
    r"|(?P<chord>(?:[A-GW][b#]?(?:sus|alt|add|dim|[-+^ohb#0-9])*(?:/[A-G][b#]?)?)|n)"
    r"|(?P<slash>p)|(?P<segno>S)|(?P<coda>Q)|(?P<end>U)|(?P<other>.)"
)


def is_ireal(text: str) -> bool:
    """Whether a text holds a link of iReal Pro."""
    return _LINK.search(text) is not None


def read_ireal(text: str) -> Chart:
    """The first song of the first link. Raises ChartError where the text has none, or no chord can be read.

    With more than one song, a remark says how many are left out.
    """
    link = _LINK.search(text[: 20 * MAX_CHARACTERS])
    if link is None:
        raise ChartError("the text has no link of iReal Pro; one begins with irealb://")
    # An empty field makes the sign that separates songs, so fields are counted from the music, and not split into songs.
    fields = unquote(link["songs"]).split("=")
    is_scrambled = link["kind"] == "irealb"
    at = next((index for index, field in enumerate(fields) if _is_music(field, is_scrambled=is_scrambled)), None)
    if at is None:
        raise ChartError("the link of iReal Pro holds no music that can be read; export the song again")
    music = unscramble(fields[at].split(_SCRAMBLED, 1)[1]) if is_scrambled else fields[at]
    key_name = next((field for field in reversed(fields[1:at]) if re.fullmatch(r"[A-G][b#]?-?", field)), "")
    key = parse_key(key_name.replace("-", "m")) if key_name else None
    chart = _Reader(music).chart(fields[0].strip()[:LONGEST_TITLE], key)
    songs = sum(_is_music(field, is_scrambled=is_scrambled) for field in fields)
    if songs == 1:
        return chart
    remark = f"the link has {songs} songs; the first one is taken"
    return Chart(chart.bars, chart.title, chart.key, chart.meter, (remark, *chart.remarks))


def _is_music(field: str, *, is_scrambled: bool) -> bool:
    return _SCRAMBLED in field if is_scrambled else re.search(r"[|\[{].*[A-GnW]", field) is not None


def unscramble(text: str) -> str:
    """The music in order again: in each full block of fifty, five characters and fourteen swap ends. It is its own inverse."""
    blocks = []
    while len(text) > _BLOCK:
        block, text = list(text[:_BLOCK]), text[_BLOCK:]
        # A rest of one character belongs to this block, which is then left as it is.
        if len(text) >= 2:
            for index in (*range(5), *range(10, 24)):
                block[index], block[_BLOCK - 1 - index] = block[_BLOCK - 1 - index], block[index]
        blocks.append("".join(block))
    return "".join([*blocks, text])


class _Reader:
    """Reads the tokens of a song into written bars."""

    def __init__(self, music: str) -> None:
        self._music = music
        self._cells = ChordCells()
        self._written: list[WrittenBar] = []
        self._texts: list[list[str]] = []  # the cells of each bar so far
        self._open: list[str] = []  # the cells of the bar that is read
        self._rests: list[int] = []  # for each of them, the empty cells after it
        self._last_chord = "N.C."
        # What was read and belongs to the bar that is open, or to the next one.
        self._marks: set[str] = set()
        self._endings: frozenset[int] = frozenset()
        self._jump: Jump = ""
        self._times = 2
        self._meter = ""
        self._has_other_meter = False

    def chart(self, title: str, key: Key | None) -> Chart:
        for kind, text in self._tokens():
            self._take(kind, text)
        self._end_bar()
        if not self._cells.has_chord:
            raise ChartError("the song of iReal Pro has no chord that can be read")
        bars, _ = unfold(self._written)
        return Chart(bars, title, key, self._meter, tuple(self._cells.remarks))

    def _tokens(self) -> Iterator[tuple[str, str]]:
        for found in _TOKEN.finditer(self._music):
            yield found.lastgroup or "", found[0]

    def _take(self, kind: str, text: str) -> None:  # noqa: C901, PLR0912  one case for each kind of token
        match kind:
            case "bar_line":
                self._end_bar(ends_repeat=text == "}")
                if text == "{":
                    self._marks.add("begins_repeat")
            case "chord":
                chord = text.replace("W", self._root_of_last(), 1) if text.startswith("W") else text
                self._last_chord = "N.C." if chord == "n" else chord
                self._add_cell(self._last_chord)
            case "slash":
                self._add_cell(".")
            case "space" if self._rests:
                self._rests[-1] += _EMPTY_CELLS.get(text, text.count(" "))
            case "same":
                self._repeat_bar(self._texts[-1] if self._texts else ["."])
            case "two":
                for cells in self._texts[-2:] or [["."]]:
                    self._repeat_bar(cells)
            case "meter":
                self._read_meter(text)
            case "ending":
                self._endings = frozenset({int(text[1])})
            case "segno":
                self._marks.add("is_segno")
            case "coda":
                # The sign is written at the end of the bar that is left, or at the beginning of the bar that is jumped
                # to.
                self._marks.add("is_coda_next" if self._open else "is_coda")
            case "comment":
                self._read_comment(text)
            case _:
                pass

    def _read_meter(self, text: str) -> None:
        meter = _METERS.get(text[1:], f"{text[1]}/{text[2]}")
        if self._meter and meter != self._meter and not self._has_other_meter:
            self._has_other_meter = True
            self._cells.remark(other_meter(self._cells.bar_number, meter, self._meter))
        self._meter = self._meter or meter

    def _add_cell(self, cell: str) -> None:
        self._open.append(cell)
        self._rests.append(0)

    def _repeat_bar(self, cells: list[str]) -> None:
        self._open, self._rests = list(cells), []
        self._end_bar()

    def _read_comment(self, text: str) -> None:
        lower = text.lower()
        if "d.c." in lower:
            self._jump = "D.C."
        elif "d.s." in lower:
            self._jump = "D.S."
        if "fine" in lower and "al" not in lower:
            self._marks.add("is_fine")
        times = re.search(r"(\d+)\s*x", lower)
        if times:
            self._times = min(int(times[1]), MAX_TIMES)

    def _root_of_last(self) -> str:
        found = re.match(r"[A-G][b#]?", self._last_chord)
        return found[0] if found else "C"

    def _place_cells(self) -> None:
        """In a bar of four cells each is a beat. Where chords do not simply share the bar, an empty one is a beat more of a chord."""
        rests, self._rests = self._rests, []
        placed = [sign for cell, rest in zip(self._open, rests, strict=False) for sign in (cell, *["."] * rest)]
        if len(placed) != CELLS or self._meter not in {"", "4/4"}:
            return
        begins = tuple(float(at) for at, sign in enumerate(placed) if sign != ".")
        if begins != ChartBar((None,) * len(begins)).starts(CELLS, 1.0):
            self._open = placed

    def _end_bar(self, *, ends_repeat: bool = False) -> None:
        self._place_cells()
        if self._open and len(self._written) < MAX_BARS:
            self._texts.append(self._open)
            written = WrittenBar(self._cells.bar(self._open))
            written.begins_repeat = "begins_repeat" in self._marks
            written.is_segno, written.is_coda = "is_segno" in self._marks, "is_coda" in self._marks
            written.is_fine = "is_fine" in self._marks
            written.endings, written.jump = self._endings, self._jump
            self._written.append(written)
            self._open, self._endings, self._jump = [], frozenset(), ""
            self._marks = {"is_coda"} if "is_coda_next" in self._marks else set()
        if ends_repeat and self._written:
            self._written[-1].times, self._times = self._times, 2
