"""Where each DAW looks for files of its user, on each system; takes the system, the home and the environment as arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides where files lie: `platform` is Python's `sys.platform`."""

    platform: str
    home: Path
    environment: Mapping[str, str]

    @property
    def config(self) -> Path:
        """Where programs keep their settings."""
        match self.platform:
            case "win32":
                return Path(self.environment.get("APPDATA", str(self.home / "AppData" / "Roaming")))
            case "darwin":
                return self.home / "Library"
            case _:
                return Path(self.environment.get("XDG_CONFIG_HOME") or self.home / ".config")

    @property
    def documents(self) -> Path:
        """The user's documents; on Windows those may lie in OneDrive."""
        if self.platform == "win32" and (drive := self.environment.get("OneDrive")):
            moved = Path(drive) / "Documents"
            if moved.is_dir():
                return moved
        return self.home / "Documents"


def reaper_folders(machine: Machine) -> list[Path]:
    """REAPER's resource folder."""
    match machine.platform:
        case "darwin":
            return [machine.config / "Application Support" / "REAPER"]
        case _:
            return [machine.config / "REAPER"]


def bitwig_folders(machine: Machine) -> list[Path]:
    """Bitwig Studio's folder of the user."""
    return [machine.documents / "Bitwig Studio", machine.home / "Bitwig Studio"]


def ardour_folders(machine: Machine) -> list[Path]:
    """The settings of the newest Ardour first, from version 7 on."""
    match machine.platform:
        case "win32":
            root = Path(machine.environment.get("LOCALAPPDATA", str(machine.home / "AppData" / "Local")))
            name = "Ardour{}"
        case "darwin":
            root, name = machine.config / "Preferences", "Ardour{}"
        case _:
            root, name = machine.config, "ardour{}"
    return [root / name.format(version) for version in (9, 8, 7)]


def live_folders(machine: Machine) -> list[Path]:
    """Ableton Live's User Library."""
    if machine.platform == "darwin":
        return [machine.home / "Music" / "Ableton" / "User Library"]
    return [machine.documents / "Ableton" / "User Library"]


def no_folders(_machine: Machine) -> list[Path]:
    """For an app that has no folder on this machine."""
    return []


FindFolders = Callable[[Machine], list[Path]]


def found_folder(folders: FindFolders, machine: Machine) -> Path | None:
    """The first of a DAW's folders that is there, or None."""
    return next((folder for folder in folders(machine) if folder.is_dir()), None)


def shown(path: PurePath, home: Path) -> str:
    """A path for the user: short where it lies in the home folder."""
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)
