"""What of Ardour's script can be told without Ardour; `test_ardour_live.py` runs it there."""

import subprocess
from dataclasses import replace
from pathlib import Path

from server.setup.daws.ardour import SCRIPT, ardour_files
from server.setup.partner import Partner
from tests.programs import require_program

HEADER = (
    "ardour = function(row) print(row.type, row.name) end\ndofile(arg[1])\nprint(session_setup(), type(factory()))\n"
)


def test_it_is_an_action_and_a_template_for_new_sessions(partner: Partner, tmp_path: Path) -> None:
    script, reader = tmp_path / SCRIPT.name, tmp_path / "reader.lua"
    script.write_bytes(ardour_files(replace(partner, tempo_bpm=96.0))[SCRIPT])
    reader.write_text(HEADER)
    command = [require_program("lua5.4"), str(reader), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.split("\n")[:2] == ["EditorAction\tTrading Fours", "true\tfunction"], done.stderr
    assert "local tempo_bpm = 96.0" in script.read_text()
