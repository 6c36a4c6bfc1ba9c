"""Reads the chords of a ChordPro song: its grids if it has some, else the chords between its words. Opens no file.

Chords between words say nothing about how long they last: each of them gets a bar, and a remark says so.
"""

import re

from model.errors import ChartError
from model.harmony.chart import Chart
from model.harmony.notations.text_chart import MAX_CHARACTERS, read_text_chart

_DIRECTIVE = re.compile(r"^\s*\{\s*(?P<name>[\w-]+)\s*(?:[:\s]\s*(?P<value>[^}]*))?\}\s*$")
_HEADINGS = {"title": "Title", "t": "Title", "key": "Key", "time": "Meter"}
_GRID_BEGINS, _GRID_ENDS = {"start_of_grid", "sog"}, {"end_of_grid", "eog"}
_CHORD = re.compile(r"\[(?P<chord>[^\]*][^\]]*)\]")
# A grid's bar lines may have a dot for a colon, and margins of text outside them.
_MARGIN = re.compile(r"^[^|]*(?=\|)|(?<=\|)[^|]*$")


def is_chordpro(text: str) -> bool:
    """Whether a text has directives as ChordPro has them, or chords in square brackets before words."""
    return any(_DIRECTIVE.match(line) for line in text.splitlines()[:200]) or bool(
        re.search(r"\[[A-G][^\]|]*\]\w", text)
    )


def read_chordpro(text: str) -> Chart:
    """The chart of a song. Raises ChartError where it has no chord."""
    if len(text) > MAX_CHARACTERS:
        raise ChartError(f"the song has {len(text):,} characters; a song has {MAX_CHARACTERS:,} at most")
    headings: list[str] = []
    grid: list[str] = []
    between_words: list[str] = []
    is_in_grid = False
    for line in text.splitlines():
        directive = _DIRECTIVE.match(line)
        if directive:
            name, value = directive["name"].lower(), (directive["value"] or "").strip()
            if name in _HEADINGS and value:
                headings.append(f"{_HEADINGS[name]}: {value}")
            is_in_grid = name in _GRID_BEGINS or (is_in_grid and name not in _GRID_ENDS)
        elif is_in_grid:
            grid.append(_MARGIN.sub("", line.strip()).replace("~", " "))
        else:
            between_words += [found["chord"] for found in _CHORD.finditer(line)]
    if not grid and not between_words:
        raise ChartError("the song has no chord; ChordPro writes them in square brackets, as in [C]word")
    body = "\n".join(grid) if grid else f"| {' | '.join(between_words)} |"
    chart = read_text_chart("\n".join([*headings, body]))
    if grid:
        return chart
    remark = "chords between words do not say how long they last; each of them gets a bar"
    return Chart(chart.bars, chart.title, chart.key, chart.meter, (remark, *chart.remarks))
