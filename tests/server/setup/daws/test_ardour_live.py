"""The script of `fours setup ardour` in Ardour itself, without its windows, with Ardour's own engine: it needs no sound and no JACK."""

import os
import subprocess
from pathlib import Path

from server.setup.daws.ardour import SCRIPT, ardour_files
from server.setup.partner import Partner
from tests.programs import require_program

RUNNER = Path(__file__).with_name("ardour_runner.lua")
TIMEOUT_S = 240  # a busy machine needs half a minute to start Ardour


def test_it_adds_two_tracks_and_routes_them_and_a_second_run_adds_none(partner: Partner, tmp_path: Path) -> None:
    script = tmp_path / SCRIPT.name
    script.write_bytes(ardour_files(partner)[SCRIPT])
    command = [require_program("ardour7-lua"), str(RUNNER)]
    folders = {"SCRIPT": str(script), "FOLDER": str(tmp_path / "session"), "HOME": str(tmp_path)}
    environment = {**os.environ, **folders, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, env=environment)
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith(("TRACK", "CLOCK"))]
    # Armed, monitored, connected with the port that the partner plays to, and with that to which it listens.
    assert rows == [
        ["TRACK", "To Trading Fours", "off", "on", "false", "true", "-"],
        ["TRACK", "From Trading Fours", "on", "on", "true", "false", "ACE Reasonable Synth"],
        ["CLOCK", "true"],
    ], (done.stdout, done.stderr)
