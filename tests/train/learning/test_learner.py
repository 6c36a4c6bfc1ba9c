from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.train.learning_tasks import BRIEF, DROPPED_OUT, SMALL, VOCABULARY, learning_task
from train.corpus.chunks import Chunk, chunks
from train.learning.learner import Learner, tensors_named
from train.learning.parallel import SINGLE_PROCESS, World
from train.learning.recipe import Precision, Recipe, cpu_learns_in_bf16


def learner(recipe: Recipe = BRIEF) -> Learner:
    return Learner(VOCABULARY.size, DROPPED_OUT, recipe, SINGLE_PROCESS)


def training_chunks() -> Iterator[Chunk]:
    yield from chunks(learning_task().training, range(8), [0] * 8, BRIEF.lanes, BRIEF.chunk)


def trained_learner(recipe: Recipe = BRIEF, steps: int = 3) -> Learner:
    learning = learner(recipe)
    for step, chunk in zip(range(steps), training_chunks(), strict=False):
        learning.learn(chunk, 1.0, step)
    return learning


def distance(one: Learner, other: Learner, part: str) -> float:
    first, second = tensors_named(one.state_tensors(), part), tensors_named(other.state_tensors(), part)
    return max((first[name] - second[name]).abs().max().item() for name in first)


class TestLearning:
    def test_the_average_follows_the_weights_at_its_decay(self) -> None:
        before, after = learner().state_tensors(), trained_learner(steps=1).state_tensors()
        name = "output.bias"
        moved = after[f"network.{name}"] - before[f"network.{name}"]
        followed = after[f"averaged.{name}"] - before[f"averaged.{name}"]
        assert torch.allclose(followed, moved * 10 / 11, atol=1e-7)

    def test_with_a_rate_share_of_zero_no_weight_changes(self) -> None:
        learning = learner()
        learning.learn(next(training_chunks()), 0.0, 0)
        assert distance(learning, learner(), "network") == 0.0

    def test_the_loss_is_summed_until_it_is_popped(self) -> None:
        still = replace(BRIEF, learning_rate=0.0)
        once, twice = trained_learner(still, 1), trained_learner(still, 2)
        assert twice.pop_nats() > 1.5 * once.pop_nats() > 0
        assert twice.pop_nats() == 0.0

    def test_dropout_differs_from_step_to_step(self) -> None:
        one, other = learner(), learner()
        one.learn(next(training_chunks()), 1.0, step=5)
        other.learn(next(training_chunks()), 1.0, step=6)
        assert distance(one, other, "network") > 0

    def test_it_starts_with_the_initial_weights(self) -> None:
        weights = {name: value.numpy() for name, value in trained_learner().copy_average().items()}
        started = Learner(VOCABULARY.size, DROPPED_OUT, BRIEF, SINGLE_PROCESS, weights)
        assert all((started.copy_average()[name].numpy() == value).all() for name, value in weights.items())
        assert distance(started, trained_learner(), "averaged") == 0.0

    def test_the_given_arrays_are_not_changed(self) -> None:
        weights = {name: value.numpy() for name, value in learner().copy_average().items()}
        before = {name: value.copy() for name, value in weights.items()}
        Learner(VOCABULARY.size, DROPPED_OUT, BRIEF, SINGLE_PROCESS, weights).learn(next(training_chunks()), 1.0, 0)
        assert all(np.array_equal(weights[name], value) for name, value in before.items())


class TestState:
    @pytest.mark.parametrize("precision", ["fp32", *(["bf16"] if cpu_learns_in_bf16() else [])])
    def test_a_restored_learner_gives_the_same_weights(self, precision: Precision) -> None:
        recipe = replace(BRIEF, precision=precision)
        whole, restored = trained_learner(recipe, 6), learner(recipe)
        restored.restore(trained_learner(recipe, 3).state_tensors())
        for step, chunk in list(enumerate(training_chunks()))[3:6]:
            restored.learn(chunk, 1.0, step)
        found, expected = restored.state_tensors(), whole.state_tensors()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], value) for name, value in expected.items())

    def test_before_the_first_step_there_are_no_moments_and_no_lanes(self) -> None:
        new = learner()
        assert {name.split(".")[0] for name in new.state_tensors()} == {"network", "averaged"}
        restored = trained_learner()
        restored.reset_lanes()
        assert not tensors_named(restored.state_tensors(), "lanes")

    def test_each_process_restores_its_own_lanes(self) -> None:
        recipe = replace(BRIEF, lanes=4)
        tensors = trained_learner(recipe).state_tensors()
        other = Learner(VOCABULARY.size, SMALL.model_copy(update={"layers": 2}), recipe, SecondProcess())
        other.restore(tensors)
        assert torch.equal(tensors_named(other.state_tensors(), "lanes")["hidden"], tensors["lanes.hidden"][:, 2:])


class SecondProcess(World):
    """The second of two processes, without communication."""

    def __init__(self) -> None:
        super().__init__(rank=1, size=2)

    def wrap(self, network: torch.nn.Module) -> torch.nn.Module:
        return network

    def gather(self, part: torch.Tensor, dim: int) -> torch.Tensor:
        return part
