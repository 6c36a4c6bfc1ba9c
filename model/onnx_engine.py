"""The engine of every CPU: ONNX Runtime over a pack's one-step graph, on one thread."""

from pathlib import Path

import numpy as np
import onnxruntime

from model.engine import EngineState, zero_state
from model.errors import PackError
from model.sampling import Logits

# The names in the graph, shared with the exporter.
TOKEN, STATE, LOGITS, NEXT_STATE = "token", "state", "logits", "next_state"


class OnnxEngine:
    """Runs `token` (1,) int64 and `state` (layers, 2, hidden) float32 to `logits` (vocabulary,) and `next_state`.

    Raises PackError where the file is no such graph.
    """

    def __init__(self, graph: Path, precision: str = "int8") -> None:
        options = onnxruntime.SessionOptions()
        # One thread, and no thread that spins: the other cores belong to the DAW.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                graph.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a bad graph
            raise PackError(f"{graph} is no network that ONNX Runtime can run; copy the pack again") from error
        shapes = {value.name: value.shape for value in (*self._session.get_inputs(), *self._session.get_outputs())}
        if set(shapes) != {TOKEN, STATE, LOGITS, NEXT_STATE}:
            raise PackError(f"{graph} is not a one-step LSTM of this program: it has {', '.join(sorted(shapes))}")
        self._layers, self._hidden = shapes[STATE][0], shapes[STATE][2]
        self.vocabulary_size: int = shapes[LOGITS][0]
        self.device = f"CPU, ONNX Runtime {precision}"

    def initial(self) -> EngineState:
        return zero_state(self._layers, self._hidden)

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        logits, after = self._session.run([LOGITS, NEXT_STATE], {TOKEN: np.array([token], np.int64), STATE: state})
        return logits, after
