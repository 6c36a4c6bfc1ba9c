"""Which time bins suit music best: trains an event model with each choice, on the same music for the same time.

The bits of a bin cannot be compared between choices: one bin of nine is easier to predict than one of 32, and says less. So
the cost of a shift is counted completely: the bits of its bin by the model, plus the bits for which shift of the bin it is, to
1/96 beat, by how often each occurred in the training music. Generated music is compared with the corpus's own grid.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import cycle, islice
from random import Random

import numpy as np
import torch

from bench.corpora import CORPORA
from bench.table import show
from model.engines.network_shape import Hyperparameters
from model.engines.numpy_engine import NumpyEngine
from model.improvising.improvisers import EventImproviser
from model.improvising.sampling_settings import SamplingSettings
from model.tokens.time_bins import BinChoice, TimeBins, choose_bins
from model.tokens.vocabulary import EventVocabulary
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Line, joined, read_corpora
from train.corpus.dataset import pieces_in_memory, pitches_of, shifts_of
from train.corpus.reading import LineSelection
from train.evaluation.bits_per_note import held_out
from train.evaluation.measures import Grid, grid_of, measure
from train.learning.recipe import Recipe
from train.learning.trainer import LearningTask, fit

FOLDERS = ("openewld_pd", "mutopia")
CHOICES: tuple[BinChoice, ...] = ("commonest", "musical", "quantile", "quantile-mean")
COUNT = 32
RECIPE = Recipe(epochs=16, patience=16, lanes=16, chunk=128)
SHAPE = Hyperparameters(hidden=384)
TICKS_PER_BEAT = 96
LONGEST_TICKS = 16 * TICKS_PER_BEAT
SEED_NOTES, ANSWER_BEATS, ANSWERS = 16, 32.0, 40


def run() -> None:
    """Trains once for each choice of bins (some minutes each) and prints the bits of each."""
    torch.set_num_threads(1)
    corpora = read_corpora([CORPORA / name for name in FOLDERS], USER_CACHE, LineSelection("lead"))
    training, valid, test = (joined(corpora, split) for split in ("train", "valid", "test"))
    grid = grid_of(line.notes for line in training)
    rows = []
    for choice in CHOICES:
        vocabulary = EventVocabulary(pitches_of(training), choose_bins(shifts_of(training), choice, COUNT))
        task = LearningTask(
            vocabulary.size,
            SHAPE,
            pieces_in_memory(vocabulary, training),
            pieces_in_memory(vocabulary, valid),
            sum(len(line) for line in valid),
        )
        network = fit(task, RECIPE).network
        figures = held_out(network, vocabulary, test)
        bits_within = _bits_within(vocabulary.bins, shifts_of(training), shifts_of(test)) / figures.notes
        engine = NumpyEngine({name: value.numpy() for name, value in network.state_dict().items()})
        on_grid = _on_grid(EventImproviser(engine, vocabulary), test, grid)
        bin_bits = figures.time_bits or 0.0
        rows.append(
            (
                choice,
                str(len(vocabulary.bins)),
                f"{figures.pitch_bits:.3f}",
                f"{bin_bits:.3f}",
                f"{bits_within:.3f}",
                f"{bin_bits + bits_within:.3f}",
                f"{on_grid:.3f}",
            )
        )
    show(
        f"Bits per note on the test files of {', '.join(FOLDERS)}; onsets of {ANSWERS} answers on the corpus's grid",
        ("bins", "made", "pitch", "time: bin", "within the bin", "time: whole", "on the grid"),
        rows,
    )


def _bits_within(bins: TimeBins, training: Counter[float], test: Counter[float]) -> float:
    """The bits that select each test shift within its bin, by the shares in training, with half a count added to each tick."""
    counts_by_bin: dict[int, Counter[int]] = defaultdict(Counter)
    for shift, times in training.items():
        counts_by_bin[bins.index(shift)][round(shift * TICKS_PER_BEAT)] += times
    ticks_in_bin = Counter(bins.index(tick / TICKS_PER_BEAT) for tick in range(1, LONGEST_TICKS + 1))
    bits = 0.0
    for shift, times in test.items():
        index = bins.index(shift)
        counts = counts_by_bin[index]
        share = (counts[round(shift * TICKS_PER_BEAT)] + 0.5) / (counts.total() + 0.5 * max(ticks_in_bin[index], 1))
        bits -= times * math.log2(share)
    return bits


def _on_grid(improviser: EventImproviser, test: Sequence[Line], grid: Grid) -> float:
    """The mean share of the onsets of answers that are on the grid."""
    initial = improviser.snapshot()
    shares = []
    for number, line in enumerate(islice(cycle(test), ANSWERS)):
        improviser.restore(initial)
        seed = line.notes[:SEED_NOTES]
        for note in seed:
            improviser.hear(note)
        start = float(math.ceil(seed[-1].end_beats))
        planned = improviser.compose(start, start + ANSWER_BEATS, SamplingSettings(), Random(number))
        shares.append(measure([note.note for note in planned], grid)["on_grid_share"])
    return float(np.mean(shares))
