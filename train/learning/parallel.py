"""The processes that train one network together, and how they exchange values; knows no music.

They are started by `torchrun`, which sets the environment by which they find each other. A single process is a group
of one.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from train.errors import RecipeError, TrainError

Result = TypeVar("Result")

# The others wait while the first process reads a large corpus. A process that died is noticed by torchrun, not by this
# limit.
LONGEST_WAIT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class World:
    """This process within the group that trains together.

    The first process reports and writes; its decisions hold for all.

    All processes must call the same methods in the same order, as each call waits for the others.
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def own_lanes(self, lanes: int) -> range:
        """The lanes of this process. Raises RecipeError where the processes would not get equally many."""
        lanes_each, remainder = divmod(lanes, self.size)
        if remainder:
            raise RecipeError(
                f"{lanes} lanes cannot be shared evenly by {self.size} processes; choose a multiple of {self.size} for --lanes"
            )
        return range(self.rank * lanes_each, (self.rank + 1) * lanes_each)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network, changed so that its gradients become the mean over all processes while they are computed."""
        return network if self.size == 1 else DistributedDataParallel(network)

    def sum(self, value: float) -> float:
        """The sum of the values of all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.item()

    def any(self, flag: bool) -> bool:  # noqa: FBT001  the flag is its only argument
        """Whether the flag is set in any process."""
        return self.sum(float(flag)) > 0

    def run_on_first(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, which runs in the first process only.

        If it raises a TrainError there, all processes raise it.
        """
        if self.size == 1:
            return work()
        result: list[Result | TrainError | None] = [None]
        if self.is_first:
            try:
                result = [work()]
            except TrainError as error:
                result = [error]
        dist.broadcast_object_list(result, src=0)
        if isinstance(result[0], TrainError):
            raise result[0]
        return result[0]  # type: ignore[return-value]  # None only where `work` gives it

    def gather(self, part: Tensor, dim: int) -> Tensor:
        """The parts of all processes side by side, in the order of their ranks."""
        if self.size == 1:
            return part
        parts = [torch.empty_like(part) for _ in range(self.size)]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts, dim)


SINGLE_PROCESS = World()


@contextmanager
def joined_world() -> Iterator[World]:
    """The group of processes that torchrun started, until the end of the block; without torchrun, this process alone.

    Each process has a GPU of its own where there are any. Raises RecipeError where there are too few.
    """
    rank, size, local = (int(os.environ.get(name, default)) for name, default in _ENVIRONMENT.items())
    gpus = torch.cuda.device_count()
    if gpus and local >= gpus:
        raise RecipeError(f"there are {gpus} GPUs here for more processes than that; choose --nproc-per-node {gpus}")
    world = World(rank, size, f"cuda:{local}" if gpus else "cpu")
    if gpus:
        torch.cuda.set_device(local)
    if size == 1:
        yield world
        return
    device = torch.device(world.device) if gpus else None
    dist.init_process_group("nccl" if gpus else "gloo", timeout=LONGEST_WAIT, device_id=device)
    _groups.append(dist.group.WORLD)
    try:
        yield world
        # All leave together. A process that left alone, right after an exchange, could be aborted at its exit: a
        # thread of gloo
        # still held the exchanged tensor, and then needed an interpreter that was gone.
        dist.barrier()
    finally:
        dist.destroy_process_group()


_ENVIRONMENT = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
# Kept until the process ends. A wrapped network may outlive the group, for instance in the traceback of a Ctrl-C. If
# it is
# then the last to hold the group, torch 2.13 joins gloo's thread without releasing the GIL, for which that thread may
# wait.
_groups: list[dist.ProcessGroup | None] = []
