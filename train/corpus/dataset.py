"""Turns lines into pieces of tokens, in memory or in a file, which are transposed while they are read; knows no network."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
# Shifts are counted in this fraction of a beat, half a millisecond at 120 bpm, so that played timing gives few values,
# too.
SHIFTS_PER_BEAT = 960
# How many notes are turned into tokens together: some megabytes of memory.
NOTES_AT_ONCE = 1 << 16


def pitches_of(lines: Iterable[Line]) -> tuple[int, ...]:
    """Every pitch between the lowest and highest that the lines' transposed copies reach."""
    lowest, highest = HIGHEST_PITCH, LOWEST_PITCH
    for batch in _batches(line.records for line in lines):
        pitches = np.concatenate([records["pitch"] for records in batch])
        lowest, highest = min(lowest, int(pitches.min())), max(highest, int(pitches.max()))
    lowest = max(lowest + min(TRANSPOSITIONS), LOWEST_PITCH)
    highest = min(highest + max(TRANSPOSITIONS), HIGHEST_PITCH)
    return tuple(range(lowest, highest + 1))


def shifts_of(lines: Iterable[Line]) -> Counter[float]:
    """How often each shift, in beats, occurs between consecutive onsets of a line; a chord is one onset."""
    counted: Counter[int] = Counter()
    for batch in _batches(line.records for line in lines if len(line)):
        starts = _starts(batch)
        onsets = np.concatenate([records["onset_beats"] for records in batch])
        begins = _begins_chord(onsets, starts)
        first = onsets[begins]
        is_within_line = np.ones(len(onsets), np.bool_)
        is_within_line[starts] = False
        shifts = (first[1:] - first[:-1])[is_within_line[begins][1:]]
        values, times = np.unique(np.rint(shifts * SHIFTS_PER_BEAT).astype(np.int64), return_counts=True)
        counted.update(dict(zip(values.tolist(), times.tolist(), strict=True)))
    return Counter({ticks / SHIFTS_PER_BEAT: times for ticks, times in counted.items()})


def pitch_vocabulary(lines: Iterable[Line]) -> PitchVocabulary:
    return PitchVocabulary(pitches_of(lines))


def event_vocabulary(lines: Sequence[Line], choice: BinChoice, count: int) -> EventVocabulary:
    """The event vocabulary of a corpus with at most `count` time bins. Raises ValueError without any shift."""
    return EventVocabulary(pitches_of(lines), choose_bins(shifts_of(lines), choice, count))


def tokens_of_line(vocabulary: Vocabulary, records: Records) -> Tokens:
    """The tokens of a line, start token first: what `model.tokens.vocabulary.encode` returns, for all notes at once."""
    return tokens_of_lines(vocabulary, [records])[0] if len(records) else np.array([START])


def tokens_of_lines(vocabulary: Vocabulary, lines: Sequence[Records]) -> tuple[Tokens, npt.NDArray[np.int64]]:
    """The tokens of lines end to end, and how many tokens each line has."""
    if not lines or not all(len(records) for records in lines):
        pieces = [tokens_of_line(vocabulary, records) for records in lines]
        return np.concatenate([np.zeros(0, np.int64), *pieces]), np.array([len(piece) for piece in pieces], np.int64)
    starts = _starts(lines)
    notes = _pitch_tokens(vocabulary.pitches)[np.concatenate([records["pitch"] for records in lines])]
    # A token stands before the first note of a line, the start token, and by the event approach before each later onset, a TIME.
    begins = np.zeros(len(notes), np.bool_)
    begins[starts] = True
    before = np.full(len(lines), START)
    if isinstance(vocabulary, EventVocabulary):
        onsets = np.concatenate([records["onset_beats"] for records in lines])
        begins = _begins_chord(onsets, starts)
        onsets = onsets[begins]
        before = vocabulary.first_time_token + np.searchsorted(
            _edges(vocabulary), np.diff(onsets, prepend=0.0), side="left"
        )
        before[np.cumsum(begins)[starts] - 1] = START
    tokens = np.empty(len(notes) + len(before), np.int64)
    at = np.cumsum(begins) + np.arange(len(notes))
    tokens[at], tokens[at[begins] - 1] = notes, before
    return tokens, np.diff(at[starts] - 1, append=len(tokens))


def _batches(lines: Iterable[Records]) -> Iterator[list[Records]]:
    """Many lines at a time, as numpy takes longer to begin than to handle the few hundred notes of one."""
    batch: list[Records] = []
    count = 0
    for records in lines:
        batch.append(records)
        count += len(records)
        if count >= NOTES_AT_ONCE:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch


def _starts(lines: Sequence[Records]) -> npt.NDArray[np.int64]:
    """The index of each line's first note, where the lines are put end to end."""
    return np.cumsum([0, *(len(records) for records in lines[:-1])])


def _begins_chord(onsets: npt.NDArray[np.float64], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which notes begin a new onset: those at least CHORD_BEATS after the first note of the chord before, and those at `starts`."""
    begins = np.ones(len(onsets), np.bool_)
    begins[1:] = onsets[1:] - onsets[:-1] >= CHORD_BEATS
    begins[starts] = True
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
    tokens, lengths = tokens_of_lines(vocabulary, [line.records for line in lines])
    return TokenPieces(tokens.astype(np.uint16), lengths, transposing(vocabulary))


def pieces_on_disk(vocabulary: Vocabulary, lines: Iterable[Line], path: Path) -> tuple[TokenPieces, str]:
    """Writes the tokens of all lines to `path`, and returns them memory-mapped, with a hash of them.

    Raises OSError if the file cannot be written.
    """
    lengths: list[int] = []
    content = hashlib.sha256()
    with path.open("wb") as file:
        for batch in _batches(line.records for line in lines):
            tokens, lengths_of_batch = tokens_of_lines(vocabulary, batch)
            lengths += lengths_of_batch.tolist()
            written = tokens.astype(np.uint16).tobytes()
            content.update(written)
            file.write(written)
    return TokenPieces(np.memmap(path, np.uint16, "r"), lengths, transposing(vocabulary)), content.hexdigest()
