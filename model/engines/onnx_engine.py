"""The engine for CPUs: ONNX Runtime runs a pack's one-step graph on one thread."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from model.engines.engine import EngineState, Logits, zero_state
from model.engines.step_graph import (
    LOGITS_OUTPUT,
    NOTHING_SCALE,
    TOKEN_INPUT,
    StepShape,
    cell_name,
    check_step_graph,
    hidden_name,
    next_cell_name,
    next_hidden_name,
    zero_point_names,
)
from model.errors import PackError

# On Windows there is no variable for it (see `model/__init__.py`).
onnxruntime.disable_telemetry_events()


class OnnxEngine:
    """Runs a one-step graph on buffers that are bound once: passing new arrays each time would cost a tenth of a step.

    Used from one thread at a time. Raises PackError where the file is no such graph.

    `before_step` is called before ONNX Runtime reads the graph, which keeps the interpreter for some milliseconds.
    """

    def __init__(self, graph: Path, precision: str = "int8", before_step: Callable[[], None] = lambda: None) -> None:
        content = graph.read_bytes()
        try:
            shape = check_step_graph(content)
        except ValueError as error:
            raise PackError(f"{graph} is no network of this program: {error}; copy the pack again") from error
        options = onnxruntime.SessionOptions()
        # One thread, and no spinning: the other cores belong to the DAW.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The level above this one rearranges images: for a network without any it takes longer to load, and changes nothing.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        # Without an arena the few small arrays of a step come from the system's allocator, which takes 1 % less time.
        options.enable_cpu_mem_arena = False
        # Nor is it worth while to plan the memory of a step anew each time.
        options.enable_mem_pattern = False
        options.log_severity_level = 4  # no log: errors are raised as well
        self._single_numbers = single_numbers(shape)
        for name, value in self._single_numbers.items():
            options.add_initializer(name, value)
        before_step()
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a bad graph
            raise PackError(f"{graph} is no network that ONNX Runtime can run; copy the pack again") from error
        # The session holds on to the bytes of the graph, 5 MB that it needs only to start again with other providers.
        self._session._model_bytes = None  # noqa: SLF001  it has no other way to release them
        self._layers, self._hidden = shape.layers, shape.hidden
        self.vocabulary_size = shape.tokens
        self.device = f"CPU, ONNX Runtime {precision}"
        self._token = np.zeros(1, np.int64)
        self._logits = np.zeros(self.vocabulary_size, np.float32)
        # A step reads one buffer and writes the other, and the next step the other way round: so the state that a step came to is
        # already where the next one reads it.
        one, other = self.initial_state(), self.initial_state()
        self._is_second_turn, self._latest = False, one
        try:
            self._turns = [
                (before, after, direct_run(self._session, self._bind(before, after)))
                for before, after in ((one, other), (other, one))
            ]
            self.step(0, self.initial_state())
        except Exception as error:  # some bad weights are noticed only by the first step
            raise PackError(f"{graph} is no network that ONNX Runtime can run; copy the pack again") from error

    def initial_state(self) -> EngineState:
        return zero_state(self._layers, self._hidden)

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        before, after, run = self._turns[self._is_second_turn]
        self._token[0] = token
        if state is not self._latest:
            np.copyto(before, state)
            self._latest = state
        run()
        self._is_second_turn = not self._is_second_turn
        self._latest = after.copy()
        return self._logits.astype(np.float64), self._latest

    def _bind(self, before: EngineState, after: EngineState) -> onnxruntime.IOBinding:
        """What the graph reads and writes: the token, the logits, and the states before and after the step."""
        binding = self._session.io_binding()
        shape = (1, 1, self._hidden)
        binding.bind_input(TOKEN_INPUT, "cpu", 0, np.int64, (1,), self._token.ctypes.data)
        for layer in range(self._layers):
            for part, name in enumerate((hidden_name(layer), cell_name(layer))):
                binding.bind_input(name, "cpu", 0, np.float32, shape, before[layer, part].ctypes.data)
            for part, name in enumerate((next_hidden_name(layer), next_cell_name(layer))):
                binding.bind_output(name, "cpu", 0, np.float32, shape, after[layer, part].ctypes.data)
        logits = (1, 1, self.vocabulary_size)
        binding.bind_output(LOGITS_OUTPUT, "cpu", 0, np.float32, logits, self._logits.ctypes.data)
        return binding


def single_numbers(shape: StepShape) -> dict[str, onnxruntime.OrtValue]:
    """One number in place of each array of the graph whose numbers are alike, or make no difference; they must outlive the session.

    In each step ONNX Runtime looks whether all zero points are 0, and multiplies all scales of the matrix that nothing enters by. That takes
    6 % of a step.
    """
    if not shape.is_int8:
        return {}
    numbers = dict.fromkeys(zero_point_names(shape), np.zeros(1, np.int8)) | {NOTHING_SCALE: np.ones(1, np.float32)}
    return {name: onnxruntime.OrtValue.ortvalue_from_numpy(number) for name, number in numbers.items()}


def direct_run(session: onnxruntime.InferenceSession, binding: onnxruntime.IOBinding) -> Callable[[], None]:
    """Runs the graph on what is bound, past the layer in Python: it looks at each run whether it is for WebGPU, and makes new options.

    That takes 5 % of a step. Where a version of ONNX Runtime has another inside, its public method is run.
    """
    try:
        run, bound = session._sess.run_with_iobinding, binding._iobinding  # noqa: SLF001  as the docstring says
    except AttributeError:
        return partial(session.run_with_iobinding, binding)
    return partial(run, bound, onnxruntime.RunOptions())
