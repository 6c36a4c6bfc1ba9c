"""The engine for GPUs: one LSTM step in torch, captured as a CUDA graph. On the CPU it runs without a graph."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.engines.engine import EngineState, Logits, zero_state
from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from model.errors import PackError

_WARM_UP_STEPS = 3  # CUDA needs a few runs on a side stream before a capture


class TorchEngine:
    """Runs the weights of a `MusicLSTM` on `cpu` or `cuda`, in fp32.

    Used from one thread at a time. Raises PackError where the weights do not have that shape.
    """

    def __init__(self, weights: Mapping[str, npt.NDArray[np.float32]], shape: Hyperparameters, device: str) -> None:
        self.vocabulary_size = int(weights["output.weight"].shape[0])
        self._shape = shape
        network = MusicLSTM(self.vocabulary_size, shape)
        try:
            network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
        except RuntimeError as error:
            raise PackError("the weights do not have the shapes that their card states; copy the pack again") from error
        self._network = network.to(device).eval()
        # Fixed buffers in the device's memory: a captured graph always reads and writes the same ones.
        self._token = torch.zeros((1, 1), dtype=torch.int64, device=device)
        self._state = torch.zeros((shape.layers, 2, shape.hidden), device=device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._logits, self._next_state = self._run()
        self.device = "CPU, torch fp32"
        if device.startswith("cuda"):
            self.device = f"{torch.cuda.get_device_name(device)}, CUDA graph fp32"
            self._capture()

    def initial_state(self) -> EngineState:
        return zero_state(self._shape.layers, self._shape.hidden)

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        self._token.fill_(token)
        self._state.copy_(torch.from_numpy(state))
        if self._graph is None:
            self._logits, self._next_state = self._run()
        else:
            self._graph.replay()
        # Copies, because the next replay overwrites the graph's buffers.
        return np.array(self._logits.cpu().numpy()), np.array(self._next_state.cpu().numpy())

    def _run(self) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            hidden, cell = self._state[:, 0:1].contiguous(), self._state[:, 1:2].contiguous()
            logits, (next_hidden, next_cell) = self._network(self._token, (hidden, cell))
            return logits[0, 0], torch.cat([next_hidden, next_cell], dim=1)

    def _capture(self) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch has no types for it
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_STEPS):
                self._run()
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._logits, self._next_state = self._run()
