"""The time of one token: our engines, against an `nn.LSTM` step as installed, and against re-running a window of 100 tokens."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from bench.table import median_and_p99_ms, show
from model.engines.engine import Engine
from model.engines.network import LstmState, MusicLSTM
from model.engines.onnx_engine import OnnxEngine
from model.pack.pack import open_pack
from server.controls.control_table import Settings
from train.onnx_graph import write_fp32

WINDOW = 100
BUILDS = 9

Timing = tuple[float, float]
"""Median and 99th percentile, in milliseconds."""


def run() -> None:
    """Prints milliseconds per token, and how many times faster each is than the two alternatives as installed.

    A step of oneDNN's LSTM allocates scratch memory as large as the weights. Whether malloc maps new memory each time or
    reuses some depends on what the process did before, and makes a factor of two and a half. On Linux one can force either:
    MALLOC_MMAP_THRESHOLD_=1048576, or MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296. So each
    alternative is built and timed several times; its row is the median of these builds, with the fastest and the slowest.
    """
    pack = open_pack(Settings().pack)
    weights = pack.weights("event")
    with tempfile.TemporaryDirectory() as folder:
        fp32 = Path(folder) / "event.onnx"
        write_fp32(weights, fp32)
        steps: dict[str, list[Timing]] = {
            "ours: ONNX Runtime as it ships": _time_builds(lambda: _stepper(pack.engine("event", "cpu")), 1000),
            "ONNX Runtime fp32": _time_builds(lambda: _stepper(OnnxEngine(fp32, "fp32")), 300),
            "numpy fp32": _time_builds(lambda: _stepper(pack.reference_engine("event")), 300),
        }

    def network() -> MusicLSTM:
        lstm = MusicLSTM(pack.vocabulary("event").size, pack.card.approaches["event"].network).eval()
        lstm.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        return lstm

    installed = torch.get_num_threads()
    for threads in dict.fromkeys((installed, 1)):
        torch.set_num_threads(threads)
        suffix = f"{threads} thread{'s' if threads > 1 else ''}{', as installed' if threads == installed else ''}"
        alternatives = (
            _time_builds(lambda: _lstm_stepper(network()), 100),
            _time_builds(lambda: _window_stepper(network()), 10),
        )
        steps |= dict(
            zip((f"nn.LSTM step, {suffix}", f"nn.LSTM over a window of {WINDOW}, {suffix}"), alternatives, strict=True)
        )
        if threads == installed:
            step_ms, window_ms = map(_median, alternatives)
    rows = []
    for name, timings in steps.items():
        medians = sorted(median for median, _ in timings)
        p99 = sorted(p99 for _, p99 in timings)[BUILDS // 2]
        spread = f"{medians[0]:.3f} to {medians[-1]:.3f}"
        median = _median(timings)
        rows.append(
            (name, f"{median:.3f}", spread, f"{p99:.3f}", f"{step_ms / median:.1f}", f"{window_ms / median:.0f}")
        )
    columns = ("one token by", "median ms", "of builds", "p99 ms", "times a step", "times a window")
    show("One token; ours on one thread", columns, rows)


def _time_builds(build: Callable[[], Callable[[int], None]], count: int) -> list[Timing]:
    """Median and p99 of each of several builds. All builds stay alive, so that each has other memory."""
    steppers, timings = [], []
    for _ in range(BUILDS):
        steppers.append(build())
        timings.append(median_and_p99_ms(steppers[-1], count, warm_up=5))
    return timings


def _median(timings: list[Timing]) -> float:
    return sorted(median for median, _ in timings)[BUILDS // 2]


def _stepper(engine: Engine) -> Callable[[int], None]:
    state = engine.initial_state()

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
