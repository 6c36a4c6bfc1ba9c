"""The settings of a training, as numbers, and what is computed from them; knows no network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from train.corpus.dataset import TRANSPOSITIONS
from train.errors import RecipeError

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of a training; each is also an entry of `recipe` on the card.

    `lanes` lines are trained side by side, `chunk` tokens at a time. `patience` counts epochs without a better
    held-out figure. `beside_memory` learns what a memory of the piece so far does not know already. The pieces of a corpus that is smaller
    than the largest come up to `most_repeats` times in an epoch, each time in another key.
    """

    epochs: int = 30
    patience: int = 8
    lanes: int = 32
    chunk: int = 128
    learning_rate: float = 2e-3
    warm_up_steps: int = 100
    weight_decay: float = 0.01
    gradient_norm: float = 1.0
    average_decay: float = 0.995
    random_seed: int = 0
    precision: Precision = "auto"
    beside_memory: bool = False
    most_repeats: int = 1


def schedule(step: int, steps: int, warm_up_steps: int, time_used: float = 0.0) -> float:
    """The share of the learning rate at a step: a linear warm-up, then half a cosine down to 1 %.

    The cosine follows the steps or the share of the time that is used, whichever is further.
    """
    if step < warm_up_steps:
        return (step + 1) / warm_up_steps
    progress = min(1.0, max(time_used, (step - warm_up_steps) / max(1, steps - warm_up_steps)))
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def average_decay_at(step: int, decay: float) -> float:
    """How much of the moving average is kept at a step; the average is short while there are few steps to average."""
    return min(decay, step / (step + 10))


def wants_bf16(precision: Precision, device: str) -> bool:
    """Whether to multiply in bf16: on a GPU and on CPUs with bf16 in hardware (AMX).

    Elsewhere it is slower than fp32. Raises RecipeError where it is asked for on a CPU on which torch has no LSTM in bf16.
    """
    if precision == "auto":
        return device != "cpu" or bool(torch.cpu._is_amx_tile_supported())  # noqa: SLF001  torch has no public name for it
    if precision == "bf16" and device == "cpu" and not cpu_learns_in_bf16():
        raise RecipeError("this CPU cannot train in bf16, which takes AVX-512 at least; use --precision fp32, or auto")
    return precision == "bf16"


def cpu_learns_in_bf16() -> bool:
    """Whether torch has an LSTM in bf16 for this CPU: of x86, only for those with AVX-512."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return True  # torch's own LSTM takes any number
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001  torch has no public name for it


def shuffled(repeats: Sequence[int], random_seed: int, epoch: int) -> tuple[list[int], list[int]]:
    """The order of the pieces in an epoch, each so many times, and by how many semitones each is transposed."""
    random = np.random.default_rng((random_seed, epoch))
    order = random.permutation(np.repeat(np.arange(len(repeats)), repeats))
    transpositions = random.choice(TRANSPOSITIONS, len(order))
    return order.tolist(), transpositions.tolist()


def seed_of(*numbers: int) -> int:
    """A seed of 64 bits that depends on all of these numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
