"""The soak: a jam on real ports with a robot player, a storm of controls and pages, clocks, pulled cables and xruns.

It counts at the receiver, a JACK client of its own, and compares it with the journal of the jam.
"""

import asyncio
import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from bridge.midi.messages import NoteOn
from bridge.timing.clock import MonotonicClock
from model.memory.memory import MAX_CONTEXTS
from server.music.feed import MessagePlayed, MessageReceived
from server.takes.journal.record_reader import read_records
from tests.server.jam_process import PATIENCE_S, free_port
from tests.server.panel.running_panel import free_tcp_port
from tests.soak.evidence import (
    Evidence,
    Sounding,
    TimedMessage,
    circumstances,
    hanging_notes,
    lost_in_take,
    lost_on_the_way,
    pedals_down,
    soundings,
)
from tests.soak.full_memories import full_memories
from tests.soak.processes import JamProcess, JamReport, PeerProcess, running_peer
from tests.soak.storm import Storm

MOST_GROWTH_MIB = 5.0
"""Beside what is remembered."""
BYTES_PER_CONTEXT = 27_000_000 / MAX_CONTEXTS
"""As `MAX_CONTEXTS` tells."""
SETTLED_AFTER = 2
"""Minutes after which all bounded buffers are full, and the memory of the process no longer grows."""
QUIET_S = 0.5
SILENT_WITHIN_S = 5.0
"""After a stop. The promise is ten milliseconds; a busy machine takes longer to tell of it."""
XRUN_S = 0.06
TROUBLES = (("robot", "pull", 1.0), ("synth", "pull", 1.5), ("trouble", "delay", XRUN_S), ("trouble", "delay", XRUN_S))
TROUBLE_EVERY_S = 6.0


@dataclass(frozen=True, slots=True)
class Minute:
    """The figures of one stretch of the soak."""

    late_p50_ms: float
    late_p99_ms: float
    messages: int
    resident_mib: float
    remembered_mib: float
    """The part of it that holds what the jam remembers of the player, which grows up to a limit (`MAX_CONTEXTS`)."""


@dataclass(slots=True)
class SoakReport:
    """What a soak has found; `broken` is empty if every promise was held."""

    minutes: list[Minute] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def soak(folder: Path, seconds: float, stretch_s: float, random_seed: int, *, remembers_all: bool = True) -> SoakReport:
    """Runs a soak on the default JACK server; `stretch_s` is how often figures are taken, a minute in a long soak.

    With `remembers_all` the jam starts with memories that are full, as after a long evening: each note then drops what is
    oldest, and whatever grows is a leak. Otherwise they start empty, and their growth is not counted as one.
    """
    report = SoakReport()
    clock = MonotonicClock()
    osc_port, panel_port = free_port(), free_tcp_port()
    with ExitStack() as stack:
        storm = stack.enter_context(closing(Storm(osc_port, panel_port, random_seed)))
        synth = stack.enter_context(running_peer("synth", random_seed))
        options = ["--osc-port", str(osc_port), "--panel-port", str(panel_port)]
        if remembers_all:
            options += ["--remember", str(full_memories(folder / "full.memory", random_seed))]
        jam = JamProcess(folder, *options)
        stack.callback(jam.stop)
        peers = {"synth": synth}
        for role in ("robot", "clock", "trouble"):
            peers[role] = stack.enter_context(running_peer(role, random_seed + len(peers)))
        ends_s = clock.now_s() + seconds
        done = threading.Event()
        troubles = threading.Thread(target=_make_trouble, args=(peers, done, Random(random_seed)), daemon=True)
        troubles.start()
        origin_s = 0.0
        while (left_s := ends_s - clock.now_s()) > 0:
            asyncio.run(storm.run(min(stretch_s, left_s)))
            told = jam.report()
            origin_s = told.origin_s
            report.minutes.append(_minute(told, jam.resident_mib()))
            _print_minute(len(report.minutes), report.minutes[-1])
        done.set()
        troubles.join(PATIENCE_S)
        peers["robot"].close()
        peers["clock"].close()
        # Nothing plays on by itself from here on; and the cables are in again.
        for address, value in (("/fours/mode", "answer"), ("/fours/answer_length", 0.0), ("/fours/stop", 1.0)):
            storm.send(address, value)
        until_s = clock.now_s() + SILENT_WITHIN_S
        while (sounding := _still_sounding(synth)) and clock.now_s() < until_s:
            threading.Event().wait(QUIET_S)
        faults = jam.report().faults
        status = jam.stop()
        until_s = clock.now_s() + SILENT_WITHIN_S
        while _still_sounding(synth) and clock.now_s() < until_s:
            threading.Event().wait(QUIET_S)
    evidence = _evidence(peers, jam.takes, origin_s)
    _judge(report, evidence, sounding)
    if status != 0 or "Traceback" in jam.stderr_text():
        report.broken.append(f"the jam ended with {status}, and said: {jam.stderr_text()[-2000:]}")
    if faults:
        lines = [line for line in jam.stderr_text().splitlines() if any(f"{kind}: " in line for kind in faults)]
        report.broken.append(f"errors reached the music thread, {faults}: {lines}")
    report.lines += [
        f"{storm.moves:,} moves of controls, {storm.page_visits} visits of pages",
        f"the slowest answer by OSC took {storm.slowest_answer_s * 1000:.0f} ms",
    ]
    return report


def _still_sounding(synth: PeerProcess) -> list[Sounding]:
    return [note for note in soundings(synth.messages("got")) if note.until_s == float("inf")]


def _make_trouble(peers: dict[str, PeerProcess], done: threading.Event, random: Random) -> None:
    while not done.wait(random.uniform(0.5, 1.5) * TROUBLE_EVERY_S):
        role, name, seconds = random.choice(TROUBLES)
        peers[role].command(name, seconds)


def _minute(told: JamReport, resident_mib: float) -> Minute:
    late_ms = np.percentile(told.lateness_s, [50, 99]) * 1000 if told.lateness_s else (0.0, 0.0)
    remembered_mib = sum(told.remembered) * BYTES_PER_CONTEXT / 2**20
    return Minute(float(late_ms[0]), float(late_ms[1]), len(told.lateness_s), resident_mib, remembered_mib)


def _print_minute(number: int, minute: Minute) -> None:
    print(
        f"minute {number:>3}: {minute.messages:>5} messages, late p50 {minute.late_p50_ms:.3f} ms, "
        f"p99 {minute.late_p99_ms:.3f} ms, {minute.resident_mib:.1f} MiB resident, {minute.remembered_mib:.1f} of them remembered",
        flush=True,
    )


def _evidence(peers: dict[str, PeerProcess], takes: Path, origin_s: float) -> Evidence:
    evidence = Evidence(peers["robot"].messages("sent"), peers["synth"].messages("got"))
    for peer in peers.values():
        pulled_s = 0.0
        for what, at_s, _ in peer.events:
            if what in {"gap", "xrun", "delayed"}:
                evidence.disturbed_s.append(at_s)
            elif what == "pulled":
                pulled_s = at_s
            elif what == "back":
                evidence.pulled.append((pulled_s, at_s))
    for journal in sorted(takes.glob("*.jam")):
        for record in read_records(journal.read_bytes()).records:
            if isinstance(record, MessageReceived):
                evidence.heard.append(TimedMessage(record.at_s + origin_s, record.message))
            elif isinstance(record, MessagePlayed):
                evidence.played.append(TimedMessage(record.at_s + origin_s, record.message))
    return evidence


def _judge(report: SoakReport, evidence: Evidence, sounding_after_stop: list[Sounding]) -> None:
    hanging, lost = hanging_notes(evidence), lost_in_take(evidence)
    left = [note for note in soundings(evidence.synth_got) if note.until_s == float("inf")]
    pedals = pedals_down(evidence.synth_got)
    counts = [
        (len(hanging), "notes hung at the receiver"),
        (len(sounding_after_stop), "notes sounded at the receiver after a stop"),
        (len(left), "notes sounded at the receiver after the end"),
        (len(pedals), "pedals were down at the receiver after the end"),
        (len(lost), "note-ons of the robot or the receiver are not in the take"),
    ]
    report.broken += [f"{count} {what}" for count, what in counts if count]
    report.broken += [circumstances(evidence, note) for note in hanging[:5]] + [f"lost: {item}" for item in lost[:5]]
    settled = report.minutes[SETTLED_AFTER - 1 :]
    if len(settled) > 2:
        first, last = settled[0], settled[-1]
        growth_mib = last.resident_mib - first.resident_mib
        remembered_mib = last.remembered_mib - first.remembered_mib
        told = (
            f"memory grew by {growth_mib:.1f} MiB from minute {SETTLED_AFTER} on, {remembered_mib:.1f} of it remembered"
        )
        report.lines.append(told)
        if growth_mib - remembered_mib >= MOST_GROWTH_MIB:
            report.broken.append(told)
    note_ons = {
        name: sum(isinstance(item.message, NoteOn) for item in getattr(evidence, name))
        for name in ("robot_sent", "heard", "played", "synth_got")
    }
    report.lines += [
        f"note-ons: the robot sent {note_ons['robot_sent']:,}, the receiver got {note_ons['synth_got']:,}",
        f"in the journal: {note_ons['heard']:,} of robot and pages, {note_ons['played']:,} of the jam",
        f"{lost_on_the_way(evidence)} of the jam were lost on their way to the receiver",
        f"{len(evidence.pulled)} pulled cables, {len(evidence.disturbed_s)} late or missing cycles",
        *(f"{count} {what}" for count, what in counts),
    ]
