"""How late notes are sent around a switch of packs, in a jam that plays sixteen notes a second without an end.

Each switch has a stretch of its own, in which the pack is requested by OSC, loaded, and takes over; as many stretches without
a switch stand beside them. Counted are the first message after each take-over, and the latest message of each stretch, wherever
in loading or taking over it was. Checkouts take turns. `SWITCHES=60 BUILD=.,../other python -m bench pack_switch`.
"""

import os
import socket
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.faults.reporting_jam import PLAYS_ALL_THE_TIME, LatenessReport, ReportingJam, reporting_jam
from bench.table import show
from bridge.osc.osc_packets import OscMessage, encode

BUILDS = tuple(os.environ.get("BUILD", ".").split(","))
SWITCHES = int(os.environ.get("SWITCHES", "60"))
PACKS = ("rock", "songbook")
STRETCH_S = 1.2
HOST, FIRST_OSC_PORT = "127.0.0.1", 18_774


@dataclass(slots=True)
class _Figures:
    """Milliseconds of lateness: of messages after a take-over, of all messages, and of the latest in each stretch."""

    after_ms: list[float] = field(default_factory=list)
    all_ms: list[float] = field(default_factory=list)
    latest_ms: list[float] = field(default_factory=list)

    def add(self, report: LatenessReport) -> None:
        """Adds a stretch."""
        self.after_ms += report.next_after_take_over_ms
        self.all_ms += report.late_ms
        self.latest_ms.append(max(report.late_ms))


def run() -> None:
    """Prints the table."""
    idle, switching = {build: _Figures() for build in BUILDS}, {build: _Figures() for build in BUILDS}
    with ExitStack() as stack:
        sender = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        for number, build in enumerate(BUILDS):
            # One at a time, as jams that play beside each other would make each other late.
            with tempfile.TemporaryDirectory() as folder:
                osc_port = FIRST_OSC_PORT + number
                options = ("--no-panel", "--osc-port", str(osc_port), *PLAYS_ALL_THE_TIME)
                Path(folder, "config.toml").write_text('[takes]\nfolder = "takes"\n', encoding="utf-8")
                with reporting_jam(Path(build).resolve(), Path(folder), options) as jam:
                    sender.sendto(encode(OscMessage("/fours/respond", (1,))), (HOST, osc_port))
                    _stretch(jam)
                    for switch in range(SWITCHES):
                        idle[build].add(_stretch(jam))
                        packet = encode(OscMessage("/fours/pack", (PACKS[switch % len(PACKS)],)))
                        sender.sendto(packet, (HOST, osc_port))
                        switching[build].add(_stretch(jam))
    rows = []
    for build in BUILDS:
        before, with_switch = idle[build], switching[build]
        rows += [
            (build, "a message, nothing switched", *_figures(before.all_ms)),
            (build, "a message, packs switched", *_figures(with_switch.all_ms)),
            (build, "the first after a take-over", *_figures(with_switch.after_ms)),
            (build, "the latest of a stretch, nothing switched", *_figures(before.latest_ms)),
            (build, "the latest of a stretch with a switch", *_figures(with_switch.latest_ms)),
        ]
    show(
        f"Lateness of notes around {SWITCHES} switches of packs, in stretches of {STRETCH_S:g} s",
        ("build", "of", "number", "p50 ms", "p99 ms", "worst ms"),
        rows,
    )


def _stretch(jam: ReportingJam) -> LatenessReport:
    time.sleep(STRETCH_S)
    return jam.report()


def _figures(late_ms: Sequence[float]) -> tuple[str, ...]:
    if not late_ms:
        return ("0", "", "", "")
    p50, p99, worst = np.percentile(late_ms, [50, 99, 100])
    return (str(len(late_ms)), f"{p50:.3f}", f"{p99:.3f}", f"{worst:.3f}")
