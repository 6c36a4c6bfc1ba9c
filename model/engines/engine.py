"""What runs one LSTM step, whatever the library: the seam that ONNX Runtime, torch and numpy fill; knows no music."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.floating]
"""Shape (vocabulary,): unnormalised log-probabilities of the next token."""
EngineState = npt.NDArray[np.float32]
"""Shape (layers, 2, hidden): h and c of each layer. Never written to once it is handed out."""


class Engine(Protocol):
    """One trained network, a token at a time."""

    @property
    def device(self) -> str:
        """Where it runs, for the start-up lines: `CPU, int8` and the like."""
        ...

    @property
    def vocabulary_size(self) -> int: ...

    def initial_state(self) -> EngineState:
        """The state before all music: zeros."""
        ...

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        """Logits over the next token, shape (vocabulary,), and the state after `token`; `state` stays as it was."""
        ...


def zero_state(layers: int, hidden: int) -> EngineState:
    """The state before all music, of any network."""
    return np.zeros((layers, 2, hidden), np.float32)
