"""`Chord`: a root, the notes above it, a bass note and a name; knows no symbols, no chart and no time."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

ChordKind = Literal["major", "dominant", "minor", "half-diminished", "diminished", "augmented", "suspended"]
CHORD_KINDS: tuple[ChordKind, ...] = get_args(ChordKind)

SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

MINOR_THIRD, MAJOR_THIRD = 3, 4
DIMINISHED_FIFTH, FIFTH, AUGMENTED_FIFTH = 6, 7, 8
SEVENTH = 10
OCTAVE = 12


def note_name(pitch_class: int, *, sharps: bool = False) -> str:
    """The name of a pitch class, from 0 for C, with sharps or with flats."""
    return (SHARP_NAMES if sharps else FLAT_NAMES)[pitch_class % OCTAVE]


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord as a symbol means it. Two chords are equal if they sound alike, whatever their spelling.

    `root` and `bass` are pitch classes, 0 for C to 11 for B. `intervals` are semitones above the root, rising from 0;
    ninths, elevenths and thirteenths are above 12. `suffix` is the symbol after its root, such as `m7b5`.
    """

    root: int
    intervals: tuple[int, ...]
    bass: int
    suffix: str = field(default="", compare=False)
    has_sharps: bool = field(default=False, compare=False)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes of its notes, with the bass."""
        return frozenset((self.root + interval) % OCTAVE for interval in self.intervals) | {self.bass}

    @property
    def kind(self) -> ChordKind:
        """The family that it belongs to, by its third, fifth and seventh. A chord of root and fifth counts as major."""
        intervals = {interval % OCTAVE for interval in self.intervals}
        if MINOR_THIRD in intervals and MAJOR_THIRD not in intervals:
            if DIMINISHED_FIFTH in intervals and FIFTH not in intervals:
                return "half-diminished" if SEVENTH in intervals else "diminished"
            return "minor"
        if MAJOR_THIRD not in intervals:
            return "suspended" if intervals & {2, 5} else "major"
        if SEVENTH in intervals:
            return "dominant"
        return "augmented" if AUGMENTED_FIFTH in intervals and FIFTH not in intervals else "major"

    def has(self, pitch: int) -> bool:
        """Whether a pitch, in any octave, is a note of the chord or its bass."""
        return pitch % OCTAVE == self.bass or (pitch - self.root) % OCTAVE in {i % OCTAVE for i in self.intervals}

    def transposed(self, semitones: int, *, sharps: bool) -> "Chord":
        """The same chord, this many semitones higher, spelt with sharps or with flats."""
        return replace(
            self,
            root=(self.root + semitones) % OCTAVE,
            bass=(self.bass + semitones) % OCTAVE,
            has_sharps=sharps,
        )

    def __str__(self) -> str:
        """The symbol: `Bb7`, `C#m7b5`, `F/A`."""
        root = note_name(self.root, sharps=self.has_sharps)
        bass = "" if self.bass == self.root else f"/{note_name(self.bass, sharps=self.has_sharps)}"
        return f"{root}{self.suffix}{bass}"
