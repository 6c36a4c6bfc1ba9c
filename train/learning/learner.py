"""A network that learns step by step, with its whole state as tensors; knows no epoch, no clock and no file."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from model.engines.network import LstmState, MusicLSTM
from model.engines.network_shape import Hyperparameters
from train.corpus.chunks import Chunk
from train.learning.loss import chunk_nats
from train.learning.parallel import World
from train.learning.recipe import Recipe, average_decay_at, seed_of, wants_bf16


class Learner:
    """The weights, their moving average, the moments of the optimiser, and the LSTM state of each lane.

    With several processes each one has the same weights, and its own share of the lanes.
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
        # Moved to the device, not copied: cuDNN needs the weights of an LSTM in one piece of memory.
        self._network, self.averaged = (MusicLSTM(vocabulary_size, shape).to(world.device) for _ in range(2))
        if initial is not None:
            self._network.load_state_dict({name: torch.tensor(value) for name, value in initial.items()})
        self.averaged.load_state_dict(self._network.state_dict())
        self.averaged.eval().requires_grad_(requires_grad=False)
        self._parallel = world.wrap(self._network)
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(),
            recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            # One launch for all weights; on a CPU it would sum in another order than before, and gain nothing.
            fused=world.device.startswith("cuda"),
        )
        self._lanes: LstmState | None = None
        self._nats = torch.zeros((), device=world.device)

    def learn(self, chunk: Chunk, rate_share: float, step: int) -> None:
        """Takes step `step` (from 0) of the optimiser on `chunk`, at `rate_share` (0 to 1) of the recipe's rate."""
        recipe, world = self._recipe, self._world
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.learning_rate * rate_share
        # Dropout depends on these numbers only, so no state of a random generator has to be saved.
        torch.manual_seed(seed_of(recipe.random_seed, step, world.rank))
        with torch.autocast(world.device.split(":", maxsplit=1)[0], torch.bfloat16, enabled=self._bf16):
            nats, self._lanes = chunk_nats(self._parallel, chunk, self._lanes, world.device)
        self._optimizer.zero_grad()
        # DistributedDataParallel takes the mean of the gradients over the processes. Times their number it is their
        # sum.
        loss = nats * (world.size / chunk.total_targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self._network.parameters(), recipe.gradient_norm)
        self._optimizer.step()
        self._update_average(average_decay_at(step + 1, recipe.average_decay))
        self._nats += nats.detach()

    def pop_nats(self) -> float:
        """The loss in nats, summed over all targets of all processes since the last call."""
        nats = self._world.sum(self._nats.item())
        self._nats.zero_()
        return nats

    def reset_lanes(self) -> None:
        """Clears the LSTM states of the lanes; called before the first chunk of an epoch."""
        self._lanes = None

    def copy_average(self) -> dict[str, Tensor]:
        """A copy of the averaged weights, by name."""
        return {name: value.clone() for name, value in self.averaged.state_dict().items()}

    def state_tensors(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, by name; the lanes are those of all processes."""
        tensors = {"network." + name: value for name, value in self._network.state_dict().items()}
        tensors |= {"averaged." + name: value for name, value in self.averaged.state_dict().items()}
        for index, moments in self._optimizer.state_dict()["state"].items():
            tensors |= {f"moments.{index}.{name}": value for name, value in moments.items()}
        if self._lanes is not None:
            hidden, cell = (self._world.gather(state, dim=1) for state in self._lanes)
            tensors |= {"lanes.hidden": hidden, "lanes.cell": cell}
        return tensors

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restores a state that `state_tensors` returned."""
        self._network.load_state_dict(tensors_named(tensors, "network"))
        self.averaged.load_state_dict(tensors_named(tensors, "averaged"))
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors_named(tensors, "moments").items():
            index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": moments})
        lanes = tensors_named(tensors, "lanes")
        if lanes:
            own_lanes = self._world.own_lanes(self._recipe.lanes)
            hidden, cell = (
                lanes[name][:, own_lanes.start : own_lanes.stop].to(self._world.device) for name in ("hidden", "cell")
            )
            self._lanes = hidden.contiguous(), cell.contiguous()

    def _update_average(self, decay: float) -> None:
        # All weights at once: on a GPU each would be a launch of its own.
        update = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        update(list(self.averaged.parameters()), list(self._network.parameters()), None)


def tensors_named(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors whose names start with `part` and a dot, by the rest of their names."""
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}
