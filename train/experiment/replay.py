"""Repeats the experiment: trains a pack by the notebook's recipe, and measures it on the held-out files of a corpus.

The networks are as they were in the experiment, so such a pack is for comparison only: its time is in seconds, drums
are among its notes, and its start token was never trained. `docs/experiment.md` compares it with ours.
"""

import hashlib
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from model.approach import APPROACHES, Approach
from model.engines.network import MusicLSTM
from model.pack.card import ApproachCard, Card, CardBins, HeldOut, Training
from model.pack.pack import sha256_of
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.build import OnProgress, TrainingRequest, Vocabulary, staging_bytes_needed
from train.corpus.corpora import SPLITS, Corpus, Split
from train.errors import CorpusError, RecipeError
from train.experiment import notebook
from train.experiment.notebook import Tokens
from train.learning.checkpoint import EpochFigures, TrainingState, load_checkpoint, save_checkpoint
from train.learning.interrupt import deferred_interrupts
from train.learning.loss import NATS_PER_BIT
from train.learning.parallel import World
from train.learning.recipe import wants_bf16
from train.learning.trainer import Progress
from train.pack_writing import card_history, write_card, write_network
from train.staging import atomic_folder, checkpoint_file, staging_folder_for

Notes = TypeVar("Notes")

# Between epochs only every eighth held-out token is measured, as each needs a whole window; at the end all are.
MEASURED_BETWEEN_EPOCHS = 8
CHECKPOINT_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Streams:
    """The tokens of each file that a network is trained on or measured on, by side and corpus."""

    vocabulary: Vocabulary
    sides: Mapping[Split, Mapping[str, Sequence[Tokens]]]

    def all_of(self, split: Split) -> list[Tokens]:
        return [tokens for files in self.sides[split].values() for tokens in files]

    def notes(self, split: Split) -> int:
        return sum(int((tokens <= len(self.vocabulary.pitches)).sum()) for tokens in self.all_of(split))


def replay_experiment(
    corpora: Sequence[Corpus], request: TrainingRequest, on_progress: OnProgress, world: World
) -> Card:
    """Trains both approaches by the notebook's recipe and writes the pack to `request.out`.

    It always keeps the last epoch. `request.recipes` give the number of epochs and the random seed,
    `request.budget_s` the time. Raises what `train.build.build_pack` raises, and RecipeError where there are several
    processes.
    """
    if world.size > 1:
        raise RecipeError("the notebook's recipe knows one process only; start it without torchrun")
    room = staging_bytes_needed(notebook.SHAPE, len(APPROACHES))
    with staging_folder_for(request.out, room, world, resume=request.resume) as staging_folder:
        runs = {
            approach: _prepare_run(approach, corpora, request, staging_folder, world.device) for approach in APPROACHES
        }
        for approach, run in runs.items():
            run.train(
                partial(on_progress, approach), None if request.budget_s is None else request.budget_s / len(runs)
            )
        with atomic_folder(request.out, staging_folder) as folder:
            approaches = {approach: _write_approach(approach, run, request, folder) for approach, run in runs.items()}
            return write_card(folder, request.out.name, approaches, corpora)


def streams_of(approach: Approach, corpora: Sequence[Corpus]) -> Streams:
    """The tokens of the corpora's files; the vocabulary is that of the training side.

    Raises CorpusError where pretty_midi cannot read a file, or there is no rhythm to make bins from.
    """
    files = {split: {corpus.name: _files_of(corpus, split) for corpus in corpora} for split in SPLITS}
    training = [file for paths in files["train"].values() for file in paths]
    vocabulary: Vocabulary
    encode: Callable[[Path], Tokens]
    if approach == "pitch":
        vocabulary = PitchVocabulary(
            tuple(sorted({pitch for file in training for pitch in _read(notebook.pitches_of, file)}))
        )
        encode = partial(_pitch_tokens, vocabulary)
    else:
        merged = [_read(notebook.merged_of, file) for file in training]
        shifts = [shift for line in merged for shift in notebook.shifts_of(line)]
        vocabulary = EventVocabulary(tuple(sorted({pitch for line in merged for _, pitch in line})), _bins(shifts))
        encode = partial(_event_tokens, vocabulary)
    return Streams(
        vocabulary,
        {
            split: {name: [encode(path) for path in paths] for name, paths in by_corpus.items()}
            for split, by_corpus in files.items()
        },
    )


def _pitch_tokens(vocabulary: PitchVocabulary, path: Path) -> Tokens:
    return notebook.pitch_tokens(vocabulary, _read(notebook.pitches_of, path))


def _event_tokens(vocabulary: EventVocabulary, path: Path) -> Tokens:
    return notebook.event_tokens(vocabulary, _read(notebook.merged_of, path))


def _bins(shifts_s: Sequence[float]) -> TimeBins:
    try:
        return notebook.notebook_bins(shifts_s or (0.0,))
    except ValueError as error:
        raise CorpusError("all time between onsets is the same: the notebook's recipe makes no bins from it") from error


def _read(notes_of: Callable[[Path], Notes], path: Path) -> Notes:
    try:
        return notes_of(path)
    except Exception as error:  # pretty_midi raises many kinds of errors for a bad file
        raise CorpusError(
            f"pretty_midi, which the notebook's recipe reads with, cannot read {path} ({error}); delete the file"
        ) from error


def _files_of(corpus: Corpus, split: Split) -> list[Path]:
    return sorted({line.file for line in corpus.lines[split]})


def _prepare_run(
    approach: Approach, corpora: Sequence[Corpus], request: TrainingRequest, staging_folder: Path, device: str
) -> "_Run":
    window = notebook.WINDOW[approach]
    streams = streams_of(approach, corpora)
    tokens = sum(len(file) for file in streams.all_of("train"))
    if tokens <= window:
        raise CorpusError(
            f"the training side has {tokens} tokens for {approach}, no more than one window of {window}; give it more files"
        )
    return _Run(approach, streams, request, checkpoint_file(staging_folder, approach), device)


def _write_approach(approach: Approach, run: "_Run", request: TrainingRequest, folder: Path) -> ApproachCard:
    vocabulary = run.streams.vocabulary
    held_out = {
        name: run.measure(pieces)
        for name, pieces in run.streams.sides["test"].items()
        if any(len(piece) > run.window for piece in pieces)
    }
    weights = {name: value.numpy(force=True) for name, value in run.network.state_dict().items()}
    files, _, _ = write_network(approach, weights, vocabulary, (), folder)
    bins = vocabulary.bins if isinstance(vocabulary, EventVocabulary) else None
    return ApproachCard(
        pitches=vocabulary.pitches,
        bins=CardBins(unit="seconds", choice="notebook", shifts=bins.shifts, edges=bins.edges) if bins else None,
        network=notebook.SHAPE,
        files={path.name: sha256_of(path) for path in files},
        training=Training(
            command=request.command,
            device=run.device,
            tracks="most-notes" if approach == "pitch" else "merged",
            drums=True,
            epochs=len(run.state.history),
            best_epoch=len(run.state.history),
            tokens_per_epoch=run.windows,
            seconds=round(run.state.seconds, 1),
            random_seed=run.recipe.random_seed,
            recipe={
                "name": "notebook",
                "window": run.window,
                "batch": notebook.BATCH,
                "learning_rate": notebook.LEARNING_RATE,
                "gradient_norm": notebook.GRADIENT_NORM,
                "precision": "bf16" if run.bf16 else "fp32",
            },
            history=card_history(run.state.history),
        ),
        held_out=held_out,
    )


class _Run:
    """The training of one network, with its checkpoint."""

    def __init__(self, approach: Approach, streams: Streams, request: TrainingRequest, path: Path, device: str) -> None:
        self.streams, self._path, self.device = streams, path, device
        self.recipe, self.window = request.recipes[approach], notebook.WINDOW[approach]
        self.bf16 = wants_bf16(self.recipe.precision, device)
        self._stream = np.concatenate(streams.all_of("train"))
        content = hashlib.sha256(self._stream.tobytes() + f"{self.recipe.random_seed} {self.bf16}".encode()).hexdigest()
        self._fingerprint = f"notebook {approach} {content}"
        self.state = TrainingState()
        torch.manual_seed(self.recipe.random_seed)
        self.network = MusicLSTM(streams.vocabulary.size, notebook.SHAPE).to(device)
        self._optimizer = torch.optim.Adam(self.network.parameters(), notebook.LEARNING_RATE)
        if request.resume and path.is_file():
            self._restore()
        self._started_s = self._saved_s = 0.0

    @property
    def windows(self) -> int:
        return len(self._stream) - self.window

    def train(self, on_progress: Callable[[Progress], None], budget_s: float | None) -> None:
        """Trains to the end of the epochs, or of the first one that ends after the budget's seconds.

        Ctrl-C saves, then raises.
        """
        state, recipe = self.state, self.recipe
        if budget_s is not None and state.seconds >= budget_s:
            return
        self._saved_s = time.perf_counter()
        self._started_s = self._saved_s - state.seconds
        with deferred_interrupts() as interrupt:
            steps = notebook.train_epochs(
                self.network,
                self._optimizer,
                self._stream,
                self.window,
                state,
                epochs=recipe.epochs,
                random_seed=recipe.random_seed,
                bf16=self.bf16,
                device=self.device,
            )
            for count in steps:
                state.seconds = time.perf_counter() - self._started_s
                on_progress(self._progress(count))
                is_over = state.step == count and budget_s is not None and state.seconds >= budget_s
                if (
                    interrupt.requested
                    or state.step == count
                    or time.perf_counter() - self._saved_s > CHECKPOINT_EVERY_S
                ):
                    self._save(count)
                if interrupt.requested or is_over:
                    break

    def _progress(self, steps: int) -> Progress:
        state = self.state
        training_bits = state.epoch_nats / state.epoch_tokens / NATS_PER_BIT
        valid_bits = None
        if state.step == steps:
            valid_bits = self._held_out_bits()
            state.history.append(EpochFigures(state.epoch, training_bits, valid_bits, state.seconds, state.tokens))
        rate = state.tokens / state.seconds
        return Progress(
            state.epoch, self.recipe.epochs, state.step, steps, rate, training_bits, state.seconds, valid_bits
        )

    def measure(self, streams: Sequence[Tokens], every: int = 1) -> HeldOut:
        """Bits per note, each token predicted from the window before it; only every `every`-th token is measured."""
        bits_of_tokens = notebook.window_bits(
            self.network, streams, self.window, every=every, bf16=self.bf16, device=self.device
        )
        vocabulary = self.streams.vocabulary
        is_note = bits_of_tokens[:, 0] <= len(vocabulary.pitches)
        notes = int(is_note.sum())
        time_bits = bits_of_tokens[~is_note, 1].sum() / notes if isinstance(vocabulary, EventVocabulary) else None
        return HeldOut(notes=notes, pitch_bits=bits_of_tokens[is_note, 1].sum() / notes, time_bits=time_bits)

    def _held_out_bits(self) -> float:
        streams = self.streams.all_of("valid")
        if not any(len(stream) > self.window for stream in streams):
            return math.nan
        figures = self.measure(streams, MEASURED_BETWEEN_EPOCHS)
        return figures.pitch_bits + (figures.time_bits or 0.0)

    def _save(self, steps: int) -> None:
        state = self.state
        if state.step == steps:  # a finished epoch is resumed at the start of the next one
            state = replace(state, epoch=state.epoch + 1, step=0, epoch_nats=0.0, epoch_tokens=0)
        moments = {
            f"adam.{name}.{index}": value
            for index, moments_of_weight in self._optimizer.state_dict()["state"].items()
            for name, value in moments_of_weight.items()
        }
        save_checkpoint(self._path, self._fingerprint, state, {**self.network.state_dict(), **moments})
        self._saved_s = time.perf_counter()

    def _restore(self) -> None:
        self.state, tensors = load_checkpoint(self._path, self._fingerprint)
        self.network.load_state_dict({name: value for name, value in tensors.items() if not name.startswith("adam.")})
        moments_by_index: dict[int, dict[str, torch.Tensor]] = defaultdict(dict)
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, moment, index = name.split(".")
                moments_by_index[int(index)][moment] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": dict(moments_by_index)})
