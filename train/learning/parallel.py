"""The processes that train one network together, and the few words they exchange; knows no music.

Started by `torchrun`, each finds the others by the environment that it sets. One process alone is the same with nobody to ask.
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

# Others wait while the first reads a large corpus for the first time. torchrun, not this, notices a process that died.
LONGEST_WAIT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class World:
    """This process among those that train together. The first one reports and writes; what it decides holds for all.

    All processes must call the same methods in the same order.
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, lanes: int) -> range:
        """The lanes that are this process's. Raises RecipeError where not all would have the same number."""
        each, left = divmod(lanes, self.size)
        if left:
            raise RecipeError(
                f"{lanes} lanes cannot be shared evenly by {self.size} processes; choose a multiple of {self.size} for --lanes"
            )
        return range(self.rank * each, (self.rank + 1) * each)

    def wrapped(self, network: nn.Module) -> nn.Module:
        """The network, whose gradients become the mean of all processes' as they are computed."""
        return network if self.size == 1 else DistributedDataParallel(network)

    def sum(self, value: float) -> float:
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.item()

    def any(self, flag: bool) -> bool:  # noqa: FBT001  a flag is all there is to say
        return self.sum(float(flag)) > 0

    def once(self, work: Callable[[], Result]) -> Result:
        """What the first process's `work` gives; where it raises a TrainError, all do."""
        if self.size == 1:
            return work()
        done: list[Result | TrainError | None] = [None]
        if self.first:
            try:
                done = [work()]
            except TrainError as error:
                done = [error]
        dist.broadcast_object_list(done, src=0)
        if isinstance(done[0], TrainError):
            raise done[0]
        return done[0]  # type: ignore[return-value]  # None only where `work` gives it

    def gather(self, part: Tensor, dim: int) -> Tensor:
        """The parts of all processes, in the order of their ranks, side by side."""
        if self.size == 1:
            return part
        parts = [torch.empty_like(part) for _ in range(self.size)]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts, dim)


ALONE = World()


@contextmanager
def joined_world() -> Iterator[World]:
    """The processes that torchrun started, until the end of the block; without torchrun, this one alone.

    Each has a GPU of its own where there is any. Raises RecipeError where there are too few.
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
        # All leave together. Who left alone, right after a word was said, could be aborted at its exit: a thread of gloo's
        # that still held that word's tensor then wanted an interpreter that was gone.
        dist.barrier()
    finally:
        dist.destroy_process_group()


_ENVIRONMENT = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
# Kept until the process ends: where a network that was wrapped outlives the group, as in the traceback of a Ctrl-C, and is
# the last to hold it, torch 2.13 joins gloo's thread without letting go of the interpreter, for which that thread may wait.
_groups: list[dist.ProcessGroup | None] = []
