"""The loss of a network at every position of a chunk; knows no optimiser."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model.engines.network import LstmState, MusicLSTM
from train.corpus.chunks import NO_TARGET, Chunk, Remembered, chunks
from train.corpus.dataset import Pieces, Tokens

NATS_PER_BIT = math.log(2)
MEASURED_LANES, MEASURED_CHUNK = 32, 128


def chunk_nats(network: nn.Module, chunk: Chunk, state: LstmState | None, device: str) -> tuple[Tensor, LstmState]:
    """The loss of a chunk in nats, summed over its targets, and the state after it, detached from the graph."""
    logits, (hidden, cell) = network(_to_device(device, chunk.inputs), reset_lanes(state, chunk, device))
    return _nats(logits, chunk, device, "sum"), (hidden.detach(), cell.detach())


def reset_lanes(state: LstmState | None, chunk: Chunk, device: str) -> LstmState | None:
    """The state, with zeros in each lane where a piece begins."""
    if state is None:
        return None
    keep = _to_device(device, ~chunk.fresh).to(state[0].dtype)[None, :, None]
    return state[0] * keep, state[1] * keep


def sum_bits(
    network: MusicLSTM,
    pieces: Pieces,
    device: str = "cpu",
    order: Sequence[int] | None = None,
    remembered: Sequence[Remembered] | None = None,
) -> npt.NDArray[np.float64]:
    """How many bits each token cost, summed over all its occurrences as a target.

    Shape (vocabulary,), measured in fp32.

    It measures the pieces of `order`, or all; each is read when it is needed. `remembered` is what a memory forecasts of each piece, if there is
    one beside the network.
    """
    order = range(len(pieces.lengths)) if order is None else order
    lanes = max(1, min(MEASURED_LANES, len(order)))
    total = np.zeros(network.output.out_features)
    state = None
    network.eval()
    with torch.inference_mode():
        for chunk in chunks(pieces, order, [0] * len(order), lanes, MEASURED_CHUNK, remembered=remembered):
            logits, state = network(_to_device(device, chunk.inputs), reset_lanes(state, chunk, device))
            bits = _nats(logits, chunk, device, "none").cpu().numpy() / NATS_PER_BIT
            targets = chunk.targets.flatten()
            is_counted = targets != NO_TARGET
            total += np.bincount(targets[is_counted], bits[is_counted], len(total))
    return total


def _nats(logits: Tensor, chunk: Chunk, device: str, reduction: Literal["sum", "none"]) -> Tensor:
    """The cost of each target, or of all; where a memory is beside the network, that of what both forecast together."""
    targets, logits = _to_device(device, chunk.targets).flatten(), logits.float().flatten(0, 1)
    if chunk.remembered is None:
        return nn.functional.cross_entropy(logits, targets, ignore_index=NO_TARGET, reduction=reduction)
    log_p = -nn.functional.cross_entropy(logits, targets, ignore_index=NO_TARGET, reduction="none")
    left, expected = (
        _to_device(device, part).flatten().log() for part in (chunk.remembered.left, chunk.remembered.expected)
    )
    nats = -torch.logaddexp(log_p + left, expected)
    return nats.sum() if reduction == "sum" else nats


def _to_device(device: str, values: Tokens | npt.NDArray[np.bool_] | npt.NDArray[np.float32]) -> Tensor:
    tensor = torch.from_numpy(values)
    # A GPU can fetch from pinned memory while it still computes the step before.
    return tensor.pin_memory().to(device, non_blocking=True) if device.startswith("cuda") else tensor
