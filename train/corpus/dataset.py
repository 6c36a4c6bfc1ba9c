"""Turns lines into batches: token files, transposed while they are read, side by side in lanes of whole chunks.

Knows no network.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from model.notes import CHORD_BEATS, HIGHEST_PITCH, LOWEST_PITCH
from model.tokens.time_bins import BinChoice, choose_bins
from model.tokens.vocabulary import START, EventVocabulary, PitchVocabulary, Vocabulary, nearest_pitch
from train.corpus.corpora import Line
from train.corpus.reading import Records

Tokens = npt.NDArray[np.int64]

# All twelve keys, each as near as possible to the original: the model learns every key, and the register stays.
TRANSPOSITIONS = range(-6, 6)
# A target without a loss: the padding after the end of a line.
NO_TARGET = -100
# Shifts are counted in this fraction of a beat, half a millisecond at 120 bpm, so that played timing gives few values,
# too.
SHIFTS_PER_BEAT = 960


def pitches_of(lines: Iterable[Line]) -> tuple[int, ...]:
    """Every pitch between the lowest and highest that the lines' transposed copies reach."""
    lowest, highest = HIGHEST_PITCH, LOWEST_PITCH
    for line in lines:
        lowest, highest = min(lowest, int(line.records["pitch"].min())), max(highest, int(line.records["pitch"].max()))
    lowest = max(lowest + min(TRANSPOSITIONS), LOWEST_PITCH)
    highest = min(highest + max(TRANSPOSITIONS), HIGHEST_PITCH)
    return tuple(range(lowest, highest + 1))


def shifts_of(lines: Iterable[Line]) -> Counter[float]:
    """How often each shift, in beats, occurs between consecutive onsets of a line; a chord is one onset."""
    counted: Counter[int] = Counter()
    for line in lines:
        onsets = line.records["onset_beats"]
        first = onsets[_begins_chord(onsets)]
        counted.update(np.rint((first[1:] - first[:-1]) * SHIFTS_PER_BEAT).astype(np.int64).tolist())
    return Counter({ticks / SHIFTS_PER_BEAT: times for ticks, times in counted.items()})


def pitch_vocabulary(lines: Iterable[Line]) -> PitchVocabulary:
    return PitchVocabulary(pitches_of(lines))


def event_vocabulary(lines: Sequence[Line], choice: BinChoice, count: int) -> EventVocabulary:
    """The event vocabulary of a corpus with at most `count` time bins. Raises ValueError without any shift."""
    return EventVocabulary(pitches_of(lines), choose_bins(shifts_of(lines), choice, count))


def tokens_of_line(vocabulary: Vocabulary, records: Records) -> Tokens:
    """The tokens of a line, start token first: what `model.tokens.vocabulary.encode` returns, for all notes at once."""
    token_of_pitch = _pitch_tokens(vocabulary.pitches)
    notes = token_of_pitch[records["pitch"]]
    if not isinstance(vocabulary, EventVocabulary) or not len(records):
        return np.concatenate([[START], notes])
    begins = _begins_chord(records["onset_beats"])
    onsets = records["onset_beats"][begins]
    times = vocabulary.first_time_token + np.searchsorted(_edges(vocabulary), onsets[1:] - onsets[:-1], side="left")
    begins[0] = False  # there is no TIME before all music
    tokens = np.empty(1 + len(notes) + len(times), np.int64)
    at = np.cumsum(begins) + np.arange(1, len(notes) + 1)
    tokens[0], tokens[at], tokens[at[begins] - 1] = START, notes, times
    return tokens


def _begins_chord(onsets: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which notes begin a new onset: those at least CHORD_BEATS after the first note of the chord before."""
    begins = np.ones(len(onsets), np.bool_)
    begins[1:] = onsets[1:] - onsets[:-1] >= CHORD_BEATS
    near = ~begins[1:]
    if not (near[1:] & near[:-1]).any():
        return begins  # no chord of three notes or more, whose last may be far from its first
    first = np.flatnonzero(begins)
    last = np.append(first, len(onsets))[1:] - 1
    # The loop handles only chords whose notes are each close to the note before, but not all close to the first.
    spread = onsets[last] - onsets[first] >= CHORD_BEATS
    for begin, end in zip(first[spread], last[spread], strict=True):
        chord = onsets[begin]
        for index in range(begin + 1, end + 1):
            begins[index] = onsets[index] - chord >= CHORD_BEATS
            chord = onsets[index] if begins[index] else chord
    return begins


@lru_cache
def _edges(vocabulary: EventVocabulary) -> npt.NDArray[np.float64]:
    return np.array(vocabulary.bins.edges)


@lru_cache
def _pitch_tokens(pitches: tuple[int, ...]) -> Tokens:
    """The token of each MIDI pitch in a vocabulary of these pitches, shape (128,).

    Cached, as it is needed for every line.
    """
    place = {pitch: 1 + index for index, pitch in enumerate(pitches)}
    tokens = np.array([place[nearest_pitch(pitch, pitches)] for pitch in range(HIGHEST_PITCH + 1)], np.int64)
    tokens.setflags(write=False)
    return tokens


def transposing(vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """Each token transposed by each of TRANSPOSITIONS, shape (12, vocabulary).

    A pitch outside MIDI's range is moved by an octave into it.
    """
    tokens = _pitch_tokens(vocabulary.pitches)
    table = np.tile(np.arange(vocabulary.size), (len(TRANSPOSITIONS), 1))
    for row, semitones in enumerate(TRANSPOSITIONS):
        for index, pitch in enumerate(vocabulary.pitches):
            moved = pitch + semitones
            moved += 12 * ((moved < LOWEST_PITCH) - (moved > HIGHEST_PITCH))
            table[row, 1 + index] = tokens[moved]
    return table


class Pieces(Protocol):
    """The tokens of the lines of one side, each with the start token first. They are loaded when they are needed."""

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """How many tokens each piece has, shape (pieces,)."""
        ...

    def piece(self, index: int, semitones: int = 0) -> Tokens:
        """The tokens of a piece, transposed by one of TRANSPOSITIONS."""
        ...


class TokenPieces:
    """Pieces that are joined end to end in one array, in memory or mapped from a file."""

    def __init__(self, tokens: npt.NDArray[np.uint16], lengths: npt.ArrayLike, table: Tokens) -> None:
        self._tokens = tokens
        self._lengths = np.asarray(lengths, np.int64)
        self._ends = np.cumsum(self._lengths)
        self._table = table

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        return self._lengths

    def piece(self, index: int, semitones: int = 0) -> Tokens:
        end = int(self._ends[index])
        written = self._tokens[end - int(self._lengths[index]) : end]
        moved: Tokens = self._table[semitones - TRANSPOSITIONS.start][written]
        return moved


def pieces_in_memory(vocabulary: Vocabulary, lines: Sequence[Line]) -> TokenPieces:
    """Builds the array in memory, for few lines, such as the held-out ones."""
    every = [tokens_of_line(vocabulary, line.records) for line in lines]
    tokens = np.concatenate([np.zeros(0, np.int64), *every]).astype(np.uint16)
    return TokenPieces(tokens, [len(tokens) for tokens in every], transposing(vocabulary))


def pieces_on_disk(vocabulary: Vocabulary, lines: Iterable[Line], path: Path) -> tuple[TokenPieces, str]:
    """Writes the tokens of all lines to `path`, and returns them memory-mapped, with a hash of them.

    Raises OSError if the file cannot be written.
    """
    lengths, content = [], hashlib.sha256()
    with path.open("wb") as file:
        for line in lines:
            tokens = tokens_of_line(vocabulary, line.records).astype(np.uint16)
            lengths.append(len(tokens))
            written = tokens.tobytes()
            content.update(written)
            file.write(written)
    return TokenPieces(np.memmap(path, np.uint16, "r"), lengths, transposing(vocabulary)), content.hexdigest()


@dataclass(frozen=True, slots=True)
class Chunk:
    """One step of training: `inputs` and `targets` of shape (lanes, time), and `fresh` of shape (lanes,), which is true
    where a line begins.

    `total_targets` is the number of targets in all lanes, including those that other processes train.
    """

    inputs: Tokens
    targets: Tokens
    fresh: npt.NDArray[np.bool_]
    total_targets: int


def chunk_count(lengths: Iterable[int], lanes: int, length: int) -> int:
    """The number of chunks that `chunks` yields for pieces of these lengths, in this order."""
    ends = [0] * lanes
    for tokens in lengths:
        heapq.heapreplace(ends, ends[0] + -(-(tokens - 1) // length))
    return max(ends)


def chunks(
    pieces: Pieces, order: Sequence[int], keys: Sequence[int], lanes: int, length: int, mine: range | None = None
) -> Iterator[Chunk]:
    """Yields the pieces side by side in `lanes`, `length` tokens at a time.

    The caller carries the network's state from chunk to chunk.

    `order` is the order of the pieces, and `keys` says by how many semitones each is transposed. When a piece ends, its
    lane takes the next piece at the start of the next chunk, so that the state can be reset there. Lanes without a next
    piece are padded. Only the lanes in `mine` are read.
    """
    kept = range(lanes) if mine is None else mine
    coming = iter(range(len(order)))
    current: list[int | None] = [None] * lanes  # the index in `order` of each lane's piece
    read: list[Tokens] = [np.zeros(0, np.int64)] * lanes
    at = [0] * lanes
    while True:
        inputs = np.zeros((len(kept), length), np.int64)
        targets = np.full((len(kept), length), NO_TARGET, np.int64)
        fresh = np.zeros(len(kept), np.bool_)
        total = 0
        for lane in range(lanes):
            begins = current[lane] is None
            if begins:
                current[lane], at[lane] = next(coming, None), 0
            place = current[lane]
            if place is None:
                continue
            left = int(pieces.lengths[order[place]]) - 1 - at[lane]
            count = min(length, left)
            total += count
            if lane in kept:
                row = kept.index(lane)
                if begins:
                    read[lane] = pieces.piece(order[place], keys[place])
                fresh[row] = begins
                span = slice(at[lane], at[lane] + count)
                inputs[row, :count] = read[lane][:-1][span]
                targets[row, :count] = read[lane][1:][span]
            at[lane] += count
            if count == left:
                current[lane] = None
        if not total:
            return
        yield Chunk(inputs, targets, fresh, total)
