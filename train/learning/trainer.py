"""The training loop of one network: pieces in, best weights out; knows no MIDI, and no file but its checkpoint.

A loss at every position, the state carried from chunk to chunk and reset where a piece begins, one random
transposition of each piece per epoch, AdamW under a warm-up and a cosine, gradient clipping, and a moving
average of the weights, which is what is measured on held-out pieces and kept at its best.

Everything random is made from the seed and the number of the epoch or step, so that a training that was killed goes on
as if it had not been. With several processes each trains its share of the lanes, on the mean of all gradients.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt
from torch import Tensor

from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from train.corpus.dataset import Chunk, Pieces, chunk_count, chunks
from train.errors import CorpusError, RecipeError
from train.learning.checkpoint import Checkpoints, EpochFigures, Standing, load_checkpoint, save_checkpoint
from train.learning.interrupt import Interrupt, deferred_interrupts
from train.learning.learner import Learner, part_of
from train.learning.loss import NATS_PER_BIT, sum_bits
from train.learning.parallel import ALONE, World
from train.learning.recipe import Recipe, schedule, shuffled
from train.learning.tracker import NO_TRACKER, Tracker

# To read the loss or to agree on the time makes a GPU, or other processes, wait: not after every step.
STEPS_BETWEEN_PAUSES = 16


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a network is to learn, and from what.

    With no `valid_notes` nothing is held out, and the last epoch is kept. A network that begins with `initial` weights
    is measured before it learns, as epoch 0, and what it learns is kept only where that is better.
    """

    vocabulary_size: int
    shape: Hyperparameters
    training: Pieces
    valid: Pieces
    valid_notes: int
    initial: Mapping[str, npt.NDArray[np.float32]] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What a training has to say; `valid_bits` only where it measured: at an epoch's end, or at its own.

    `loss_bits` is of the steps since it last spoke, and where it measured of the whole epoch.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    tokens_per_s: float
    loss_bits: float
    seconds: float
    valid_bits: float | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best averaged weights, and how they came about."""

    network: MusicLSTM
    best_epoch: int
    epochs: int
    valid_bits: float
    tokens_per_epoch: int
    seconds: float
    history: tuple[EpochFigures, ...]


Report = Callable[[Progress], None]


def fit(
    lesson: Lesson,
    recipe: Recipe,
    world: World = ALONE,
    *,
    checkpoints: Checkpoints | None = None,
    budget_s: float | None = None,
    tracker: Tracker = NO_TRACKER,
    report: Report = lambda _: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Outcome:
    """Trains until the epochs, the patience or the seconds are used up, saying after each step how it goes.

    Two runs with equal arguments on one CPU give equal weights, and so does one that was killed and resumed. Ctrl-C
    saves a checkpoint, then raises KeyboardInterrupt. Raises CheckpointError where there is one that cannot be gone
    on from, OutputError where none can be written, RecipeError where the settings do not go together.
    """
    training = _Training(lesson, recipe, world, checkpoints, budget_s, clock)
    training.begin()
    stop = False
    with deferred_interrupts(second_at_once=world.size == 1) as interrupt:
        for chunk in training.chunks_ahead():
            training.learn(chunk)
            if not training.pauses():
                continue
            progress = training.take_stock()
            stop = training.tell(progress, tracker, report, interrupt)
            ends = stop or training.finished()
            if ends or progress.valid_bits is not None or training.saves():
                training.save()
            if ends:
                break
        if training.within_epoch and not stop:  # the time is used up
            training.tell(training.measure(), tracker, report, interrupt)
    return training.outcome()


class _Training:
    """One training, and where it stands."""

    def __init__(
        self,
        lesson: Lesson,
        recipe: Recipe,
        world: World,
        checkpoints: Checkpoints | None,
        budget_s: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._lesson, self._recipe, self._world = lesson, recipe, world
        self._checkpoints, self._budget_s, self._clock = checkpoints, budget_s, clock
        self._mine = world.share(recipe.lanes)
        self._learner = Learner(lesson.vocabulary_size, lesson.shape, recipe, world, lesson.initial)
        self._best = self._learner.averaged_copy()
        self._at = Standing()
        self._tokens = self._stretch_tokens = 0
        self._rate_share = 0.0
        self._began_s = self._stretch_began_s = self._saved_s = clock()

    @property
    def within_epoch(self) -> bool:
        return self._at.step > 0

    def begin(self) -> None:
        """Goes on from the checkpoint if it is to and can; writes one, so that a full disk shows now and not later."""
        saved = self._saved()
        if saved is not None:
            self._at, tensors = saved
            self._learner.restore(tensors)
            self._best = {name: value.to(self._world.device) for name, value in part_of(tensors, "best").items()}
        elif self._lesson.initial is not None:
            self._keep(EpochFigures(0, math.nan, self._valid_bits(), 0.0, 0))
        self._began_s -= self._at.seconds
        self._turn_to_epoch()
        if not self._steps:
            raise CorpusError("there is no note to learn from; give it more files")
        self.save()

    def finished(self) -> bool:
        at, recipe = self._at, self._recipe
        impatient = not self.within_epoch and at.epoch - 1 - at.best_epoch >= recipe.patience
        return at.epoch > recipe.epochs or impatient or self._time_used() >= 1.0

    def chunks_ahead(self) -> Iterator[Chunk]:
        """What is yet to be learnt, epoch after epoch; at the end of each one has to `take_stock`."""
        recipe = self._recipe
        while not self.finished():
            self._stretch_tokens, self._stretch_began_s = 0, self._clock()
            every = chunks(self._lesson.training, self._order, self._keys, recipe.lanes, recipe.chunk, self._mine)
            yield from islice(every, self._at.step, None)

    def learn(self, chunk: Chunk) -> None:
        at, recipe = self._at, self._recipe
        # By the epoch's own chunks: their number changes a little with the order of the pieces.
        planned = recipe.epochs * self._steps
        self._rate_share = schedule(at.steps_taken, planned, recipe.warm_up_steps, self._time_used())
        self._learner.learn(chunk, self._rate_share, at.steps_taken)
        self._tokens += chunk.total_targets
        at.steps_taken += 1
        at.step += 1

    def pauses(self) -> bool:
        """Whether it is time to take stock."""
        every = 1 if self._world.size == 1 and self._world.device == "cpu" else STEPS_BETWEEN_PAUSES
        return self._at.step % every == 0 or self._at.step == self._steps

    def take_stock(self) -> Progress:
        """Looks at the clock and at the loss; at an epoch's end it measures, and turns to the next."""
        at, tokens, nats = self._at, self._tokens, self._learner.take_nats()
        if not math.isfinite(nats):
            raise RecipeError(
                f"the loss is no number any more after {at.steps_taken} steps; train with a lower --learning-rate"
            )
        at.seconds = self._world.once(lambda: self._clock() - self._began_s)
        at.epoch_nats += nats
        at.epoch_tokens += tokens
        at.tokens += tokens
        self._stretch_tokens += tokens
        self._tokens = 0
        if at.step < self._steps:
            return self._progress(nats / tokens / NATS_PER_BIT)
        progress = self.measure()
        at.epoch, at.step, at.epoch_nats, at.epoch_tokens = at.epoch + 1, 0, 0.0, 0
        self._learner.forget_lanes()
        self._turn_to_epoch()
        return progress

    def measure(self) -> Progress:
        """Measures on what is held out, and keeps the averaged weights if they are the best so far."""
        at = self._at
        progress = self._progress(at.epoch_nats / at.epoch_tokens / NATS_PER_BIT)
        figures = EpochFigures(at.epoch, progress.loss_bits, self._valid_bits(), at.seconds, at.tokens)
        return replace(progress, valid_bits=figures.valid_bits, best=self._keep(figures))

    def tell(self, progress: Progress, tracker: Tracker, report: Report, interrupt: Interrupt) -> bool:
        """Says how it goes, and hears whether any process was asked to stop; who is told may ask, too."""
        if self._world.first:
            tracker.scalar("training bits per token", progress.loss_bits, self._at.steps_taken)
            tracker.scalar("tokens per second", progress.tokens_per_s, self._at.steps_taken)
            tracker.scalar("share of the learning rate", self._rate_share, self._at.steps_taken)
            if progress.valid_bits is not None and not math.isnan(progress.valid_bits):
                tracker.scalar("held-out bits per note", progress.valid_bits, self._at.steps_taken)
            try:
                report(progress)
            except KeyboardInterrupt:
                interrupt.asked = True
        stop = self._world.any(interrupt.asked)
        if stop:  # and else not written to: a signal may have come in the meantime
            interrupt.asked = True
        return stop

    def saves(self) -> bool:
        """Whether a checkpoint is due."""
        if self._checkpoints is None:
            return False
        due_s = self._saved_s + self._checkpoints.every_s
        return self._world.once(lambda: self._clock() >= due_s)

    def save(self) -> None:
        place = self._checkpoints
        if place is None:
            return
        tensors = self._learner.tensors() | {f"best.{name}": value for name, value in self._best.items()}
        self._world.once(lambda: save_checkpoint(place.path, place.fingerprint, self._at, tensors))
        self._saved_s = self._clock()

    def outcome(self) -> Outcome:
        at, network = self._at, self._learner.averaged
        network.load_state_dict(self._best)
        epochs = at.epoch if self.within_epoch else at.epoch - 1
        targets = int((self._lesson.training.lengths - 1).sum())
        return Outcome(network, at.best_epoch, epochs, at.best_bits, targets, at.seconds, tuple(at.history))

    def _saved(self) -> tuple[Standing, dict[str, Tensor]] | None:
        place = self._checkpoints
        if place is None or not place.resume:
            return None
        return self._world.once(lambda: load_checkpoint(place.path, place.fingerprint) if place.path.exists() else None)

    def _turn_to_epoch(self) -> None:
        recipe, lengths = self._recipe, self._lesson.training.lengths
        self._order, self._keys = shuffled(len(lengths), recipe.random_seed, self._at.epoch)
        self._steps = chunk_count(lengths[self._order].tolist(), recipe.lanes, recipe.chunk)

    def _time_used(self) -> float:
        return self._at.seconds / self._budget_s if self._budget_s else 0.0

    def _progress(self, loss_bits: float) -> Progress:
        at = self._at
        stretch_s = at.seconds + self._began_s - self._stretch_began_s
        rate = self._stretch_tokens / stretch_s if stretch_s > 0 else 0.0
        return Progress(at.epoch, self._recipe.epochs, at.step, self._steps, rate, loss_bits, at.seconds)

    def _valid_bits(self) -> float:
        """Bits per note of the averaged weights; the processes share the held-out pieces."""
        lesson, world = self._lesson, self._world
        if not lesson.valid_notes:
            return math.nan
        share = range(world.rank, len(lesson.valid.lengths), world.size)
        bits = sum_bits(self._learner.averaged, lesson.valid, world.device, share).sum()
        return world.sum(float(bits)) / lesson.valid_notes

    def _keep(self, figures: EpochFigures) -> bool:
        """Notes the figures, and keeps the averaged weights if they are the best so far."""
        self._at.history.append(figures)
        best = math.isnan(figures.valid_bits) or figures.valid_bits < self._at.best_bits
        if best:
            self._best = self._learner.averaged_copy()
            self._at.best_epoch, self._at.best_bits = figures.epoch, figures.valid_bits
        return best
