"""How many targets a second each recipe learns from: a loss at every position, against one target for each window.

Both on one CPU thread, at the same precision, with the network of the packs; steps of the two take turns, so that whatever else
the machine does falls on both.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch

from bench.table import show
from model.approach import APPROACHES
from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from train.corpus.dataset import Chunk
from train.experiment import notebook
from train.learning.checkpoint import Standing
from train.learning.learner import Learner
from train.learning.parallel import ALONE
from train.learning.recipe import Precision, Recipe

VOCABULARY = 125
ROUNDS = 6
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def run() -> None:
    """Prints targets a second of both recipes, and how many times more ours is."""
    torch.set_num_threads(1)
    rows = []
    for approach in APPROACHES:
        window = notebook.WINDOW[approach]
        for precision in PRECISIONS:
            ways = (_ours(precision), _windows(window, precision))
            ours, theirs = (
                float(np.median(rates)) for rates in zip(*(_round(ways) for _ in range(ROUNDS)), strict=True)
            )
            rows.append((approach, precision, f"{ours:,.0f}", f"{theirs:,.0f}", f"{ours / theirs:.0f} x"))
    show(
        "Targets a second, one thread",
        ("approach", "precision", "loss everywhere", "one a window", "ratio"),
        rows,
    )


def _round(ways: tuple[Iterator[int], ...]) -> tuple[float, ...]:
    rates = []
    for way in ways:
        began_s = time.perf_counter()
        targets = next(way)
        rates.append(targets / (time.perf_counter() - began_s))
    return tuple(rates)


def _ours(precision: Precision) -> Iterator[int]:
    """Steps of our recipe, each giving how many targets it learnt from."""
    recipe = Recipe(precision=precision)
    learner = Learner(VOCABULARY, Hyperparameters(), recipe, ALONE)
    random = np.random.default_rng(0)
    shape = (recipe.lanes, recipe.chunk)
    for step in range(1_000_000):
        inputs, targets = random.integers(1, VOCABULARY, (2, *shape))
        learner.learn(Chunk(inputs, targets, np.zeros(recipe.lanes, np.bool_), targets.size), 1.0, step)
        yield targets.size


def _windows(window: int, precision: Precision) -> Iterator[int]:
    """The same of the old recipe."""
    stream = np.random.default_rng(0).integers(1, VOCABULARY, 4 * notebook.BATCH * ROUNDS + window)
    network = MusicLSTM(VOCABULARY, notebook.SHAPE)
    optimizer = torch.optim.Adam(network.parameters(), notebook.LEARNING_RATE)
    for _ in notebook.train_epochs(network, optimizer, stream, window, Standing(), epochs=1, bf16=precision == "bf16"):
        yield notebook.BATCH
