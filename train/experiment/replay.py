"""The experiment, replayed: a pack by the notebook's recipe from the files of a corpus, measured on what it left out.

Its networks are what they were, so the pack is a curiosity: its time is in seconds, drums are among its notes, and its start
token was never trained. `docs/experiment.md` holds it against ours.
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
from model.pack.card import ApproachCard, CardBins, Card, Epoch, HeldOut, Training
from model.pack.pack import sha256_of
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.build import Order, Report, Vocabulary, room_for, write_card, write_network
from train.corpus.corpora import SPLITS, Corpus, Split
from train.errors import CorpusError, RecipeError
from train.experiment import notebook
from train.experiment.notebook import Tokens
from train.learning.checkpoint import EpochFigures, Standing, load_checkpoint, save_checkpoint
from train.learning.interrupt import deferred_interrupts
from train.learning.loss import NATS_PER_BIT
from train.learning.parallel import World
from train.learning.recipe import wants_bf16
from train.learning.trainer import Progress
from train.staging import appearing, checkpoint_file, workshop_for

Notes = TypeVar("Notes")

# Measured on every so-maniest held-out token between epochs, as each costs a whole window; on all at the end.
MEASURED_BETWEEN_EPOCHS = 8
CHECKPOINT_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Streams:
    """What one network is trained on and measured on: by side and corpus, the tokens of each file."""

    vocabulary: Vocabulary
    sides: Mapping[Split, Mapping[str, Sequence[Tokens]]]

    def all_of(self, split: Split) -> list[Tokens]:
        return [tokens for files in self.sides[split].values() for tokens in files]

    def notes(self, split: Split) -> int:
        return sum(int((tokens <= len(self.vocabulary.pitches)).sum()) for tokens in self.all_of(split))


def replay_experiment(corpora: Sequence[Corpus], order: Order, report: Report, world: World) -> Card:
    """Trains both approaches the old way and writes the pack to `order.out`; the last epoch is kept, whatever it is worth.

    `order.recipes` say how many epochs and by which random seed, `order.budget_s` when to stop. Raises what `train.build.build_pack` raises, and RecipeError
    where several processes are asked to.
    """
    if world.size > 1:
        raise RecipeError("the notebook's recipe knows one process only; start it without torchrun")
    room = room_for(notebook.SHAPE, len(APPROACHES))
    with workshop_for(order.out, room, world, resume=order.resume) as workshop:
        runs = {approach: _prepared(approach, corpora, order, workshop, world.device) for approach in APPROACHES}
        for approach, run in runs.items():
            run.train(partial(report, approach), None if order.budget_s is None else order.budget_s / len(runs))
        with appearing(order.out, workshop) as folder:
            approaches = {approach: _written(approach, run, order, folder) for approach, run in runs.items()}
            return write_card(folder, order.out.name, approaches, corpora)


def streams_of(approach: Approach, corpora: Sequence[Corpus]) -> Streams:
    """The tokens of the corpora's files; the vocabulary is that of the training side.

    Raises CorpusError where a file cannot be read by pretty_midi, or there is no rhythm to make bins from.
    """
    files = {split: {corpus.name: _files_of(corpus, split) for corpus in corpora} for split in SPLITS}
    training = [file for paths in files["train"].values() for file in paths]
    words: Vocabulary
    spelt: Callable[[Path], Tokens]
    if approach == "pitch":
        words = PitchVocabulary(
            tuple(sorted({pitch for file in training for pitch in _read(notebook.pitches_of, file)}))
        )
        spelt = partial(_pitch_tokens, words)
    else:
        merged = [_read(notebook.merged_of, file) for file in training]
        shifts = [shift for line in merged for shift in notebook.shifts_of(line)]
        words = EventVocabulary(tuple(sorted({pitch for line in merged for _, pitch in line})), _bins(shifts))
        spelt = partial(_event_tokens, words)
    return Streams(
        words,
        {split: {name: [spelt(path) for path in paths] for name, paths in by.items()} for split, by in files.items()},
    )


def _pitch_tokens(words: PitchVocabulary, path: Path) -> Tokens:
    return notebook.pitch_tokens(words, _read(notebook.pitches_of, path))


def _event_tokens(words: EventVocabulary, path: Path) -> Tokens:
    return notebook.event_tokens(words, _read(notebook.merged_of, path))


def _bins(shifts_s: Sequence[float]) -> TimeBins:
    try:
        return notebook.notebook_bins(shifts_s or (0.0,))
    except ValueError as error:
        raise CorpusError("all time between onsets is the same: the notebook's recipe makes no bins from it") from error


def _read(notes_of: Callable[[Path], Notes], path: Path) -> Notes:
    try:
        return notes_of(path)
    except Exception as error:  # what pretty_midi makes of a file that it does not like is legion
        raise CorpusError(
            f"pretty_midi, which the notebook's recipe reads with, cannot read {path} ({error}); take the file away"
        ) from error


def _files_of(corpus: Corpus, split: Split) -> list[Path]:
    return sorted({line.file for line in corpus.lines[split]})


def _prepared(approach: Approach, corpora: Sequence[Corpus], order: Order, workshop: Path, device: str) -> "_Run":
    window = notebook.WINDOW[approach]
    streams = streams_of(approach, corpora)
    tokens = sum(len(file) for file in streams.all_of("train"))
    if tokens <= window:
        raise CorpusError(
            f"the training side has {tokens} tokens for {approach}, no more than one window of {window}; give it more files"
        )
    return _Run(approach, streams, order, checkpoint_file(workshop, approach), device)


def _written(approach: Approach, run: "_Run", order: Order, folder: Path) -> ApproachCard:
    vocabulary = run.streams.vocabulary
    held_out = {
        name: run.measured(pieces)
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
            command=order.command,
            device=run.device,
            tracks="most-notes" if approach == "pitch" else "merged",
            drums=True,
            epochs=len(run.at.history),
            best_epoch=len(run.at.history),
            tokens_per_epoch=run.windows,
            seconds=round(run.at.seconds, 1),
            random_seed=run.recipe.random_seed,
            recipe={
                "name": "notebook",
                "window": run.window,
                "batch": notebook.BATCH,
                "learning_rate": notebook.LEARNING_RATE,
                "gradient_norm": notebook.GRADIENT_NORM,
                "precision": "bf16" if run.bf16 else "fp32",
            },
            history=tuple(
                Epoch(
                    epoch=row.epoch,
                    training_bits=round(row.training_bits, 4),
                    valid_bits=None if math.isnan(row.valid_bits) else round(row.valid_bits, 4),
                    seconds=round(row.seconds, 1),
                    tokens=row.tokens,
                )
                for row in run.at.history
            ),
        ),
        held_out=held_out,
    )


class _Run:
    """One network's training as far as it has come, kept on disk as it goes on."""

    def __init__(self, approach: Approach, streams: Streams, order: Order, path: Path, device: str) -> None:
        self.streams, self._path, self.device = streams, path, device
        self.recipe, self.window = order.recipes[approach], notebook.WINDOW[approach]
        self.bf16 = wants_bf16(self.recipe.precision, device)
        self._stream = np.concatenate(streams.all_of("train"))
        content = hashlib.sha256(self._stream.tobytes() + f"{self.recipe.random_seed} {self.bf16}".encode()).hexdigest()
        self._fingerprint = f"notebook {approach} {content}"
        self.at = Standing()
        torch.manual_seed(self.recipe.random_seed)
        self.network = MusicLSTM(streams.vocabulary.size, notebook.SHAPE).to(device)
        self._optimizer = torch.optim.Adam(self.network.parameters(), notebook.LEARNING_RATE)
        if order.resume and path.is_file():
            self._restore()
        self._began_s = self._saved_s = 0.0

    @property
    def windows(self) -> int:
        return len(self._stream) - self.window

    def train(self, report: Callable[[Progress], None], budget_s: float | None) -> None:
        """To the end of the epochs, or of the first one that ends after the budget's seconds; Ctrl-C saves, then raises."""
        at, recipe = self.at, self.recipe
        if budget_s is not None and at.seconds >= budget_s:
            return
        self._saved_s = time.perf_counter()
        self._began_s = self._saved_s - at.seconds
        with deferred_interrupts() as interrupt:
            steps = notebook.train_epochs(
                self.network,
                self._optimizer,
                self._stream,
                self.window,
                at,
                epochs=recipe.epochs,
                random_seed=recipe.random_seed,
                bf16=self.bf16,
                device=self.device,
            )
            for count in steps:
                at.seconds = time.perf_counter() - self._began_s
                report(self._progress(count))
                over = at.step == count and budget_s is not None and at.seconds >= budget_s
                if interrupt.asked or at.step == count or time.perf_counter() - self._saved_s > CHECKPOINT_EVERY_S:
                    self._save(count)
                if interrupt.asked or over:
                    break

    def _progress(self, steps: int) -> Progress:
        at = self.at
        training_bits = at.epoch_nats / at.epoch_tokens / NATS_PER_BIT
        valid_bits = None
        if at.step == steps:
            valid_bits = self._held_out_bits()
            at.history.append(EpochFigures(at.epoch, training_bits, valid_bits, at.seconds, at.tokens))
        rate = at.tokens / at.seconds
        return Progress(at.epoch, self.recipe.epochs, at.step, steps, rate, training_bits, at.seconds, valid_bits)

    def measured(self, streams: Sequence[Tokens], every: int = 1) -> HeldOut:
        """Bits per note, each token foretold from the window before it; of every `every`-th token."""
        cost = notebook.window_bits(self.network, streams, self.window, every=every, bf16=self.bf16, device=self.device)
        vocabulary = self.streams.vocabulary
        is_note = cost[:, 0] <= len(vocabulary.pitches)
        notes = int(is_note.sum())
        time_bits = cost[~is_note, 1].sum() / notes if isinstance(vocabulary, EventVocabulary) else None
        return HeldOut(notes=notes, pitch_bits=cost[is_note, 1].sum() / notes, time_bits=time_bits)

    def _held_out_bits(self) -> float:
        streams = self.streams.all_of("valid")
        if not any(len(stream) > self.window for stream in streams):
            return math.nan
        found = self.measured(streams, MEASURED_BETWEEN_EPOCHS)
        return found.pitch_bits + (found.time_bits or 0.0)

    def _save(self, steps: int) -> None:
        standing = self.at
        if standing.step == steps:  # an epoch that has ended is gone on from at the next one's beginning
            standing = replace(standing, epoch=standing.epoch + 1, step=0, epoch_nats=0.0, epoch_tokens=0)
        moments = {
            f"adam.{name}.{index}": value
            for index, state in self._optimizer.state_dict()["state"].items()
            for name, value in state.items()
        }
        save_checkpoint(self._path, self._fingerprint, standing, {**self.network.state_dict(), **moments})
        self._saved_s = time.perf_counter()

    def _restore(self) -> None:
        self.at, tensors = load_checkpoint(self._path, self._fingerprint)
        self.network.load_state_dict({name: value for name, value in tensors.items() if not name.startswith("adam.")})
        kept: dict[int, dict[str, torch.Tensor]] = defaultdict(dict)
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, moment, index = name.split(".")
                kept[int(index)][moment] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": dict(kept)})
