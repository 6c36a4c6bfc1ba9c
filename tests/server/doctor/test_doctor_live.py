"""`fours doctor` as a process, on JACK's dummy driver and without any JACK."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.conftest import Jackd
from tests.server.jam_process import FOURS_COMMAND, free_port, running_jam

PATIENCE_S = 60


def examine(folder: Path, config: str = "", **environment: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the report of a doctor with free ports."""
    text = f"[osc]\nport = {free_port()}\n[panel]\nport = {free_port()}\n{config}"
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return examine_as_configured(folder, **environment)


def examine_as_configured(folder: Path, **environment: str) -> tuple[int, dict[str, Any]]:
    command = [*FOURS_COMMAND, "doctor", "--json"]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def findings_of(report: dict[str, Any], check: str) -> list[dict[str, Any]]:
    return [finding for finding in report["findings"] if finding["check"] == check]


def test_on_a_jack_server_one_can_play_and_its_period_is_in_the_report(long_cycle_jackd: Jackd, tmp_path: Path) -> None:
    assert long_cycle_jackd.name
    status, report = examine(tmp_path)
    assert (status, report["can_play"]) == (0, True), report
    (period,) = findings_of(report, "Period")
    assert period["figures"] == {"frames": 1024, "rate_hz": 48000, "period_ms": 1024 / 48}
    assert findings_of(report, "MIDI system")[0]["what"].startswith("jack is used")
    assert findings_of(report, "Timing")[0]["figures"]["wake_up_median_ms"] > 0.0
    assert findings_of(report, "Packs")[0]["what"] == "intact: rock, songbook"


def test_while_a_jam_is_running_its_ports_are_in_order(
    long_cycle_jackd: Jackd, tiny_pack: Path, tmp_path: Path
) -> None:
    assert long_cycle_jackd.name
    panel_port = free_port()
    options = ("--pack", str(tiny_pack), "--panel-port", str(panel_port))
    with running_jam(tmp_path, *options, more_config=f"[panel]\nport = {panel_port}\n"):
        status, report = examine_as_configured(tmp_path)
    assert (status, report["can_play"]) == (0, True), report
    for check in ("OSC", "Panel"):
        (finding,) = findings_of(report, check)
        assert "is that of a jam that is running" in finding["what"]


def test_a_doctor_leaves_a_server_that_waits_for_its_clients_running_for_the_next(
    long_cycle_jackd: Jackd, tmp_path: Path
) -> None:
    for _ in range(4):
        _, report = examine(tmp_path)
        assert findings_of(report, "MIDI system")[0]["what"].startswith("jack is used")
    # Such a server says so when it stands still for five seconds, in which no program can open a client.
    assert "SuspendRefNum error" not in long_cycle_jackd.log.read_text(encoding="utf-8", errors="replace")


def test_without_the_midi_system_that_is_asked_for_one_cannot_play(tmp_path: Path) -> None:
    status, report = examine(tmp_path, '[midi]\napi = "jack"\n', JACK_DEFAULT_SERVER="fours-no-such-server")
    assert (status, report["can_play"]) == (1, False)
    assert findings_of(report, "MIDI system")[0]["remedy"].startswith("No JACK server is running")


def test_mistakes_in_the_configuration_are_listed_and_the_rest_is_still_examined(tmp_path: Path) -> None:
    status, report = examine(tmp_path, "[controls]\ntempo = 9999\n")
    (finding,) = findings_of(report, "Config")
    assert (status, finding["state"]) == (1, "broken")
    assert "tempo" in finding["remedy"]
    assert findings_of(report, "Packs")
