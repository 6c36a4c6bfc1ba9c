import math
import signal
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np
import pytest

from model.memory.backoff import DEFAULT_BACKOFFS
from tests.train.learning_tasks import (
    BRIEF,
    DROPPED_OUT,
    HELD_OUT,
    SMALL,
    STEPS_OF_AN_EPOCH,
    TUNES,
    VOCABULARY,
    learning_task,
    stopped_clock,
    weights_of,
)
from tests.train.processes import other_process, two_together
from train.corpus.dataset import event_vocabulary, pieces_in_memory
from train.errors import CheckpointError, CorpusError, RecipeError
from train.learning.checkpoint import CheckpointSettings, load_checkpoint
from train.learning.loss import sum_bits
from train.learning.parallel import World, joined_world
from train.learning.recipe import Recipe, cpu_learns_in_bf16
from train.learning.trainer import Outcome, Progress, fit
from train.memory.remembered import remember_lines

TASK_WITH_DROPOUT = learning_task(shape=DROPPED_OUT)
# Dropout, which is random at every step, and three epochs, of which any may be the best.
LONGER = replace(BRIEF, epochs=3)
ALL_STEPS = LONGER.epochs * STEPS_OF_AN_EPOCH


def figures_of(outcome: Outcome) -> tuple[object, ...]:
    """Everything in an outcome that does not depend on the time it took."""
    history = [(each.epoch, each.training_bits, each.valid_bits, each.tokens) for each in outcome.history]
    return weights_of(outcome), outcome.best_epoch, outcome.epochs, outcome.valid_bits, history


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pitch.safetensors"


@pytest.fixture(scope="module")
def uninterrupted() -> Outcome:
    return fit(TASK_WITH_DROPOUT, LONGER)


class TestFit:
    def test_beside_a_memory_it_is_measured_with_it_and_learns_what_that_leaves(self) -> None:
        remembered, valid = (
            remember_lines(VOCABULARY, DEFAULT_BACKOFFS["pitch"], lines) for lines in (TUNES, HELD_OUT)
        )
        outcome = fit(replace(learning_task(), remembered=remembered, valid_remembered=valid), BRIEF)
        pieces = pieces_in_memory(VOCABULARY, HELD_OUT)
        bits = sum_bits(outcome.network, pieces, remembered=valid).sum() / len(HELD_OUT[0])
        assert outcome.valid_bits == pytest.approx(bits)
        alone = fit(learning_task(), BRIEF)
        assert bits < sum_bits(alone.network, pieces, remembered=valid).sum() / len(HELD_OUT[0])

    def test_a_piece_that_counts_twice_is_learnt_twice_in_each_epoch(self) -> None:
        once = fit(learning_task(), BRIEF)
        outcome = fit(replace(learning_task(), repeats=[2, *[1] * (len(TUNES) - 1)]), BRIEF)
        assert outcome.tokens_per_epoch == once.tokens_per_epoch + len(TUNES[0])
        assert outcome.history[-1].tokens == BRIEF.epochs * outcome.tokens_per_epoch

    def test_it_learns_a_common_pattern_of_lines(self) -> None:
        larger = SMALL.model_copy(update={"hidden": 32})
        outcome = fit(learning_task(shape=larger), replace(BRIEF, epochs=24, patience=24))
        assert outcome.valid_bits < 0.6 * math.log2(VOCABULARY.size)

    def test_it_learns_rhythm_too(self) -> None:
        vocabulary = event_vocabulary(TUNES, "commonest", 8)
        outcome = fit(learning_task(vocabulary=vocabulary), replace(BRIEF, epochs=12, patience=12))
        tokens_per_note = (64 + 63) / 64
        assert outcome.valid_bits < 0.6 * tokens_per_note * math.log2(vocabulary.size)

    def test_equal_seeds_give_equal_weights(self, uninterrupted: Outcome) -> None:
        assert figures_of(fit(TASK_WITH_DROPOUT, LONGER)) == figures_of(uninterrupted)

    def test_another_seed_gives_other_weights(self, uninterrupted: Outcome) -> None:
        assert weights_of(fit(TASK_WITH_DROPOUT, replace(LONGER, random_seed=1))) != weights_of(uninterrupted)

    def test_it_reports_every_step_and_measures_at_the_end_of_an_epoch(self) -> None:
        reported: list[Progress] = []
        fit(learning_task(), BRIEF, on_progress=reported.append)
        ends = [progress for progress in reported if progress.valid_bits is not None]
        assert [(progress.epoch, progress.step) for progress in reported] == [
            (epoch, step) for epoch in (1, 2) for step in range(1, STEPS_OF_AN_EPOCH + 1)
        ]
        assert [(end.epoch, end.step) for end in ends] == [(1, STEPS_OF_AN_EPOCH), (2, STEPS_OF_AN_EPOCH)]
        measured = [end.valid_bits or 0.0 for end in ends]
        assert [end.is_best for end in ends] == [True, measured[1] < measured[0]]
        assert all(progress.tokens_per_s > 0 for progress in reported)
        assert {progress.steps for progress in reported} == {STEPS_OF_AN_EPOCH}

    def test_it_reports_the_loss_of_a_step_and_at_the_end_of_an_epoch_that_of_the_epoch(self) -> None:
        reported: list[Progress] = []
        outcome = fit(learning_task(), replace(BRIEF, learning_rate=0.0), on_progress=reported.append)
        [*steps, end] = [progress.loss_bits for progress in reported[:STEPS_OF_AN_EPOCH]]
        assert end == outcome.history[0].training_bits
        assert min(steps) < end < max(steps)
        assert end == pytest.approx(math.log2(VOCABULARY.size), rel=0.05)

    def test_it_counts_its_targets(self) -> None:
        outcome = fit(learning_task(), BRIEF)
        assert (outcome.epochs, outcome.tokens_per_epoch) == (2, 8 * 64)
        assert [(each.epoch, each.tokens) for each in outcome.history] == [(1, 8 * 64), (2, 2 * 8 * 64)]

    def test_it_records_the_figures_of_each_epoch(self) -> None:
        reported: list[Progress] = []
        outcome = fit(learning_task(), BRIEF, on_progress=reported.append, clock=count().__next__)
        ends = [progress for progress in reported if progress.valid_bits is not None]
        assert [(each.training_bits, each.valid_bits, each.seconds) for each in outcome.history] == [
            (end.loss_bits, end.valid_bits, end.seconds) for end in ends
        ]
        assert outcome.seconds == ends[-1].seconds > ends[0].seconds > 0

    def test_it_stops_when_the_held_out_figure_does_not_improve(self) -> None:
        outcome = fit(learning_task(), replace(BRIEF, epochs=20, patience=3, learning_rate=0.0))
        assert (outcome.best_epoch, outcome.epochs) == (1, 4)

    def test_it_returns_the_best_weights_and_not_the_last(self) -> None:
        wild = replace(BRIEF, epochs=6, learning_rate=0.5, average_decay=0.0, patience=6)
        few = learning_task(tunes=TUNES[:1])
        outcome = fit(few, wild)
        measured = [each.valid_bits for each in outcome.history]
        assert outcome.valid_bits == min(measured) != measured[-1]
        assert outcome.best_epoch == 1 + measured.index(min(measured))
        assert sum_bits(outcome.network, few.valid).sum() / len(HELD_OUT[0]) == outcome.valid_bits

    def test_with_nothing_held_out_it_returns_the_last_epoch(self) -> None:
        outcome = fit(learning_task(held_out=[]), replace(BRIEF, epochs=3, patience=1))
        assert (outcome.best_epoch, outcome.epochs) == (3, 3)
        assert math.isnan(outcome.valid_bits)

    def test_bf16_learns_too_where_the_cpu_can(self) -> None:
        recipe = replace(BRIEF, epochs=1, precision="bf16")
        if not cpu_learns_in_bf16():
            with pytest.raises(RecipeError, match="cannot train in bf16"):
                fit(learning_task(), recipe)
            return
        outcome = fit(learning_task(), recipe)
        assert outcome.valid_bits < math.log2(VOCABULARY.size)

    def test_a_loss_that_is_not_finite_ends_it(self) -> None:
        mad = replace(BRIEF, learning_rate=1e30, gradient_norm=1e30, warm_up_steps=1)
        with pytest.raises(
            RecipeError, match=r"not a number any more after \d+ steps; train with a lower --learning-rate"
        ):
            fit(learning_task(), mad)

    def test_with_nothing_to_learn_it_does_not_start(self) -> None:
        with pytest.raises(CorpusError, match="there is no note to learn from; give it more files"):
            fit(learning_task(tunes=[]), BRIEF)

    def test_its_figures_are_tracked(self) -> None:
        tracker = RecordingTracker()
        outcome = fit(learning_task(), BRIEF, tracker=tracker)
        assert tracker.steps("training bits per token") == list(range(1, 2 * STEPS_OF_AN_EPOCH + 1))
        assert tracker.steps("tokens per second") == list(range(1, 2 * STEPS_OF_AN_EPOCH + 1))
        assert tracker.scalars["held-out bits per note"] == [
            (STEPS_OF_AN_EPOCH * each.epoch, each.valid_bits) for each in outcome.history
        ]


class TestFineTuning:
    def test_initial_weights_are_measured_first_and_returned_if_nothing_is_better(self, uninterrupted: Outcome) -> None:
        spoilt = replace(BRIEF, learning_rate=1.0, average_decay=0.0, patience=1)
        outcome = fit(replace(TASK_WITH_DROPOUT, initial=_arrays(uninterrupted)), spoilt)
        assert (outcome.history[0].epoch, outcome.history[0].valid_bits) == (0, uninterrupted.valid_bits)
        assert (outcome.best_epoch, outcome.epochs, outcome.valid_bits) == (0, 1, uninterrupted.valid_bits)
        assert weights_of(outcome) == weights_of(uninterrupted)

    def test_the_figure_of_the_initial_weights_is_reported_before_the_first_step(self, uninterrupted: Outcome) -> None:
        reported: list[Progress] = []
        task = replace(TASK_WITH_DROPOUT, initial=_arrays(uninterrupted))
        outcome = fit(task, BRIEF, on_progress=reported.append)
        assert [(each.epoch, each.step) for each in reported[:2]] == [(0, 0), (1, 1)]
        assert reported[0].valid_bits == outcome.history[0].valid_bits

    def test_training_starts_from_the_initial_weights(self, uninterrupted: Outcome) -> None:
        outcome = fit(replace(TASK_WITH_DROPOUT, initial=_arrays(uninterrupted)), BRIEF)
        assert [each.epoch for each in outcome.history] == [0, 1, 2]
        assert outcome.history[1].training_bits < uninterrupted.history[0].training_bits


class TestTimeBudget:
    def test_training_ends_when_the_time_is_used_and_measures_then(self) -> None:
        reported: list[Progress] = []
        outcome = fit(
            learning_task(),
            replace(BRIEF, epochs=100),
            budget_s=30,
            on_progress=reported.append,
            clock=_clock_of_one_second_steps(),
        )
        assert reported[-2].step == reported[-1].step < STEPS_OF_AN_EPOCH
        assert reported[-2].valid_bits is None
        assert reported[-1].valid_bits == outcome.history[-1].valid_bits
        assert outcome.seconds >= 30 > reported[-3].seconds
        assert outcome.epochs == outcome.best_epoch == reported[-1].epoch == len(outcome.history)
        assert outcome.valid_bits == min(each.valid_bits for each in outcome.history)

    def test_the_learning_rate_has_fallen_by_then(self) -> None:
        """Although the training has taken only few of its steps."""
        tracker = RecordingTracker()
        fit(
            learning_task(),
            replace(BRIEF, epochs=10_000),
            budget_s=100,
            tracker=tracker,
            clock=_clock_of_one_second_steps(),
        )
        shares = [share for _, share in tracker.scalars["share of the learning rate"]]
        assert shares[3] > 0.95
        assert shares[-1] < 0.02

    def test_all_runs_together_have_one_budget(self, path: Path) -> None:
        first = fit(
            TASK_WITH_DROPOUT,
            LONGER,
            budget_s=10,
            checkpoints=CheckpointSettings(path, ""),
            clock=_clock_of_one_second_steps(),
        )
        reported: list[Progress] = []
        again = fit(
            TASK_WITH_DROPOUT,
            LONGER,
            budget_s=10,
            checkpoints=CheckpointSettings(path, "", resume=True),
            clock=_clock_of_one_second_steps(),
            on_progress=reported.append,
        )
        assert figures_of(again) == figures_of(first)
        assert [progress.valid_bits for progress in reported] == [first.history[-1].valid_bits]
        assert 0 < reported[0].step < reported[0].steps == STEPS_OF_AN_EPOCH

    def test_with_more_time_it_resumes_where_the_last_run_ended(self, path: Path) -> None:
        """A constant learning rate, as the schedule depends on the time budget."""
        constant = replace(LONGER, learning_rate=0.0)
        fit(
            TASK_WITH_DROPOUT,
            constant,
            budget_s=10,
            checkpoints=CheckpointSettings(path, ""),
            clock=_clock_of_one_second_steps(),
        )
        reported: list[Progress] = []
        outcome = fit(
            TASK_WITH_DROPOUT,
            constant,
            checkpoints=CheckpointSettings(path, "", resume=True),
            on_progress=reported.append,
        )
        assert (reported[0].epoch, reported[0].step) > (1, 1)
        assert figures_of(outcome) == figures_of(fit(TASK_WITH_DROPOUT, constant))


class TestResuming:
    @pytest.mark.parametrize("at", range(1, ALL_STEPS + 1))
    def test_interrupted_after_any_step_it_gives_the_same_weights(
        self, at: int, path: Path, uninterrupted: Outcome
    ) -> None:
        with pytest.raises(KeyboardInterrupt):
            fit(
                TASK_WITH_DROPOUT,
                LONGER,
                checkpoints=CheckpointSettings(path, "", every_s=math.inf),
                on_progress=_interrupt_at(at),
            )
        reported: list[Progress] = []
        resumed = fit(
            TASK_WITH_DROPOUT,
            LONGER,
            checkpoints=CheckpointSettings(path, "", resume=True),
            on_progress=reported.append,
        )
        assert len(reported) == ALL_STEPS - at
        assert figures_of(resumed) == figures_of(uninterrupted)

    def test_ctrl_c_takes_effect_after_the_step(self, path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            fit(
                learning_task(),
                BRIEF,
                checkpoints=CheckpointSettings(path, ""),
                on_progress=lambda _: signal.raise_signal(signal.SIGINT),
            )
        assert load_checkpoint(path, "")[0].steps_taken == 1

    def test_killed_at_any_moment_it_gives_the_same_weights(self, path: Path, uninterrupted: Outcome) -> None:
        random = np.random.default_rng(0)
        for _ in range(5):
            with other_process(_train_until_killed, path) as (process, reported):
                for _ in range(random.integers(1, 5)):
                    assert reported.recv() is not None
                # A step takes some milliseconds, most of them for writing the checkpoint.
                wait([process.sentinel], timeout=random.uniform(0.0, 0.01))
                process.kill()
                process.join()
                assert process.exitcode == -9
        resumed = fit(TASK_WITH_DROPOUT, LONGER, checkpoints=CheckpointSettings(path, "", resume=True))
        assert figures_of(resumed) == figures_of(uninterrupted)

    def test_resuming_a_finished_training_returns_the_same_outcome(self, path: Path) -> None:
        reported: list[Progress] = []
        outcome = fit(TASK_WITH_DROPOUT, LONGER, checkpoints=CheckpointSettings(path, ""))
        again = fit(
            TASK_WITH_DROPOUT,
            LONGER,
            checkpoints=CheckpointSettings(path, "", resume=True),
            on_progress=reported.append,
        )
        assert figures_of(again) == figures_of(outcome)
        assert again.history == outcome.history
        assert again.seconds == outcome.seconds
        assert reported == []

    def test_resuming_a_training_that_ran_out_of_patience_changes_nothing(self, path: Path) -> None:
        stuck = replace(BRIEF, epochs=20, patience=3, learning_rate=0.0)
        fit(learning_task(), stuck, checkpoints=CheckpointSettings(path, ""))
        again = fit(learning_task(), stuck, checkpoints=CheckpointSettings(path, "", resume=True))
        assert (again.best_epoch, again.epochs) == (1, 4)

    def test_without_a_checkpoint_resuming_starts_a_training(self, path: Path, uninterrupted: Outcome) -> None:
        outcome = fit(TASK_WITH_DROPOUT, LONGER, checkpoints=CheckpointSettings(path, "", resume=True))
        assert figures_of(outcome) == figures_of(uninterrupted)

    def test_without_resume_it_starts_again(self, path: Path, uninterrupted: Outcome) -> None:
        fit(TASK_WITH_DROPOUT, LONGER, checkpoints=CheckpointSettings(path, "another"))
        reported: list[Progress] = []
        outcome = fit(TASK_WITH_DROPOUT, LONGER, checkpoints=CheckpointSettings(path, ""), on_progress=reported.append)
        assert len(reported) == ALL_STEPS
        assert figures_of(outcome) == figures_of(uninterrupted)

    def test_another_training_is_not_resumed(self, path: Path) -> None:
        fit(TASK_WITH_DROPOUT, BRIEF, checkpoints=CheckpointSettings(path, "BRIEF"))
        with pytest.raises(CheckpointError, match="of a training with other settings or another corpus"):
            fit(TASK_WITH_DROPOUT, LONGER, checkpoints=CheckpointSettings(path, "LONGER", resume=True))

    def test_resumed_fine_tuning_needs_no_initial_weights(self, path: Path, uninterrupted: Outcome) -> None:
        fine_tuning = replace(TASK_WITH_DROPOUT, initial=_arrays(uninterrupted))
        with pytest.raises(KeyboardInterrupt):
            fit(fine_tuning, BRIEF, checkpoints=CheckpointSettings(path, ""), on_progress=_interrupt_at(3))
        resumed = fit(TASK_WITH_DROPOUT, BRIEF, checkpoints=CheckpointSettings(path, "", resume=True))
        assert figures_of(resumed)[:-1] == figures_of(fit(fine_tuning, BRIEF))[:-1]
        assert resumed.history[0].valid_bits == uninterrupted.valid_bits

    def test_the_seconds_of_all_runs_are_summed(self, path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            fit(
                learning_task(),
                BRIEF,
                checkpoints=CheckpointSettings(path, ""),
                on_progress=_interrupt_at(5),
                clock=_clock_of_one_second_steps(),
            )
        reported: list[Progress] = []
        later = count(1000).__next__
        fit(
            learning_task(),
            BRIEF,
            checkpoints=CheckpointSettings(path, "", resume=True),
            on_progress=reported.append,
            clock=later,
        )
        assert 5 < reported[0].seconds < 20


class TestCheckpointing:
    def test_one_is_written_when_it_is_due_and_at_each_epochs_end(self, path: Path) -> None:
        seen = self.after_steps(path, every_s=math.inf)
        assert seen == [0] * STEPS_OF_AN_EPOCH + [STEPS_OF_AN_EPOCH] * STEPS_OF_AN_EPOCH
        assert self.after_steps(path, every_s=0.0) == list(range(2 * STEPS_OF_AN_EPOCH))

    @staticmethod
    def after_steps(path: Path, every_s: float) -> list[int]:
        """The steps of the checkpoint at the time when each step is reported."""
        seen: list[int] = []
        fit(
            learning_task(),
            BRIEF,
            checkpoints=CheckpointSettings(path, "", every_s=every_s),
            on_progress=lambda _: seen.append(load_checkpoint(path, "")[0].steps_taken),
            clock=stopped_clock,
        )
        return seen


class TestTwoProcesses:
    """Two processes train one network."""

    def test_two_processes_learn_the_same_as_one(self) -> None:
        alone: list[Progress] = []
        one = fit(learning_task(), LONGER, on_progress=alone.append)
        (first, reported), (second, reported_by_second) = two_together(_train_together, (None, LONGER, 0))
        assert first == second
        assert _largest_difference(first, one) < 1e-5
        ends = {(end.epoch, end.step): end for end in alone if end.valid_bits is not None}
        assert [(end.epoch, end.step) for end in reported] == list(ends)
        assert [end.loss_bits for end in reported] == pytest.approx([end.loss_bits for end in ends.values()], rel=1e-5)
        assert [end.valid_bits for end in reported] == pytest.approx(
            [end.valid_bits for end in ends.values()], rel=1e-5
        )
        assert reported_by_second == []

    def test_interrupted_and_resumed_they_give_the_same_weights(self, path: Path) -> None:
        (whole, _), _ = two_together(_train_together, (None, LONGER, 0))
        (interrupted, _), _ = two_together(_train_together, (path, LONGER, 2))
        (resumed, reported), _ = two_together(_train_together, (path, LONGER, 0))
        assert interrupted is None
        assert [progress.epoch for progress in reported] == [3]
        assert resumed == whole

    def test_one_process_resumes_a_training_of_two(self, path: Path) -> None:
        two_together(_train_together, (path, LONGER, 2))
        outcome = fit(learning_task(), LONGER, checkpoints=CheckpointSettings(path, "", resume=True))
        assert _largest_difference(weights_of(outcome), fit(learning_task(), LONGER)) < 1e-5

    def test_lanes_have_to_be_shared_evenly(self) -> None:
        with pytest.raises(RecipeError, match="choose a multiple of 2 for --lanes"):
            fit(learning_task(), replace(BRIEF, lanes=5), World(0, 2))


class RecordingTracker:
    """A tracker that records all figures."""

    def __init__(self) -> None:
        self.scalars: dict[str, list[tuple[int, float]]] = {}

    def scalar(self, name: str, value: float, step: int) -> None:
        self.scalars.setdefault(name, []).append((step, value))

    def close(self) -> None:
        pass

    def steps(self, name: str) -> list[int]:
        return [step for step, _ in self.scalars[name]]


def _arrays(outcome: Outcome) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {name: value.numpy() for name, value in outcome.network.state_dict().items()}


def _largest_difference(weights: dict[str, list[float]] | None, outcome: Outcome) -> float:
    assert weights is not None
    theirs = weights_of(outcome)
    return max(float(np.abs(np.subtract(weights[name], theirs[name])).max()) for name in theirs)


def _clock_of_one_second_steps() -> Callable[[], float]:
    """A clock that moves on by a second each time it is read."""
    return count().__next__


def _interrupt_at(at: int) -> Callable[[Progress], None]:
    reported = count(1)

    def on_progress(_: Progress) -> None:
        if next(reported) == at:
            raise KeyboardInterrupt

    return on_progress


def _train_until_killed(reported: Connection, path: Path) -> None:
    fit(
        TASK_WITH_DROPOUT,
        LONGER,
        checkpoints=CheckpointSettings(path, "", every_s=0.0, resume=True),
        on_progress=lambda progress: reported.send((progress.epoch, progress.step)),
    )


def _train_together(
    given: tuple[Path | None, Recipe, int],
) -> tuple[dict[str, list[float]] | None, list[Progress]]:
    """The weights and the reported progress; no weights where it was interrupted after `interrupted_at` reports."""
    path, recipe, interrupted_at = given
    reported: list[Progress] = []
    interrupt = _interrupt_at(interrupted_at)

    def on_progress(progress: Progress) -> None:
        reported.append(progress)
        interrupt(progress)

    checkpoints = CheckpointSettings(path, "", resume=True) if path is not None else None
    with joined_world() as world:
        try:
            outcome = fit(learning_task(), recipe, world, checkpoints=checkpoints, on_progress=on_progress)
        except KeyboardInterrupt:
            return None, reported
    return weights_of(outcome), reported
