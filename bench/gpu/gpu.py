"""Everything about one CUDA device, in at most five minutes, as JSON: see docs/gpu.md for what is measured and what the goals are."""

import json
import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from bench.gpu.agreement import Agreement, compare_packs
from bench.gpu.jam import play_phrase
from bench.gpu.learning import TrainingSpeed, measure_training
from bench.gpu.token import TokenTimes, time_tokens
from model.engines.device import has_cuda
from model.pack.pack import open_pack
from server.controls.control_table import Settings

CARRIED_STEPS = 1000
LOGITS_GOAL = 1e-3
TOKEN_GOAL_MS, TOKEN_GOAL_RATIO = 0.05, 10.0
TRAINING_S = 60.0
TRAINING_GOAL_PER_S = 2_000_000
ROOT = Path(__file__).parents[2]


def run() -> None:
    """Prints the report as JSON, or a sentence where there is no CUDA device."""
    if not has_cuda():
        print("There is no CUDA device with torch here, so nothing was measured.")
        return
    print(json.dumps(report_on("cuda"), indent=2))


def report_on(device: str, steps: int = CARRIED_STEPS, training_s: float = TRAINING_S) -> dict[str, object]:
    """All checks on `cuda` or `cpu`, as what becomes JSON. Only on `cuda` do the goals mean something."""
    agreements = compare_packs(device, steps)
    pack = open_pack(Settings().pack)
    tokens = time_tokens(pack, device, steps)
    jam = play_phrase(device, ROOT)
    training = measure_training(device, training_s)
    return {
        "device": _description(device),
        "agreement": [asdict(agreement) for agreement in agreements],
        "token": [asdict(times) for times in tokens],
        "jam": asdict(jam),
        "training": asdict(training),
        "goals": {**goals_met(agreements, tokens, training), "the jam answers": jam.played_notes > 0},
    }


def goals_met(agreements: list[Agreement], tokens: list[TokenTimes], training: TrainingSpeed) -> dict[str, bool]:
    """Each goal, and whether it is met."""
    return {
        f"logits within {LOGITS_GOAL:g} of the CPU's": all(a.largest_difference <= LOGITS_GOAL for a in agreements),
        "the same notes for the same random seed": all(a.same_notes == a.composed_notes for a in agreements),
        f"a token in {TOKEN_GOAL_MS:g} ms": all(t.captured_ms <= TOKEN_GOAL_MS for t in tokens),
        f"a token {TOKEN_GOAL_RATIO:g} times as fast as eager": all(
            t.eager_ms / t.captured_ms >= TOKEN_GOAL_RATIO for t in tokens
        ),
        f"{TRAINING_GOAL_PER_S:,} tokens a second in training": training.tokens_per_s >= TRAINING_GOAL_PER_S,
    }


def _description(device: str) -> dict[str, object]:
    is_cuda = device.startswith("cuda")
    return {
        "name": torch.cuda.get_device_name(device) if is_cuda else platform.processor() or "CPU",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]  # torch has no types for it
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
