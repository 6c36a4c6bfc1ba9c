"""`Engine`: runs one step of the LSTM, by ONNX Runtime, torch or numpy; knows no music."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float64]
"""Shape (vocabulary,): unnormalised log-probabilities of the next token. Networks compute fp32; what follows is in double precision."""
EngineState = npt.NDArray[np.float32]
"""Shape (layers, 2, hidden): h and c of each layer. An array that was handed out is never written to again."""


class Engine(Protocol):
    """One trained network, run one token at a time.

    An engine holds no position in the music: the state goes in and comes out with each step, so a caller may keep any
    number of states and go back to one. Used from one thread at a time. Tokens are numbers from 0 to `vocabulary_size`
    - 1, and 0 is the start token.
    """

    @property
    def device(self) -> str:
        """Where and how it runs, for the start-up lines, such as `CPU, ONNX Runtime int8`."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """How many tokens the network knows."""
        ...

    def initial_state(self) -> EngineState:
        """The state before all music: zeros. The first step from it is by the start token."""
        ...

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        """The logits of the token after `token`, shape (vocabulary,), and the state after `token`.

        `state` comes from this engine (`initial_state` or an earlier step) and is not changed. Both results are new
        arrays, which the engine does not write to later. The same input gives the same output.
        """
        ...


def zero_state(layers: int, hidden: int) -> EngineState:
    """The state before all music, for a network of this many layers and hidden units."""
    return np.zeros((layers, 2, hidden), np.float32)
