"""One token: our engines against an `nn.LSTM` step as installed, and against re-running a window of 100 for each token."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from bench.table import median_and_p99_ms, show
from model.engine import Engine
from model.network import LstmState, MusicLSTM
from model.onnx_engine import OnnxEngine
from model.pack import DEFAULT_PACK, open_pack
from train.onnx_graph import write_fp32

WINDOW = 100


def run(folder: str = DEFAULT_PACK) -> None:
    """Prints milliseconds per token, and how many times faster each is than the two alternatives."""
    pack = open_pack(folder)
    weights = pack.weights("event")
    with tempfile.TemporaryDirectory() as place:
        fp32 = Path(place) / "event.onnx"
        write_fp32(weights, fp32)
        engines: dict[str, Engine] = {
            "ours: ONNX Runtime as it ships": pack.engine("event", "cpu"),
            "ONNX Runtime fp32": OnnxEngine(fp32, "fp32"),
            "numpy fp32": pack.twin("event"),
        }
    network = MusicLSTM(pack.vocabulary("event").size, pack.card.approaches["event"].network).eval()
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    times = {name: median_and_p99_ms(_stepper(engine), 2000) for name, engine in engines.items()}
    step, window = "nn.LSTM step, as installed", f"nn.LSTM over a window of {WINDOW}, as installed"
    times[step] = median_and_p99_ms(_lstm_stepper(network), 300)
    times[window] = median_and_p99_ms(_window_stepper(network), 40, warm_up=3)
    torch.set_num_threads(1)
    times["nn.LSTM step, one thread"] = median_and_p99_ms(_lstm_stepper(network), 300)
    times[f"nn.LSTM over a window of {WINDOW}, one thread"] = median_and_p99_ms(_window_stepper(network), 40, warm_up=3)
    step_ms, window_ms = times[step][0], times[window][0]
    rows = [
        (name, f"{median:.3f}", f"{p99:.3f}", f"{step_ms / median:.1f}", f"{window_ms / median:.0f}")
        for name, (median, p99) in times.items()
    ]
    show("One token; ours on one thread", ("engine", "median ms", "p99 ms", "times a step", "times a window"), rows)


def _stepper(engine: Engine) -> Callable[[int], None]:
    state = engine.initial()

    def step(i: int) -> None:
        nonlocal state
        _, state = engine.step(i % engine.vocabulary_size, state)

    return step


def _lstm_stepper(network: MusicLSTM) -> Callable[[int], None]:
    state: LstmState | None = None

    def step(i: int) -> None:
        nonlocal state
        with torch.no_grad():
            _, state = network(torch.tensor([[i % network.output.out_features]]), state)

    return step


def _window_stepper(network: MusicLSTM) -> Callable[[int], None]:
    window = torch.arange(WINDOW)[None] % network.output.out_features

    def step(_: int) -> None:
        with torch.no_grad():
            network(window)

    return step
