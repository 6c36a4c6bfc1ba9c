"""The cost of the panel: the delay from a key on a page to its note in the jam, and how late notes are sent under load.

The jam runs in a separate process, as usual. The load comes from this process: pages that listen, OSC, and MIDI through the
pages' sockets, as a machine for measurements has no keyboard.
"""

import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from bench.table import show
from bridge.osc.osc_packets import OscMessage, encode

HOST = "127.0.0.1"
PORT, OSC_PORT = 18_744, 18_764
# A jam that prints, for each line on stdin, when it received each message, and how late its messages were sent since.
JAM = """
import json, sys, threading, time
from server.cli import main
from server.jam.jam import Jam
from server.music.music_thread import MusicThread

threads, received_s = [], []
start, receive = MusicThread.start, Jam.receive

def started(music):
    threads.append(music)
    start(music)

def received(jam, message, beat):
    receive(jam, message, beat)
    received_s.append(time.perf_counter())

def report():
    for _ in sys.stdin:
        late_s = threads[0].lateness_s
        reported = json.dumps([received_s, list(late_s)])
        # Before it is printed: what comes after the report belongs to the next one.
        late_s.clear()
        received_s.clear()
        print("report", reported, flush=True)

MusicThread.start, Jam.receive = started, received
threading.Thread(target=report, daemon=True).start()
main()
"""
# Sixteenths at 240 bpm: sixteen notes per second, all the time. Another rhythm would be one of the keys of the first part.
RHYTHM = ("--rhythm", "fixed", "--step", "0.25", "--tempo", "240")
OPTIONS = ("--mode", "continuous", "--over", "overlap", "--approach", "pitch", *RHYTHM)
KEYS = 300
SECONDS = 20.0
PATIENCE_S = 300.0
ROUNDS = 3
"""Idle and busy alternate, so that other load on the machine affects both."""
PANELS, OSC_PER_S, MIDI_PER_S = 4, 1000, 500
SPREAD_S = 0.004


def run() -> None:
    """Prints both, and the memory of the jam before and after."""
    options = ("--panel-port", str(PORT), "--osc-port", str(OSC_PORT), "--midi-api", "none", *OPTIONS)
    command = [sys.executable, "-c", JAM, "jam", *options]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_env(folder)) as jam,
    ):
        try:
            assert jam.stdout is not None
            while not jam.stdout.readline().startswith(b"Ready"):
                pass
            keys_ms, idle_ms, busy_ms, before_mib, after_mib = asyncio.run(_measure(jam))
        finally:
            jam.terminate()
    show(
        f"A key on a page to its note in the jam, {KEYS} keys on loopback",
        ("median ms", "p99 ms"),
        [tuple(f"{value:.2f}" for value in np.percentile(keys_ms, [50, 99]))],
    )
    rows = []
    for name, late_ms in (("nobody", idle_ms), (f"{PANELS} panels, {OSC_PER_S} OSC/s, {MIDI_PER_S} MIDI/s", busy_ms)):
        median, p99 = np.percentile(late_ms, [50, 99])
        rows.append((name, str(len(late_ms)), f"{median:.3f}", f"{p99:.3f}"))
    ratio = np.percentile(busy_ms, 99) / np.percentile(idle_ms, 99)
    show(f"Lateness of notes; busy p99 is {ratio:.2f} of idle", ("beside", "messages", "median ms", "p99 ms"), rows)
    show("Resident memory", ("before MiB", "after MiB"), [(f"{before_mib:.1f}", f"{after_mib:.1f}")])


def _env(folder: str) -> dict[str, str]:
    """Takes are recorded, as in any jam, but into this folder."""
    return {**os.environ, "XDG_DATA_HOME": folder}


async def _measure(jam: subprocess.Popen[bytes]) -> tuple[list[float], list[float], list[float], float, float]:
    async with asyncio.timeout(PATIENCE_S):
        async with _page() as page:
            keys_ms = await _keys(page, jam)
        idle_ms: list[float] = []
        busy_ms: list[float] = []
        before_mib = 0.0
        for round_number in range(ROUNDS):
            idle_ms += await _lateness(jam, busy=False)
            busy_ms += await _lateness(jam, busy=True)
            # After the first round, when all bounded buffers are full.
            before_mib = _resident_mib(jam.pid) if round_number == 0 else before_mib
        return keys_ms, idle_ms, busy_ms, before_mib, _resident_mib(jam.pid)


@asynccontextmanager
async def _page() -> AsyncIterator[ClientConnection]:
    origin = cast("Any", f"http://{HOST}:{PORT}")
    async with connect(f"ws://{HOST}:{PORT}/jam", origin=origin, proxy=None, max_queue=None) as page:
        await page.recv()
        yield page


async def _keys(page: ClientConnection, jam: subprocess.Popen[bytes]) -> list[float]:
    """From just before a key is sent until the jam has received it. On one machine both processes share a clock."""
    _request_report(jam)
    sent_s = []
    for number in range(KEYS):
        sent_s.append(time.perf_counter())
        await page.send(json.dumps({"type": "play", "data": [0x90, 48 + number % 24, 80]}))
        await asyncio.sleep(SPREAD_S)
        await page.send(json.dumps({"type": "play", "data": [0x80, 48 + number % 24, 0]}))
        await asyncio.sleep(SPREAD_S)
    received_s, _ = _request_report(jam)
    return [(received - sent) * 1000 for received, sent in zip(received_s[::2], sent_s, strict=True)]


async def _lateness(jam: subprocess.Popen[bytes], *, busy: bool) -> list[float]:
    """How late each message was sent, over SECONDS seconds, in milliseconds."""
    load_tasks = [asyncio.create_task(task) for task in _load()] if busy else []
    _request_report(jam)
    await asyncio.sleep(SECONDS)
    _, late_s = _request_report(jam)
    for task in load_tasks:
        task.cancel()
    for ended in await asyncio.gather(*load_tasks, return_exceptions=True):
        assert isinstance(ended, asyncio.CancelledError), ended
    return [seconds * 1000 for seconds in late_s]


def _request_report(jam: subprocess.Popen[bytes]) -> tuple[list[float], list[float]]:
    """When the jam received each message, and how late it sent its own, in seconds, since the last call."""
    assert jam.stdin is not None
    assert jam.stdout is not None
    jam.stdin.write(b"\n")
    jam.stdin.flush()
    received_s, late_s = json.loads(jam.stdout.readline().removeprefix(b"report "))
    return received_s, late_s


def _load() -> list[Coroutine[object, object, None]]:
    """Two pages that play, two that only listen, and OSC."""
    return [*(_listening() for _ in range(PANELS - 2)), _playing(), _playing(), _osc()]


async def _steadily() -> AsyncIterator[int]:
    """Yields every SPREAD_S seconds on average: a late timer is followed by an earlier one."""
    next_s = time.perf_counter()
    for number in itertools.count():
        yield number
        next_s += SPREAD_S
        await asyncio.sleep(max(0.0, next_s - time.perf_counter()))


async def _listening() -> None:
    async with _page() as page:
        async for _ in page:
            pass


async def _osc() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0)
        async for number in _steadily():
            for step in range(round(OSC_PER_S * SPREAD_S)):
                value = 0.7 + 0.4 * ((number + step) % 100) / 100
                sender.sendto(encode(OscMessage("/fours/temperature", (value,))), (HOST, OSC_PORT))


async def _playing() -> None:
    """Sends half of the MIDI messages, from a modulation wheel: keys would be answered, which would end the measurement."""
    async with _page() as page:
        async for _ in _steadily():
            for _ in range(round(MIDI_PER_S / 2 * SPREAD_S)):
                await page.send(json.dumps({"type": "play", "data": [0xB0, 1, 64]}))


def _resident_mib(pid: int) -> float:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
