"""A network that learns, one step at a time, and all of its state as tensors; knows no epoch, no clock and no file."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model.engines.network import LstmState, MusicLSTM
from model.engines.network_shape import Hyperparameters
from train.corpus.dataset import Chunk
from train.learning.loss import chunk_nats
from train.learning.parallel import World
from train.learning.recipe import Recipe, average_decay_at, seed_of, wants_bf16


class Learner:
    """The weights, their moving average, the optimiser's moments, and the state that each lane has come to.

    With several processes each has the same weights, and its own share of the lanes.
    """

    def __init__(
        self,
        vocabulary_size: int,
        shape: Hyperparameters,
        recipe: Recipe,
        world: World,
        initial: Mapping[str, npt.NDArray[np.float32]] | None = None,
    ) -> None:
        self._recipe, self._world = recipe, world
        self._bf16 = wants_bf16(recipe.precision, world.device)
        torch.manual_seed(recipe.random_seed)
        # Moved, not copied, to the device: cuDNN wants the weights of an LSTM in one piece.
        self._network, self.averaged = (MusicLSTM(vocabulary_size, shape).to(world.device) for _ in range(2))
        if initial is not None:
            self._network.load_state_dict({name: torch.tensor(value) for name, value in initial.items()})
        self.averaged.load_state_dict(self._network.state_dict())
        self.averaged.eval().requires_grad_(requires_grad=False)
        self._parallel = world.wrapped(self._network)
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self._lanes: LstmState | None = None
        self._nats = torch.zeros((), device=world.device)

    def learn(self, chunk: Chunk, rate_share: float, step: int) -> None:
        """Step number `step` (from 0) of the optimiser, at a share of the recipe's learning rate."""
        recipe, world = self._recipe, self._world
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.learning_rate * rate_share
        # Dropout depends on numbers only, so that no generator's state has to be saved.
        torch.manual_seed(seed_of(recipe.random_seed, step, world.rank))
        with torch.autocast(world.device.split(":", maxsplit=1)[0], torch.bfloat16, enabled=self._bf16):
            nats, self._lanes = chunk_nats(self._parallel, chunk, self._lanes, world.device)
        self._optimizer.zero_grad()
        # Gradients become the mean over the processes: of their shares of the sum, times their number, the whole.
        loss = nats * (world.size / chunk.total_targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self._network.parameters(), recipe.gradient_norm)
        self._optimizer.step()
        self._follow(average_decay_at(step + 1, recipe.average_decay))
        self._nats += nats.detach()

    def take_nats(self) -> float:
        """The loss in nats, summed over all targets of all processes since this was last asked."""
        nats = self._world.sum(self._nats.item())
        self._nats.zero_()
        return nats

    def forget_lanes(self) -> None:
        """The next chunk is the first of an epoch."""
        self._lanes = None

    def averaged_copy(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.averaged.state_dict().items()}

    def tensors(self) -> dict[str, Tensor]:
        """Everything that the next step depends on; the lanes are those of all processes."""
        named = {"network." + name: value for name, value in self._network.state_dict().items()}
        named |= {"averaged." + name: value for name, value in self.averaged.state_dict().items()}
        for index, moments in self._optimizer.state_dict()["state"].items():
            named |= {f"moments.{index}.{name}": value for name, value in moments.items()}
        if self._lanes is not None:
            hidden, cell = (self._world.gather(state, dim=1) for state in self._lanes)
            named |= {"lanes.hidden": hidden, "lanes.cell": cell}
        return named

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Becomes the learner whose `tensors` these are."""
        self._network.load_state_dict(part_of(tensors, "network"))
        self.averaged.load_state_dict(part_of(tensors, "averaged"))
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in part_of(tensors, "moments").items():
            index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": moments})
        lanes = part_of(tensors, "lanes")
        if lanes:
            mine = self._world.share(self._recipe.lanes)
            hidden, cell = (
                lanes[name][:, mine.start : mine.stop].to(self._world.device) for name in ("hidden", "cell")
            )
            self._lanes = hidden.contiguous(), cell.contiguous()

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        for ours, theirs in zip(self.averaged.parameters(), self._network.parameters(), strict=True):
            ours.lerp_(theirs, 1 - decay)


def part_of(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Those whose names begin with `part` and a dot, by the rest of their names."""
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}
