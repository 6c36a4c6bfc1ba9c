"""The training loop of one network: takes pieces, returns the best weights.

It knows no MIDI, and no file but its checkpoint.

There is a loss at every position. The LSTM state is carried from chunk to chunk and reset where a piece begins. Each
piece is transposed at random once per epoch. AdamW learns with a warm-up and a cosine schedule and with gradient
clipping. A moving average of the weights is measured on held-out pieces, and its best state is kept.

Everything random follows from the seed and the number of the epoch or step, so a training that was killed and resumed
gives the same weights. With several processes each trains its share of the lanes, on the mean of all gradients.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt
from torch import Tensor

from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from train.corpus.chunks import Chunk, Remembered, chunk_count, chunks
from train.corpus.dataset import Pieces
from train.errors import CorpusError, RecipeError
from train.learning.checkpoint import CheckpointSettings, EpochFigures, TrainingState, load_checkpoint, save_checkpoint
from train.learning.interrupt import Interrupt, deferred_interrupts
from train.learning.learner import Learner, tensors_named
from train.learning.loss import NATS_PER_BIT, sum_bits
from train.learning.parallel import SINGLE_PROCESS, World
from train.learning.recipe import Recipe, schedule, shuffled
from train.learning.tracker import NO_TRACKER, Tracker

# Reading the loss makes a GPU wait, and agreeing on the time other processes: so not after every step.
STEPS_BETWEEN_PAUSES = 16


@dataclass(frozen=True, slots=True)
class LearningTask:
    """What a network is to learn, and the pieces to learn it from.

    Where `valid_notes` is 0 nothing is held out, and the last epoch is kept. A network that starts with `initial`
    weights is measured before it learns, as epoch 0, and later weights are kept only where they are better. `repeats` is how often each piece
    comes in an epoch, once if not given; `remembered` and `valid_remembered` are what a memory forecasts of each piece, where it learns
    beside one.
    """

    vocabulary_size: int
    shape: Hyperparameters
    training: Pieces
    valid: Pieces
    valid_notes: int
    initial: Mapping[str, npt.NDArray[np.float32]] | None = None
    repeats: Sequence[int] | None = None
    remembered: Sequence[Remembered] | None = None
    valid_remembered: Sequence[Remembered] | None = None

    @property
    def repeats_of_pieces(self) -> Sequence[int]:
        return self.repeats or [1] * len(self.training.lengths)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a training after a step.

    `valid_bits` is there only after a measurement: at the end of an epoch or of the training.

    `loss_bits` covers the steps since the last report; after a measurement it covers the whole epoch.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    tokens_per_s: float
    loss_bits: float
    seconds: float
    valid_bits: float | None = None
    is_best: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best averaged weights, and the figures of the training that led to them."""

    network: MusicLSTM
    best_epoch: int
    epochs: int
    valid_bits: float
    tokens_per_epoch: int
    seconds: float
    history: tuple[EpochFigures, ...]


OnProgress = Callable[[Progress], None]


def fit(
    task: LearningTask,
    recipe: Recipe,
    world: World = SINGLE_PROCESS,
    *,
    checkpoints: CheckpointSettings | None = None,
    budget_s: float | None = None,
    tracker: Tracker = NO_TRACKER,
    on_progress: OnProgress = lambda _: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Outcome:
    """Trains until the epochs, the patience or the seconds of the budget are used up.

    It calls `on_progress` after each step, on the caller's thread; before the first one also with epoch 0, where initial weights were
    measured. Two runs with equal arguments on one CPU give
    equal weights; so does one that was killed and resumed. Ctrl-C saves a checkpoint, then raises KeyboardInterrupt.
    Raises CheckpointError where the training cannot be resumed from the checkpoint, OutputError where none can be
    written, RecipeError where the settings contradict each other.
    """
    training = _Training(task, recipe, world, checkpoints, budget_s, clock)
    measured = training.start()
    if measured is not None and world.is_first:
        on_progress(measured)
    should_stop = False
    with deferred_interrupts(second_at_once=world.size == 1) as interrupt:
        for chunk in training.remaining_chunks():
            training.learn(chunk)
            if not training.is_pause_due():
                continue
            progress = training.update_figures()
            should_stop = training.publish_progress(progress, tracker, on_progress, interrupt)
            is_over = should_stop or training.is_finished()
            if is_over or progress.valid_bits is not None or training.is_checkpoint_due():
                training.save()
            if is_over:
                break
        if training.is_within_epoch and not should_stop:  # the time budget is used up
            training.publish_progress(training.measure(), tracker, on_progress, interrupt)
    return training.outcome()


class _Training:
    """One training and its state."""

    def __init__(
        self,
        task: LearningTask,
        recipe: Recipe,
        world: World,
        checkpoints: CheckpointSettings | None,
        budget_s: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._task, self._recipe, self._world = task, recipe, world
        self._checkpoints, self._budget_s, self._clock = checkpoints, budget_s, clock
        self._own_lanes = world.own_lanes(recipe.lanes)
        self._learner = Learner(task.vocabulary_size, task.shape, recipe, world, task.initial)
        self._best_weights = self._learner.copy_average()
        self._state = TrainingState()
        self._new_tokens = self._timed_tokens = 0
        self._rate_share = 0.0
        self._started_s = self._timed_since_s = self._saved_s = clock()

    @property
    def is_within_epoch(self) -> bool:
        return self._state.step > 0

    def start(self) -> Progress | None:
        """Resumes from the checkpoint where that is requested and possible. Returns the figures of initial weights that it measured.

        It then writes one, so that a full disk is noticed at once.
        """
        base_bits = None
        loaded = self._load_checkpoint()
        if loaded is not None:
            self._state, tensors = loaded
            self._learner.restore(tensors)
            self._best_weights = {
                name: value.to(self._world.device) for name, value in tensors_named(tensors, "best").items()
            }
        elif self._task.initial is not None:
            base_bits = self._valid_bits()
            self._record_epoch(EpochFigures(0, math.nan, base_bits, 0.0, 0))
        self._started_s -= self._state.seconds
        self._set_up_epoch()
        if not self._steps:
            raise CorpusError("there is no note to learn from; give it more files")
        self.save()
        if base_bits is None:
            return None
        return Progress(0, self._recipe.epochs, 0, self._steps, 0.0, math.nan, 0.0, base_bits, is_best=True)

    def is_finished(self) -> bool:
        state, recipe = self._state, self._recipe
        is_out_of_patience = not self.is_within_epoch and state.epoch - 1 - state.best_epoch >= recipe.patience
        return state.epoch > recipe.epochs or is_out_of_patience or self._share_of_time_used() >= 1.0

    def remaining_chunks(self) -> Iterator[Chunk]:
        """The chunks that are still to be learnt, epoch after epoch.

        `update_figures` must be called at the end of each epoch.
        """
        recipe = self._recipe
        while not self.is_finished():
            self._timed_tokens, self._timed_since_s = 0, self._clock()
            every = chunks(
                self._task.training,
                self._piece_order,
                self._transpositions,
                recipe.lanes,
                recipe.chunk,
                self._own_lanes,
                self._task.remembered,
            )
            yield from islice(every, self._state.step, None)

    def learn(self, chunk: Chunk) -> None:
        state, recipe = self._state, self._recipe
        # From this epoch's number of chunks, which varies a little with the order of the pieces.
        planned = recipe.epochs * self._steps
        self._rate_share = schedule(state.steps_taken, planned, recipe.warm_up_steps, self._share_of_time_used())
        self._learner.learn(chunk, self._rate_share, state.steps_taken)
        self._new_tokens += chunk.total_targets
        state.steps_taken += 1
        state.step += 1

    def is_pause_due(self) -> bool:
        """Whether it is time to update the figures."""
        every = 1 if self._world.size == 1 and self._world.device == "cpu" else STEPS_BETWEEN_PAUSES
        return self._state.step % every == 0 or self._state.step == self._steps

    def update_figures(self) -> Progress:
        """Reads the clock and the loss; at the end of an epoch it measures the network and sets up the next epoch."""
        state, tokens, nats = self._state, self._new_tokens, self._learner.pop_nats()
        if not math.isfinite(nats):
            raise RecipeError(
                f"the loss is not a number any more after {state.steps_taken} steps; train with a lower --learning-rate"
            )
        state.seconds = self._world.run_on_first(lambda: self._clock() - self._started_s)
        state.epoch_nats += nats
        state.epoch_tokens += tokens
        state.tokens += tokens
        self._timed_tokens += tokens
        self._new_tokens = 0
        if state.step < self._steps:
            return self._progress(nats / tokens / NATS_PER_BIT)
        progress = self.measure()
        state.epoch, state.step, state.epoch_nats, state.epoch_tokens = state.epoch + 1, 0, 0.0, 0
        self._learner.reset_lanes()
        self._set_up_epoch()
        return progress

    def measure(self) -> Progress:
        """Measures the averaged weights on the held-out pieces, and keeps them if they are the best so far."""
        state = self._state
        progress = self._progress(state.epoch_nats / state.epoch_tokens / NATS_PER_BIT)
        figures = EpochFigures(state.epoch, progress.loss_bits, self._valid_bits(), state.seconds, state.tokens)
        return replace(progress, valid_bits=figures.valid_bits, is_best=self._record_epoch(figures))

    def publish_progress(
        self, progress: Progress, tracker: Tracker, on_progress: OnProgress, interrupt: Interrupt
    ) -> bool:
        """Reports the progress; returns whether any process was asked to stop.

        `on_progress` may ask for it by KeyboardInterrupt.
        """
        if self._world.is_first:
            tracker.scalar("training bits per token", progress.loss_bits, self._state.steps_taken)
            tracker.scalar("tokens per second", progress.tokens_per_s, self._state.steps_taken)
            tracker.scalar("share of the learning rate", self._rate_share, self._state.steps_taken)
            if progress.valid_bits is not None and not math.isnan(progress.valid_bits):
                tracker.scalar("held-out bits per note", progress.valid_bits, self._state.steps_taken)
            try:
                on_progress(progress)
            except KeyboardInterrupt:
                interrupt.requested = True
        should_stop = self._world.any(interrupt.requested)
        if should_stop:  # only then: a signal may have set it in the meantime
            interrupt.requested = True
        return should_stop

    def is_checkpoint_due(self) -> bool:
        """Whether a checkpoint is due."""
        if self._checkpoints is None:
            return False
        due_s = self._saved_s + self._checkpoints.every_s
        return self._world.run_on_first(lambda: self._clock() >= due_s)

    def save(self) -> None:
        settings = self._checkpoints
        if settings is None:
            return
        tensors = self._learner.state_tensors() | {f"best.{name}": value for name, value in self._best_weights.items()}
        self._world.run_on_first(lambda: save_checkpoint(settings.path, settings.fingerprint, self._state, tensors))
        self._saved_s = self._clock()

    def outcome(self) -> Outcome:
        state, network = self._state, self._learner.averaged
        network.load_state_dict(self._best_weights)
        epochs = state.epoch if self.is_within_epoch else state.epoch - 1
        targets = int(((self._task.training.lengths - 1) * self._task.repeats_of_pieces).sum())
        return Outcome(network, state.best_epoch, epochs, state.best_bits, targets, state.seconds, tuple(state.history))

    def _load_checkpoint(self) -> tuple[TrainingState, dict[str, Tensor]] | None:
        settings = self._checkpoints
        if settings is None or not settings.resume:
            return None
        return self._world.run_on_first(
            lambda: load_checkpoint(settings.path, settings.fingerprint) if settings.path.exists() else None
        )

    def _set_up_epoch(self) -> None:
        recipe, lengths = self._recipe, self._task.training.lengths
        repeats = self._task.repeats_of_pieces
        self._piece_order, self._transpositions = shuffled(repeats, recipe.random_seed, self._state.epoch)
        self._steps = chunk_count(lengths[self._piece_order].tolist(), recipe.lanes, recipe.chunk)

    def _share_of_time_used(self) -> float:
        return self._state.seconds / self._budget_s if self._budget_s else 0.0

    def _progress(self, loss_bits: float) -> Progress:
        state = self._state
        timed_s = state.seconds + self._started_s - self._timed_since_s
        rate = self._timed_tokens / timed_s if timed_s > 0 else 0.0
        return Progress(state.epoch, self._recipe.epochs, state.step, self._steps, rate, loss_bits, state.seconds)

    def _valid_bits(self) -> float:
        """Bits per note of the averaged weights; the processes share the held-out pieces."""
        task, world = self._task, self._world
        if not task.valid_notes:
            return math.nan
        share = range(world.rank, len(task.valid.lengths), world.size)
        bits = sum_bits(self._learner.averaged, task.valid, world.device, share, task.valid_remembered).sum()
        return world.sum(float(bits)) / task.valid_notes

    def _record_epoch(self, figures: EpochFigures) -> bool:
        """Records the figures; keeps the averaged weights, and returns True, if they are the best so far."""
        self._state.history.append(figures)
        is_best = math.isnan(figures.valid_bits) or figures.valid_bits < self._state.best_bits
        if is_best:
            self._best_weights = self._learner.copy_average()
            self._state.best_epoch, self._state.best_bits = figures.epoch, figures.valid_bits
        return is_best
