"""From lines to batches: tokens of transposed copies, laid in lanes of whole chunks; knows no network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from model.bins import BinChoice, TimeBins, commonest_bins, quantile_bins
from model.notes import HIGHEST_PITCH, LOWEST_PITCH, Note
from model.vocabulary import CHORD_BEATS, EventVocabulary, PitchVocabulary, Vocabulary, encode
from train.corpus import Line

Tokens = npt.NDArray[np.int64]

# Twelve keys, as near to the original as may be: any key is home, and the register stays.
TRANSPOSITIONS = range(-6, 6)
# A target that no loss is taken at: the padding after a line's end.
NO_TARGET = -100


def transpose(notes: Sequence[Note], semitones: int) -> list[Note]:
    """The notes moved by `semitones`; those that would leave MIDI's range stay an octave inside it."""
    moved = []
    for note in notes:
        pitch = note.pitch + semitones
        pitch += 12 * ((pitch < LOWEST_PITCH) - (pitch > HIGHEST_PITCH))
        moved.append(replace(note, pitch=pitch))
    return moved


def pitches_of(lines: Sequence[Line]) -> tuple[int, ...]:
    """Every pitch between the lowest and highest that the lines' transposed copies reach."""
    heard = [note.pitch for line in lines for note in line.notes]
    lowest = max(min(heard) + min(TRANSPOSITIONS), LOWEST_PITCH)
    highest = min(max(heard) + max(TRANSPOSITIONS), HIGHEST_PITCH)
    return tuple(range(lowest, highest + 1))


def shifts_of(lines: Sequence[Line]) -> list[float]:
    """The shifts in beats between consecutive onsets of each line; a chord is one onset."""
    shifts = []
    for line in lines:
        last = None
        for note in line.notes:
            if last is None or note.onset_beats - last >= CHORD_BEATS:
                if last is not None:
                    shifts.append(note.onset_beats - last)
                last = note.onset_beats
    return shifts


def pitch_vocabulary(lines: Sequence[Line]) -> PitchVocabulary:
    return PitchVocabulary(pitches_of(lines))


def event_vocabulary(lines: Sequence[Line], choice: BinChoice, count: int) -> EventVocabulary:
    """The event vocabulary of a corpus with at most `count` time bins. Raises ValueError without any shift."""
    return EventVocabulary(pitches_of(lines), time_bins(shifts_of(lines), choice, count))


def time_bins(shifts: Sequence[float], choice: BinChoice, count: int) -> TimeBins:
    return commonest_bins(shifts, count) if choice == "commonest" else quantile_bins(shifts, count)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One step of training: `inputs` and `targets` (lanes, time); `fresh` (lanes,) says where a line begins."""

    inputs: Tokens
    targets: Tokens
    fresh: npt.NDArray[np.bool_]


def tokens_in_all_keys(vocabulary: Vocabulary, lines: Sequence[Line]) -> list[list[Tokens]]:
    """Per line, its tokens in each of the twelve transpositions."""
    return [
        [np.array(encode(vocabulary, transpose(line.notes, semitones)), np.int64) for semitones in TRANSPOSITIONS]
        for line in lines
    ]


def tokens_as_written(vocabulary: Vocabulary, lines: Sequence[Line]) -> list[Tokens]:
    return [np.array(encode(vocabulary, line.notes), np.int64) for line in lines]


def chunks(pieces: Sequence[Tokens], lanes: int, length: int) -> Iterator[Chunk]:
    """The pieces side by side in `lanes`, `length` tokens at a time, state to be carried between chunks.

    A piece begins at a chunk's start and never shares a lane's chunk with another, so a state can be
    reset at the joint. Each next piece goes to the lane that has least so far; lanes that run out are padded.
    """
    queues: list[list[Tokens]] = [[] for _ in range(lanes)]
    filled = [0] * lanes
    for piece in pieces:
        lane = filled.index(min(filled))
        queues[lane].append(piece)
        filled[lane] += -(-(len(piece) - 1) // length)
    steps = max(filled)
    inputs = np.zeros((lanes, steps * length), np.int64)
    targets = np.full((lanes, steps * length), NO_TARGET, np.int64)
    fresh = np.zeros((lanes, steps), np.bool_)
    for lane, queue in enumerate(queues):
        at = 0
        for piece in queue:
            count = len(piece) - 1
            inputs[lane, at : at + count] = piece[:-1]
            targets[lane, at : at + count] = piece[1:]
            fresh[lane, at // length] = True
            at += -(-count // length) * length
    for step in range(steps):
        span = slice(step * length, (step + 1) * length)
        yield Chunk(inputs[:, span], targets[:, span], fresh[:, step])
