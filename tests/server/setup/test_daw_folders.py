from pathlib import Path

import pytest

from server.setup.daw_folders import FindFolders, Machine, ardour_folders, bitwig_folders, live_folders, reaper_folders

HOME = Path("home")
WINDOWS = {"APPDATA": "home/AppData/Roaming", "LOCALAPPDATA": "home/AppData/Local"}


@pytest.mark.parametrize(
    ("platform", "environment", "find", "expected"),
    [
        ("linux", {}, reaper_folders, "home/.config/REAPER"),
        ("linux", {"XDG_CONFIG_HOME": "home/settings"}, reaper_folders, "home/settings/REAPER"),
        ("darwin", {}, reaper_folders, "home/Library/Application Support/REAPER"),
        ("win32", WINDOWS, reaper_folders, "home/AppData/Roaming/REAPER"),
        ("win32", {}, reaper_folders, "home/AppData/Roaming/REAPER"),
        ("linux", {}, bitwig_folders, "home/Documents/Bitwig Studio"),
        ("linux", {}, ardour_folders, "home/.config/ardour9"),
        ("darwin", {}, ardour_folders, "home/Library/Preferences/Ardour9"),
        ("win32", WINDOWS, ardour_folders, "home/AppData/Local/Ardour9"),
        ("darwin", {}, live_folders, "home/Music/Ableton/User Library"),
        ("win32", WINDOWS, live_folders, "home/Documents/Ableton/User Library"),
    ],
)
def test_each_daw_is_looked_for_where_it_keeps_the_files_of_its_user(
    platform: str, environment: dict[str, str], find: FindFolders, expected: str
) -> None:
    assert find(Machine(platform, HOME, environment))[0] == Path(expected)


def test_documents_that_windows_moved_into_onedrive_are_found_there(tmp_path: Path) -> None:
    (tmp_path / "OneDrive" / "Documents").mkdir(parents=True)
    machine = Machine("win32", tmp_path, {"OneDrive": str(tmp_path / "OneDrive")})
    assert bitwig_folders(machine)[0] == tmp_path / "OneDrive" / "Documents" / "Bitwig Studio"
