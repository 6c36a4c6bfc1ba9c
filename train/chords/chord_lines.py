"""The melodies of a corpus with the chords of their files' chord tracks; knows no network and no training."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.errors import UnreadableError
from model.files.charts.midi_chords import chord_part, chords_of
from model.files.score_reader import read_score
from model.files.time_signature import COMMON_TIME, pickup_beats
from model.harmony.changes import ChordSpan
from model.harmony.chord import Chord
from model.notes import Note
from train.corpus.corpora import Corpus, Line, Split


class FileChanges:
    """The chords of a file, on its beats; in a gap between two chords of the chord track there is no chord."""

    def __init__(
        self, chords: Sequence[tuple[float, float, Chord]], beats_per_bar: float, first_bar_line: float
    ) -> None:
        """`chords` are in order: start, end and chord. Repeats of one chord are joined."""
        self._beats_per_bar, self._first_bar_line = beats_per_bar, first_bar_line
        self._starts: list[float] = []
        self._ends: list[float] = []
        self._chords: list[Chord] = []
        for start, end, chord in chords:
            if self._chords and self._chords[-1] == chord and start - self._ends[-1] <= beats_per_bar:
                self._ends[-1] = end
            else:
                self._starts.append(start)
                self._ends.append(end)
                self._chords.append(chord)

    @property
    def spans(self) -> tuple[tuple[float, float, Chord], ...]:
        """Where each chord begins and ends, and the chord."""
        return tuple(zip(self._starts, self._ends, self._chords, strict=True))

    def bar_line_before(self, beat: float) -> float:
        """The bar line at or before a beat."""
        return beat - (beat - self._first_bar_line) % self._beats_per_bar

    def at(self, beat: float) -> ChordSpan | None:
        """See `model.harmony.changes.Changes`."""
        index = bisect_right(self._starts, beat + 1e-6) - 1
        if index < 0 or beat >= self._ends[index]:
            return None
        is_last = index + 1 == len(self._starts)
        return ChordSpan(
            self._chords[index],
            self._starts[index],
            self._ends[index] if is_last else self._starts[index + 1],
            None if is_last else self._chords[index + 1],
            (beat - self._first_bar_line) % self._beats_per_bar,
            self._beats_per_bar,
        )


@dataclass(frozen=True, slots=True)
class ChordLine:
    """A melody and the chords below it, on the same beats."""

    line: Line
    changes: FileChanges

    @property
    def notes(self) -> tuple[Note, ...]:
        return self.line.notes


def chord_lines(corpus: Corpus, split: Split) -> list[ChordLine]:
    """The lines of one side whose files have a chord track; the chord track itself is left out."""
    found: list[ChordLine] = []
    changes_by_file: dict[Path, FileChanges | None] = {}
    for line in corpus.lines[split]:
        if line.file not in changes_by_file:
            changes_by_file[line.file] = changes_of(line.file)
        changes = changes_by_file[line.file]
        if changes is not None:
            found.append(ChordLine(line, changes))
    return found


def changes_of(file: Path) -> FileChanges | None:
    """The chords of a file; None where it has no chord track, or cannot be read."""
    try:
        score = read_score(file)
    except UnreadableError:
        return None
    part = chord_part(score)
    if part is None:
        return None
    pickup = pickup_beats(score.meters)
    meters = score.meters[1:] if pickup else score.meters
    meter = meters[0].meter if meters else COMMON_TIME
    return FileChanges(list(chords_of(part, score.ticks_per_beat)), meter.beats_per_bar, pickup)
