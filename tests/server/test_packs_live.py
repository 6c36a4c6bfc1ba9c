"""Packs are switched in a running process: nobody waits for them, not even where a disk never answers."""

import os
import signal
import sys
from pathlib import Path
from threading import Event

import pytest

from bridge.timing.clock import MonotonicClock
from tests.server.jam_process import RunningJam, running_jam, wait_until
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


def test_a_damaged_pack_is_reported_to_the_sender_and_the_old_one_stays(tmp_path: Path) -> None:
    damaged = write_tiny_pack(tmp_path / "packs" / "damaged")
    graph = next(damaged.glob("*.onnx"))
    graph.write_bytes(graph.read_bytes()[:-100])
    with running_jam(tmp_path, "--midi-api", "none") as jam:
        jam.phone.send("/fours/pack", "damaged")
        sentence = jam.phone.receive("/fours/error").arguments[0]
        assert sentence == f"pack damaged: {graph.relative_to(tmp_path)} is cut off or was changed; copy the pack again"
        assert jam.phone.ask("/fours/pack").arguments == ("songbook",)
