"""Judges the models: the packs, the device that runs them, and how long a token takes. Opens nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from model.approach import Approach
from model.extras import install_hint
from server.doctor.finding import Finding

SLOW_MS, TOO_SLOW_MS = 1.0, 10.0
"""A token of 1 ms leaves room for all that happens in a bar of sixteenths; at 10 ms notes come late."""


@dataclass(frozen=True, slots=True)
class GpuFacts:
    """What there is for running models on a GPU; `device` is the configured one."""

    device: str
    has_torch: bool
    has_driver: bool
    has_cuda: bool


def judge_packs(errors: Mapping[str, str | None], chosen: str) -> list[Finding]:
    """Whether all files of all packs are as they were made; `errors` has what is wrong with each pack, or None."""
    intact = [name for name, error in errors.items() if error is None]
    findings = [Finding("ok", f"intact: {', '.join(intact)}")] if intact else []
    for name, error in errors.items():
        if error is not None:
            is_used = name == chosen
            what = f"the pack {name} {'that plays' if is_used else '(it is not the one that plays)'} is damaged"
            findings.append(Finding("broken" if is_used else "warning", what, error))
    return findings


def judge_gpu(facts: GpuFacts) -> list[Finding]:
    """Whether the models run on a GPU, and whether they can if they should."""
    if facts.has_cuda and facts.device != "cpu":
        return [Finding("ok", "a CUDA GPU runs the models")]
    missing = (
        "no NVIDIA driver is found"
        if not facts.has_driver
        else "torch is not installed"
        if not facts.has_torch
        else "torch finds no CUDA device"
    )
    if facts.device == "cuda":
        remedy = "Set engine.device to auto or cpu."
        if facts.has_driver:
            remedy += f" Or install what the GPU needs: {install_hint('gpu')}."
        return [Finding("broken", f"device = cuda, but {missing}", remedy)]
    why = "as device = cpu asks for" if facts.has_cuda else missing
    return [Finding("ok", f"the CPU runs the models ({why}), which is all that a jam needs")]


def judge_speed(ms_per_token: Mapping[Approach, float] | str) -> list[Finding]:
    """How long a token takes; or the sentence that says why none could be composed."""
    if isinstance(ms_per_token, str):
        return [Finding("broken", "no token could be composed", ms_per_token)]
    slowest_ms = max(ms_per_token.values())
    what = ", ".join(f"{approach} {ms:.2f} ms per token" for approach, ms in ms_per_token.items())
    figures = {f"{approach}_ms_per_token": ms for approach, ms in ms_per_token.items()}
    remedy = "Close other programs, and set the computer's power plan to best performance."
    if slowest_ms >= TOO_SLOW_MS:
        return [Finding("warning", f"{what}: too slow, notes will come late", remedy, figures)]
    if slowest_ms >= SLOW_MS:
        return [Finding("warning", f"{what}: slower than it should be; quick answers may come late", remedy, figures)]
    return [Finding("ok", f"{what}: fast enough", figures=figures)]
