"""The reference engine: the same network in plain numpy matrix products, which tests compare the other engines with."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from model.engines.engine import EngineState, Logits, zero_state

Floats = npt.NDArray[np.float32]


class NumpyEngine:
    """Runs the weights of a `MusicLSTM`, given by their torch names, in fp32."""

    device = "CPU, numpy fp32"

    def __init__(self, weights: Mapping[str, npt.NDArray[np.floating]]) -> None:
        w = {name: np.asarray(value, np.float32) for name, value in weights.items()}
        self._layers = sum(name.startswith("lstm.weight_hh_l") for name in w)
        self._embedding = w["embedding.weight"]
        self._output, self._output_bias = w["output.weight"], w["output.bias"]
        # One product per layer: input and recurrent weights side by side, both biases summed.
        self._fused = [
            np.ascontiguousarray(np.hstack([w[f"lstm.weight_ih_l{i}"], w[f"lstm.weight_hh_l{i}"]]))
            for i in range(self._layers)
        ]
        self._bias = [w[f"lstm.bias_ih_l{i}"] + w[f"lstm.bias_hh_l{i}"] for i in range(self._layers)]
        self._hidden = w["lstm.weight_hh_l0"].shape[1]

    @property
    def vocabulary_size(self) -> int:
        return int(self._output.shape[0])

    def initial_state(self) -> EngineState:
        return zero_state(self._layers, self._hidden)

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        after = np.empty_like(state)
        x = self._embedding[token]
        for i in range(self._layers):
            gates = self._fused[i] @ np.concatenate([x, state[i, 0]]) + self._bias[i]
            input_gate, forget_gate, update, output_gate = np.split(gates, 4)  # torch's order
            after[i, 1] = _sigmoid(forget_gate) * state[i, 1] + _sigmoid(input_gate) * np.tanh(update)
            after[i, 0] = _sigmoid(output_gate) * np.tanh(after[i, 1])
            x = after[i, 0]
        return (self._output @ x + self._output_bias).astype(np.float64), after


def _sigmoid(x: Floats) -> Floats:
    half = np.float32(0.5)
    result: Floats = half * (np.tanh(half * x) + np.float32(1.0))
    return result
