"""The time of one token on a device: as a captured graph, the same step eager, and an eager step of `nn.LSTM` as one would write it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from bench.table import median_and_p99_ms
from model.approach import APPROACHES, Approach
from model.engines.engine import Engine
from model.engines.network import LstmState, MusicLSTM
from model.engines.torch_engine import TorchEngine
from model.pack.pack import Pack


@dataclass(frozen=True, slots=True)
class TokenTimes:
    """Milliseconds per token of one network: medians, and the 99th percentile of what a jam uses.

    Each time is from the token and the state in the CPU's memory to the logits and the state there.
    """

    approach: Approach
    captured_ms: float
    captured_p99_ms: float
    eager_step_ms: float
    """The engine's own step, launched kernel by kernel."""
    eager_ms: float
    """`nn.LSTM` with its state left on the device: what the engine's step replaces."""


def time_tokens(pack: Pack, device: str, steps: int) -> list[TokenTimes]:
    """The times of both networks of a pack, each over `steps` tokens."""
    return [_time(pack, approach, device, steps) for approach in APPROACHES]


def _time(pack: Pack, approach: Approach, device: str, steps: int) -> TokenTimes:
    weights, shape = pack.weights(approach), pack.card.approaches[approach].network
    captured, p99 = median_and_p99_ms(_stepper(TorchEngine(weights, shape, device)), steps)
    eager_step, _ = median_and_p99_ms(_stepper(TorchEngine(weights, shape, device, captured=False)), steps)
    network = MusicLSTM(pack.vocabulary(approach).size, shape)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    eager, _ = median_and_p99_ms(_lstm_stepper(network.to(device).eval(), device), steps)
    return TokenTimes(approach, captured, p99, eager_step, eager)


def _stepper(engine: Engine) -> Callable[[int], None]:
    state = engine.initial_state()

    def step(i: int) -> None:
        nonlocal state
        _, state = engine.step(i % engine.vocabulary_size, state)

    return step


def _lstm_stepper(network: MusicLSTM, device: str) -> Callable[[int], None]:
    state: LstmState | None = None

    def step(i: int) -> None:
        nonlocal state
        with torch.no_grad():
            token = torch.tensor([[i % network.output.out_features]], device=device)
            logits, state = network(token, state)
            logits.cpu()

    return step
