import os

import pytest
import torch

from tests.train.processes import two_together
from train.errors import OutputError, RecipeError, TrainError
from train.learning.parallel import SINGLE_PROCESS, World, joined_world


class TestSingleProcess:
    def test_it_is_the_first_and_has_all_lanes(self) -> None:
        assert SINGLE_PROCESS.is_first
        assert SINGLE_PROCESS.sum(2.5) == 2.5
        assert SINGLE_PROCESS.any(flag=True)
        assert not SINGLE_PROCESS.any(flag=False)
        assert SINGLE_PROCESS.own_lanes(7) == range(7)

    def test_it_runs_the_work_of_the_first_process(self) -> None:
        assert SINGLE_PROCESS.run_on_first(lambda: "done") == "done"

    def test_without_torchrun_the_world_is_one_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
            monkeypatch.delenv(name, raising=False)
        with joined_world() as world:
            assert (world.rank, world.size) == (0, 1)

    def test_its_network_is_not_wrapped(self) -> None:
        network = torch.nn.Linear(1, 1)
        assert SINGLE_PROCESS.wrap(network) is network


class TestOwnLanes:
    def test_each_process_has_the_next_lanes(self) -> None:
        assert [World(rank, 4).own_lanes(8) for rank in range(4)] == [range(2), range(2, 4), range(4, 6), range(6, 8)]

    def test_lanes_that_cannot_be_shared_evenly_are_refused(self) -> None:
        with pytest.raises(
            RecipeError, match="32 lanes cannot be shared evenly by 3 processes; choose a multiple of 3"
        ):
            World(0, 3).own_lanes(32)


def exchange(_: None) -> list[object]:
    with joined_world() as world:

        def fails() -> None:
            raise OutputError("the disk is full")

        part = torch.full((1, 2), float(world.rank), dtype=torch.bfloat16)
        results: list[object] = [
            world.rank,
            world.sum(world.rank + 1.5),
            world.any(world.rank == 1),
            world.any(flag=False),
            world.run_on_first(lambda: ("the process", os.environ["RANK"])),
            world.gather(part, dim=1).tolist(),
        ]
        try:
            world.run_on_first(fails)
        except TrainError as error:
            results.append(str(error))
        return results


def average(_: None) -> float:
    with joined_world() as world:
        network = torch.nn.Linear(1, 1, bias=False)
        parallel = world.wrap(network)
        parallel(torch.tensor([[1.0 + world.rank]])).sum().backward()
        assert network.weight.grad is not None
        return network.weight.grad.item()


class TestTwoProcesses:
    def test_exchanged_values_are_the_same_in_both(self) -> None:
        first, second = two_together(exchange, None)
        agreed = [4.0, True, False, ("the process", "0"), [[0.0, 0.0, 1.0, 1.0]], "the disk is full"]
        assert first == [0, *agreed]
        assert second == [1, *agreed]

    def test_gradients_become_the_mean_of_both(self) -> None:
        assert two_together(average, None) == (1.5, 1.5)
