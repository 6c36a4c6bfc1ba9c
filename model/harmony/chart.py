"""`Chart`: the chords of a song, bar by bar, as they are played: repeats are unfolded. Knows no spelling and no clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from model.analysis.scale import Key
from model.harmony.chord import Chord

NO_CHART = "off"
"""The text that means no chart."""

MAX_BARS = 1000
MAX_CHORDS_PER_BAR = 16

# The signatures, as tonics of major keys, that are written with sharps.
_SHARP_SIGNATURES = frozenset({7, 2, 9, 4, 11, 6})


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One bar: its chords in order, None for no chord (`N.C.`).

    `starts_beats` is where each begins, in beats from the bar line, where the chart says so; without it, the chords
    share the bar: see `starts`.
    """

    chords: tuple[Chord | None, ...]
    starts_beats: tuple[float, ...] = ()

    def starts(self, beats_per_bar: float, unit_beats: float) -> tuple[float, ...]:
        """Where each chord begins, in a bar of this length that is counted in units of `unit_beats`.

        Chords share the bar in whole units, the first ones get the longer shares: two chords in 3/4 have two beats and
        one. More chords than units share the bar evenly. Where the chart says where they begin, a start past the bar's
        end is dropped when the bar is played.
        """
        if self.starts_beats:
            return self.starts_beats
        count, units = len(self.chords), round(beats_per_bar / unit_beats)
        if count > units:
            return tuple(index * beats_per_bar / count for index in range(count))
        return tuple(-(-index * units // count) * unit_beats for index in range(count))


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars of one time round the form; after the last bar the form begins again.

    `meter` is that of the chart, such as `3/4`; empty if it says none. Each of `remarks` is one sentence about
    something that could not be read as written.
    """

    bars: tuple[ChartBar, ...]
    title: str = ""
    key: Key | None = None
    meter: str = ""
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # A title comes from a file or a link. A line end in it would be a bar of its own where the chart is written as text.
        printable = "".join(letter if letter.isprintable() else " " for letter in self.title)
        object.__setattr__(self, "title", " ".join(printable.split()))

    def transposed_to(self, key: Key) -> "Chart":
        """The chart in another key: from its own key, or else from the root of its first chord. The mode stays as it is."""
        semitones = (key.tonic - self.tonic) % 12
        own = self.key or Key(self.tonic, "major")
        new_key = Key(key.tonic, own.mode)
        sharps = new_key.signature in _SHARP_SIGNATURES
        bars = tuple(
            replace(bar, chords=tuple(chord and chord.transposed(semitones, sharps=sharps) for chord in bar.chords))
            for bar in self.bars
        )
        return replace(self, bars=bars, key=new_key)

    @property
    def tonic(self) -> int:
        """The pitch class of its key; without a key that of its first chord."""
        if self.key is not None:
            return self.key.tonic
        return next((chord.root for bar in self.bars for chord in bar.chords if chord is not None), 0)

    @property
    def chords(self) -> Iterator[Chord | None]:
        """All chords in order, one for each change."""
        for chord, _ in groupby(chord for bar in self.bars for chord in bar.chords):
            yield chord

    def as_text(self, bars_per_line: int = 4) -> str:
        """The chart as a text that `model.harmony.notations.text_chart` reads as the same bars."""
        lines = [f"{name}: {value}" for name, value in self._headings() if value]
        lines.extend(
            f"| {' | '.join(map(_bar_text, self.bars[at : at + bars_per_line]))} |"
            for at in range(0, len(self.bars), bars_per_line)
        )
        return "\n".join(lines)

    def _headings(self) -> Sequence[tuple[str, str]]:
        return (("Title", self.title), ("Key", str(self.key or "")), ("Meter", self.meter))


def _bar_text(bar: ChartBar) -> str:
    """The chords of a bar; where they begin is kept as far as beats can say it."""
    names = ["N.C." if chord is None else str(chord) for chord in bar.chords]
    if not bar.starts_beats or len(names) == 1:
        return " ".join(names)
    cells: list[str] = []
    for name, start in zip(names, bar.starts_beats, strict=True):
        cells.extend("." * (round(start) - len(cells)))
        cells.append(name)
    return " ".join(cells)
