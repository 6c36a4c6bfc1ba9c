import subprocess
from dataclasses import replace
from pathlib import Path

import rpp

from server.setup.daws.reaper import SCRIPT, TEMPLATE, reaper_files
from server.setup.partner import Partner
from tests.programs import require_program

STUB = Path(__file__).with_name("reaper_stub.lua")


def run(partner: Partner, folder: Path, *words: str) -> list[list[str]]:
    """What the script does in a stub of REAPER at its first and at its second run."""
    script = folder / "script.lua"
    script.write_bytes(reaper_files(partner)[SCRIPT])
    command = [require_program("lua5.4"), str(STUB), str(script), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return [part.strip().splitlines() for part in done.stdout.split("--- again\n")]


def test_the_script_makes_two_tracks_routes_them_and_switches_the_clock_on(partner: Partner, tmp_path: Path) -> None:
    first, _ = run(partner, tmp_path)
    assert first == [
        "insert 0",
        "name To Trading Fours",
        "To Trading Fours: I_RECINPUT 6112",  # MIDI, all devices, all channels
        "To Trading Fours: I_RECARM 1",
        "To Trading Fours: I_RECMON 1",
        "To Trading Fours: I_MIDIHWOUT 32",  # device 1, all channels
        "insert 1",
        "name From Trading Fours",
        "From Trading Fours: I_RECINPUT 4128",  # MIDI, device 1, all channels
        "From Trading Fours: I_RECARM 1",
        "From Trading Fours: I_RECMON 1",
        "From Trading Fours: effect ReaSynth",
        "config midiouts_clock 3",
        "midi_reinit",
    ]


def test_a_second_run_adds_no_track_and_changes_no_clock(partner: Partner, tmp_path: Path) -> None:
    _, again = run(partner, tmp_path)
    assert again
    assert not [line for line in again if line.startswith(("insert", "name", "config")) or "effect" in line]


def test_a_tempo_that_is_wanted_is_set_in_the_song(partner: Partner, tmp_path: Path) -> None:
    first, _ = run(replace(partner, tempo_bpm=96.0), tmp_path)
    assert [line for line in first if line.startswith("tempo")] == ["tempo 96.0 0 0 false"]


def test_without_the_ports_it_says_what_to_do_and_changes_nothing(partner: Partner, tmp_path: Path) -> None:
    first, _ = run(partner, tmp_path, "no ports")
    assert len(first) == 1
    assert first[0].startswith('message There is no port "Trading Fours In" here. Start "fours jam"')


def test_the_track_template_holds_two_armed_and_monitored_midi_tracks(partner: Partner) -> None:
    text = reaper_files(partner)[TEMPLATE].decode()
    tracks = rpp.loads(f"<REAPER_PROJECT\n{text}>\n").findall("TRACK")
    assert [track.find("NAME")[1] for track in tracks] == ["To Trading Fours", "From Trading Fours"]
    assert [track.find("REC")[1:4] for track in tracks] == [["1", "6112", "1"], ["1", "6112", "1"]]
