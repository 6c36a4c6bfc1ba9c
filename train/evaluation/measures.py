"""Statistics of a line of notes, in one table, and their quartiles over a corpus; knows no file and no model.

They depend on the length of the line: entropies, range and scale consistency of sixteen bars differ from those of a
whole song. So only lines of about equal length should be compared.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.notes import Note

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# The resolution of a corpus's grid: fine enough for thirty-second triplets and for notes played beside them.
TICKS_PER_BEAT = 96
GRID_SHARE = 0.99
# As Wu and Yang: 64 positions in a bar of four beats.
GROOVE_POSITIONS_PER_BEAT = 16
# About 10 ms at 120 beats a minute; every note value down to thirty-second triplets is a whole number of it.
INTER_ONSET_RESOLUTION_BEATS = 1 / 48
# A natural minor scale has the tones of a major one, so these twelve stand for all twenty-four.
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
SCALES: Integers = (np.arange(12)[:, None] + np.array(MAJOR_SCALE)) % 12


@dataclass(frozen=True, slots=True)
class Grid:
    """The positions within a beat that music falls on, in ticks of 1/96 beat, in order."""

    positions: tuple[int, ...]

    def share_of(self, onsets_beats: Floats) -> float:
        """The share of these onsets that are nearest to a tick of the grid. There must be at least one onset."""
        return float(np.isin(_ticks_in_beat(onsets_beats), self.positions).mean())


def grid_of(lines: Iterable[Sequence[Note]]) -> Grid:
    """The fewest positions within a beat that together hold 99 % of the onsets of these lines; a chord is one onset.

    Raises ValueError where there is no note at all.
    """
    held: Integers = np.zeros(TICKS_PER_BEAT, np.int64)
    for notes in lines:
        held += np.bincount(_ticks_in_beat(Outline.of(notes).top_onsets_beats), minlength=TICKS_PER_BEAT)
    if not held.any():
        raise ValueError("there is no note to take a grid from")
    commonest_first = np.argsort(-held, kind="stable")
    enough = np.cumsum(held[commonest_first]) >= GRID_SHARE * held.sum()
    return Grid(tuple(sorted(commonest_first[: int(enough.argmax()) + 1].tolist())))


def _ticks_in_beat(onsets_beats: Floats) -> Integers:
    return np.rint(onsets_beats * TICKS_PER_BEAT).astype(np.int64) % TICKS_PER_BEAT


@dataclass(frozen=True, slots=True)
class Outline:
    """A line as the measures need it: pitch and onset of every note, in order, and of the top note at each onset."""

    pitches: Integers
    onsets_beats: Floats
    top_pitches: Integers
    top_onsets_beats: Floats
    grid: Grid | None = None
    beats_per_bar: float = 4.0

    @classmethod
    def of(cls, notes: Sequence[Note], grid: Grid | None = None, beats_per_bar: float = 4.0) -> "Outline":
        """From notes in any order; beat 0 is a bar line."""
        pitches: Integers = np.array([note.pitch for note in notes], np.int64)
        onsets_beats: Floats = np.array([note.onset_beats for note in notes], np.float64)
        order = np.lexsort((pitches, onsets_beats))
        pitches, onsets_beats = pitches[order], onsets_beats[order]
        top = np.ones(len(notes), np.bool_)
        top[:-1] = np.diff(onsets_beats) > 0
        return cls(pitches, onsets_beats, pitches[top], onsets_beats[top], grid, beats_per_bar)


def pitch_class_entropy(line: Outline) -> float | None:
    return _entropy(line.pitches % 12) if len(line.pitches) else None


def scale_consistency(line: Outline) -> float | None:
    if not len(line.pitches):
        return None
    by_class = np.bincount(line.pitches % 12, minlength=12)
    return float(by_class[SCALES].sum(axis=1).max() / len(line.pitches))


def groove_consistency(line: Outline) -> float | None:
    """Pairs of bars without any onset are left out, so that a long rest does not count as a consistent groove."""
    positions = round(line.beats_per_bar * GROOVE_POSITIONS_PER_BEAT)
    onsets = np.unique(np.rint(line.top_onsets_beats * GROOVE_POSITIONS_PER_BEAT).astype(np.int64))
    bars = onsets // positions
    if not len(bars) or bars[0] == bars[-1]:
        return None
    before_last, after_first = bars[bars < bars[-1]], bars[bars > bars[0]]
    pairs = len(np.union1d(before_last, after_first - 1))
    in_both = np.count_nonzero(np.isin(onsets + positions, onsets))
    differing = len(before_last) + len(after_first) - 2 * in_both
    return 1 - differing / (pairs * positions)


def pitch_range(line: Outline) -> float | None:
    return float(np.ptp(line.top_pitches)) if len(line.top_pitches) else None


def mean_absolute_interval(line: Outline) -> float | None:
    return float(np.abs(np.diff(line.top_pitches)).mean()) if len(line.top_pitches) > 1 else None


def repeated_note_share(line: Outline) -> float | None:
    return float((np.diff(line.top_pitches) == 0).mean()) if len(line.top_pitches) > 1 else None


def inter_onset_entropy(line: Outline, resolution_beats: float = INTER_ONSET_RESOLUTION_BEATS) -> float | None:
    """The resolution in beats; 10 ms at one tempo are `0.01 * tempo_bpm / 60` beats."""
    if len(line.top_onsets_beats) < 2:
        return None
    return _entropy(np.rint(np.diff(line.top_onsets_beats) / resolution_beats).astype(np.int64))


def on_grid_share(line: Outline) -> float | None:
    return line.grid.share_of(line.top_onsets_beats) if line.grid and len(line.top_onsets_beats) else None


def notes_per_beat(line: Outline) -> float | None:
    """From the first onset to the last, without the notes there: the length of a last note is arbitrary in files."""
    if len(line.top_onsets_beats) < 2:
        return None
    first, last = line.onsets_beats[0], line.onsets_beats[-1]
    return float(np.count_nonzero(line.onsets_beats < last) / (last - first))


def _entropy(values: Integers) -> float:
    """The entropy in bits of how often each value occurs."""
    _, counts = np.unique(values, return_counts=True)
    return float((counts / len(values) * np.log2(len(values) / counts)).sum())


@dataclass(frozen=True, slots=True)
class Measure:
    """One statistic of a line: its name, title, unit, explanation and source, and its function.

    The function returns None where the line is too short.
    """

    name: str
    title: str
    unit: str
    help: str
    source: str
    of: Callable[[Outline], float | None]


MOGREN = "Mogren 2016, C-RNN-GAN"
WU_YANG = "Wu and Yang 2020, The Jazz Transformer on the Front Line"
JSYMBOLIC = "McKay, Cumming and Fujinaga 2018, jSymbolic 2.2"
FANTASTIC = "Müllensiefen 2009, FANTASTIC: duration entropy, here in bits"

MEASURES: tuple[Measure, ...] = (
    Measure(
        "pitch_class_entropy",
        "Pitch-class entropy",
        "bits",
        "How evenly the notes are spread over the twelve pitch classes; log2(12) = 3.58 is the most.",
        WU_YANG,
        pitch_class_entropy,
    ),
    Measure(
        "scale_consistency",
        "Scale consistency",
        "share",
        "The share of the notes in the major or natural minor scale that holds most of them.",
        MOGREN,
        scale_consistency,
    ),
    Measure(
        "groove_consistency",
        "Groove consistency",
        "share",
        "How alike the onsets of neighbouring bars are: 1 less the share of a bar's positions, 16 a beat, where they differ.",
        f"{WU_YANG}; of neighbours as in MusPy, where they take all pairs",
        groove_consistency,
    ),
    Measure(
        "pitch_range",
        "Pitch range",
        "semitones",
        "From the lowest to the highest note of the top line: of a chord the highest note.",
        JSYMBOLIC,
        pitch_range,
    ),
    Measure(
        "mean_absolute_interval",
        "Mean absolute interval",
        "semitones",
        "How far a note of the top line is from the one before, up or down.",
        JSYMBOLIC,
        mean_absolute_interval,
    ),
    Measure(
        "repeated_note_share",
        "Repeated notes",
        "share",
        "How often a note of the top line is the one before once more.",
        JSYMBOLIC,
        repeated_note_share,
    ),
    Measure(
        "inter_onset_entropy",
        "Inter-onset entropy",
        "bits",
        "How varied the times from one onset to the next are, to 1/48 beat.",
        FANTASTIC,
        inter_onset_entropy,
    ),
    Measure(
        "on_grid_share",
        "On the grid",
        "share",
        "The share of the onsets at positions within the beat that hold 99 % of the corpus's, to 1/96 beat.",
        "ours",
        on_grid_share,
    ),
    Measure(
        "notes_per_beat",
        "Notes per beat",
        "notes per beat",
        "How many notes begin in a beat, from the first onset to the last.",
        JSYMBOLIC,
        notes_per_beat,
    ),
)


@dataclass(frozen=True, slots=True)
class Quartiles:
    """A quarter of the measured values is below `low`, half below `median`, a quarter above `high`."""

    low: float
    median: float
    high: float

    def contains(self, value: float) -> bool:
        return self.low <= value <= self.high


def measure(notes: Sequence[Note], grid: Grid | None, beats_per_bar: float = 4.0) -> dict[str, float]:
    """Every measure of a line by name, but those that it is too short for; `on_grid_share` only with a grid."""
    line = Outline.of(notes, grid, beats_per_bar)
    measured = {known.name: known.of(line) for known in MEASURES}
    return {name: value for name, value in measured.items() if value is not None}


def quartiles(measured: Iterable[Mapping[str, float]]) -> dict[str, Quartiles]:
    """The quartiles of each measure over the lines that have it, in the order of the table."""
    values: dict[str, list[float]] = defaultdict(list)
    for line in measured:
        for name, value in line.items():
            values[name].append(value)
    return {
        known.name: Quartiles(*np.percentile(values[known.name], (25, 50, 75)).tolist())
        for known in MEASURES
        if values[known.name]
    }
