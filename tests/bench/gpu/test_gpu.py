"""The checks of a GPU, run on the CPU: what they find is right, and what they would not find would be reported."""

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.gpu import gpu
from bench.gpu.agreement import COMPOSED_NOTES, Agreement, compare
from bench.gpu.jam import ENOUGH_NOTES, PlayedJam
from bench.gpu.learning import TrainingSpeed, measure_training
from bench.gpu.token import TokenTimes, time_tokens
from model.approach import APPROACHES
from model.engines.network_shape import Hyperparameters
from model.engines.torch_engine import TorchEngine
from model.pack.pack import open_pack

SMALL = Hyperparameters(embedding=8, hidden=16, layers=2)
AGREEING = Agreement("songbook", "pitch", "a GPU, CUDA graph fp32", 1000, 1e-4, 64, 64)
FAST = TokenTimes("pitch", 0.04, 0.06, 0.15, 0.5)
LEARNING = TrainingSpeed(2_500_000, 1, 60.0, 256, 128, bf16=True, first_bits=6.0, last_bits=2.0, memory_mib=900.0)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_an_engine_that_computes_the_same_agrees_and_composes_the_same_notes() -> None:
    found = compare(open_pack("songbook"), "event", "cpu", steps=60)
    assert found.engine == "CPU, torch fp32"
    assert found.largest_difference < 1e-4
    assert found.composed_notes == found.same_notes == COMPOSED_NOTES


def test_an_engine_that_computes_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    step = TorchEngine.step

    def with_an_error(self: TorchEngine, token: int, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits, after = step(self, token, state)
        return logits * np.float32(0.5), after

    monkeypatch.setattr(TorchEngine, "step", with_an_error)
    found = compare(open_pack("songbook"), "event", "cpu", steps=10)
    assert found.largest_difference > gpu.LOGITS_GOAL
    assert found.same_notes < found.composed_notes


def test_a_token_is_timed_in_three_ways() -> None:
    times = time_tokens(open_pack("songbook"), "cpu", steps=5)
    assert [each.approach for each in times] == list(APPROACHES)
    assert all(min(t.captured_ms, t.captured_p99_ms, t.eager_step_ms, t.eager_ms) > 0.0 for t in times)


def test_the_training_learns_while_its_speed_is_measured() -> None:
    # A busy machine takes so few steps in 3 s that chance decides which of two losses is lower; not in half a minute.
    for seconds in (3.0, 30.0):
        found = measure_training("cpu", seconds, shape=SMALL, lanes=16, pieces=32, warm_up_s=0.5)
        assert found.tokens_per_s > 0
        assert found.seconds >= seconds
        if found.last_bits < found.first_bits:
            break
    assert found.last_bits < found.first_bits


def test_the_goals_are_met_by_figures_that_reach_them() -> None:
    assert all(gpu.goals_met([AGREEING], [FAST], LEARNING).values())


@pytest.mark.parametrize(
    ("agreement", "times", "training", "missed"),
    [
        (replace(AGREEING, largest_difference=2e-3), FAST, LEARNING, "logits within 0.001 of the CPU's"),
        (replace(AGREEING, same_notes=63), FAST, LEARNING, "the same notes for the same random seed"),
        (AGREEING, replace(FAST, captured_ms=0.0501, eager_ms=1.0), LEARNING, "a token in 0.05 ms"),
        (AGREEING, replace(FAST, eager_ms=0.39), LEARNING, "a token 10 times as fast as eager"),
        (AGREEING, FAST, replace(LEARNING, tokens_per_s=1_999_999), "2,000,000 tokens a second in training"),
    ],
)
def test_a_missed_goal_is_named(agreement: Agreement, times: TokenTimes, training: TrainingSpeed, missed: str) -> None:
    goals = gpu.goals_met([agreement], [times], training)
    assert [goal for goal, is_met in goals.items() if not is_met] == [missed]


def test_the_report_is_json_with_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "compare_packs", lambda *_: [AGREEING])
    monkeypatch.setattr(gpu, "time_tokens", lambda *_: [FAST])
    monkeypatch.setattr(gpu, "measure_training", lambda *_: LEARNING)
    monkeypatch.setattr(gpu, "play_phrase", lambda *_: PlayedJam({"Pitch": "CPU"}, 24, ENOUGH_NOTES, 9.0))
    report = json.loads(json.dumps(gpu.report_on("cpu")))
    assert list(report) == ["device", "agreement", "token", "jam", "training", "goals"]
    assert report["device"]["torch"] == torch.__version__
    assert all(report["goals"].values())


def test_without_a_device_it_says_that_nothing_was_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "has_cuda", lambda: False)
    gpu.run()
    assert capsys.readouterr().out == "There is no CUDA device with torch here, so nothing was measured.\n"
