"""The original recipe of the experiment: sliding windows over all files joined end to end, one target each.

It is kept for comparison with the recipe of `train.learning.trainer` (docs/experiment.md). It reads files with
pretty_midi, keeps drums, counts time in seconds, has windows across the joints between files, and keeps the last epoch.
It knows no pack.
"""

import math
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model.approach import Approach
from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary, nearest_pitch
from train.learning.checkpoint import TrainingState
from train.learning.recipe import seed_of

Tokens = npt.NDArray[np.int64]
Onset = tuple[float, int]
"""Seconds and pitch."""

# The notebook's settings, in its own units. Its network had no dropout on the embedding.
SHAPE = Hyperparameters(embedding=256, hidden=512, layers=2, dropout=0.3)
WINDOW: dict[Approach, int] = {"pitch": 100, "event": 150}
BATCH = 128
LEARNING_RATE = 0.002
GRADIENT_NORM = 1.0
EPOCHS = 50
BIN_COUNT = 32
SHORTEST_SHIFT_S = 0.01
SAME_EDGE_S = 1e-9
MEASURED_AT_ONCE = 512


def onsets_of(path: Path) -> list[list[Onset]]:
    """The onsets of each instrument of a file, drums too, in order.

    Raises what pretty_midi raises for a broken file.
    """
    import pretty_midi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        midi = pretty_midi.PrettyMIDI(str(path))
    return [sorted((note.start, note.pitch) for note in instrument.notes) for instrument in midi.instruments]


def pitches_of(path: Path) -> list[int]:
    """The pitches of the instrument with the most notes, in onset order."""
    return [pitch for _, pitch in max(onsets_of(path), key=len, default=[])]


def merged_of(path: Path) -> list[Onset]:
    """The onsets of all instruments, in one stream."""
    return sorted(onset for instrument in onsets_of(path) for onset in instrument)


def shifts_of(onsets: Sequence[Onset]) -> list[float]:
    """The shifts in seconds that become TIME events."""
    return [b - a for (a, _), (b, _) in pairwise(onsets) if b - a >= SHORTEST_SHIFT_S]


def notebook_bins(shifts_s: Sequence[float], count: int = BIN_COUNT) -> TimeBins:
    """Quantile bins of shifts in seconds, with equal edges dropped; a bin plays the midpoint of its edges.

    There must be at least one shift; raises ValueError where all are the same.
    """
    edges = np.unique(np.quantile(np.asarray(shifts_s), np.linspace(0.0, 1.0, count + 1)))
    # Of edges that differ by rounding only, keep the last: there is no midpoint between them.
    edges = edges[np.append(np.diff(edges) > SAME_EDGE_S, True)]
    return TimeBins(tuple(((edges[:-1] + edges[1:]) / 2).tolist()), tuple(edges[1:-1].tolist()))


def pitch_tokens(vocabulary: PitchVocabulary, pitches: Sequence[int]) -> Tokens:
    """One token per note; a pitch that is not in the vocabulary becomes the nearest that is."""
    return np.array([1 + _place(vocabulary.pitches, pitch) for pitch in pitches], np.int64)


def event_tokens(vocabulary: EventVocabulary, onsets: Sequence[Onset]) -> Tokens:
    """A NOTE for each onset, and before it a TIME where it is at least 10 ms after the last onset."""
    tokens = []
    for index, (at_s, pitch) in enumerate(onsets):
        shift_s = at_s - onsets[index - 1][0] if index else 0.0
        if shift_s >= SHORTEST_SHIFT_S:
            tokens.append(vocabulary.first_time_token + vocabulary.bins.index(shift_s))
        tokens.append(1 + _place(vocabulary.pitches, pitch))
    return np.array(tokens, np.int64)


def _place(pitches: Sequence[int], pitch: int) -> int:
    return bisect_left(pitches, nearest_pitch(pitch, pitches))


def train_epochs(
    network: MusicLSTM,
    optimizer: torch.optim.Optimizer,
    stream: Tokens,
    window: int,
    state: TrainingState,
    *,
    epochs: int,
    random_seed: int = 0,
    bf16: bool = False,
    device: str = "cpu",
) -> Iterator[int]:
    """Trains on every window of `stream` and the one token after it, shuffled, from `state` to the end of `epochs`.

    After each step it yields the number of steps of an epoch; `state` is then updated, and `state.step` is that
    number at the end of an epoch. Between two steps the caller may measure the network and save it.
    """
    windows = np.lib.stride_tricks.sliding_window_view(stream, window + 1)
    while state.epoch <= epochs:
        order = np.random.default_rng((random_seed, state.epoch)).permutation(len(windows))
        batches = np.array_split(order, range(BATCH, len(order), BATCH))
        for batch in batches[state.step :]:
            network.train()
            torch.manual_seed(seed_of(random_seed, state.steps_taken, 0))
            rows = torch.from_numpy(windows[batch]).to(device)
            with torch.autocast(device.split(":", maxsplit=1)[0], torch.bfloat16, enabled=bf16):
                logits = next_logits(network, rows[:, :-1])
                loss = nn.functional.cross_entropy(logits.float(), rows[:, -1])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
            optimizer.step()
            state.step += 1
            state.steps_taken += 1
            state.epoch_nats += float(loss.detach()) * len(batch)
            state.epoch_tokens += len(batch)
            state.tokens += len(batch)
            yield len(batches)
        state.epoch, state.step, state.epoch_nats, state.epoch_tokens = state.epoch + 1, 0, 0.0, 0


def next_logits(network: MusicLSTM, windows: Tensor) -> Tensor:
    """The logits (batch, vocabulary) of the token after each of `windows` (batch, time).

    All other outputs are dropped.
    """
    outputs, _ = network.run_lstm(network.embedding(windows))
    logits: Tensor = network.output(network.dropout(outputs[:, -1]))
    return logits


def window_bits(
    network: MusicLSTM,
    streams: Sequence[Tokens],
    window: int,
    *,
    every: int = 1,
    bf16: bool = False,
    device: str = "cpu",
) -> npt.NDArray[np.float64]:
    """The bits of every `every`-th token of each stream, predicted from the `window` tokens before it.

    Shape (targets, 2): token, bits.
    """
    network.eval()
    measured: list[npt.NDArray[np.float64]] = [np.zeros((0, 2))]
    for stream in streams:
        if len(stream) <= window:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(stream, window + 1)[::every]
        for first in range(0, len(windows), MEASURED_AT_ONCE):
            rows = torch.from_numpy(windows[first : first + MEASURED_AT_ONCE].copy()).to(device)
            with torch.inference_mode(), torch.autocast(device.split(":", maxsplit=1)[0], torch.bfloat16, enabled=bf16):
                log_p = torch.log_softmax(next_logits(network, rows[:, :-1]).float(), -1)
            targets = rows[:, -1]
            bits = -log_p.gather(1, targets[:, None])[:, 0] / math.log(2)
            measured.append(np.stack([targets.cpu().numpy(), bits.cpu().numpy()], axis=1))
    return np.concatenate(measured)
