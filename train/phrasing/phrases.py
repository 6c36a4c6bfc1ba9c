"""Where the phrases of a line end: at long notes and rests; knows no model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.analysis.bars import Bars
from model.analysis.key_finder import key_from_weights
from model.analysis.scale import Key
from model.files.seed import Seed
from model.notes import CHORD_BEATS, in_onset_order

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

# A phrase ends at a rest of a beat, or where the next note comes twice as late as is usual around it, after four notes or more.
SHORTEST_REST_BEATS = 1.0
LONG_RATIO, LONG_BEATS = 1.9, 1.9
NEIGHBOURS = 8
MIN_PHRASE_ONSETS = 4
# The gap after a line's last note, which has none.
LAST_GAP_BEATS = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Melody:
    """A line as one note for each onset, the highest of each chord: columns of shape (onsets,).

    `gaps` is how long after each onset the next one comes, and `velocities` are those as read. `is_end` marks the last onset of each
    phrase.
    """

    onsets: Floats
    pitches: Integers
    lengths: Floats
    velocities: Integers
    gaps: Floats
    is_end: Booleans
    bars: Bars
    key: Key | None

    def __len__(self) -> int:
        return len(self.onsets)


def melody_of(seed: Seed) -> Melody:
    """The leading line of a file, up to its first change of meter."""
    until = seed.meters[0].beat if seed.meters else np.inf
    rows: list[tuple[float, int, float, int]] = []
    for note in in_onset_order(note for note in seed.notes if note.onset_beats < until):
        if rows and note.onset_beats - rows[-1][0] < CHORD_BEATS:
            onset, pitch, length, velocity = rows[-1]
            rows[-1] = (onset, max(pitch, note.pitch), max(length, note.duration_beats), max(velocity, note.velocity))
        else:
            rows.append((note.onset_beats, note.pitch, note.duration_beats, note.velocity))
    columns = np.array(rows, np.float64).reshape(-1, 4)
    onsets, lengths = columns[:, 0], columns[:, 2]
    pitches = columns[:, 1].astype(np.int64)
    gaps = np.append(np.diff(onsets), LAST_GAP_BEATS)[: len(onsets)]
    return Melody(
        onsets,
        pitches,
        lengths,
        columns[:, 3].astype(np.int64),
        gaps,
        find_ends(gaps, lengths),
        Bars.of_meter(seed.meter.numerator, seed.meter.denominator),
        key_from_weights(np.bincount(pitches % 12, lengths, 12)) if len(onsets) else None,
    )


def find_ends(gaps: Sequence[float] | Floats, lengths: Sequence[float] | Floats) -> Booleans:
    """Which onsets end a phrase; all shapes are (onsets,). The last onset does."""
    gaps, lengths = np.asarray(gaps, np.float64), np.asarray(lengths, np.float64)
    is_end = np.zeros(len(gaps), np.bool_)
    begin = 0
    for index in range(len(gaps)):
        usual = float(np.median(gaps[max(index - NEIGHBOURS, 0) : index + NEIGHBOURS]))
        is_rest = gaps[index] - lengths[index] >= SHORTEST_REST_BEATS - CHORD_BEATS
        is_long = gaps[index] >= max(LONG_RATIO * usual, LONG_BEATS)
        is_last = index == len(gaps) - 1
        if is_last or (index - begin >= MIN_PHRASE_ONSETS and (is_rest or is_long)):
            is_end[index] = True
            begin = index + 1
    return is_end
