"""Statistics of real music, to compare answers with: quartiles of each measure, and how much of it is training music.

They are taken from excerpts as long as the answers, since entropies and ranges of a few bars differ from those of a
whole song. The module knows no model and no meter: a bar is four beats.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from model.notes import Note
from train.corpus.corpora import SPLITS, Corpus, Split, joined
from train.errors import CorpusError
from train.evaluation.copying import Copying, IntervalIndex, pool_copying
from train.evaluation.measures import Grid, Quartiles, grid_of, measure, quartiles

# An excerpt with fewer notes is mostly rests and says little.
EXCERPT_NOTES = 8


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceStatistics:
    """The measures of held-out music of `corpora`, in excerpts.

    `training_intervals` is the index of the training music, `copying` what all excerpts together have in common with
    it, and `longest_run` the quartiles of their longest runs, in successive intervals.
    """

    corpora: tuple[str, ...]
    side: Split
    excerpts: int
    excerpt_beats: float
    grid: Grid
    quartiles: Mapping[str, Quartiles]
    training_intervals: IntervalIndex
    copying: Copying
    longest_run: Quartiles


def measure_reference(corpora: Sequence[Corpus], excerpt_beats: float) -> ReferenceStatistics:
    """Measures the test side; the validation side where no file is on the test side, else the training side itself.

    Raises CorpusError where no excerpt holds enough notes.
    """
    side: Split = next((side for side in reversed(SPLITS) if joined(corpora, side)), "train")
    training_lines = joined(corpora, "train") or joined(corpora, side)
    # One line at a time: a corpus may be larger than memory.
    grid, training_intervals = (
        grid_of(line.notes for line in training_lines),
        IntervalIndex(line.notes for line in training_lines),
    )
    excerpts = [excerpt for line in joined(corpora, side) for excerpt in excerpts_of(line.notes, excerpt_beats)]
    if not excerpts:
        raise CorpusError(
            f"no {excerpt_beats:g} beats of {', '.join(corpus.name for corpus in corpora)} hold {EXCERPT_NOTES} notes to "
            f"compare with; ask for longer answers (--bars), or name another --corpus"
        )
    copyings = [training_intervals.measure_copying(excerpt) for excerpt in excerpts]
    runs = np.percentile([copying.longest_run for copying in copyings], (25, 50, 75)).tolist()
    return ReferenceStatistics(
        corpora=tuple(corpus.name for corpus in corpora),
        side=side,
        excerpts=len(excerpts),
        excerpt_beats=excerpt_beats,
        grid=grid,
        quartiles=quartiles(measure(excerpt, grid) for excerpt in excerpts),
        training_intervals=training_intervals,
        copying=pool_copying(copyings),
        longest_run=Quartiles(*runs),
    )


def excerpts_of(notes: Iterable[Note], excerpt_beats: float) -> Iterator[tuple[Note, ...]]:
    """The music in excerpts of this many beats from beat 0, without those that are mostly rests.

    Each starts at beat 0.
    """
    for index, notes_inside in groupby(notes, key=lambda note: int(note.onset_beats // excerpt_beats)):
        excerpt = tuple(replace(note, onset_beats=note.onset_beats - index * excerpt_beats) for note in notes_inside)
        if len(excerpt) >= EXCERPT_NOTES:
            yield excerpt
