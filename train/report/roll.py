"""A piano roll as shapes: x in percent of its width, y in pixels, so that it stretches and stays sharp.

It draws nothing itself.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from model.files.piano_roll import BLACK_KEYS, NOTE_NAMES
from model.notes import Note

RULER_PX = 18.0
ROLL_PX = 176.0
THINNEST_ROW_PX, THICKEST_ROW_PX = 4.0, 9.0
MARGIN_SEMITONES = 2
MIN_SEMITONES = 18
# Space between notes in neighbouring rows, so that they look like two.
GAP_PX = 0.8
MAX_NUMBERED_BARS = 16
BARS_BETWEEN_NUMBERS = (1, 2, 4, 5, 8, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class Part:
    """Notes of one colour; `kind` is the CSS class of their player."""

    kind: str
    notes: Sequence[Note]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: `x` and `width` in percent, `y` and `height` in pixels."""

    x: float
    y: float
    width: float
    height: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class BarLine:
    """The start of a bar, in percent, and its number where there is room for it."""

    x: float
    number: int | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the keyboard at the left: its row, and the name of a C."""

    y: float
    black: bool
    name: str
    joined: bool
    """Whether the next key up is white too, so that a line must separate them."""


@dataclass(frozen=True, slots=True)
class Roll:
    """The shapes to draw, from back to front."""

    height: float
    row: float
    keys: tuple[Key, ...]
    bars: tuple[BarLine, ...]
    notes: tuple[Box, ...]

    @property
    def black_rows(self) -> tuple[Key, ...]:
        return tuple(key for key in self.keys if key.black)


def pitch_range(notes: Iterable[Note]) -> range:
    """The rows of a roll for these notes, of which there is at least one, with some space above and below."""
    pitches = [note.pitch for note in notes]
    lowest, highest = min(pitches) - MARGIN_SEMITONES, max(pitches) + MARGIN_SEMITONES
    lacking = max(MIN_SEMITONES - (highest - lowest + 1), 0)
    return range(lowest - lacking // 2, highest + 1 + (lacking + 1) // 2)


def draw_roll(parts: Sequence[Part], pitches: range, beats: float, beats_per_bar: float) -> Roll:
    """The notes of the parts over `beats` beats from beat 0, on these rows; parts and their notes keep their order."""
    row = min(max(ROLL_PX / len(pitches), THINNEST_ROW_PX), THICKEST_ROW_PX)

    def y_of(pitch: int) -> float:
        return _rounded(RULER_PX + (pitches[-1] - pitch) * row)

    def x_of(at_beats: float) -> float:
        return _rounded(100 * at_beats / beats)

    bars = math.ceil(beats / beats_per_bar - 1e-9)
    bars_between_numbers = next(
        (step for step in BARS_BETWEEN_NUMBERS if bars / step <= MAX_NUMBERED_BARS), BARS_BETWEEN_NUMBERS[-1]
    )
    return Roll(
        height=_rounded(RULER_PX + len(pitches) * row),
        row=_rounded(row),
        keys=tuple(
            Key(
                y_of(pitch),
                pitch % 12 in BLACK_KEYS,
                pitch_name(pitch) if pitch % 12 == 0 else "",
                joined=pitch % 12 in {4, 11} and pitch < pitches[-1],
            )
            for pitch in pitches
        ),
        bars=tuple(
            BarLine(x_of(bar * beats_per_bar), bar + 1 if bar % bars_between_numbers == 0 else None)
            for bar in range(bars)
        ),
        notes=tuple(
            Box(
                x_of(note.onset_beats),
                _rounded(y_of(note.pitch) + GAP_PX / 2),
                x_of(note.duration_beats),
                _rounded(row - GAP_PX),
                part.kind,
            )
            for part in parts
            for note in part.notes
        ),
    )


def pitch_name(pitch: int) -> str:
    """The name of a pitch as musicians write it; C4 is middle C."""
    return f"{NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}"


def _rounded(number: float) -> float:
    """Rounded to a thousandth: less than a dot of a printer, and the same text on every machine."""
    return round(number, 3)
