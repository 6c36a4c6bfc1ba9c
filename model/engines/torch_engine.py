"""The engine for GPUs: one LSTM step in torch, captured as a CUDA graph. On the CPU it runs without a graph."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model.engines.engine import EngineState, Logits, zero_state
from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from model.errors import PackError

_WARM_UP_STEPS = 3  # CUDA needs a few runs on a side stream before a capture


class TorchEngine:
    """Runs the weights of a `MusicLSTM` on `cpu` or `cuda`, in fp32.

    A step is one copy to the device, the products, and one copy back, each from and to fixed buffers: a captured graph
    always reads and writes the same ones, and with the copies in it a step is one launch and one wait. The products
    are plain ones, not those of cuDNN's LSTM, which would round to TF32.

    With `captured=False` it runs on a GPU without a graph, to compare. Used from one thread at a time. Raises
    PackError where the weights do not have that shape, and RuntimeError where the device cannot run the step.
    """

    def __init__(
        self,
        weights: Mapping[str, npt.NDArray[np.float32]],
        shape: Hyperparameters,
        device: str,
        *,
        captured: bool = True,
    ) -> None:
        self.vocabulary_size = int(weights["output.weight"].shape[0])
        self._shape = shape
        self._state_size = shape.layers * 2 * shape.hidden
        network = MusicLSTM(self.vocabulary_size, shape)
        try:
            network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
        except RuntimeError as error:
            raise PackError("the weights do not have the shapes that their card states; copy the pack again") from error
        self._network = network.to(device).eval().requires_grad_(requires_grad=False)
        is_cuda = device.startswith("cuda")
        # The state, then the token as a number of fp32, which holds each exactly; back come the state and the logits.
        # Pinned memory is what a GPU can copy from and to by itself.
        self._host_input = torch.zeros(self._state_size + 1, pin_memory=is_cuda)
        self._host_output = torch.zeros(self._state_size + self.vocabulary_size, pin_memory=is_cuda)
        self._input = self._host_input.to(device)
        self._written, self._read = self._host_input.numpy(), self._host_output.numpy()
        self._cuda = torch.device(device) if is_cuda else None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._run()
        self.device = "CPU, torch fp32"
        if self._cuda is not None:
            kind = "CUDA graph" if captured else "CUDA"
            self.device = f"{torch.cuda.get_device_name(self._cuda)}, {kind} fp32"
            if captured:
                self._graph = self._capture(self._cuda)

    def initial_state(self) -> EngineState:
        return zero_state(self._shape.layers, self._shape.hidden)

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        self._written[:-1] = state.ravel()
        self._written[-1] = token
        if self._graph is None:
            self._run()
        else:
            self._graph.replay()
        if self._cuda is not None:
            torch.cuda.current_stream(self._cuda).synchronize()
        # Copied, because the next step overwrites it.
        after = self._read[: self._state_size].reshape(state.shape).copy()
        return self._read[self._state_size :].astype(np.float64), after

    def _run(self) -> None:
        with torch.no_grad():
            self._input.copy_(self._host_input, non_blocking=True)
            state = self._input[:-1].view(self._shape.layers, 2, 1, self._shape.hidden)
            out: Tensor = self._network.embedding(self._input[-1:].long())
            after: list[Tensor] = []
            for layer, (hidden, cell) in zip(self._network.lstm, state, strict=True):
                assert isinstance(layer, nn.LSTM)
                out, next_cell = torch.lstm_cell(out, (hidden, cell), *layer.all_weights[0])
                after += [out, next_cell]
            after.append(self._network.output(out))
            self._host_output.copy_(torch.cat(after, dim=1)[0], non_blocking=True)

    def _capture(self, device: torch.device) -> torch.cuda.CUDAGraph:
        with torch.cuda.device(device):
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch has no types for it
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP_STEPS):
                    self._run()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            # Other threads may use the GPU meanwhile, for instance the jam that plays while a pack is loaded.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._run()
        return graph
