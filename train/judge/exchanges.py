"""Seeds with what really came next, from the held-out files of corpora; knows no model and no answer."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from model.analysis.key_finder import key_from_weights
from model.analysis.scale import Key
from model.approach import Approach
from model.errors import SeedError
from model.files.seed import Seed, read_seed
from model.files.time_signature import LINE_TOLERANCE_BEATS, MeterChange, TimeSignature, bar_line_at_or_after, meter_at
from model.notes import Note
from train.corpus.corpora import Corpus, Split
from train.errors import CorpusError

# Fewer notes say nothing about how a phrase is made.
LEAST_NOTES = 8
# The most exchanges of one piece, so that no piece decides the result.
MAX_OF_A_PIECE = 4
# Notes are sorted into bars at 1/24 beat; onsets a little before a bar line belong to the bar after it.
EARLY_BEATS = 1 / 48


@dataclass(frozen=True, slots=True)
class HeldOutExchange:
    """Some bars of a piece, and as many bars that follow: what a player would play, and what people played next.

    The seed begins at beat 0, which is a bar line, and the continuation at `start_beats`. `key` is that of the whole
    piece.
    """

    corpus: str
    piece: str
    seed: Seed
    start_beats: float
    until_beats: float
    continuation: tuple[Note, ...]
    key: Key

    @property
    def beats_per_bar(self) -> float:
        return self.seed.meter.beats_per_bar


Answerer = Callable[[HeldOutExchange, Approach, int], tuple[Note, ...]]
"""Answers the seed of an exchange, from its `start_beats` to its `until_beats`, with this random seed."""


def held_out_exchanges(
    corpora: Sequence[Corpus], split: Split, bars: int, count: int, trained_on: Collection[str] = ()
) -> tuple[HeldOutExchange, ...]:
    """At most `count` exchanges, as many of each corpus as possible, and of many pieces rather than many of one.

    Where the pack was not trained on a corpus (`trained_on`), the corpus's training side counts as test side too.
    The same arguments give the same exchanges. Raises CorpusError where there is none.
    """
    by_corpus = [_of_corpus(corpus, _sides(corpus, split, trained_on), bars) for corpus in corpora]
    # Taken from each corpus in turn: a small one gives all that it has.
    in_turn = [exchange for each in zip_longest(*by_corpus) for exchange in each if exchange is not None]
    if not in_turn:
        raise CorpusError(
            f"no {split} file has {2 * bars} bars in one meter with {LEAST_NOTES} notes in either half; give it more files"
        )
    return tuple(in_turn[:count])


def _sides(corpus: Corpus, split: Split, trained_on: Collection[str]) -> tuple[Split, ...]:
    return ("train", "test") if split == "test" and corpus.name not in trained_on else (split,)


def _of_corpus(corpus: Corpus, sides: Sequence[Split], bars: int) -> list[HeldOutExchange]:
    """The exchanges of a corpus: first one of each piece, then a second one of each, and so on."""
    files = sorted({line.file for side in sides for line in corpus.lines[side]})
    # In an order of its own, so that pieces of one composer are not preferred where only some are taken.
    order = np.random.default_rng(0).permutation(len(files))
    pieces = [_of_piece(corpus.name, files[index], bars) for index in order]
    return [exchange for each in zip_longest(*pieces) for exchange in each if exchange is not None]


def _of_piece(corpus: str, file: Path, bars: int) -> list[HeldOutExchange]:
    try:
        whole = read_seed(file)
    except SeedError:
        return []
    key = _key_of(whole.notes)
    found = list(_windows(corpus, file.stem, whole, bars, key)) if key else []
    if len(found) > MAX_OF_A_PIECE:
        found = [found[index] for index in np.linspace(0, len(found) - 1, MAX_OF_A_PIECE).round().astype(int)]
    return found


def _windows(corpus: str, piece: str, whole: Seed, bars: int, key: Key) -> Iterator[HeldOutExchange]:
    start = 0.0
    while start < whole.end_beats:
        meter = meter_at(start, whole.bars)
        half = bars * meter.beats_per_bar
        end = start + 2 * half
        if _is_one_meter(start, end, meter, whole.bars):
            seed, continuation = _between(whole.notes, start, start + half), _between(whole.notes, start + half, end)
            if min(len(seed), len(continuation)) >= LEAST_NOTES:
                yield HeldOutExchange(
                    corpus,
                    piece,
                    Seed(tuple(_moved(seed, -start)), whole.tempo_bpm, meter, whole.program),
                    half,
                    2 * half,
                    tuple(_moved(continuation, -start)),
                    key,
                )
            start = end
        else:
            start = bar_line_at_or_after(start + LINE_TOLERANCE_BEATS * 2, whole.bars)


def _is_one_meter(start: float, end: float, meter: TimeSignature, meters: Sequence[MeterChange]) -> bool:
    return not any(start < change.beat < end and change.meter != meter for change in meters)


def _between(notes: Sequence[Note], start: float, end: float) -> list[Note]:
    """The notes that begin between two bar lines, cut off at the second one."""
    return [
        replace(
            note,
            onset_beats=max(note.onset_beats, start),
            duration_beats=max(min(note.end_beats, end) - max(note.onset_beats, start), 0.0),
        )
        for note in notes
        if start - EARLY_BEATS <= note.onset_beats < end - EARLY_BEATS
    ]


def _moved(notes: Sequence[Note], beats: float) -> list[Note]:
    return [replace(note, onset_beats=note.onset_beats + beats) for note in notes]


def _key_of(notes: Sequence[Note]) -> Key | None:
    weights = np.zeros(12)
    for note in notes:
        weights[note.pitch % 12] += note.duration_beats
    return key_from_weights(weights)
