"""Which time bins serve music best: an event model is trained with each choice, on the same music for the same time.

Bins of different choices cannot be held against each other by the bits that a bin costs: to foretell one of nine is easier
than one of 32, and says less. So each shift is paid for whole: the bits of its bin, by the model, and the bits that say
which shift of the bin it is, to 1/96 beat, by how often each stood in the training lines. What is generated is held against
the corpus's own grid.
"""

import math
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from random import Random

import numpy as np
import torch

from bench.table import show
from model.engines.network_shape import Hyperparameters
from model.engines.numpy_engine import NumpyEngine
from model.improvising.improviser import EventImproviser
from model.improvising.sampling_settings import SamplingSettings
from model.tokens.time_bins import BinChoice, TimeBins, choose_bins
from model.tokens.vocabulary import EventVocabulary
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Line, joined, read_corpora
from train.corpus.dataset import pieces_in_memory, pitches_of, shifts_of
from train.corpus.reading import Choice
from train.judging.evaluation import held_out
from train.judging.measures import Grid, grid_of, measure
from train.learning.recipe import Recipe
from train.learning.trainer import Lesson, fit

CORPORA = Path(os.environ.get("FOURS_CORPORA", "../shared/corpora"))
FOLDERS = ("openewld_pd", "mutopia")
CHOICES: tuple[BinChoice, ...] = ("commonest", "musical", "quantile", "quantile-mean")
COUNT = 32
RECIPE = Recipe(epochs=16, patience=16, lanes=16, chunk=128)
SHAPE = Hyperparameters(hidden=384)
TICKS_PER_BEAT = 96
LONGEST_TICKS = 16 * TICKS_PER_BEAT
SEED_NOTES, ANSWER_BEATS, ANSWERS = 16, 32.0, 40


def run() -> None:
    """Trains once for each choice of bins (some minutes each) and prints what each costs."""
    torch.set_num_threads(1)
    corpora = read_corpora([CORPORA / name for name in FOLDERS], USER_CACHE, Choice("lead"))
    training, valid, test = (joined(corpora, split) for split in ("train", "valid", "test"))
    grid = grid_of(line.notes for line in training)
    rows = []
    for choice in CHOICES:
        vocabulary = EventVocabulary(pitches_of(training), choose_bins(shifts_of(training), choice, COUNT))
        lesson = Lesson(
            vocabulary.size,
            SHAPE,
            pieces_in_memory(vocabulary, training),
            pieces_in_memory(vocabulary, valid),
            sum(len(line) for line in valid),
        )
        network = fit(lesson, RECIPE).network
        figures = held_out(network, vocabulary, test)
        within = _bits_within(vocabulary.bins, shifts_of(training), shifts_of(test)) / figures.notes
        engine = NumpyEngine({name: value.numpy() for name, value in network.state_dict().items()})
        on_grid = _on_grid(EventImproviser(engine, vocabulary), test, grid)
        of_bins = figures.time_bits or 0.0
        rows.append(
            (
                choice,
                str(len(vocabulary.bins)),
                f"{figures.pitch_bits:.3f}",
                f"{of_bins:.3f}",
                f"{within:.3f}",
                f"{of_bins + within:.3f}",
                f"{on_grid:.3f}",
            )
        )
    show(
        f"Bits per note on the test files of {', '.join(FOLDERS)}; onsets of {ANSWERS} answers on the corpus's grid",
        ("bins", "made", "pitch", "time: bin", "within the bin", "time: whole", "on the grid"),
        rows,
    )


def _bits_within(bins: TimeBins, training: Counter[float], test: Counter[float]) -> float:
    """What it takes to say which shift of its bin each test shift is, by the shares in training, each tick counted half besides."""
    seen: dict[int, Counter[int]] = defaultdict(Counter)
    for shift, times in training.items():
        seen[bins.index(shift)][round(shift * TICKS_PER_BEAT)] += times
    room = Counter(bins.index(tick / TICKS_PER_BEAT) for tick in range(1, LONGEST_TICKS + 1))
    bits = 0.0
    for shift, times in test.items():
        index = bins.index(shift)
        counts = seen[index]
        share = (counts[round(shift * TICKS_PER_BEAT)] + 0.5) / (counts.total() + 0.5 * max(room[index], 1))
        bits -= times * math.log2(share)
    return bits


def _on_grid(partner: EventImproviser, test: Sequence[Line], grid: Grid) -> float:
    """The mean share of the onsets of answers that lie on the grid."""
    blank = partner.snapshot()
    shares = []
    for number, line in enumerate(islice(cycle(test), ANSWERS)):
        partner.restore(blank)
        seed = line.notes[:SEED_NOTES]
        for note in seed:
            partner.hear(note)
        start = float(math.ceil(seed[-1].end_beats))
        planned = partner.compose(start, start + ANSWER_BEATS, SamplingSettings(), Random(number))
        shares.append(measure([note.note for note in planned], grid)["on_grid_share"])
    return float(np.mean(shares))
