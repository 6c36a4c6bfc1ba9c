import json
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

from server.controls.control_table import CONTROLS
from server.setup.daws.bitwig import PROJECT, SCRIPT, bitwig_files
from server.setup.partner import Partner
from tests.programs import require_program

STUB = Path(__file__).with_name("bitwig_stub.js")


def run(partner: Partner, folder: Path, *events: list[object]) -> tuple[list[str], list[str]]:
    """What the script does in a stub of Bitwig at its start, and then at each event."""
    script = folder / "TradingFours.control.js"
    script.write_bytes(bitwig_files(partner)[SCRIPT])
    lines = "\n".join(json.dumps(event) for event in events)
    command = [require_program("node"), str(STUB), str(script)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    start, then = done.stdout.split("---\n")
    return start.splitlines(), then.splitlines()


def test_the_script_declares_the_partners_ports_a_note_input_and_the_clock(partner: Partner, tmp_path: Path) -> None:
    start, _ = run(partner, tmp_path)
    assert 'found by ["Trading Fours Out"] ["Trading Fours In"]' in start
    assert "ports 1 1" in start
    assert "note input Trading Fours ??????" in start
    assert "clock true" in start
    assert f"sends to 127.0.0.1 {partner.osc_port}" in start
    assert f"listens on {partner.reply_port}" in start


def test_each_control_of_the_table_is_on_a_page_with_its_range(partner: Partner, tmp_path: Path) -> None:
    start, _ = run(partner, tmp_path)
    for control in CONTROLS:
        kind = {"number": "number", "action": "signal"}.get(control.kind, "enum")
        assert [line for line in start if line.startswith(f"{kind} {control.group} {control.name.replace('_', ' ')} [")]
    assert 'number partner temperature [0.1,2,0.0019,"",1]' in start


def test_at_the_start_the_partner_is_asked_and_nothing_is_set(partner: Partner, tmp_path: Path) -> None:
    start, _ = run(partner, tmp_path)
    assert [line for line in start if line.startswith("send ")] == ["send /fours/sync []"]


def test_a_control_goes_both_ways_without_an_echo(partner: Partner, tmp_path: Path) -> None:
    _, then = run(
        partner,
        tmp_path,
        ["turn", "temperature", 1.25],
        ["hear", "/fours/temperature", 0.5],
        ["turn", "mode", "fours"],
        ["hear", "/fours/mode", "answer"],
        ["turn", "respond", None],
    )
    assert then == [
        "send /fours/temperature [1.25]",
        "set temperature 0.5",
        'send /fours/mode ["fours"]',
        "set mode answer",
        "send /fours/respond [1]",
    ]


def test_the_project_template_has_two_tracks_that_name_their_ports(partner: Partner) -> None:
    archive = zipfile.ZipFile(BytesIO(bitwig_files(partner)[PROJECT]))
    assert archive.namelist() == ["metadata.xml", "project.xml"]
    text = archive.read("project.xml").decode()
    assert 'name="To Trading Fours" comment="Its MIDI output: Trading Fours In"' in text
    assert 'name="From Trading Fours" comment="Its MIDI input: Trading Fours Out"' in text
