"""Our recipe on the tokens of the notebook experiment: same files, same split, same vocabulary; only the training differs.

The tokens are the notebook's, with drums and times in seconds, so nothing is transposed here. The result of the notebook's
recipe in the same time is on the card of a pack made by `fours train --recipe notebook`.
"""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bench.corpora import CORPORA
from bench.table import show
from model.approach import APPROACHES
from model.engines.network_shape import Hyperparameters
from model.tokens.vocabulary import START
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import SPLITS, read_corpora
from train.corpus.dataset import TRANSPOSITIONS, TokenPieces, Tokens
from train.corpus.reading import LineSelection
from train.experiment.replay import streams_of
from train.learning.loss import sum_bits
from train.learning.recipe import Recipe
from train.learning.trainer import LearningTask, Progress, fit

LIST = Path("freedoom/rock43.txt")
EPOCHS = int(os.environ.get("EPOCHS", "20"))


def run() -> None:
    """Trains both networks by our recipe on the notebook's tokens, and prints the bits on the test files, and the time."""
    torch.set_num_threads(1)
    corpora = read_corpora([CORPORA / LIST], USER_CACHE, LineSelection("merged", drums=True, time_unit="seconds"))
    rows = []
    for approach in APPROACHES:
        streams = streams_of(approach, corpora)
        size = streams.vocabulary.size
        training, valid, test = (_pieces(streams.all_of(split), size) for split in SPLITS)
        task = LearningTask(size, Hyperparameters(), training, valid, streams.notes("valid"))
        outcome = fit(task, Recipe(epochs=EPOCHS, patience=6), on_progress=partial(_print_progress, approach))
        bits = sum_bits(outcome.network, test) / streams.notes("test")
        first_time_token = 1 + len(streams.vocabulary.pitches)
        pitch_bits, time_bits = bits[:first_time_token].sum(), bits[first_time_token:].sum()
        minutes = f"{outcome.seconds / 60:.1f}"
        rows.append((approach, str(outcome.best_epoch), minutes, f"{pitch_bits:.3f}", f"{time_bits:.3f}"))
    show(
        "Bits per note on the test files, by our recipe on the notebook's tokens",
        ("approach", "best epoch", "minutes", "pitch", "time"),
        rows,
    )


def _pieces(files: Sequence[Tokens], size: int) -> TokenPieces:
    """The files, each with a start token. They contain drums, which cannot be transposed, so every key is the written one."""
    tokens = [np.concatenate([[START], file]).astype(np.uint16) for file in files]
    as_written = np.tile(np.arange(size), (len(TRANSPOSITIONS), 1))
    return TokenPieces(np.concatenate(tokens), [len(piece) for piece in tokens], as_written)


def _print_progress(approach: str, progress: Progress) -> None:
    if progress.valid_bits is not None:
        print(
            f"{approach} epoch {progress.epoch}: training {progress.loss_bits:.3f} bits/token, held out "
            f"{progress.valid_bits:.3f} bits/note, {progress.seconds:.0f} s",
            flush=True,
        )
