import pytest

from model.approach import Approach
from model.extras import install_hint
from server.doctor.model_checks import GpuFacts, judge_gpu, judge_packs, judge_speed


def test_intact_packs_are_named_in_one_line() -> None:
    (finding,) = judge_packs({"rock": None, "songbook": None}, "songbook")
    assert (finding.state, finding.what) == ("ok", "intact: rock, songbook")


@pytest.mark.parametrize(("chosen", "state"), [("mine", "broken"), ("rock", "warning")])
def test_a_damaged_pack_keeps_one_from_playing_only_if_it_is_the_one_that_plays(chosen: str, state: str) -> None:
    sentence = "pack mine: event.onnx is cut off or was changed; copy the pack again"
    _, damaged = judge_packs({"rock": None, "mine": sentence}, chosen)
    assert (damaged.state, damaged.remedy) == (state, sentence)


def test_a_machine_without_a_gpu_is_fine() -> None:
    (finding,) = judge_gpu(GpuFacts("auto", has_torch=True, has_driver=False, has_cuda=False))
    assert (finding.state, finding.remedy) == ("ok", "")
    assert "no NVIDIA driver" in finding.what


@pytest.mark.parametrize(
    ("has_torch", "has_driver", "hint"),
    [
        (False, True, install_hint("gpu")),
        (True, False, "Set engine.device"),
        (True, True, "Set engine.device"),
    ],
)
def test_a_gpu_that_is_asked_for_and_cannot_be_used_is_broken(has_torch: bool, has_driver: bool, hint: str) -> None:  # noqa: FBT001
    (finding,) = judge_gpu(GpuFacts("cuda", has_torch, has_driver, has_cuda=False))
    assert finding.state == "broken"
    assert hint in finding.remedy


def test_a_gpu_that_is_there_runs_the_models_unless_the_cpu_is_asked_for() -> None:
    assert "GPU runs" in judge_gpu(GpuFacts("auto", has_torch=True, has_driver=True, has_cuda=True))[0].what
    assert "CPU runs" in judge_gpu(GpuFacts("cpu", has_torch=True, has_driver=True, has_cuda=True))[0].what


@pytest.mark.parametrize(("slowest_ms", "state"), [(0.15, "ok"), (1.5, "warning"), (12.0, "warning")])
def test_the_slower_approach_decides_about_the_speed(slowest_ms: float, state: str) -> None:
    speeds: dict[Approach, float] = {"pitch": 0.1, "event": slowest_ms}
    (finding,) = judge_speed(speeds)
    assert (finding.state, finding.figures["event_ms_per_token"]) == (state, slowest_ms)


def test_a_pack_that_cannot_be_opened_is_broken_with_its_own_sentence() -> None:
    (finding,) = judge_speed("there is no pack named jaz; did you mean jazz?")
    assert (finding.state, finding.remedy) == ("broken", "there is no pack named jaz; did you mean jazz?")
