import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import command_line
from server.cli.setup_cli import DAW_HELP
from server.config.config import ALL_INTERFACES, Config, MidiSection, OscSection
from server.errors import SetupError
from server.setup.daw_folders import Machine
from server.setup.daw_table import DAWS
from server.setup.own_files import OwnFiles
from server.setup.partner import Partner
from server.setup.setup_command import find_daw, set_up, take_down
from tests.conftest import CHECKOUT

MOST_STEPS = 5


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Linux home with the folders of REAPER and of two versions of Ardour."""
    home = tmp_path / "home"
    for name in ("REAPER", "ardour7", "ardour8"):
        (home / ".config" / name).mkdir(parents=True)
    return Machine("linux", home, {})


@pytest.fixture
def own_files(tmp_path: Path) -> OwnFiles:
    return OwnFiles(tmp_path / "data")


def run(name: str, machine: Machine, own_files: OwnFiles, to: Path | None = None, *, remove: bool = False) -> list[str]:
    said: list[str] = []
    if remove:
        take_down(find_daw(name), Config(), machine, own_files, said.append, to=to)
    else:
        set_up(find_daw(name), Config(), machine, own_files, said.append, to=to, tempo_bpm=None)
    return said


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", DAWS)
def test_it_says_what_to_click_in_at_most_five_lines(
    name: str, machine: Machine, own_files: OwnFiles, tmp_path: Path
) -> None:
    said = run(name, machine, own_files, tmp_path / "to")
    steps = [line for line in said if line[0].isdigit()]
    assert 1 <= len(steps) <= MOST_STEPS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("touchosc", "enter this machine's address, send to 8100, receive on 9100."),
        ("live", 'MIDI To "IAC 1". MIDI track 2, with an instrument: MIDI From "IAC 2"'),
    ],
)
def test_what_to_click_names_the_configured_ports(
    name: str, expected: str, machine: Machine, own_files: OwnFiles, tmp_path: Path
) -> None:
    osc = OscSection(port=8100, reply_port=9100, advertise="off")
    said: list[str] = []
    config = Config(osc=osc, midi=MidiSection(input="IAC 1", output="IAC 2"))
    set_up(find_daw(name), config, machine, own_files, said.append, to=tmp_path / "to", tempo_bpm=None)
    assert expected in " ".join(said)


def test_what_to_click_names_the_ports_that_a_jam_has_without_a_configuration(
    machine: Machine, own_files: OwnFiles, tmp_path: Path
) -> None:
    assert "choose Trading Fours from those that are found, send to 8000, receive on 9000." in " ".join(
        run("touchosc", machine, own_files, tmp_path / "to")
    )


@pytest.mark.parametrize(
    ("host", "sent_to"), [("127.0.0.1", "127.0.0.1"), (ALL_INTERFACES, "127.0.0.1"), ("192.168.1.7", "192.168.1.7")]
)
def test_a_daws_file_sends_osc_to_where_the_jam_listens(host: str, sent_to: str) -> None:
    assert Partner.of(Config(osc=OscSection(host=host))).osc_host == sent_to


def test_the_files_go_into_the_daws_own_folder(machine: Machine, own_files: OwnFiles) -> None:
    said = run("reaper", machine, own_files)
    assert said[:2] == [
        "~/.config/REAPER/Scripts/Trading Fours.lua",
        "~/.config/REAPER/TrackTemplates/Trading Fours.RTrackTemplate",
    ]
    assert set(files_below(machine.home)) == {
        ".config/REAPER/Scripts/Trading Fours.lua",
        ".config/REAPER/TrackTemplates/Trading Fours.RTrackTemplate",
    }


def test_the_newest_ardour_gets_the_script(machine: Machine, own_files: OwnFiles) -> None:
    run("ardour", machine, own_files)
    assert set(files_below(machine.home)) == {".config/ardour8/scripts/trading_fours.lua"}


def test_a_daw_that_is_not_found_says_where_it_was_looked_for(machine: Machine, own_files: OwnFiles) -> None:
    with pytest.raises(
        SetupError, match=r"Bitwig Studio is not found \(looked for ~/Documents/Bitwig Studio and ~/Bitwig"
    ):
        run("bitwig", machine, own_files)


def test_a_second_run_changes_nothing(machine: Machine, own_files: OwnFiles) -> None:
    run("reaper", machine, own_files)
    before = files_below(machine.home)
    said = run("reaper", machine, own_files)
    assert files_below(machine.home) == before
    assert said[0].endswith("(unchanged)")


@pytest.mark.parametrize("name", ["reaper", "bitwig", "ardour", "live", "dawproject", "touchosc"])
def test_remove_undoes_it(name: str, machine: Machine, own_files: OwnFiles, tmp_path: Path) -> None:
    folder = tmp_path / "to"
    folder.mkdir()
    (folder / "own.txt").write_text("mine")
    run(name, machine, own_files, folder)
    assert len(files_below(folder)) > 1
    run(name, machine, own_files, folder, remove=True)
    assert list(folder.rglob("*")) == [folder / "own.txt"]
    assert run(name, machine, own_files, folder, remove=True) == [
        f"There is nothing of ours for {find_daw(name).title}."
    ]


def test_remove_leaves_empty_folders_that_were_there_before(
    machine: Machine, own_files: OwnFiles, tmp_path: Path
) -> None:
    there = tmp_path / "to" / "Presets" / "MIDI Effects"
    there.mkdir(parents=True)
    run("live", machine, own_files, tmp_path / "to")
    run("live", machine, own_files, tmp_path / "to", remove=True)
    assert list(there.parent.rglob("*")) == [there]


def test_a_folder_that_is_named_from_where_fours_runs_is_the_same_one_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert CliRunner().invoke(command_line(), ["setup", "ardour", "--to", "to"]).exit_code == 0
    other = tmp_path / "there" / "to" / "scripts" / "trading_fours.lua"
    other.parent.mkdir(parents=True)
    other.write_bytes((tmp_path / "here" / "to" / "scripts" / "trading_fours.lua").read_bytes())
    monkeypatch.chdir(tmp_path / "there")
    assert CliRunner().invoke(command_line(), ["setup", "ardour", "--to", "to", "--remove"]).exit_code == 0
    assert other.is_file()


def test_a_file_that_it_did_not_write_is_never_touched(machine: Machine, own_files: OwnFiles) -> None:
    script = machine.home / ".config" / "REAPER" / "Scripts" / "Trading Fours.lua"
    script.parent.mkdir()
    script.write_text("-- mine")
    with pytest.raises(SetupError, match="was not written by fours"):
        run("reaper", machine, own_files)
    run("reaper", machine, own_files, remove=True)
    assert set(files_below(machine.home).values()) == {b"-- mine"}


def test_a_file_that_was_edited_since_stays(machine: Machine, own_files: OwnFiles) -> None:
    run("ardour", machine, own_files)
    script = machine.home / ".config" / "ardour8" / "scripts" / "trading_fours.lua"
    script.write_text("-- my own version")
    with pytest.raises(SetupError, match="was edited since fours wrote it"):
        run("ardour", machine, own_files)
    assert run("ardour", machine, own_files, remove=True) == [
        "~/.config/ardour8/scripts/trading_fours.lua was edited since fours wrote it, and stays"
    ]
    assert script.read_text() == "-- my own version"


def test_the_help_and_the_readme_name_all_that_there_is_to_set_up() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in readme.splitlines() if line.startswith("| `fours setup DAW` |")]
    for name in DAWS:
        assert name in DAW_HELP
        assert f"`{name}`" in row


def test_an_unknown_daw_gets_one_sentence_with_what_there_is() -> None:
    with pytest.raises(SetupError, match=r'nothing to set up for repaer\. Did you mean "reaper"'):
        find_daw("repaer")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Ableton", "live"), ("ableton-live", "live"), ("Cubase", "dawproject"), ("Studio One", "dawproject")],
)
def test_a_daw_by_another_name_gets_the_name_to_use(name: str, meant: str) -> None:
    with pytest.raises(SetupError, match=rf'nothing to set up for {name}\. Did you mean "{meant}"\?'):
        find_daw(name)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
def test_a_pipe_in_the_folder_is_not_waited_for(machine: Machine, own_files: OwnFiles) -> None:
    (name, *_) = run("reaper", machine, own_files)
    path = machine.home / name.removeprefix("~/")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SetupError, match="cannot be read: it is a pipe or a device, and no file"):
        run("reaper", machine, own_files)
