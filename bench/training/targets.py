"""How many targets per second each recipe learns from: a loss at every position, against one target per window.

Both use one CPU thread, the same precision, and the network of the packs. Their steps alternate, so that other load on the
machine affects both.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch

from bench.table import show
from model.approach import APPROACHES
from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from train.corpus.chunks import Chunk
from train.experiment import notebook
from train.learning.checkpoint import TrainingState
from train.learning.learner import Learner
from train.learning.parallel import SINGLE_PROCESS
from train.learning.recipe import Precision, Recipe

VOCABULARY = 125
ROUNDS = 6
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def run() -> None:
    """Prints targets per second of both recipes, and their ratio."""
    torch.set_num_threads(1)
    rows = []
    for approach in APPROACHES:
        window = notebook.WINDOW[approach]
        for precision in PRECISIONS:
            recipes = (_our_steps(precision), _window_steps(window, precision))
            our_rate, window_rate = (
                float(np.median(rates)) for rates in zip(*(_round(recipes) for _ in range(ROUNDS)), strict=True)
            )
            rows.append(
                (approach, precision, f"{our_rate:,.0f}", f"{window_rate:,.0f}", f"{our_rate / window_rate:.0f} x")
            )
    show(
        "Targets a second, one thread",
        ("approach", "precision", "loss everywhere", "one a window", "ratio"),
        rows,
    )


def _round(recipes: tuple[Iterator[int], ...]) -> tuple[float, ...]:
    rates = []
    for steps in recipes:
        started_s = time.perf_counter()
        targets = next(steps)
        rates.append(targets / (time.perf_counter() - started_s))
    return tuple(rates)


def _our_steps(precision: Precision) -> Iterator[int]:
    """Steps of our recipe; yields the number of targets of each."""
    recipe = Recipe(precision=precision)
    learner = Learner(VOCABULARY, Hyperparameters(), recipe, SINGLE_PROCESS)
    random = np.random.default_rng(0)
    shape = (recipe.lanes, recipe.chunk)
    for step in range(1_000_000):
        inputs, targets = random.integers(1, VOCABULARY, (2, *shape))
        learner.learn(Chunk(inputs, targets, np.zeros(recipe.lanes, np.bool_), targets.size), 1.0, step)
        yield targets.size


def _window_steps(window: int, precision: Precision) -> Iterator[int]:
    """Steps of the notebook's recipe; yields the number of targets of each."""
    stream = np.random.default_rng(0).integers(1, VOCABULARY, 4 * notebook.BATCH * ROUNDS + window)
    network = MusicLSTM(VOCABULARY, notebook.SHAPE)
    optimizer = torch.optim.Adam(network.parameters(), notebook.LEARNING_RATE)
    for _ in notebook.train_epochs(
        network, optimizer, stream, window, TrainingState(), epochs=1, bf16=precision == "bf16"
    ):
        yield notebook.BATCH
