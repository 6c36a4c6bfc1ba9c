"""Charts in files while a jam plays: nobody waits for them, whether the name is that of a pipe or the disk never answers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.jam_process import FOURS_COMMAND, PATIENCE_S, running_jam
from tests.server.test_packs_live import DEAD_DISK, DEAD_DISK_WITHIN_S, ask_tempo_s

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe.txt")
    return tmp_path / "pipe.txt"


@pytest.fixture
def dead_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chart on a disk that never answers."""
    (tmp_path / "sitecustomize.py").write_text(DEAD_DISK, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return tmp_path / "dead" / "tune.txt"


def test_a_pipe_is_refused_in_one_sentence_and_stops_neither_osc_nor_ctrl_c(tmp_path: Path, pipe: Path) -> None:
    with running_jam(tmp_path, "--midi-api", "none") as jam:
        jam.phone.send("/fours/chart", str(pipe))
        sentence = jam.phone.receive("/fours/error").arguments[0]
        assert sentence == f"the chart {pipe} cannot be read: it is a pipe or a device, and no file"
        assert jam.phone.ask("/fours/chart").arguments == ("off",)
        assert jam.stop(signal.SIGINT)[0] == 0


def test_a_disk_that_never_answers_stops_neither_osc_nor_other_charts_nor_ctrl_c(
    tmp_path: Path, dead_chart: Path
) -> None:
    with running_jam(tmp_path, "--midi-api", "none") as jam:
        jam.phone.send("/fours/chart", str(dead_chart))
        assert ask_tempo_s(jam) < DEAD_DISK_WITHIN_S
        assert jam.phone.ask("/fours/chart", "blues").arguments == ("blues",)
        jam.phone.send("/fours/chart", str(dead_chart))
        assert "has not answered yet" in str(jam.phone.receive("/fours/error").arguments[0])
        assert jam.stop(signal.SIGINT)[0] == 0


def test_a_jam_that_waits_for_the_disk_of_its_chart_says_so_and_ends_at_ctrl_c(
    tmp_path: Path, dead_chart: Path
) -> None:
    command = [*FOURS_COMMAND, "jam", "--dummy", "--no-panel", "--chart", str(dead_chart)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as jam:
        assert jam.stdout is not None
        assert jam.stdout.readline() == f"Waiting for the disk with the chart {dead_chart}. Ctrl-C ends the jam.\n"
        jam.send_signal(signal.SIGINT)
        assert jam.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("command", ["jam", "export"])
def test_no_command_starts_with_a_pipe_for_a_chart(tmp_path: Path, pipe: Path, command: str) -> None:
    seed = Path(__file__).resolve().parents[3] / "docs" / "phrase.mid"
    options = ["--dummy", "--no-panel"] if command == "jam" else [str(seed), "-o", "answer.mid", "--pack", "dummy"]
    run = subprocess.run(
        [*FOURS_COMMAND, command, *options, "--chart", str(pipe)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (run.returncode, run.stderr) == (
        1,
        f"fours: the chart {pipe} cannot be read: it is a pipe or a device, and no file\n",
    )
