"""Packs are switched in a running process: nobody waits for them, not even where a disk never answers."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from bridge.timing.clock import MonotonicClock
from tests.server.jam_process import FOURS_COMMAND, PATIENCE_S, RunningJam, running_jam, wait_until
from tests.tiny_pack import write_tiny_pack

SWITCHES, SWITCHES_PER_S = 40, 20
ANSWERED_WITHIN_S = 0.2
DEAD_DISK_WITHIN_S = 1.0
ENDED_WITHIN_S = 3.0


def ask_tempo_s(jam: RunningJam) -> float:
    """How long the answer to a question takes."""
    clock = MonotonicClock()
    asked_s = clock.now_s()
    assert jam.phone.ask("/fours/tempo").address == "/fours/tempo"
    return clock.now_s() - asked_s


def test_twenty_switches_a_second_leave_osc_answering_and_the_last_one_holds(tmp_path: Path) -> None:
    with running_jam(tmp_path, "--midi-api", "none", "--mode", "continuous") as jam:
        waits_s = []
        for number in range(SWITCHES):
            jam.phone.send("/fours/pack", ("rock", "songbook")[number % 2])
            waits_s.append(ask_tempo_s(jam))
            Event().wait(1 / SWITCHES_PER_S)
        # The median, as this machine may be busy for a moment; packs that load on the event loop delay every answer.
        assert sorted(waits_s)[SWITCHES // 2] < ANSWERED_WITHIN_S
        # Values of earlier switches may still be on their way.
        wait_until(lambda: jam.phone.ask("/fours/pack").arguments == ("songbook",), "the last pack")
        assert jam.stop(signal.SIGINT) == (0, "")


# Python imports a module of this name at its start.
DEAD_DISK = """
import pathlib, threading
stat = pathlib.Path.stat

def never_answers(path, **options):
    if "dead" in path.parts:
        threading.Event().wait()
    return stat(path, **options)

pathlib.Path.stat = never_answers
"""


def test_a_pack_on_a_disk_that_never_answers_stops_neither_osc_nor_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(DEAD_DISK, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    with running_jam(tmp_path, "--midi-api", "none") as jam:
        jam.phone.send("/fours/pack", str(tmp_path / "dead"))
        assert ask_tempo_s(jam) < DEAD_DISK_WITHIN_S
        clock = MonotonicClock()
        stopped_s = clock.now_s()
        assert jam.stop(signal.SIGINT) == (0, "")
        assert clock.now_s() - stopped_s < ENDED_WITHIN_S


@pytest.fixture
def dead_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The line of the configuration for a folder of packs on a disk that never answers."""
    (tmp_path / "sitecustomize.py").write_text(DEAD_DISK, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return f'[engine]\npacks_folder = "{tmp_path / "dead"}"\n'


def test_a_folder_of_packs_that_never_answers_holds_up_neither_the_start_nor_ctrl_c(
    tmp_path: Path, dead_folder: str
) -> None:
    with running_jam(tmp_path, "--midi-api", "none", more_config=dead_folder) as jam:
        assert jam.phone.ask("/fours/pack", "rock").arguments == ("rock",)
        assert jam.stop(signal.SIGINT) == (0, "")


def test_a_jam_that_waits_for_the_disk_of_its_pack_says_so_and_ends_at_ctrl_c(tmp_path: Path, dead_folder: str) -> None:
    (tmp_path / "config.toml").write_text(dead_folder, encoding="utf-8")
    command = [*FOURS_COMMAND, "jam", "--midi-api", "none", "--no-panel", "--pack", "mine"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as jam:
        assert jam.stdout is not None
        assert jam.stdout.readline() == "Waiting for the disk with pack mine. Ctrl-C ends the jam.\n"
        jam.send_signal(signal.SIGINT)
        assert jam.wait(PATIENCE_S) == 0
        assert jam.stdout.read() == ""


def test_a_damaged_pack_is_reported_to_the_sender_and_the_old_one_stays(tmp_path: Path) -> None:
    damaged = write_tiny_pack(tmp_path / "packs" / "damaged")
    graph = next(damaged.glob("*.onnx"))
    graph.write_bytes(graph.read_bytes()[:-100])
    with running_jam(tmp_path, "--midi-api", "none") as jam:
        jam.phone.send("/fours/pack", "damaged")
        sentence = jam.phone.receive("/fours/error").arguments[0]
        assert sentence == f"pack damaged: {graph.relative_to(tmp_path)} is cut off or was changed; copy the pack again"
        assert jam.phone.ask("/fours/pack").arguments == ("songbook",)
