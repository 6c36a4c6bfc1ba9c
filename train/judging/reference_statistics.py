"""Real music to hold answers against: its quartiles of each measure, and how much of it stands in what was learnt from.

It is measured in excerpts as long as the answers, as entropies and ranges of a few bars are not those of a whole song.
Knows no model, and no meter: a bar is four beats.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from model.notes import Note
from train.corpus.corpora import SPLITS, Corpus, Split, joined
from train.errors import CorpusError
from train.judging.copying import Copying, Learnt, pooled
from train.judging.measures import Grid, Quartiles, grid_of, measure, quartiles

# Fewer notes say little: an excerpt with so few is mostly a rest.
EXCERPT_NOTES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """What music of `corpora` that was held out measures, in excerpts; `learnt` is what was not.

    `copying` is that of all excerpts, pooled, and `longest_run` the quartiles of theirs, in successive intervals.
    """

    corpora: tuple[str, ...]
    side: Split
    excerpts: int
    excerpt_beats: float
    grid: Grid
    quartiles: Mapping[str, Quartiles]
    learnt: Learnt
    copying: Copying
    longest_run: Quartiles


def yardstick(corpora: Sequence[Corpus], excerpt_beats: float) -> Yardstick:
    """Of the test side; where no file falls there, of the validation side; of neither, the training side itself.

    Raises CorpusError where no excerpt holds enough notes.
    """
    side: Split = next((side for side in reversed(SPLITS) if joined(corpora, side)), "train")
    learnt_from = joined(corpora, "train") or joined(corpora, side)
    # One line at a time: a corpus may be larger than memory.
    grid, learnt = grid_of(line.notes for line in learnt_from), Learnt(line.notes for line in learnt_from)
    excerpts = [excerpt for line in joined(corpora, side) for excerpt in excerpts_of(line.notes, excerpt_beats)]
    if not excerpts:
        raise CorpusError(
            f"no {excerpt_beats:g} beats of {', '.join(corpus.name for corpus in corpora)} hold {EXCERPT_NOTES} notes to "
            f"compare with; ask for longer answers (--bars), or name another --corpus"
        )
    copied = [learnt.copied(excerpt) for excerpt in excerpts]
    runs = np.percentile([copying.longest_run for copying in copied], (25, 50, 75)).tolist()
    return Yardstick(
        corpora=tuple(corpus.name for corpus in corpora),
        side=side,
        excerpts=len(excerpts),
        excerpt_beats=excerpt_beats,
        grid=grid,
        quartiles=quartiles(measure(excerpt, grid) for excerpt in excerpts),
        learnt=learnt,
        copying=pooled(copied),
        longest_run=Quartiles(*runs),
    )


def excerpts_of(notes: Iterable[Note], excerpt_beats: float) -> Iterator[tuple[Note, ...]]:
    """The music cut every so many beats from beat 0, without what is mostly a rest; each begins at beat 0."""
    for index, inside in groupby(notes, key=lambda note: int(note.onset_beats // excerpt_beats)):
        excerpt = tuple(replace(note, onset_beats=note.onset_beats - index * excerpt_beats) for note in inside)
        if len(excerpt) >= EXCERPT_NOTES:
            yield excerpt
