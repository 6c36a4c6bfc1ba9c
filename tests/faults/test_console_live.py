"""A jam whose output is not read: it starts, plays, and ends properly on request."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.takes.take_library import TakeLibrary
from tests.server.jam_process import FOURS_COMMAND, PATIENCE_S, Phone, free_port, wait_until
from tests.server.test_console import fill

JAM = (*FOURS_COMMAND, "jam", "--dummy", "--no-panel", "--verbose")
NO_STREAMS = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")


@contextmanager
def started_jam(
    folder: Path, *command: str, stdout: int = subprocess.DEVNULL, stderr: int = subprocess.DEVNULL
) -> Iterator[tuple[subprocess.Popen[bytes], Phone]]:
    """Runs a rule-based jam; yields its process, and a phone connected by OSC."""
    port = free_port()
    (folder / "config.toml").write_text(f"[osc]\nport = {port}\nreply_port = {free_port()}\n", encoding="utf-8")
    phone = Phone(port)
    with subprocess.Popen([*command, *JAM], cwd=folder, stdout=stdout, stderr=stderr) as jam:
        try:
            wait_until(lambda: _answers(phone), "the start")
            yield jam, phone
        finally:
            phone.close()
            jam.kill()


def _answers(phone: Phone) -> bool:
    phone._socket.settimeout(0.2)
    try:
        return phone.ask("/fours/swing").arguments == (50.0,)
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("is_log", [False, True])
def test_a_full_pipe_holds_up_neither_the_start_nor_the_end(
    tmp_path: Path, *, is_log: bool, number: signal.Signals
) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:
        fill(pipe)
        printing = started_jam(tmp_path, stderr=writer) if is_log else started_jam(tmp_path, stdout=writer)
        with printing as (jam, _):
            jam.send_signal(number)
            assert jam.wait(PATIENCE_S) == 0
    os.close(reader)


def test_a_jam_that_was_started_without_standard_streams_writes_its_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with started_jam(tmp_path, *NO_STREAMS) as (jam, phone):
        for value in ("on", "off"):
            assert phone.ask("/fours/record", value).arguments == (value,)
        jam.terminate()
        assert jam.wait(PATIENCE_S) == 0
    (entry,) = TakeLibrary(tmp_path / "data" / "fours" / "takes").entries()
    assert [mark.kind for mark in entry.summary.marks] == ["record"]
