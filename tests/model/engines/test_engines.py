"""All engines run one network; the numpy engine is the reference for the others."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from model.engines.engine import Engine
from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from model.engines.numpy_engine import NumpyEngine
from model.engines.onnx_engine import OnnxEngine, direct_run
from model.engines.torch_engine import TorchEngine
from model.errors import PackError
from tests.tiny_pack import EVENT_WORDS, SHAPE, Weights, random_walk, random_weights
from train.onnx_graph import one_step_graph, write_fp32, write_int8

SIZE = EVENT_WORDS.size
WALK = random_walk(SIZE, 150)
# fp32 sums in another order. States stay within -1 and 1, and logits within about 10.
FP32_TOLERANCE = 1e-4
# The effect of int8 on the probabilities of such a small network is below a thousandth.
INT8_TOLERANCE = 0.005
# On x86 without VNNI the sums of two products saturate, which random weights reach often. Gates in a wrong order would be off by 0.037.
SATURATING_TOLERANCE = 0.015

TORCH_DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
MakeEngine = Callable[[Weights, Hyperparameters, Path], Engine]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Such a small step is slower on two threads, and much slower where other programs are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def onnx_fp32(weights: Weights, _shape: Hyperparameters, folder: Path) -> Engine:
    write_fp32(weights, folder / "fp32.onnx")
    return OnnxEngine(folder / "fp32.onnx", precision="fp32")


def onnx_int8(weights: Weights, _shape: Hyperparameters, folder: Path) -> Engine:
    write_int8(weights, folder / "int8.onnx")
    return OnnxEngine(folder / "int8.onnx")


def torch_on(device: str) -> MakeEngine:
    return lambda weights, shape, _folder: TorchEngine(weights, shape, device)


FP32_ENGINES = {"onnx fp32": onnx_fp32} | {f"torch {device}": torch_on(device) for device in TORCH_DEVICES}
ENGINES = {"numpy": lambda weights, _shape, _folder: NumpyEngine(weights), "onnx int8": onnx_int8} | FP32_ENGINES


def run_engine(engine: Engine, tokens: Sequence[int]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The logits after each token, and the state after all tokens."""
    state, rows = engine.initial_state(), []
    for token in tokens:
        logits, state = engine.step(token, state)
        rows.append(logits)
    return np.array(rows), state


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    p = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    shares: npt.NDArray[np.float64] = p / p.sum(axis=-1, keepdims=True)
    return shares


@pytest.mark.parametrize("make", FP32_ENGINES.values(), ids=FP32_ENGINES.keys())
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_its_logits_and_state_are_those_of_the_reference_engine(make: MakeEngine, layers: int, tmp_path: Path) -> None:
    shape = SHAPE.model_copy(update={"layers": layers})
    weights = random_weights(SIZE, shape, random_seed=layers)
    logits, state = run_engine(make(weights, shape, tmp_path), WALK)
    expected_logits, expected_state = run_engine(NumpyEngine(weights), WALK)
    assert np.abs(logits - expected_logits).max() < FP32_TOLERANCE
    assert np.abs(state - expected_state).max() < FP32_TOLERANCE


def may_saturate() -> bool:
    """Whether this is an x86 processor with AVX2 and without VNNI, as far as Linux tells."""
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text() if cpu.exists() else ""
    return "avx2" in flags and "vnni" not in flags


def test_int8_gives_nearly_the_same_probabilities(tmp_path: Path) -> None:
    weights = random_weights(SIZE)
    logits, _ = run_engine(onnx_int8(weights, SHAPE, tmp_path), WALK)
    expected, _ = run_engine(NumpyEngine(weights), WALK)
    tolerance = SATURATING_TOLERANCE if may_saturate() else INT8_TOLERANCE
    assert np.abs(softmax(logits) - softmax(expected)).max() < tolerance


def test_the_reference_engine_is_the_trained_network() -> None:
    network = MusicLSTM(SIZE, SHAPE).eval()
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    with torch.no_grad():
        logits, _ = network(torch.tensor([list(WALK)]))
    assert np.abs(run_engine(NumpyEngine(weights), WALK)[0] - logits[0].numpy()).max() < FP32_TOLERANCE


def test_the_names_of_the_weights_are_those_of_one_lstm_of_several_layers() -> None:
    network, one = MusicLSTM(SIZE, SHAPE), nn.LSTM(SHAPE.embedding, SHAPE.hidden, SHAPE.layers)
    names = [name.removeprefix("lstm.") for name in network.state_dict() if name.startswith("lstm.")]
    assert names == list(one.state_dict())
    network.load_state_dict(network.state_dict())


def test_the_trained_network_is_one_lstm_of_several_layers() -> None:
    network = MusicLSTM(SIZE, SHAPE).eval()
    one = nn.LSTM(SHAPE.embedding, SHAPE.hidden, SHAPE.layers, batch_first=True)
    weights = network.state_dict().items()
    one.load_state_dict({name.removeprefix("lstm."): value for name, value in weights if name.startswith("lstm.")})
    inputs = torch.randn(3, 20, SHAPE.embedding)
    state = torch.randn(SHAPE.layers, 3, SHAPE.hidden), torch.randn(SHAPE.layers, 3, SHAPE.hidden)
    with torch.no_grad():
        out, after = network.run_lstm(inputs, state)
        expected, expected_after = one(inputs, state)
    for value, expected_value in zip((out, *after), (expected, *expected_after), strict=True):
        assert (value - expected_value).abs().max() < FP32_TOLERANCE


@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES.keys())
class TestEveryEngine:
    def test_its_initial_state_is_zeros_and_it_knows_its_vocabulary_size(
        self, make: MakeEngine, tmp_path: Path
    ) -> None:
        engine = make(random_weights(SIZE), SHAPE, tmp_path)
        assert engine.vocabulary_size == SIZE
        assert engine.initial_state().shape == (2, 2, 16)
        assert not engine.initial_state().any()

    def test_a_step_returns_logits_and_a_state_of_the_same_shape(self, make: MakeEngine, tmp_path: Path) -> None:
        engine = make(random_weights(SIZE), SHAPE, tmp_path)
        logits, state = engine.step(1, engine.initial_state())
        assert (logits.shape, state.shape) == ((SIZE,), engine.initial_state().shape)
        assert logits.dtype == np.float64
        assert state.dtype == np.float32

    def test_returned_arrays_never_change(self, make: MakeEngine, tmp_path: Path) -> None:
        engine = make(random_weights(SIZE), SHAPE, tmp_path)
        handed_out = [engine.step(1, engine.initial_state())]
        for token in WALK[:8]:
            handed_out.append(engine.step(token, handed_out[-1][1]))
        copies = [(logits.copy(), state.copy()) for logits, state in handed_out]
        for token in WALK[8:16]:
            engine.step(token, handed_out[-1][1])
        for (logits, state), (logits_then, state_then) in zip(handed_out, copies, strict=True):
            assert (logits == logits_then).all()
            assert (state == state_then).all()

    def test_a_step_from_the_same_state_gives_the_same_result(self, make: MakeEngine, tmp_path: Path) -> None:
        engine = make(random_weights(SIZE), SHAPE, tmp_path)
        _, state = run_engine(engine, WALK[:20])
        first = engine.step(3, state)
        engine.step(5, state)
        again = engine.step(3, state)
        assert (first[0] == again[0]).all()
        assert (first[1] == again[1]).all()

    def test_it_reports_where_it_runs(self, make: MakeEngine, tmp_path: Path) -> None:
        device = make(random_weights(SIZE), SHAPE, tmp_path).device
        assert device.startswith("CPU, ") or device.endswith(", CUDA graph fp32")


class TestBadGraph:
    @pytest.mark.parametrize(
        ("content", "wrong"), [(b"", "it has no graphs"), (b"no graph at all", "it is cut off or damaged")]
    )
    def test_bytes_that_are_no_graph_are_an_error(self, content: bytes, wrong: str, tmp_path: Path) -> None:
        graph = tmp_path / "pitch.onnx"
        graph.write_bytes(content)
        with pytest.raises(PackError) as raised:
            OnnxEngine(graph)
        assert str(raised.value) == f"{graph} is no network of this program: {wrong}; copy the pack again"

    def test_a_graph_that_is_cut_off_is_an_error(self, tmp_path: Path) -> None:
        graph = tmp_path / "pitch.onnx"
        write_fp32(random_weights(SIZE), graph)
        graph.write_bytes(graph.read_bytes()[:-100])
        with pytest.raises(PackError) as raised:
            OnnxEngine(graph)
        assert str(raised.value) == (
            f"{graph} is no network of this program: it is cut off or damaged; copy the pack again"
        )

    def test_a_graph_of_another_network_is_an_error(self, tmp_path: Path) -> None:
        graph = tmp_path / "pitch.onnx"
        model = one_step_graph(random_weights(SIZE))
        model.graph.input[0].name = model.graph.node[0].input[1] = "pixels"
        onnx.save(model, graph)
        with pytest.raises(PackError) as raised:
            OnnxEngine(graph)
        assert str(raised.value) == (
            f"{graph} is no network of this program: its node 'Gather' is not the Gather that belongs there; "
            "copy the pack again"
        )


def test_an_engine_does_not_keep_the_bytes_of_its_graph(tmp_path: Path) -> None:
    graph = tmp_path / "event.onnx"
    write_fp32(random_weights(SIZE), graph)
    engine = OnnxEngine(graph, "fp32")
    held = [value for value in vars(engine._session).values() if isinstance(value, bytes)]
    assert held == []


def test_where_onnx_runtime_has_another_inside_its_public_method_is_run() -> None:
    class OtherSession:
        def __init__(self) -> None:
            self.runs: list[object] = []

        def run_with_iobinding(self, binding: object) -> None:
            self.runs.append(binding)

    session, binding = OtherSession(), object()
    direct_run(session, binding)()
    assert session.runs == [binding]


def test_a_state_can_be_stepped_from_again_after_others(tmp_path: Path) -> None:
    engine = onnx_int8(random_weights(SIZE, SHAPE), SHAPE, tmp_path)
    _, first = engine.step(1, engine.initial_state())
    logits, second = engine.step(2, first)
    engine.step(3, second)
    for state in (first, first.copy()):
        again, after = engine.step(2, state)
        assert again.tolist() == logits.tolist()
        assert after.tolist() == second.tolist()


def test_one_number_for_arrays_of_the_same_one_gives_the_same_bits(tmp_path: Path) -> None:
    graph = tmp_path / "event.onnx"
    write_int8(random_weights(SIZE, SHAPE), graph)
    engine, plain = OnnxEngine(graph), onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    state = engine.initial_state()
    rows = [(layer, part) for layer in range(SHAPE.layers) for part in range(2)]
    for token in (1, 5, 2, 5):
        inputs = {name: state[row].reshape(1, 1, -1) for name, row in zip(("h0", "c0", "h1", "c1"), rows, strict=True)}
        wanted = plain.run(None, {"token": np.array([token]), **inputs})
        logits, state = engine.step(token, state)
        assert logits.tolist() == wanted[0].ravel().tolist()
        assert [state[row].tolist() for row in rows] == [value.ravel().tolist() for value in wanted[1:]]
