from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.train.learning_tasks import BRIEF, DROPPED_OUT, SMALL, WORDS, lesson
from train.corpus.dataset import Chunk, chunks
from train.learning.learner import Learner, part_of
from train.learning.parallel import ALONE, World
from train.learning.recipe import Precision, Recipe


def learner(recipe: Recipe = BRIEF) -> Learner:
    return Learner(WORDS.size, DROPPED_OUT, recipe, ALONE)


def coming() -> Iterator[Chunk]:
    yield from chunks(lesson().training, range(8), [0] * 8, BRIEF.lanes, BRIEF.chunk)


def taught(recipe: Recipe = BRIEF, steps: int = 3) -> Learner:
    learning = learner(recipe)
    for step, chunk in zip(range(steps), coming(), strict=False):
        learning.learn(chunk, 1.0, step)
    return learning


def distance(one: Learner, other: Learner, part: str) -> float:
    ours, theirs = part_of(one.tensors(), part), part_of(other.tensors(), part)
    return max((ours[name] - theirs[name]).abs().max().item() for name in ours)


class TestLearning:
    def test_the_average_goes_after_the_weights_at_its_decay(self) -> None:
        before, after = learner().tensors(), taught(steps=1).tensors()
        name = "output.bias"
        moved = after[f"network.{name}"] - before[f"network.{name}"]
        followed = after[f"averaged.{name}"] - before[f"averaged.{name}"]
        assert torch.allclose(followed, moved * 10 / 11, atol=1e-7)

    def test_at_no_share_of_the_rate_nothing_moves(self) -> None:
        learning = learner()
        learning.learn(next(coming()), 0.0, 0)
        assert distance(learning, learner(), "network") == 0.0

    def test_the_loss_is_added_up_until_it_is_taken(self) -> None:
        still = replace(BRIEF, learning_rate=0.0)
        once, twice = taught(still, 1), taught(still, 2)
        assert twice.take_nats() > 1.5 * once.take_nats() > 0
        assert twice.take_nats() == 0.0

    def test_another_step_drops_others_out(self) -> None:
        one, other = learner(), learner()
        one.learn(next(coming()), 1.0, step=5)
        other.learn(next(coming()), 1.0, step=6)
        assert distance(one, other, "network") > 0

    def test_it_begins_with_the_weights_it_is_given(self) -> None:
        weights = {name: value.numpy() for name, value in taught().averaged_copy().items()}
        begun = Learner(WORDS.size, DROPPED_OUT, BRIEF, ALONE, weights)
        assert all((begun.averaged_copy()[name].numpy() == value).all() for name, value in weights.items())
        assert distance(begun, taught(), "averaged") == 0.0

    def test_weights_that_are_given_stay_as_they_are(self) -> None:
        weights = {name: value.numpy() for name, value in learner().averaged_copy().items()}
        before = {name: value.copy() for name, value in weights.items()}
        Learner(WORDS.size, DROPPED_OUT, BRIEF, ALONE, weights).learn(next(coming()), 1.0, 0)
        assert all(np.array_equal(weights[name], value) for name, value in before.items())


class TestState:
    @pytest.mark.parametrize("precision", ["fp32", "bf16"])
    def test_one_that_is_restored_goes_on_as_the_other_would_have(self, precision: Precision) -> None:
        recipe = replace(BRIEF, precision=precision)
        whole, restored = taught(recipe, 6), learner(recipe)
        restored.restore(taught(recipe, 3).tensors())
        for step, chunk in list(enumerate(coming()))[3:6]:
            restored.learn(chunk, 1.0, step)
        ours, theirs = restored.tensors(), whole.tensors()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], value) for name, value in theirs.items())

    def test_before_the_first_step_there_are_no_moments_and_no_lanes(self) -> None:
        new = learner()
        assert {name.split(".")[0] for name in new.tensors()} == {"network", "averaged"}
        restored = taught()
        restored.forget_lanes()
        assert not part_of(restored.tensors(), "lanes")

    def test_each_process_takes_its_own_lanes_back(self) -> None:
        recipe = replace(BRIEF, lanes=4)
        tensors = taught(recipe).tensors()
        other = Learner(WORDS.size, SMALL.model_copy(update={"layers": 2}), recipe, _Second())
        other.restore(tensors)
        assert torch.equal(part_of(other.tensors(), "lanes")["hidden"], tensors["lanes.hidden"][:, 2:])


class _Second(World):
    """The second of two processes that do not talk."""

    def __init__(self) -> None:
        super().__init__(rank=1, size=2)

    def wrapped(self, network: torch.nn.Module) -> torch.nn.Module:
        return network

    def gather(self, part: torch.Tensor, dim: int) -> torch.Tensor:
        return part
