"""The training loop of one network: chunks in, best weights out; knows no MIDI and writes no file.

A loss at every position, the state carried from chunk to chunk and reset where a line begins, one random
transposition of each line per epoch, AdamW under a warm-up and a cosine, gradient clipping, and a moving
average of the weights, which is what is measured on held-out lines and kept at its best.
"""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from model.card import Hyperparameters
from model.network import LstmState, MusicLSTM
from model.vocabulary import Vocabulary
from train.corpus import Line
from train.dataset import NO_TARGET, Chunk, Tokens, chunks, tokens_as_written, tokens_in_all_keys

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained; each number is a key of the card's command."""

    epochs: int = 40
    patience: int = 8
    lanes: int = 32
    chunk: int = 64
    learning_rate: float = 2e-3
    warm_up_steps: int = 100
    weight_decay: float = 0.01
    gradient_norm: float = 1.0
    average_decay: float = 0.995
    random_seed: int = 0
    precision: Precision = "auto"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a training has to say after each step; `valid_bits` only at an epoch's end."""

    epoch: int
    epochs: int
    step: int
    steps: int
    tokens_per_s: float
    loss_bits: float
    valid_bits: float | None = None
    best: bool = False


@dataclass(slots=True)
class Outcome:
    """The best averaged weights, and how they came about."""

    network: MusicLSTM
    best_epoch: int = 0
    epochs: int = 0
    valid_bits: float = math.inf
    tokens_per_epoch: int = 0
    seconds: float = 0.0


def fit(
    vocabulary: Vocabulary,
    training: Sequence[Line],
    valid: Sequence[Line],
    shape: Hyperparameters,
    recipe: Recipe,
    device: str = "cpu",
    report: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Trains, calling `report` after each step.

    With no `valid` lines the last epoch is kept. Two runs with equal arguments on one CPU give equal weights.
    """
    tell = report or (lambda _: None)
    torch.manual_seed(recipe.random_seed)
    random = np.random.default_rng(recipe.random_seed)
    began_s = time.perf_counter()
    network = MusicLSTM(vocabulary.size, shape).to(device)
    averaged = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    in_all_keys = tokens_in_all_keys(vocabulary, training)
    valid_pieces = tokens_as_written(vocabulary, valid)
    valid_notes = sum(len(line.notes) for line in valid)
    bf16 = wants_bf16(recipe.precision, device)
    outcome = Outcome(copy.deepcopy(averaged))
    taken = 0
    for epoch in range(1, recipe.epochs + 1):
        # A loss over the epoch's own chunks: their number changes a little with the order of the lines.
        epoch_chunks = list(chunks(_shuffled(in_all_keys, random), recipe.lanes, recipe.chunk))
        outcome.tokens_per_epoch = sum(int((chunk.targets != NO_TARGET).sum()) for chunk in epoch_chunks)
        planned_steps = recipe.epochs * len(epoch_chunks)
        state = None
        epoch_began_s, tokens = time.perf_counter(), 0
        network.train()
        for step, chunk in enumerate(epoch_chunks, 1):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * schedule(taken, planned_steps, recipe.warm_up_steps)
            with torch.autocast(device.split(":", maxsplit=1)[0], torch.bfloat16, enabled=bf16):
                nats, state = chunk_loss(network, chunk, state, device)
            optimizer.zero_grad()
            nats.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_norm)
            optimizer.step()
            taken += 1
            _follow(averaged, network, min(recipe.average_decay, taken / (taken + 10)))
            tokens += int((chunk.targets != NO_TARGET).sum())
            rate = tokens / (time.perf_counter() - epoch_began_s)
            loss_bits = float(nats.detach()) / math.log(2)
            if step < len(epoch_chunks):
                tell(Progress(epoch, recipe.epochs, step, len(epoch_chunks), rate, loss_bits))
        valid_bits = sum_bits(averaged, valid_pieces, device).sum() / valid_notes if valid_notes else math.nan
        best = not valid_notes or valid_bits < outcome.valid_bits
        if best:
            outcome.network = copy.deepcopy(averaged)
            outcome.best_epoch, outcome.valid_bits = epoch, float(valid_bits)
        outcome.epochs, outcome.seconds = epoch, time.perf_counter() - began_s
        steps = len(epoch_chunks)
        tell(Progress(epoch, recipe.epochs, steps, steps, rate, loss_bits, float(valid_bits), best))
        if epoch - outcome.best_epoch >= recipe.patience:
            break
    return outcome


def chunk_loss(network: MusicLSTM, chunk: Chunk, state: LstmState | None, device: str) -> tuple[Tensor, LstmState]:
    """The mean loss of a chunk in nats per target, and the state after it, cut off from the graph."""
    inputs = torch.from_numpy(chunk.inputs).to(device)
    targets = torch.from_numpy(chunk.targets).to(device)
    logits, (hidden, cell) = network(inputs, reset(state, chunk, device))
    nats = nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=NO_TARGET)
    return nats, (hidden.detach(), cell.detach())


def reset(state: LstmState | None, chunk: Chunk, device: str) -> LstmState | None:
    """The state with zeros in each lane where a line begins."""
    if state is None:
        return None
    keep = torch.from_numpy(~chunk.fresh).to(device, state[0].dtype)[None, :, None]
    return state[0] * keep, state[1] * keep


def sum_bits(
    network: MusicLSTM, pieces: Sequence[Tokens], device: str = "cpu"
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How many bits each token cost, summed over all its occurrences as a target; shape (vocabulary,), fp32."""
    size = network.output.out_features
    total = np.zeros(size)
    state = None
    network.eval()
    with torch.inference_mode():
        for chunk in chunks(pieces, lanes=max(1, min(32, len(pieces))), length=128):
            inputs = torch.from_numpy(chunk.inputs).to(device)
            logits, state = network(inputs, reset(state, chunk, device))
            log_p = nn.functional.log_softmax(logits.float(), dim=-1).cpu().numpy()
            lane, at = np.nonzero(chunk.targets != NO_TARGET)
            target = chunk.targets[lane, at]
            np.add.at(total, target, -log_p[lane, at, target] / math.log(2))
    return total


def schedule(step: int, steps: int, warm_up_steps: int) -> float:
    """The share of the learning rate at a step: a straight rise, then half a cosine down to 1 %."""
    if step < warm_up_steps:
        return (step + 1) / warm_up_steps
    progress = min(1.0, (step - warm_up_steps) / max(1, steps - warm_up_steps))
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def wants_bf16(precision: Precision, device: str) -> bool:
    """bf16 on a GPU and on CPUs that multiply it in hardware (AMX); elsewhere it is slower than fp32."""
    if precision == "auto":
        return device != "cpu" or bool(torch.cpu._is_amx_tile_supported())  # noqa: SLF001  torch has no public name for it
    return precision == "bf16"


def _shuffled(in_all_keys: Sequence[Sequence[Tokens]], random: np.random.Generator) -> list[Tokens]:
    order = random.permutation(len(in_all_keys))
    keys = random.integers(len(in_all_keys[0]), size=len(in_all_keys))
    return [in_all_keys[i][keys[i]] for i in order]


@torch.no_grad()
def _follow(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    for ours, theirs in zip(averaged.parameters(), network.parameters(), strict=True):
        ours.lerp_(theirs, 1 - decay)
