"""Chords as markers of a song: a symbol in plain ASCII where each chord begins, and markers read as a chart again; knows no file."""

import re
from collections.abc import Iterable, Iterator, Sequence

from model.errors import ChordError
from model.harmony.changes import Changes
from model.harmony.chart import MAX_BARS, MAX_CHORDS_PER_BAR, Chart, ChartBar
from model.harmony.chord import Chord
from model.harmony.chord_symbol import parse_chord

NO_CHORD_TEXT = "N.C."
# Markers are read as a chart where at least this many of them, and this share, are chords.
FEWEST_CHORDS, CHORD_SHARE = 2, 0.5
# Markers are placed on sixteenths: programs round them to their ticks.
GRID_BEATS = 0.25

# Signs beyond ASCII, each with a degree that may follow, and their spelling in ASCII: the text before the degree, the
# degree where none follows, and the text after it.
_PLAIN = {
    re.compile(r"ø(7|9|11|13)?"): ("m", "7", "b5"),
    re.compile(r"Δ(7|9|11|13)?"): ("maj", "7", ""),
    re.compile(r"°(7|9|11|13)?"): ("dim", "", ""),
}

TimedMarker = tuple[float, str]
"""The beat of a marker, and its text."""


def marker_text(chord: Chord | None) -> str:
    """The symbol of a chord in ASCII, as readers differ in the letters that they read: `Fmaj7` for `FΔ`, `Bm7b5` for `Bø`."""
    text = NO_CHORD_TEXT if chord is None else str(chord)
    for sign, (before, degree, after) in _PLAIN.items():
        while found := sign.search(text):
            text = f"{text[: found.start()]}{before}{found[1] or degree}{after}{text[found.end() :]}"
    return text


def changes_between(changes: Changes, from_beats: float, until_beats: float) -> Iterator[tuple[float, Chord | None]]:
    """The chord at `from_beats`, and each change before `until_beats`, with its beat. What is not known is left out."""
    beat, is_first, before = from_beats, True, None
    while beat < until_beats and (span := changes.at(beat)) is not None:
        if is_first or span.chord != before:
            yield beat, span.chord
        is_first, before = False, span.chord
        if span.end_beats <= beat:
            return
        beat = span.end_beats


def chart_of_markers(markers: Sequence[TimedMarker], beats_per_bar: float, until_beats: float) -> Chart | None:
    """The chart that markers mean, with bars from beat 0 to `until_beats`; None where they are not chords.

    Other markers, such as names of sections, are left out. A bar goes on with the chord before.
    """
    chords = list(_chords_of(markers))
    if len(chords) < max(FEWEST_CHORDS, CHORD_SHARE * len(markers)):
        return None
    last_beat = max(chords[-1][0] + GRID_BEATS, until_beats)
    count = min(max(int((last_beat - GRID_BEATS / 2) // beats_per_bar) + 1, 1), MAX_BARS)
    by_bar: list[dict[float, Chord | None]] = [{} for _ in range(count)]
    for beat, chord in chords:
        bar, into_bar = divmod(round(beat / GRID_BEATS) * GRID_BEATS, beats_per_bar)
        if 0 <= bar < count:
            by_bar[int(bar)][into_bar] = chord
    bars: list[ChartBar] = []
    last: Chord | None = None
    for in_bar in by_bar:
        placed = sorted({0.0: last, **in_bar}.items(), key=lambda item: item[0])[:MAX_CHORDS_PER_BAR]
        starts, names = zip(*placed, strict=True)
        bars.append(ChartBar(names, starts if len(starts) > 1 else ()))
        last = names[-1]
    return Chart(tuple(bars))


def could_be_sections(chart: Chart) -> bool:
    """Whether the names of the chords, read from markers, may as well be those of sections: single letters, such as A and B."""
    return all(chord is None or len(str(chord)) == 1 for chord in chart.chords)


def _chords_of(markers: Iterable[TimedMarker]) -> Iterator[tuple[float, Chord | None]]:
    """The markers that are chord symbols, in order of time."""
    for beat, text in sorted(markers, key=lambda marker: marker[0]):
        try:
            yield beat, parse_chord(text)
        except ChordError:
            continue
