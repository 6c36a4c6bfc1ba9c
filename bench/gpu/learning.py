"""How many tokens a second a device learns: the program's own training, on music that it makes itself."""

from dataclasses import dataclass

import numpy as np
import torch

from model.engines.network_shape import Hyperparameters
from model.tokens.vocabulary import PitchVocabulary
from train.corpus.dataset import TokenPieces, transposing
from train.learning.parallel import World
from train.learning.recipe import Recipe, wants_bf16
from train.learning.trainer import LearningTask, Progress, fit

VOCABULARY = PitchVocabulary(tuple(range(36, 97)))
PIECES, PIECE_TOKENS = 2048, 1200
HELD_OUT_PIECES = 32
LANES = 256
"""A GPU works through a step's 128 tokens one after another, whether for 32 lines or for 256."""
WARM_UP_S = 10.0
"""The first steps set libraries up, and are not counted."""


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """The speed of a training, after its first seconds, and what shows that it learnt: its first and last loss."""

    tokens_per_s: float
    tokens: int
    seconds: float
    lanes: int
    chunk: int
    bf16: bool
    first_bits: float
    last_bits: float
    memory_mib: float
    """The most that torch had on the GPU; 0 on a CPU."""


def measure_training(
    device: str,
    seconds: float,
    *,
    shape: Hyperparameters | None = None,
    lanes: int = LANES,
    pieces: int = PIECES,
    warm_up_s: float = WARM_UP_S,
) -> TrainingSpeed:
    """Trains for `seconds`, with a network of the size that the packs have unless `shape` is given."""
    shape = shape or Hyperparameters()
    recipe = Recipe(epochs=1000, patience=1000, lanes=lanes)
    task = LearningTask(
        VOCABULARY.size, shape, _pieces(pieces, 1), _pieces(HELD_OUT_PIECES, 2), HELD_OUT_PIECES * (PIECE_TOKENS - 1)
    )
    reports: list[Progress] = []
    tokens_at: list[tuple[float, int]] = []
    learnt = 0

    def on_progress(progress: Progress) -> None:
        nonlocal learnt
        if progress.valid_bits is None:
            reports.append(progress)
        targets = pieces * (PIECE_TOKENS - 1)
        learnt = (progress.epoch - 1) * targets + round(targets * progress.step / progress.steps)
        tokens_at.append((progress.seconds, learnt))

    fit(task, recipe, World(device=device), budget_s=seconds, on_progress=on_progress)
    began_s, began_at = next(((s, t) for s, t in tokens_at if s >= warm_up_s), tokens_at[0])
    ended_s, ended_at = tokens_at[-1]
    rate = (ended_at - began_at) / (ended_s - began_s) if ended_s > began_s else 0.0
    is_cuda = device.startswith("cuda")
    return TrainingSpeed(
        round(rate),
        ended_at,
        ended_s,
        lanes,
        recipe.chunk,
        wants_bf16(recipe.precision, device),
        reports[0].loss_bits,
        reports[-1].loss_bits,
        torch.cuda.max_memory_allocated(device) / 2**20 if is_cuda else 0.0,
    )


def _pieces(count: int, random_seed: int) -> TokenPieces:
    """Melodies that wander by small steps, so that there is something to learn."""
    random = np.random.default_rng(random_seed)
    steps = random.choice((-2, -1, 1, 2), (count, PIECE_TOKENS - 1), p=(0.2, 0.3, 0.3, 0.2))
    walk = 30 + np.cumsum(steps, axis=1)
    reach = len(VOCABULARY.pitches) - 1
    folded = np.abs((walk % (2 * reach)) - reach)
    tokens = np.zeros((count, PIECE_TOKENS), np.uint16)
    tokens[:, 1:] = 1 + folded
    return TokenPieces(tokens.ravel(), np.full(count, PIECE_TOKENS), transposing(VOCABULARY))
